"""`mpt translations`: the training pairs of a k-shot split in XNLI's own translations."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.params.whole import Params


def translations(
    *,
    shots: Annotated[int, typer.Option(min=1, help="Labelled pairs per label, k.")],
) -> None:
    """Give each training pair of data/fewshot/kK.parquet its translation in one language."""
    import pandas as pd

    from pipeline.artifacts import read_table, write_table
    from pipeline.corpora.files import FEWSHOT, SPLITS, TRANSLATED, TRANSLATED_SPLITS
    from pipeline.params.whole import load_params
    from stages.terminal import say

    params = load_params()
    path = TRANSLATED / f"k{shots}.parquet"
    split = read_table(FEWSHOT / f"k{shots}.parquet", SPLITS)
    if split.empty or not params.fewshot.translations:
        write_table(pd.DataFrame(columns=TRANSLATED_SPLITS.schema.names), path, TRANSLATED_SPLITS)
        reason = "the split is empty" if split.empty else "fewshot.translations is false"
        say(f"{path}: no pairs, because {reason}")
        return
    pairs = _translated(split[split.split.str.startswith("train")], params, shots=shots)
    write_table(pairs, path, TRANSLATED_SPLITS)
    counts = ", ".join(f"{code} {n}" for code, n in pairs.groupby("language").size().items())
    say(f"{path}: {len(pairs)} pairs: {counts}")


def _translated(train: "pd.DataFrame", params: "Params", *, shots: int) -> "pd.DataFrame":
    """Read the translations from the split's own source, and give each pair one of them."""
    from pipeline.artifacts import read_notes, read_table
    from pipeline.corpora.all_languages import read_translations
    from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT
    from pipeline.corpora.translated import given_translations, refuse_test_pairs, with_translations
    from pipeline.errors import InputError
    from stages.terminal import bar

    fewshot, languages, xnli = params.fewshot, params.languages, params.datasets.xnli
    path = FEWSHOT / f"k{shots}.parquet"
    source = read_notes(path).get("source")
    if source != fewshot.source:
        # The pair ids are rows of that other source.
        raise InputError(
            f"{path}: expected a split from fewshot.source ({fewshot.source}), found one from "
            f"{source} (mpt fewshot --shots {shots} makes it anew)"
        )
    test = read_table(CORPORA / "test.parquet", EXAMPLES)
    if fewshot.source == "sample":
        place = f"{xnli.path}: all_languages/train"
        with bar() as progress:
            every = read_translations(
                xnli, train, english=languages.source, languages=languages.targets,
                progress=progress,
            )  # fmt: skip
    else:
        place = f"{fewshot.source}/k{shots}/train-translations.parquet"
        every = given_translations(
            fewshot, shots=shots, pairs=len(train), languages=languages.targets
        )
    pairs = with_translations(
        train, every, languages=languages.targets, seed=fewshot.split_seed, place=place
    )
    refuse_test_pairs(pairs, test, place=place)
    return pairs
