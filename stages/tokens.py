"""`mpt tokens`: the test text as token ids, once for all cells."""


def tokens() -> None:
    """Tokenize the test text with the backbone's tokenizer, and write data/tokens/test.parquet."""
    from pipeline import artifacts
    from pipeline.prompting.forms import every_form
    from pipeline.prompting.tokens import load_pieces, notes_of, tokenize
    from stages.terminal import bar, say

    test = artifacts.read_table(artifacts.CORPORA / "test.parquet", artifacts.EXAMPLES)
    pieces = load_pieces(artifacts.BACKBONE)
    texts = every_form([*test.premise, *test.hypothesis])
    with bar() as progress:
        frame = tokenize(pieces, texts, progress=progress)
    path = artifacts.TOKENS / "test.parquet"
    notes = notes_of(artifacts.BACKBONE)
    artifacts.write_table(frame, path, artifacts.TOKENIZED, notes=notes)
    say(f"{path}: {len(texts):,} texts, {frame.ids.map(len).sum():,} tokens")
