"""`mpt paws15`: the parallel pairs and their manifest."""


def paws15() -> None:
    """Draw English pairs, assign each a language, have them translated, and write data/paws15/."""
    from pipeline.artifacts import (
        CORPORA,
        ENGLISH_PAIRS,
        EXAMPLES,
        PARALLEL_PAIRS,
        PAWS15,
        read_table,
        write_json,
        write_table,
    )
    from pipeline.config import load_params
    from pipeline.corpora.engines import build
    from pipeline.corpora.pairs import draw_pairs, manifest, refuse_test_sentences
    from stages.terminal import say

    params = load_params()
    test = read_table(CORPORA / "test.parquet", EXAMPLES)
    pool = read_table(CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    engine = build(params)
    usable = engine.usable(pool, params.pair_languages)
    drawn = draw_pairs(usable, params.paws15, params.pair_languages)
    pairs = engine.translate(drawn).assign(engine=params.paws15.engine)
    refuse_test_sentences(pairs, test, source=params.languages.source)
    write_table(pairs, PAWS15 / "pairs.parquet", PARALLEL_PAIRS)
    facts = manifest(pairs, usable, params.paws15, version=engine.version)
    write_json(facts, PAWS15 / "manifest.json")
    counts = ", ".join(f"{code} {count}" for code, count in facts["counts"].items())
    say(f"{len(pairs)} pairs by engine {params.paws15.engine}: {counts}")
