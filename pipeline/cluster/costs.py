"""What cells would take, from those that were trained: their circumstances.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts import read_json
from pipeline.cells.files import RUNS


@dataclass(frozen=True)
class Past:
    """A cell that was trained."""

    run: str
    shots: str
    seconds: float
    memory_mib: float
    device_memory_mib: float | None
    device: str


@dataclass(frozen=True)
class Expected:
    """What a cell would take, by the past cells that are most like it."""

    seconds: float
    memory_mib: float
    device_memory_mib: float | None
    like: str
    """Which those are."""


def past_cells(runs: Path = RUNS) -> list[Past]:
    """Return the cells that lie in data/runs/ and say what they took."""
    found = []
    for path in sorted(runs.glob("*/*/*/circumstances.json")):
        facts = read_json(path)
        run, shots = path.parts[-4:-2]
        found.append(
            Past(
                run,
                shots,
                sum(facts["seconds"].values()),
                facts.get("peak_memory_mib", 0),
                facts.get("peak_device_memory_mib"),
                facts.get("device", "cpu"),
            )
        )
    return found


def expected(folder: str, past: Sequence[Past]) -> Expected | None:
    """Return what the cell of a folder would take; None where nothing was trained yet.

    Args:
        folder: such as data/runs/mpt/k16/s1.
        past: the cells to tell it from.
    """
    if Path(folder).parts[: len(RUNS.parts)] != RUNS.parts or not past:
        return None
    run, shots = Path(folder).parts[len(RUNS.parts) : len(RUNS.parts) + 2]
    for like, some in (
        ("the same run and shots", [p for p in past if (p.run, p.shots) == (run, shots)]),
        ("the same run", [p for p in past if p.run == run]),
        ("the same shots", [p for p in past if p.shots == shots]),
        ("other cells", list(past)),
    ):
        if some:
            device = [p.device_memory_mib for p in some if p.device_memory_mib is not None]
            return Expected(
                sum(p.seconds for p in some) / len(some),
                max(p.memory_mib for p in some),
                max(device) if device else None,
                like,
            )
    return None
