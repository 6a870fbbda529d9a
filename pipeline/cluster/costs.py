"""Expected time and memory of a cell, judged by cells that were trained before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

from pipeline.cells.files import CIRCUMSTANCES, cell_of, read_circumstances

PastCell: TypeAlias = tuple[str, str, Mapping[str, Any]]
"""Run and shots of a trained cell (mpt, k16), and its circumstances as `mpt train` wrote them."""


ALIKE = ("the same run and shots", "the same run")
"""The cells whose memory tells that of another; other runs have other rows and weights."""


@dataclass(frozen=True)
class Expected:
    """The mean time and the maximum memory of similar cells."""

    seconds: float
    memory_mib: float
    device_memory_mib: float | None
    like: str
    """How the cells are similar."""


def past_cells() -> list[PastCell]:
    """Return the cells that were trained here."""
    paths = sorted(CIRCUMSTANCES.glob("*/*/*.json"))
    read = ((path.parts[-3], path.parts[-2], read_circumstances(path)) for path in paths)
    return [(run, shots, facts) for run, shots, facts in read if facts is not None]


def expected(out: str, past: Sequence[PastCell]) -> Expected | None:
    """Return what a cell will take, judged by past ones; None if it is no cell, or there are none.

    `out` is the cell's folder, or a file in it: data/runs/mpt/k16/s1.
    """
    if (cell := cell_of(out)) is None:
        return None
    run, shots = cell[0], f"k{cell[1]}"
    similar = {
        ALIKE[0]: [facts for *cell, facts in past if cell == [run, shots]],
        ALIKE[1]: [facts for other, _, facts in past if other == run],
        "the same shots": [facts for _, other, facts in past if other == shots],
        "other cells": [facts for *_, facts in past],
    }
    like, cells = next(((like, cells) for like, cells in similar.items() if cells), ("", []))
    if not cells:
        return None
    device = [cell.get("peak_device_memory_mib") for cell in cells]
    return Expected(
        seconds=fmean(sum(cell["seconds"].values()) for cell in cells),
        memory_mib=max(cell.get("peak_memory_mib", 0) for cell in cells),
        device_memory_mib=max((mib for mib in device if mib is not None), default=None),
        like=like,
    )
