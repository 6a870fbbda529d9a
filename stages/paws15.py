"""`mpt paws15`: the parallel pairs and their manifest."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.params.text import Paws15
    from pipeline.translation.sample import Standing


def paws15(
    status: Annotated[
        bool,
        typer.Option("--status", help="Say how far it is, by language; translate nothing."),
    ] = False,
    extended: Annotated[
        bool,
        typer.Option("--extended", help="As many pairs as paws15.extended says, in its own file."),
    ] = False,
) -> None:
    """Draw English pairs, assign each a language, have them translated, and write data/paws15/."""
    from pipeline.artifacts import read_table, write_json, write_table
    from pipeline.corpora.files import CORPORA, ENGLISH_PAIRS, EXAMPLES, PARALLEL_PAIRS, PAWS15
    from pipeline.corpora.pairs import draw_pairs, refuse_test_sentences, spare_pairs
    from pipeline.params.whole import load_params
    from pipeline.translation.checks import Checks
    from pipeline.translation.engines import build
    from pipeline.translation.provenance import manifest, table_by_language
    from pipeline.translation.sample import Sample, stand, translated
    from stages.terminal import bar, say

    params = load_params()
    test = read_table(CORPORA / "test.parquet", EXAMPLES)
    pool = read_table(CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    engine = build(params)
    usable = engine.usable(pool, params.pair_languages)
    settings, key = _asked_for(params.paws15, extended=extended)
    drawn = draw_pairs(usable, settings, params.pair_languages, key=key)
    spares = spare_pairs(usable, settings)
    sample = Sample(drawn, spares if settings.translation.replace else spares.head(0))
    check = Checks(settings.translation.length, held_out=test)
    if status:
        say(f"{settings.engine} ({engine.version})")
        for line in table_by_language(stand(engine, sample, check)):
            say(line)
        return
    with bar() as progress:
        standing, stopped = translated(engine, sample, check, progress=progress)
    _require_all(standing, stopped)
    path = PAWS15 / ("extended.parquet" if extended else "pairs.parquet")
    pairs = standing.clean.assign(engine=settings.engine)
    refuse_test_sentences(pairs, test, source=params.languages.source, place=str(path))
    facts = manifest(standing, usable, settings, engine)
    write_table(pairs, path, PARALLEL_PAIRS)
    write_json(facts, PAWS15 / ("extended_manifest.json" if extended else "manifest.json"))
    counts = ", ".join(f"{code} {count}" for code, count in facts["counts"].items())
    say(f"{path}: {len(pairs)} pairs by engine {facts['engine']}: {counts}")


def _asked_for(paws15: "Paws15", *, extended: bool) -> tuple["Paws15", str]:
    """Return the settings with the number of pairs wanted, and the key that says the number.

    All else is the same, so the more pairs begin with the fewer, replacements included.
    """
    if not extended or paws15.most == paws15.pairs:
        return paws15, "paws15.pairs"
    return paws15.model_copy(update={"pairs": paws15.most}), "paws15.extended"


def _require_all(standing: "Standing", stopped: str | None) -> None:
    """End the stage with a list, unless every pair is clean."""
    from pipeline.errors import RunError
    from pipeline.translation.provenance import complaints
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
