"""`mpt unlabelled`: training text without its labels as parallel pairs."""


def unlabelled() -> None:
    """Draw training pairs as PAWS-15 is drawn, with the translations that come with them.

    They are those of the given splits that no run uses or, without any, XNLI's.
    For runs with `pairs: xnli_unlabelled`; without any, the file is empty.
    """
    import pandas as pd

    from pipeline.artifacts import read_table, write_table
    from pipeline.corpora import files
    from pipeline.corpora.unlabelled import unlabelled_pool, with_unlabelled_translations
    from pipeline.params.whole import load_params
    from pipeline.translation.draw import draw_pairs
    from stages.terminal import bar, say

    params, path = load_params(), files.UNLABELLED / "pairs.parquet"
    if not params.reads_unlabelled:
        nothing = pd.DataFrame(columns=files.PARALLEL_PAIRS.schema.names)
        write_table(nothing, path, files.PARALLEL_PAIRS)
        say(f"{path}: no pairs, because no run in ablations has pairs: xnli_unlabelled")
        return
    texts = {
        name: read_table(files.CORPORA / f"{name}.parquet", files.EXAMPLES)
        for name in ("train", "dev", "test")
    }
    pool, source = unlabelled_pool(texts, params)
    drawn = draw_pairs(pool, params.paws15, params.languages.targets, of=source)
    with bar() as progress:
        pairs = with_unlabelled_translations(drawn, texts["test"], params, progress=progress)
    write_table(pairs.assign(engine="xnli"), path, files.PARALLEL_PAIRS)
    counts = ", ".join(f"{code} {n}" for code, n in pairs.groupby("language").size().items())
    say(f"{path}: {len(pairs)} of {len(pool):,} pairs of {source}: {counts}")
