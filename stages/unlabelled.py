"""`mpt unlabelled`: XNLI's own training text as parallel pairs, without its labels."""


def unlabelled() -> None:
    """Draw pairs of XNLI's training set as PAWS-15 is drawn, with XNLI's own translations.

    For runs with `pairs: xnli_unlabelled`; without any, the file is empty.
    """
    import pandas as pd

    from pipeline.artifacts import read_table, write_table
    from pipeline.corpora import files
    from pipeline.corpora.all_languages import read_translations
    from pipeline.corpora.pairs import clean_pool
    from pipeline.corpora.translated import refuse_test_pairs, with_translations
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
    source, xnli, languages = params.languages.source, params.datasets.xnli, params.pair_languages
    pools = {name: text[text.language == source] for name, text in texts.items()}
    pool, _ = clean_pool(pools["train"], pd.concat([pools["dev"], pools["test"]]))
    drawn = draw_pairs(pool, params.paws15, languages, of=f"{xnli.path}: train")
    with bar() as progress:
        every = read_translations(xnli, drawn, params.languages, progress=progress)
    place = f"{xnli.path}: all_languages/train"
    pairs = with_translations(
        drawn.assign(split="train"),
        every,
        languages=languages,
        seed=params.paws15.seed,
        place=place,
    )
    refuse_test_pairs(pairs, texts["test"], place=place)
    write_table(pairs.assign(engine="xnli"), path, files.PARALLEL_PAIRS)
    counts = ", ".join(f"{code} {n}" for code, n in pairs.groupby("language").size().items())
    say(f"{path}: {len(pairs)} pairs: {counts}")
