"""`mpt plan`: what `mpt repro` would do, why, and how long it would take."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.repro import PROGRAMS, TARGETS, make_plan
from stages.terminal import say

if TYPE_CHECKING:
    from pipeline.cluster.costs import Expected
    from pipeline.cluster.staleness import Finding
    from pipeline.training.memory import Memory

PURPOSES = {
    "train": "Table I",
    "ablate": "Table II",
    "sweep": "Figures 4 and 5",
    "match": "Table I, with the updates of the reference",
}
REASONS = 3  # shown per matrix


def plan(
    targets: Annotated[list[str] | None, TARGETS] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print every stage, as JSON.")] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Also count what each run's cells need.")
    ] = False,
) -> None:
    """Show which stages would run, why, and what such cells took before.

    Runs only quick stages: those that hash inputs and check params.yaml. Memory is counted by an
    update without numbers; of a large backbone, that of runs without cells is counted anyway.
    """
    from pipeline.cluster.costs import expected, past_cells
    from pipeline.cluster.project import Project
    from pipeline.cluster.staleness import RUNS, look
    from pipeline.cluster.task import group

    project = Project(Path(), PROGRAMS)
    with project.lock:
        make_plan(project, targets or [])
        findings = look(project)
    past = past_cells()
    running = [finding for finding in findings if finding.prospect in RUNS]
    costs = {finding.name: expected(finding.out, past) for finding in running}
    foreseen = _foreseen(running, costs, every=memory)
    if not as_json:
        for line in [
            *_groups(findings),
            *_total(len(costs), list(filter(None, costs.values()))),
            *_needs(foreseen),
        ]:
            say(line)
        _require_room(foreseen)
        return
    stages = {
        finding.name: {
            "for": PURPOSES.get(group(finding.name)),
            "prospect": finding.prospect,
            "reasons": finding.reasons,
            "expected": vars(cost) if (cost := costs.get(finding.name)) else None,
        }
        for finding in findings
    }
    prospects = Counter(finding.prospect for finding in findings)
    runs = {run: one and one._asdict() for run, one in foreseen.items()}
    counted = {"memory": runs} if runs else {}
    say(json.dumps({"prospects": prospects, "stages": stages, **counted}, indent=2))
    _require_room(foreseen)


def _foreseen(
    running: Sequence["Finding"], costs: Mapping[str, "Expected | None"], *, every: bool
) -> dict[str, "Memory | None"]:
    """Return the memory of each run that is to be counted, of its cell with the most shots."""
    from pipeline.cells.files import cell_of
    from pipeline.cluster.costs import ALIKE

    known = {name for name, cost in costs.items() if cost and cost.like in ALIKE and not every}
    outs = [finding.out for finding in running if finding.name not in known]
    named = list(filter(None, map(cell_of, outs)))
    if not named or not (every or _is_large()):
        return {}
    from pipeline.forecast import foresee
    from pipeline.params.whole import load_params

    params, cells = load_params(), {}
    for name, shots, seed in sorted(named, key=lambda cell: cell[1:]):
        run = params.entry_of(name)
        cells[run] = (run, shots, seed)
    return dict(foresee(params, list(cells.values())))


def _is_large() -> bool:
    from pipeline.backbone.files import BACKBONES

    sizes = [file.stat().st_size for file in BACKBONES.glob("*/model.safetensors")]
    if not sizes:
        return False
    from pipeline.training.memory import is_large
    from pipeline.training.reproducibility import device

    return is_large(max(sizes), device())


def _needs(foreseen: Mapping[str, "Memory | None"]) -> Iterator[str]:
    for run, memory in foreseen.items():
        yield f"  {run}: {memory or 'memory unknown'}"


def _require_room(foreseen: Mapping[str, "Memory | None"]) -> None:
    if not foreseen:  # without importing torch
        return
    from pipeline.training.memory import require_room
    from pipeline.training.reproducibility import device

    for run, memory in foreseen.items():
        if memory is not None:
            require_room(memory, run=run, device=device())


def _groups(findings: Sequence["Finding"]) -> Iterator[str]:
    from pipeline.cluster.task import group
    from pipeline.evaluation.words import counted

    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(group(finding.name), []).append(finding)
    for name, members in groups.items():
        purpose = f" ({PURPOSES[name]})" if name in PURPOSES else ""
        prospects = Counter(member.prospect for member in members)
        counts = ", ".join(f"{number} {prospect}" for prospect, number in prospects.items())
        yield f"{name}{purpose}: {counts}"
        reasons = Counter(reason for member in members for reason in member.reasons)
        for reason, number in reasons.most_common(REASONS):
            yield f"  {reason}" + (f" ({number} stages)" if number > 1 else "")
        if len(reasons) > REASONS:
            yield f"  and {counted(len(reasons) - REASONS, 'more reason')} (see --json)"


def _total(running: int, costs: Collection["Expected"]) -> Iterator[str]:
    from pipeline.evaluation.words import counted
    from stages.repro_view import clock

    yield f"to run: {counted(running, 'stage')}" if running else "nothing to run"
    if running and not costs:
        yield "  time unknown: data/circumstances/ has no cells to judge by"
    if costs:
        time = clock(sum(cost.seconds for cost in costs))
        yield (
            f"  {counted(len(costs), 'cell')}: {time} on one worker, judged by data/circumstances/"
        )
        yield f"  memory per cell: up to {max(cost.memory_mib for cost in costs):,.0f} MiB"
    device = [cost.device_memory_mib for cost in costs if cost.device_memory_mib is not None]
    if device:
        yield f"  device memory per cell: up to {max(device):,.0f} MiB"
