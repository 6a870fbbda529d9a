"""What cells will take, judged by the cells that were trained before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from pipeline.artifacts import CIRCUMSTANCES, RUNS, read_json


class PastCell(NamedTuple):
    """A trained cell."""

    run: str
    shots: str
    facts: Mapping[str, Any]
    """Its circumstances, as `mpt train` wrote them."""


@dataclass(frozen=True)
class Expected:
    """What a cell will probably take."""

    seconds: float
    """The mean over similar cells."""
    memory_mib: float
    """The maximum over similar cells, as is the next."""
    device_memory_mib: float | None
    like: str
    """How those cells are similar."""


def past_cells(folder: Path = CIRCUMSTANCES) -> list[PastCell]:
    """Return the cells that were trained here."""
    paths = sorted(folder.glob("*/*/*.json"))
    return [PastCell(path.parts[-3], path.parts[-2], read_json(path)) for path in paths]


def expected(out: str, past: Sequence[PastCell]) -> Expected | None:
    """Return what the cell with an out will take; None if it is no cell, or none was trained.

    Args:
        out: its folder or a file in it: data/runs/mpt/k16/s1.
        past: the cells to judge by.
    """
    if not Path(out).is_relative_to(RUNS):
        return None
    run, shots = (*Path(out).relative_to(RUNS).parts, "", "")[:2]
    similar = {
        "the same run and shots": [cell for cell in past if cell[:2] == (run, shots)],
        "the same run": [cell for cell in past if cell.run == run],
        "the same shots": [cell for cell in past if cell.shots == shots],
        "other cells": past,
    }
    for like, cells in similar.items():
        if cells:
            facts = [cell.facts for cell in cells]
            device = [one.get("peak_device_memory_mib") for one in facts]
            return Expected(
                seconds=fmean(sum(one["seconds"].values()) for one in facts),
                memory_mib=max(one.get("peak_memory_mib", 0) for one in facts),
                device_memory_mib=max((mib for mib in device if mib is not None), default=None),
                like=like,
            )
    return None
