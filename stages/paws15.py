"""`mpt paws15`: the parallel pairs and their manifest."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.corpora.translation.sample import Standing


def paws15(
    status: Annotated[
        bool,
        typer.Option("--status", help="Say how far it is, by language; translate nothing."),
    ] = False,
) -> None:
    """Draw English pairs, assign each a language, have them translated, and write data/paws15/."""
    from pipeline.artifacts import CORPORA, ENGLISH_PAIRS, EXAMPLES, read_table
    from pipeline.config import load_params
    from pipeline.corpora.engines import build
    from pipeline.corpora.pairs import draw_pairs, refuse_test_sentences, spare_pairs
    from pipeline.corpora.translation.checks import Checks
    from pipeline.corpora.translation.provenance import manifest, table_by_language
    from pipeline.corpora.translation.sample import Sample, stand, translated
    from stages.terminal import bar, say

    params = load_params()
    test = read_table(CORPORA / "test.parquet", EXAMPLES)
    pool = read_table(CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    engine = build(params)
    usable = engine.usable(pool, params.pair_languages)
    drawn = draw_pairs(usable, params.paws15, params.pair_languages)
    spares = spare_pairs(usable, params.paws15)
    sample = Sample(drawn, spares if params.paws15.translation.replace else spares.head(0))
    check = Checks(params.paws15.translation.length, held_out=test)
    if status:
        say(f"{params.paws15.engine} ({engine.version})")
        for line in table_by_language(stand(engine, sample, check)):
            say(line)
        return
    with bar() as progress:
        standing, stopped = translated(engine, sample, check, progress=progress)
    _require_all(standing, stopped)
    pairs = standing.clean.assign(engine=params.paws15.engine)
    refuse_test_sentences(pairs, test, source=params.languages.source)
    facts = manifest(standing, usable, params.paws15, engine)
    _write(pairs, facts)


def _require_all(standing: "Standing", stopped: str | None) -> None:
    """End the stage with a list, unless every pair is clean."""
    from pipeline.corpora.translation.provenance import complaints
    from pipeline.errors import RunError
    from stages.terminal import warn

    wanted, clean = len(standing.pairs), len(standing.clean)
    for line in complaints(standing):
        warn(line)
    refused = len(standing.refused)
    if stopped:
        raise RunError(
            f"{clean} of {wanted} pairs are clean, {len(standing.missing)} sentences missing, "
            f"{refused} refused; what is there is kept: {stopped}"
        )
    if clean < wanted:
        raise RunError(
            f"{clean} of {wanted} pairs are clean: {refused} sentences were refused (listed "
            f"above); more paws15.translation.attempts ask for them again, "
            f"paws15.translation.replace: true draws other pairs"
        )


def _write(pairs: "pd.DataFrame", facts: "dict[str, Any]") -> None:
    from pipeline.artifacts import PARALLEL_PAIRS, PAWS15, write_json, write_table
    from stages.terminal import say

    write_table(pairs, PAWS15 / "pairs.parquet", PARALLEL_PAIRS)
    write_json(facts, PAWS15 / "manifest.json")
    counts = ", ".join(f"{code} {count}" for code, count in facts["counts"].items())
    say(f"{len(pairs)} pairs by engine {facts['engine']}: {counts}")
