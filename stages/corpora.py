"""`mpt corpora`: XNLI and the pool of English pairs, validated."""

from collections.abc import Mapping


def corpora() -> None:
    """Read XNLI and the English PAWS-X, and write data/corpora/."""
    from pipeline.artifacts import write_json, write_table
    from pipeline.corpora.files import CORPORA, ENGLISH_PAIRS, EXAMPLES
    from pipeline.corpora.pairs import clean_pool, read_paws_x
    from pipeline.corpora.xnli import contents, load_xnli
    from pipeline.params.whole import load_params
    from stages.terminal import bar, say

    params = load_params()
    source = params.languages.source
    with bar() as progress:
        splits, unusable = load_xnli(params.datasets.xnli, params.languages, progress=progress)
    test = splits["test"]
    raw = read_paws_x(params.datasets.paws_x, source)
    pool, left_out = clean_pool(raw, test[test.language == source])
    for name, frame in splits.items():
        write_table(frame, CORPORA / f"{name}.parquet", EXAMPLES)
    write_table(pool, CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    pairs = {"rows": len(pool), "left_out": left_out}
    manifest = {"left_out_of_train": unusable, **contents(splits), "pairs_en": pairs}
    write_json(manifest, CORPORA / "manifest.json")
    train, dev = (len(splits[name]) for name in ("train", "dev"))
    rows = params.datasets.xnli.rows
    part = f" ({rows:,} of each)" if rows else ""
    say(
        f"{params.datasets.xnli.path}: train {train:,} and dev {dev:,} in {source}, "
        f"test {len(test):,} in {len(params.languages.all)} languages{part}"
        + _in_words(unusable, " (of train left out: ")
    )
    say(
        f"{params.datasets.paws_x.path}: {len(pool):,} of {len(raw):,} pairs usable"
        + _in_words(left_out, " (left out: ")
    )


def _in_words(left_out: Mapping[str, int], before: str) -> str:
    """Return how many were left out by reason, or nothing if none was."""
    reasons = [f"{reason} {number:,}" for reason, number in left_out.items() if number]
    return f"{before}{', '.join(reasons)})" if reasons else ""
