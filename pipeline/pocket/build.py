"""The sources in data/pocket/ -> its datasets and its backbone."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.pocket.corpus import Corpora, draw_corpora, write_hub
from pipeline.pocket.grammar import Grammar, read_grammar
from pipeline.pocket.lexicon import read_lexicon
from pipeline.progress import Progress, silent

POCKET = Path("data/pocket")


@dataclass(frozen=True)
class Sources:
    """What is read from the sources and drawn from them."""

    grammar: Grammar
    corpora: Corpora


def read_sources(folder: Path = POCKET) -> Sources:
    """Read lexicon.csv and grammar.yaml, and draw the items of all splits.

    Raises:
        InputError: a source is missing or wrong.
    """
    lexicon = read_lexicon(folder / "lexicon.csv")
    return Sources(read_grammar(folder / "grammar.yaml", lexicon), draw_corpora(lexicon))


def build_data(sources: Sources, folder: Path = POCKET) -> None:
    """Write `folder`/hub/xnli and `folder`/hub/paws-x; the same sources give the same bytes."""
    write_hub(sources.corpora, sources.grammar, folder / "hub")


def build_backbone(sources: Sources, folder: Path = POCKET, progress: Progress = silent) -> None:
    """Pretrain the backbone and write it with its tokenizer to `folder`/backbone."""
    from pipeline.pocket.pretraining import pretrain
    from pipeline.pocket.tokenizer import build_tokenizer, save_tokenizer

    tokenizer = build_tokenizer(sources.grammar)
    model = pretrain(sources.grammar, sources.corpora.pairs, tokenizer, progress)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".backbone.", dir=folder))
    try:
        model.save_pretrained(temporary)
        save_tokenizer(tokenizer, temporary)
        temporary.chmod(0o755)
        for file in temporary.iterdir():
            file.chmod(0o644)
        shutil.rmtree(folder / "backbone", ignore_errors=True)
        temporary.rename(folder / "backbone")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
