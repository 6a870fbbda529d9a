"""`mpt plan`: what a run would do, why, and what it would take."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.cluster.costs import Expected
    from pipeline.cluster.staleness import Finding

PURPOSES = {"train": "Table I", "ablate": "Table II", "sweep": "Figures 4 and 5"}
"""What the cells of a matrix are for; every other stage is an input or sums them up."""

REASONS = 3
"""Reasons that are shown for the stages of one kind."""


def plan(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Stages or outs; all of dvc.yaml without any.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Every stage, as JSON.")] = False,
) -> None:
    """Say which stages a run would run, why, and what they took before. It runs nothing."""
    from pipeline.cluster.costs import expected, past_cells
    from pipeline.cluster.project import Project
    from pipeline.cluster.staleness import look
    from stages.terminal import say

    project = Project(Path(), {})
    with project.locked():
        findings = look(project, project.plan(targets or []))
    past = past_cells()
    costs = {one.name: expected(one.folder, past) for one in findings}
    if as_json:
        say(json.dumps(_data(findings, costs), indent=2))
        return
    for line in _lines(findings, costs):
        say(line)


def _runs(one: "Finding") -> bool:
    return one.prospect in {"stale", "downstream"}


def _data(findings: Sequence["Finding"], costs: dict[str, "Expected | None"]) -> dict[str, Any]:
    stages = {
        one.name: {
            "for": PURPOSES.get(one.kind),
            "prospect": str(one.prospect),
            "reasons": list(one.reasons),
            "expected": vars(costs[one.name]) if _runs(one) and costs[one.name] else None,
        }
        for one in findings
    }
    return {"prospects": dict(Counter(str(one.prospect) for one in findings)), "stages": stages}


def _lines(findings: Sequence["Finding"], costs: dict[str, "Expected | None"]) -> list[str]:
    lines = []
    for kind in dict.fromkeys(one.kind for one in findings):
        ours = [one for one in findings if one.kind == kind]
        count = Counter(str(one.prospect) for one in ours)
        purpose = f" ({PURPOSES[kind]})" if kind in PURPOSES else ""
        states = ", ".join(f"{number} {what}" for what, number in count.items())
        lines.append(f"{kind}{purpose}: {states}")
        lines += _why(ours)
    running = [one for one in findings if _runs(one)]
    known = [cost for one in running if (cost := costs[one.name])]
    if not running:
        return [*lines, "nothing is to be run"]
    return [*lines, *_total(len(running), known)]


def _why(ours: Sequence["Finding"]) -> list[str]:
    count = Counter(reason for one in ours for reason in one.reasons)
    lines = []
    for reason, number in count.most_common(REASONS):
        lines.append(f"  {reason}" + (f" ({number} stages)" if number > 1 else ""))
    if len(count) > REASONS:
        lines.append(f"  and {len(count) - REASONS} more reasons (--json has them)")
    return lines


def _total(running: int, known: Sequence["Expected"]) -> list[str]:
    from stages.cells_view import clock

    lines = [f"to be run: {running} stages"]
    if known:
        seconds = sum(one.seconds for one in known)
        lines.append(
            f"  {len(known)} of them are cells, {clock(seconds)} one after another, "
            "as cells of data/runs/ took"
        )
        lines.append(f"  memory of a cell: up to {max(one.memory_mib for one in known):,.0f} MiB")
        device = [one.device_memory_mib for one in known if one.device_memory_mib is not None]
        if device:
            lines.append(f"  device memory of a cell: up to {max(device):,.0f} MiB")
    else:
        lines.append("  no cell in data/runs/ says what it took: nothing is known of the time")
    return lines
