"""`mpt tokens`: the test text as token ids, made once for all cells."""


def tokens() -> None:
    """Tokenize the test text with each backbone's tokenizer, and write data/tokens/NAME.parquet."""
    from pipeline.artifacts import read_table, write_table
    from pipeline.backbone.files import BACKBONES, TOKENIZED, TOKENS, backbone_folder, tokens_path
    from pipeline.backbone.tokens import load_pieces, notes_of, tokenize
    from pipeline.corpora.files import CORPORA, EXAMPLES
    from pipeline.errors import InputError
    from pipeline.files import keep_only
    from pipeline.prompting.forms import every_form
    from stages.terminal import bar, say

    test = read_table(CORPORA / "test.parquet", EXAMPLES)
    names = sorted(path.stem for path in BACKBONES.glob("*.json"))
    if not names:
        raise InputError(f"{BACKBONES}: expected backbones (stage backbone), found none")
    for name in names:
        pieces, path = load_pieces(backbone_folder(name)), tokens_path(name)
        texts = every_form([*test.premise, *test.hypothesis], space=pieces.space)
        with bar() as progress:
            frame = tokenize(pieces, texts, progress=progress)
        write_table(frame, path, TOKENIZED, notes=notes_of(backbone_folder(name)))
        say(f"{path}: {len(texts):,} texts, {frame.ids.map(len).sum():,} tokens")
    keep_only(map(tokens_path, names), TOKENS)
