"""`mpt paws15`: the parallel pairs and their manifest."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.translation.sample import Outcome


def paws15(
    status: Annotated[
        bool,
        typer.Option("--status", help="Show progress by language; translate nothing."),
    ] = False,
    extended: Annotated[
        bool,
        typer.Option("--extended", help="Write paws15.extended pairs, to a separate file."),
    ] = False,
) -> None:
    """Draw English pairs and their target languages, translate them, write data/paws15/."""
    from pipeline.artifacts import read_table, write_json, write_table
    from pipeline.corpora.files import CORPORA, ENGLISH_PAIRS, EXAMPLES, PARALLEL_PAIRS, PAWS15
    from pipeline.params.whole import load_params
    from pipeline.translation.checks import Checks
    from pipeline.translation.draw import draw_pairs, refuse_test_sentences, spare_pairs
    from pipeline.translation.engines import build
    from pipeline.translation.provenance import manifest, table_by_language
    from pipeline.translation.sample import Sample, look_up, translated
    from stages.terminal import bar, say

    params = load_params()
    settings, key = params.paws15, "paws15.pairs"
    if extended and settings.most > settings.pairs:
        # Everything else is equal, so the extended pairs begin with the others.
        settings, key = settings.model_copy(update={"pairs": settings.most}), "paws15.extended"
    test = read_table(CORPORA / "test.parquet", EXAMPLES)
    pool = read_table(CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    engine = build(params)
    usable = engine.usable(pool, params.pair_languages)
    spares = spare_pairs(usable, settings)
    sample = Sample(
        draw_pairs(usable, settings, params.pair_languages, key=key),
        spares if settings.translation.replace else spares.head(0),
    )
    check = Checks(settings.translation.length, held_out=test)
    if status:
        say(f"{settings.engine} ({engine.version})")
        say(table_by_language(look_up(engine, sample, check)))
        return
    with bar() as progress:
        outcome, stopped = translated(engine, sample, check, progress=progress)
    _require_all(outcome, stopped)
    path = PAWS15 / ("extended.parquet" if extended else "pairs.parquet")
    pairs = outcome.clean.assign(engine=settings.engine)
    refuse_test_sentences(pairs, test, source=params.languages.source, place=str(path))
    facts = manifest(outcome, usable, settings, engine)
    write_table(pairs, path, PARALLEL_PAIRS)
    write_json(facts, PAWS15 / ("extended_manifest.json" if extended else "manifest.json"))
    counts = ", ".join(f"{code} {count}" for code, count in facts["counts"].items())
    say(f"{path}: {len(pairs)} pairs by engine {facts['engine']}: {counts}")


def _require_all(outcome: "Outcome", stopped: str | None) -> None:
    """List the quarantined sentences, and end the stage unless every pair is clean."""
    from pipeline.errors import RunError
    from pipeline.translation.provenance import complaints
    from stages.terminal import warn

    wanted, clean, refused = len(outcome.pairs), len(outcome.clean), len(outcome.refused)
    for line in complaints(outcome):
        warn(line)
    if stopped:
        raise RunError(
            f"{clean} of {wanted} pairs are clean, {len(outcome.missing)} sentences are missing, "
            f"{refused} refused; the answers so far are kept: {stopped}"
        )
    if clean < wanted:
        raise RunError(
            f"{clean} of {wanted} pairs are clean: {refused} sentences were refused (listed "
            f"above); more paws15.translation.attempts ask for them again, "
            f"paws15.translation.replace: true draws other pairs"
        )
