"""sweeps.csv: the runs that differ from the reference in one setting."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import AVERAGE, SWEEPS
from pipeline.evaluation.settings import Settings, as_text, differing, read_settings
from pipeline.params.training import DURATION

BESIDE = {*DURATION, "rows_at_once"}
"""Settings that may differ beside another: how long and in which parts, not what is trained."""

TABLES = {"pairs", "backbone"}
"""Where the parallel pairs are from and which backbone reads them are questions of the tables."""


def sweeps(
    cells: Cells,
    intervals: pd.DataFrame,
    *,
    reference: str,
    variants: Sequence[str],
    shots: Sequence[int],
) -> pd.DataFrame:
    """Return sweeps.csv: by setting (key), the runs that differ from the reference only in it.

    The settings are those in the cells, not in params.yaml, so defaults count too. A difference
    in `epochs` or `updates` is ignored beside another, since a run with more pairs may make fewer
    passes; so is one in `rows_at_once`, which a larger run may need to fit into memory. Runs that
    differ in several settings, or in none, are left out.

    Within a key and shots, numbers ascend, and words keep their order after the reference's.

    Args:
        cells: the predictions.
        intervals: intervals.csv, for the means over languages.
        reference: the run that is in every key.
        variants: the other runs, in the order of the keys.
        shots: those without the reference are left out.

    Raises:
        InputError: a cell's metrics.json is missing, has no settings, or has other settings than
            another cell of the run. The message names the file.
    """
    groups = cells.groups()
    shots = [k for k in shots if (reference, k) in groups]
    named = [run for run in variants if run != reference and any((run, k) in groups for k in shots)]
    points: dict[str, dict[str, Any]] = {}
    ours = _settings(reference, cells, shots) if named else {}
    for run in named:
        theirs = _settings(run, cells, shots)
        keys = differing(ours, theirs)
        keys = [key for key in keys if key not in BESIDE] or keys
        if len(keys) == 1 and keys[0] not in TABLES:
            of_key = points.setdefault(keys[0], {reference: ours.get(keys[0])})
            of_key[run] = theirs.get(keys[0])
    averages = intervals[intervals["language"] == AVERAGE].set_index(["run", "shots"])
    rows = [
        (key, as_text(value), run, k, *averages.loc[(run, k), list(SWEEPS.columns[4:])])
        for key, of_key in points.items()
        for k in shots
        for run, value in _in_order(of_key)
        if (run, k) in groups
    ]
    return SWEEPS.frame(rows).astype({"seeds": int})


def _settings(run: str, cells: Cells, shots: Sequence[int]) -> Settings:
    return read_settings([cell for cell in cells.predicted if cell[0] == run and cell[1] in shots])


def _in_order(of_key: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if all(isinstance(value, int | float) for value in of_key.values()):
        return sorted(of_key.items(), key=lambda point: point[1])
    return list(of_key.items())
