"""sweeps.csv: the runs that differ from the reference in one setting, as points of a curve."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.artifacts import read_json
from pipeline.cells.files import run_folder
from pipeline.errors import InputError
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.tables import AVERAGE

Settings = Mapping[str, Any]
"""Every setting that a run was trained with, by name; `settings` in metrics.json of its cells."""

EPOCHS = "epochs"
"""A run that reads more pairs may make fewer passes over them, to make as many updates."""

COLUMNS = ("key", "value", "run", "shots", "seeds", "mean", "std", "low", "high")
_ABSENT = object()


def sweeps(
    cells: Cells,
    intervals: pd.DataFrame,
    *,
    reference: str,
    variants: Sequence[str],
    shots: Sequence[int],
) -> pd.DataFrame:
    """Return sweeps.csv: by setting (key) the runs that differ from the reference in it alone.

    Whether they do is read from the cells themselves, not from params.yaml, so what was left to
    a default counts too. A difference in `epochs` is set aside; where it is the only one, it is
    the key. Runs that differ in several settings, or in none, are no point.

    Args:
        cells: the predictions.
        intervals: the rows of intervals.csv.
        reference: the run that is a point of every key.
        variants: the runs that may be points.
        shots: those that are looked at; those without the reference are left out.

    Returns:
        Columns: key, value (text), run, shots, seeds (their number), mean, std, low, high: of
        the mean over languages, as in intervals.csv. Keys in the order of `variants`; within a
        key and shots numbers ascend, words stand as they come, the reference's first.

    Raises:
        InputError: a cell's metrics.json is missing, has no settings, or other settings than
            another cell of the run; names the file.
    """
    groups = cells.groups()
    shots = [k for k in shots if (reference, k) in groups]
    named = [run for run in variants if run != reference and any((run, k) in groups for k in shots)]
    if not named:
        return pd.DataFrame(columns=pd.Index(COLUMNS))
    ours = settings_of(reference, cells, shots)
    points: dict[str, dict[str, Any]] = {}
    for run in named:
        theirs = settings_of(run, cells, shots)
        key = _only_difference(ours, theirs)
        if key is not None:
            points.setdefault(key, {reference: ours.get(key)})[run] = theirs.get(key)
    averages = intervals[intervals["language"] == AVERAGE].set_index(["run", "shots"])
    rows = [
        (key, _text(value), run, k, *averages.loc[(run, k), list(COLUMNS[4:])])
        for key, of_key in points.items()
        for k in shots
        for run, value in _in_order(of_key)
        if (run, k) in groups
    ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS)).astype({"seeds": int})


def settings_of(run: str, cells: Cells, shots: Sequence[int]) -> Settings:
    """Read what a run was trained with, which must be the same in all of its cells.

    Raises:
        InputError: see `sweeps`.
    """
    known: Settings | None = None
    first = ""
    for (name, k), seeds in cells.groups().items():
        for seed in seeds if name == run and k in shots else ():
            path = run_folder(run, k, seed) / "metrics.json"
            again = f"make it again: mpt train {run} --shots {k} --seed {seed}"
            metrics = read_json(path)
            settings = metrics.get("settings") if isinstance(metrics, dict) else None
            if not isinstance(settings, dict):
                raise InputError(
                    f"{path}: expected settings, found none: the cell was made by an older "
                    f"version ({again})"
                )
            if known is None:
                known, first = settings, str(path)
            for key in _differences(known, settings):
                raise InputError(
                    f"{path}: settings.{key}: expected {_text(known.get(key))} as in {first}, "
                    f"found {_text(settings.get(key))} ({again})"
                )
    if known is None:
        raise ValueError(f"{run}: no cells at {shots}")
    return known


def _differences(one: Settings, other: Settings) -> list[str]:
    keys = dict.fromkeys((*one, *other))
    return [key for key in keys if one.get(key, _ABSENT) != other.get(key, _ABSENT)]


def _only_difference(one: Settings, other: Settings) -> str | None:
    found = _differences(one, other)
    if len(found) > 1 and EPOCHS in found:
        found.remove(EPOCHS)
    return found[0] if len(found) == 1 else None


def _in_order(of_key: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    numbers = all(isinstance(value, int | float) for value in of_key.values())
    yield from sorted(of_key.items(), key=lambda one: one[1]) if numbers else of_key.items()


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
