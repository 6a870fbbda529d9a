"""What a run would do, and why, found without doing any of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.cluster.driver import kind
from pipeline.cluster.project import Plan, Project


class Prospect(StrEnum):
    """What a run would do with a stage."""

    UNCHANGED = "unchanged"
    RESTORED = "restored"
    STALE = "stale"
    DOWNSTREAM = "downstream"
    """It needs a stage that will run, and runs too unless that makes the same again."""


@dataclass(frozen=True)
class Finding:
    """A stage before a run."""

    name: str
    kind: str
    prospect: Prospect
    reasons: tuple[str, ...]
    folder: str
    """Of its first out; empty where it has none."""


def look(project: Project, plan: Plan) -> list[Finding]:
    """Return what a run would do with each stage, in its order; while locked.

    Args:
        project: the repository.
        plan: the stages.
    """
    known: dict[tuple[str, str], Mapping[str, Any]] = {}
    moving: set[str] = set()
    found = []
    for name in plan.order:
        stage, kept = project.stage(name), None
        reasons = tuple(_reasons(stage, known))
        above = sorted(plan.needs[name] & moving)
        if above and not stage.frozen:
            prospect = Prospect.STALE if _own(reasons) else Prospect.DOWNSTREAM
            reasons = (*_own(reasons), f"needs {_few(above)}")
        elif not reasons:
            prospect = Prospect.UNCHANGED
        else:
            kept = None if stage.frozen or not stage.cmd else _kept(project, stage)
            prospect = Prospect.RESTORED if kept else Prospect.STALE
        # A restored stage whose files are there already changes nothing for others.
        here = kept is not None and not any(out.workspace_status() for out in kept.outs)
        if prospect is not Prospect.UNCHANGED and not here:
            moving.add(name)
        folder = stage.outs[0].def_path.rpartition("/")[0] if stage.outs else ""
        found.append(Finding(name, kind(name), prospect, reasons, folder))
    return found


def _reasons(stage: Any, known: dict[tuple[str, str], Mapping[str, Any]]) -> Iterator[str]:  # noqa: ANN401
    if stage.changed_stage():
        yield "its command changed" if stage.cmd_changed else "it never ran"
    if not stage.frozen:
        if stage.is_callback or stage.always_changed:
            yield "it always runs"
        if not any(dep.hash_info for dep in stage.deps) and stage.deps:
            yield "it never ran"
            return
        for dep in stage.deps:
            # The same file stands in hundreds of cells.
            key = str(dep), str(dep.hash_info.value)
            if key not in known:
                known[key] = dep.status()
            for path, change in known[key].items():
                yield from _changes(dep, path, change)
    for out in stage.outs:
        for path, change in out.status().items():
            yield f"{path} is {change}"


def _changes(dep: Any, path: str, change: Any) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(change, dict):
        yield f"{path} is {change}"
        return
    before, now = dep.hash_info.value or {}, dep.read_params()
    for key in change:
        yield from _differences(key, before.get(key), now.get(key))


def _differences(key: str, before: object, now: object) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for one in [*before, *(one for one in now if one not in before)]:
            if before.get(one) != now.get(one):
                yield from _differences(f"{key}.{one}", before.get(one), now.get(one))
    else:
        yield f"{key}: {_said(before)} -> {_said(now)}"


def _said(value: object) -> str:
    return "none" if value is None else str(value)


def _own(reasons: tuple[str, ...]) -> tuple[str, ...]:
    # What is only missing or modified may be so because of a stage above, whose file it is.
    return tuple(one for one in reasons if not one.endswith((" is deleted", " is modified")))


def _few(names: list[str]) -> str:
    kinds = sorted({kind(name) for name in names})
    return ", ".join(names) if len(names) <= 2 else f"{len(names)} of {', '.join(kinds)}"


def _kept(project: Project, stage: Any) -> Any:  # noqa: ANN401
    """Return the run that DVC would restore, as `StageCache.restore` finds it; None for none."""
    from dvc.exceptions import DvcException
    from dvc.stage.cache import _can_hash
    from dvc.stage.serialize import to_single_stage_lockfile

    runs = project.repo.stage_cache
    try:
        if not _can_hash(stage):
            return None
        outs = all(out.hash_info for out in stage.outs)
        if not stage.changed_stage() and stage.deps_cached() and outs:
            found = to_single_stage_lockfile(stage)
        else:
            stage.save_deps()
            found = runs._load(stage)
        kept = runs._create_stage(found, wdir=stage.wdir) if found else None
        return kept if kept and kept.outs_cached() else None
    except DvcException:  # a file that it needs is not there
        return None
