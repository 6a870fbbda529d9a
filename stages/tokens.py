"""`mpt tokens`: the test text as token ids, made once for all cells."""


def tokens() -> None:
    """Tokenize the test text with the backbone's tokenizer, and write data/tokens/test.parquet."""
    from pipeline.artifacts import read_table, write_table
    from pipeline.backbone.files import BACKBONE, TOKENIZED, TOKENS
    from pipeline.backbone.tokens import load_pieces, notes_of, tokenize
    from pipeline.corpora.files import CORPORA, EXAMPLES
    from pipeline.prompting.forms import every_form
    from stages.terminal import bar, say

    test = read_table(CORPORA / "test.parquet", EXAMPLES)
    pieces = load_pieces(BACKBONE)
    texts = every_form([*test.premise, *test.hypothesis], space=pieces.space)
    with bar() as progress:
        frame = tokenize(pieces, texts, progress=progress)
    path = TOKENS / "test.parquet"
    write_table(frame, path, TOKENIZED, notes=notes_of(BACKBONE))
    say(f"{path}: {len(texts):,} texts, {frame.ids.map(len).sum():,} tokens")
