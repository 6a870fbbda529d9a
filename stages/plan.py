"""`mpt plan`: what `mpt repro` would do, why, and how long it would take."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.cluster.costs import Expected
    from pipeline.cluster.staleness import Finding

PURPOSES = {"train": "Table I", "ablate": "Table II", "sweep": "Figures 4 and 5"}
"""What the cells of each matrix are for."""

REASONS = 3
"""Reasons shown per matrix."""


def plan(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Stages or outs; default: all of dvc.yaml.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print every stage, as JSON.")] = False,
) -> None:
    """Show which stages would run, why, and what such cells took before. Runs nothing."""
    from pipeline.cluster.costs import expected, past_cells
    from pipeline.cluster.project import Project
    from pipeline.cluster.staleness import look
    from stages.terminal import say

    project = Project(Path(), {})
    with project.lock:
        project.plan(targets or [])
        findings = look(project)
    past = past_cells()
    costs = {
        finding.name: cost
        for finding in findings
        if finding.runs and (cost := expected(finding.out, past))
    }
    if as_json:
        say(json.dumps(_data(findings, costs), indent=2))
    else:
        say("\n".join([*_groups(findings), *_total(findings, list(costs.values()))]))


def _data(findings: Sequence["Finding"], costs: Mapping[str, "Expected"]) -> dict[str, Any]:
    from pipeline.cluster.task import group

    stages = {
        finding.name: {
            "for": PURPOSES.get(group(finding.name)),
            "prospect": finding.prospect,
            "reasons": finding.reasons,
            "expected": vars(costs[finding.name]) if finding.name in costs else None,
        }
        for finding in findings
    }
    return {"prospects": Counter(finding.prospect for finding in findings), "stages": stages}


def _groups(findings: Sequence["Finding"]) -> list[str]:
    from pipeline.cluster.task import group

    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(group(finding.name), []).append(finding)
    lines = []
    for name, members in groups.items():
        purpose = f" ({PURPOSES[name]})" if name in PURPOSES else ""
        prospects = Counter(member.prospect for member in members)
        counts = ", ".join(f"{number} {prospect}" for prospect, number in prospects.items())
        lines.append(f"{name}{purpose}: {counts}")
        reasons = Counter(reason for member in members for reason in member.reasons)
        for reason, number in reasons.most_common(REASONS):
            lines.append(f"  {reason}" + (f" ({number} stages)" if number > 1 else ""))
        if len(reasons) > REASONS:
            lines.append(f"  and {len(reasons) - REASONS} more reasons (see --json)")
    return lines


def _total(findings: Sequence["Finding"], costs: Sequence["Expected"]) -> list[str]:
    from stages.repro_view import clock

    running = sum(finding.runs for finding in findings)
    if not running:
        return ["nothing to run"]
    lines = [f"to run: {running} stages"]
    if not costs:
        return [*lines, "  time unknown: data/circumstances/ has no cells to judge by"]
    lines.append(
        f"  {len(costs)} of them are cells: {clock(sum(cost.seconds for cost in costs))} one after "
        "another, judged by data/circumstances/"
    )
    lines.append(f"  memory per cell: up to {max(cost.memory_mib for cost in costs):,.0f} MiB")
    device = [cost.device_memory_mib for cost in costs if cost.device_memory_mib is not None]
    if device:
        lines.append(f"  device memory per cell: up to {max(device):,.0f} MiB")
    return lines
