"""`mpt paws15`: the parallel pairs and their manifest."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.translation.sample import Outcome

STATUS = typer.Option("--status", help="Show progress by language; translate nothing.")
EXTENDED = typer.Option("--extended", help="Write paws15.extended pairs, to a separate file.")


def paws15(
    status: Annotated[bool, STATUS] = False, extended: Annotated[bool, EXTENDED] = False
) -> None:
    """Draw English pairs and their target languages, translate them, write data/paws15/."""
    from pipeline.artifacts import read_table, write_json, write_table
    from pipeline.corpora.files import CORPORA, ENGLISH_PAIRS, EXAMPLES, PARALLEL_PAIRS, PAWS15
    from pipeline.corpora.leaks import sentences_by_language
    from pipeline.params.whole import load_params
    from pipeline.translation.checks import Checks
    from pipeline.translation.draw import draw_pairs, refuse_test_sentences, spare_pairs
    from pipeline.translation.engines import build
    from pipeline.translation.place import FORMER, journal_path, move_former
    from pipeline.translation.sample import look_up, manifest, table_by_language, translated
    from stages.terminal import bar, say

    params = load_params()
    settings, key = params.paws15, "paws15.pairs"
    if extended and settings.most > settings.pairs:
        # Everything else is equal, so the extended pairs begin with the others.
        settings, key = settings.model_copy(update={"pairs": settings.most}), "paws15.extended"
    held_out = sentences_by_language(read_table(CORPORA / "test.parquet", EXAMPLES))
    pool = read_table(CORPORA / "pairs_en.parquet", ENGLISH_PAIRS)
    if moved := move_former():
        say(f"{FORMER} is now {moved.name}: its answers are in {journal_path()}")
    engine = build(params)
    usable = engine.usable(pool, params.pair_languages)
    drawn = draw_pairs(usable, settings, params.pair_languages, key=key)
    spares = spare_pairs(usable, settings)
    if not settings.translation.replace:
        spares = spares.head(0)
    check = Checks(settings.translation.length, held_out=held_out)
    if status:
        say(f"{settings.engine} ({engine.version})")
        say(table_by_language(look_up(engine, drawn, spares=spares, check=check)))
        return
    with bar() as progress:
        outcome, stopped = translated(engine, drawn, spares=spares, check=check, progress=progress)
    _require_all(outcome, stopped, asks_again=engine.asks_again)
    path = PAWS15 / ("extended.parquet" if extended else "pairs.parquet")
    pairs = outcome.clean.assign(engine=settings.engine)
    refuse_test_sentences(pairs, held_out, source=params.languages.source, place=str(path))
    facts = manifest(outcome, usable, settings, engine)
    notes = {key: str(facts[key]) for key in ("engine", "seed", "assignment")}
    write_table(pairs, path, PARALLEL_PAIRS, notes=notes)
    write_json(facts, PAWS15 / ("extended_manifest.json" if extended else "manifest.json"))
    counts = ", ".join(f"{code} {count}" for code, count in facts["counts"].items())
    say(f"{path}: {len(pairs)} by engine {facts['engine']}: {counts}")


def _require_all(outcome: "Outcome", stopped: str | None, *, asks_again: bool) -> None:
    """List the quarantined sentences, and end the stage unless every pair is clean."""
    from pipeline.errors import RunError
    from stages.terminal import warn

    refused, missing = outcome.in_state("refused"), outcome.in_state("missing")
    for sentence, answer in refused.items():
        text = f": {answer.text[:60]!r}" if answer.text else ""
        warn(
            f"{sentence.pair_id}, {sentence.side} in {sentence.language}: {answer.reason}{text} "
            f"(for {sentence.text[:60]!r})"
        )
    clean = f"clean pairs: {len(outcome.clean)} of {len(outcome.pairs)}"
    if stopped:
        raise RunError(
            f"{clean}; sentences missing: {len(missing)}, refused: {len(refused)}; the answers so "
            f"far are kept: {stopped}"
        )
    if refused:
        more = "more paws15.translation.attempts ask for them again, " if asks_again else ""
        raise RunError(
            f"{clean}; sentences refused: {len(refused)} (listed above); {more}"
            f"paws15.translation.replace: true draws other pairs"
        )
