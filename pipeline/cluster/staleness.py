"""What a run would do with each stage, and why, without doing it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.cluster.project import Project
from pipeline.cluster.task import group


class Prospect(StrEnum):
    """What a run would do with a stage."""

    ALWAYS = "always runs"
    """It was run before the stages below were looked at, and its outs are as a run leaves them."""
    UNCHANGED = "unchanged"
    RESTORED = "restored"
    STALE = "stale"
    DOWNSTREAM = "downstream"
    """It needs a stage that will run, and runs too unless that stage's outs stay the same."""


RUNS = {Prospect.STALE, Prospect.DOWNSTREAM}


@dataclass(frozen=True)
class Finding:
    """A stage before a run."""

    name: str
    prospect: Prospect
    reasons: tuple[str, ...]
    out: str
    """The path of its first out; empty if it has none."""


def look(project: Project) -> list[Finding]:
    """Return what a run would do with each stage of the plan; the project must be locked.

    Quick stages are run first, or as soon as no stage above them will run: only their outs tell
    what a run would do with those below. One that fails now (the Hub cannot be reached) is stale.

    Raises:
        InputError: the input of such a stage is wrong.
    """
    tried = project.try_quick()
    known: dict[Any, Any] = {}
    moving: set[str] = set()
    findings = []
    for name, stage in project.stages.items():
        above = sorted(project.needs[name] & moving)
        out = stage.outs[0].def_path if stage.outs else ""
        if not above and name not in tried:
            tried |= project.try_if_quick(name)
        done = tried.get(name) == ""
        if stage.always_changed and done:
            findings.append(Finding(name, Prospect.ALWAYS, (), out))
            continue
        moved = [out.fs_path for stale in above for out in project.stages[stale].outs]
        reasons = tuple(_reasons(stage, known, moved=moved))
        if failure := tried.get(name):
            reasons = (f"fails now: {failure}", *reasons)
        in_place = False
        if above:
            prospect = Prospect.STALE if reasons else Prospect.DOWNSTREAM
            groups = ", ".join(sorted(set(map(group, above))))
            needed = f"{len(above)} of {groups}" if len(above) > 2 else ", ".join(above)
            reasons = (*reasons, f"needs {needed}")
        elif not reasons:
            prospect = Prospect.UNCHANGED
        elif outs := _kept_outs(project, stage):
            prospect = Prospect.RESTORED
            in_place = not any(out.workspace_status() for out in outs)
        else:
            prospect = Prospect.STALE
        # A stage whose files already equal those of the kept run changes nothing for others.
        if prospect is not Prospect.UNCHANGED and not in_place and not done:
            moving.add(name)
        findings.append(Finding(name, prospect, reasons, out))
    return findings


def _reasons(stage: Any, known: dict[Any, Any], *, moved: Sequence[str]) -> Iterator[str]:  # noqa: ANN401
    """Say why a stage is stale, apart from `moved`: outs of stages that will run before it.

    `known` keeps the status of each dep, because hundreds of stages share a file.
    """
    from dvc.fs import localfs

    if stage.changed_stage():
        yield "its command changed"
    if not stage.frozen:
        if stage.is_callback or stage.always_changed:
            yield "it always runs"
        if stage.deps and not any(dep.hash_info for dep in stage.deps):
            yield "it never ran"
            return
        for dep in stage.deps:
            if any(localfs.overlaps(dep.fs_path, path) for path in moved):
                continue
            key = str(dep), str(dep.hash_info.value)
            if key not in known:
                known[key] = dep.status()
            for path, change in known[key].items():
                yield from _changes(dep, path, change)
    for out in stage.outs:
        for path, change in out.status().items():
            # Any other out is restored if the stage turns out unchanged.
            if not moved or change == "not in cache":
                yield f"{path} is {change}"


def _changes(dep: Any, path: str, change: Any) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(change, dict):
        keys = _changed_keys(dep) if path.endswith(".json") else []
        inside = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
        yield f"{path} is {change}" + (f" ({inside})" if keys else "")
        return
    before, now = dep.hash_info.value or {}, dep.read_params()
    for key in change:
        yield from _differences(key, before.get(key), now.get(key))


def _changed_keys(dep: Any) -> list[str]:  # noqa: ANN401
    """Return the keys of a JSON file that differ from the one in DVC's cache; none without it."""
    try:
        cached = dep.repo.cache.local.oid_to_path(dep.hash_info.value)
        before, now = (json.loads(Path(one).read_bytes()) for one in (cached, dep.fs_path))
    except (OSError, ValueError):
        return []
    changes = _differences("", before, now)
    return [change.partition(": ")[0].removeprefix(".") for change in changes]


def _differences(key: str, before: object, now: object) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for inner in dict.fromkeys([*before, *now]):
            if before.get(inner) != now.get(inner):
                yield from _differences(f"{key}.{inner}", before.get(inner), now.get(inner))
    else:
        old, new = ("none" if value is None else str(value) for value in (before, now))
        yield f"{key}: {old} -> {new}"


def _kept_outs(project: Project, stage: Any) -> Sequence[Any]:  # noqa: ANN401
    """Return the outs that DVC would restore, found as `StageCache.restore` does."""
    from dvc.exceptions import DvcException
    from dvc.stage.cache import _can_hash
    from dvc.stage.serialize import to_single_stage_lockfile

    runs = project.repo.stage_cache
    try:
        if stage.frozen or not _can_hash(stage):
            return ()
        has_outs = all(out.hash_info for out in stage.outs)
        if not stage.changed_stage() and stage.deps_cached() and has_outs:
            entry = to_single_stage_lockfile(stage)
        else:
            stage.save_deps()
            entry = runs._load(stage)
        kept = runs._create_stage(entry, wdir=stage.wdir) if entry else None
        return kept.outs if kept and kept.outs_cached() else ()
    except DvcException:  # a dep is missing
        return ()
