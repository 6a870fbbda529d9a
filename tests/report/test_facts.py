"""What the page says of times and machines, from circumstances made by hand."""

import pytest

from pipeline.report.facts import blocks, machines
from pipeline.report.records import Record


def made(cell: tuple[str, int, int], block: str, *, train: float, **more) -> Record:
    known = {
        "seconds": {"load": 1.0, "train": train, "predict": 2.0},
        "torch": "2.13",
        "threads": 2,
    }
    known |= {"machine": "x86_64", "device": "cpu", "peak_memory_mib": 100}
    return Record(cell, block, {}, known | more)


@pytest.fixture
def records() -> list[Record]:
    return [
        made(("mpt", 4, 1), "grid", train=10.0),
        made(("mpt", 4, 2), "grid", train=20.0, peak_memory_mib=700, torch="2.14"),
        made(("mpt", 4, 3), "grid", train=90.0, threads=1),
        Record(("mpt", 16, 1), "grid", {}, {}),
        made(("no_translator", 16, 1), "ablations", train=7300.0),
    ]


def test_times_are_sums_and_medians_of_a_blocks_own_cells(params, records):
    rows = {row["block"]: row for row in blocks(params, records)}
    assert list(rows) == ["grid", "ablations", "sweeps", "matched"]
    # 13, 23 and 93 seconds.
    assert (rows["grid"]["time"], rows["grid"]["each"]) == ("2 min", "23 s")
    assert (rows["ablations"]["time"], rows["ablations"]["each"]) == ("2.0 h", "2.0 h")
    assert (rows["sweeps"]["time"], rows["sweeps"]["each"]) == ("–", "–")
    assert [rows[block]["cells"] for block in rows] == ["18", "3", "12", "3"]
    assert (rows["grid"]["runs"], rows["grid"]["shots"]) == ("sp, pct, mpt", "4, 16")


def test_machines_and_versions_are_counted_by_cell(records):
    facts = dict(machines(records))
    assert facts["peak memory per cell"] == "700 MiB"
    assert facts["torch"] == "2.13 (3 cells); 2.14 (1 cell)"
    assert facts["processor"] == "x86_64, 1 thread (1 cell); x86_64, 2 threads (3 cells)"
    assert facts["device"] == "cpu"
    assert facts["not known"] == "for 1 cell, made elsewhere"
    assert "not known" not in dict(machines(records[:3]))
    assert machines(records[3:4]) == [("not known", "for 1 cell, made elsewhere")]
