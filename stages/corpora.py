"""`mpt corpora`: XNLI and the pool of English pairs, validated."""


def corpora() -> None:
    """Read XNLI and the English PAWS-X, and write data/corpora/."""
    from pipeline.artifacts import write_table
    from pipeline.corpora.files import CORPORA, ENGLISH_PAIRS, EXAMPLES
    from pipeline.corpora.pairs import clean_pool, read_paws_x
    from pipeline.corpora.xnli import load_xnli
    from pipeline.params.whole import load_params
    from stages.terminal import bar, say

    params = load_params()
    source = params.languages.source
    with bar() as progress:
        splits = load_xnli(params.datasets.xnli, params.languages, progress=progress)
    test = splits["test"]
    raw = read_paws_x(params.datasets.paws_x, source)
    pool, left_out = clean_pool(raw, test[test.language == source])
    for name, frame in splits.items():
        write_table(frame, CORPORA / f"{name}.parquet", EXAMPLES)
    write_table(pool, CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    train, dev = (len(splits[name]) for name in ("train", "dev"))
    rows = params.datasets.xnli.rows
    part = f" ({rows:,} of each)" if rows else ""
    say(
        f"{params.datasets.xnli.path}: train {train:,} and dev {dev:,} in {source}, "
        f"test {len(test):,} in {len(params.languages.all)} languages{part}"
    )
    say(
        f"{params.datasets.paws_x.path}: {len(pool):,} of {len(raw):,} pairs usable ("
        + ", ".join(f"{reason} {number:,}" for reason, number in left_out.items())
        + ")"
    )
