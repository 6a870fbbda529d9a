"""What cells will take, judged by the cells that were trained before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

from pipeline.artifacts import read_json
from pipeline.cells.files import CIRCUMSTANCES, RUNS

PastCell: TypeAlias = tuple[str, str, Mapping[str, Any]]
"""The run and the shots of a trained cell, and its circumstances as `mpt train` wrote them."""


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
    return [(path.parts[-3], path.parts[-2], read_json(path)) for path in paths]


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
        "the same run and shots": [facts for *cell, facts in past if cell == [run, shots]],
        "the same run": [facts for other, _, facts in past if other == run],
        "the same shots": [facts for _, other, facts in past if other == shots],
        "other cells": [facts for *_, facts in past],
    }
    for like, facts in similar.items():
        if facts:
            device = [one.get("peak_device_memory_mib") for one in facts]
            return Expected(
                seconds=fmean(sum(one["seconds"].values()) for one in facts),
                memory_mib=max(one.get("peak_memory_mib", 0) for one in facts),
                device_memory_mib=max((mib for mib in device if mib is not None), default=None),
                like=like,
            )
    return None
