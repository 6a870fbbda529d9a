"""Files of cells with wrong values, or in the wrong place: one line, and no tables."""

import json
import math
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifacts import read_table
from pipeline.cells.files import PREDICTIONS, PROBABILITIES, run_folder
from pipeline.evaluation.cell_files import read_cell_files
from pipeline.params.whole import load_params
from stages.tables import tables
from tests.commands import refusal
from tests.evaluation.project import write_files, write_metrics

CELL, SEED, RUN = ("mpt", 16, 1), ("mpt", 16, 2), ("sp", 16, 1)
HERE = run_folder(*CELL)
PREDICTED, METRICS = f"{HERE}/predictions.parquet", f"{HERE}/metrics.json"
AGAIN = "(make it: mpt train mpt --shots 16 --seed 1)"
NEWER = ("cell", "predictions_sha256")
"""The keys of metrics.json that cells of older versions lack."""


@pytest.fixture(params=["new", "old"])
def cells(request, copied):
    """Cells to damage, as they are written now or as an older version wrote them."""
    if request.param == "old":
        for cell in load_params().cells:
            path = run_folder(*cell) / "metrics.json"
            metrics = json.loads(path.read_text())
            path.write_text(json.dumps({key: metrics[key] for key in metrics.keys() - {*NEWER}}))
    return copied


def edit(change, cell=CELL):
    """Change the columns of predictions (lists by name), and nothing else."""
    path = run_folder(*cell) / "predictions.parquet"
    rows = pq.read_table(path)
    columns = rows.to_pydict()
    change(columns)
    pq.write_table(pa.table(columns, schema=rows.schema), path)


def copy(name, cell, other):
    source, target = run_folder(*cell) / name, run_folder(*other) / name
    shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(
        source, target
    )


def swap(name, cell, other):
    one, two = run_folder(*cell) / name, run_folder(*other) / name
    kept = one.rename(one.parent / "kept")
    two.rename(one)
    kept.rename(two)


@pytest.mark.usefixtures("cells")
def test_whole_cells_make_tables():
    tables()


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"label": 5}, "label: expected 0 to 2, found 5"),
        ({"label": -1}, "label: expected 0 to 2, found -1"),
        ({"predicted": 7}, "predicted: expected -1 to 2, found 7"),
        ({"predicted": -2}, "predicted: expected -1 to 2, found -2"),
        ({"p_neutral": math.nan}, "probabilities: expected numbers from 0 to 1 with sum 1"),
        ({"p_neutral": math.inf}, "probabilities: expected numbers from 0 to 1 with sum 1"),
        ({"p_neutral": 0.9}, "probabilities: expected numbers from 0 to 1 with sum 1"),
        (
            dict(zip(PROBABILITIES, (1.5, -0.25, -0.25), strict=True)),
            "probabilities: expected numbers from 0 to 1 with sum 1, found [1.5",
        ),
    ],
    ids=str,
)
def test_a_value_out_of_its_range_is_refused(values, line):
    edit(lambda columns: [columns[name].__setitem__(7, value) for name, value in values.items()])
    found = refusal(tables)
    assert found.startswith(f"{PREDICTED}, row 7: {line}")
    assert found.endswith(AGAIN)


@pytest.mark.usefixtures("cells")
def test_a_predicted_label_without_the_largest_probability_is_refused():
    edit(lambda columns: columns["predicted"].__setitem__(7, (columns["predicted"][7] + 1) % 3))
    expected = f"{PREDICTED}, row 7: predicted: expected the label of the largest probability"
    assert refusal(tables).startswith(expected)


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("move", [copy, swap])
@pytest.mark.parametrize("other", [SEED, RUN], ids=["another seed", "another run"])
def test_predictions_of_another_cell_are_refused(move, other):
    move("predictions.parquet", other, CELL)
    line = refusal(tables)
    assert line.startswith(METRICS if other == SEED else "data/runs/sp/k16/s1" * (move == swap))
    assert f"as {run_folder(*CELL)}" in line or "as data/runs/sp/k16/s1" in line


@pytest.mark.usefixtures("cells")
def test_a_copy_of_another_seed_is_refused():
    copy("", SEED, CELL)
    assert "mpt/k16/s" in (line := refusal(tables))
    assert "found those of data/runs/mpt/k16/s1" in line or "cell.seed: expected 1" in line


@pytest.mark.usefixtures("cells")
def test_a_copy_of_another_run_is_refused():
    copy("", RUN, CELL)
    assert refusal(tables).startswith(f"{METRICS}: settings.method: expected mpt as in params.yaml")


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize("other", [SEED, ("mpt", 4, 1)], ids=["seeds", "shots"])
def test_cells_that_have_changed_places_are_refused(other):
    swap("", CELL, other)
    line = refusal(tables)
    assert ": cell.s" in line
    assert line.startswith("data/runs/mpt/k")
    assert line.endswith(")")


@pytest.mark.usefixtures("copied")
def test_other_bytes_than_those_of_the_metrics_are_refused():
    pq.write_table(pq.read_table(PREDICTED), PREDICTED, compression="none")
    assert refusal(tables).startswith(f"{METRICS}: predictions_sha256: expected ")


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("accuracy", {"de": 50.0}),
        ("accuracy", {"avg": 50.0}),
        ("most_predicted", {"share": 99.0}),
        ("most_predicted", {"by_language": {"de": 99.0}}),
        ("test", {"pairs": 59}),
    ],
    ids=str,
)
def test_metrics_that_predictions_do_not_have_are_refused(key, values):
    metrics = json.loads((HERE / "metrics.json").read_text())
    write_metrics(CELL, **{key: metrics[key] | values})
    line = refusal(tables)
    assert line.startswith(f"{METRICS}: {key}.{next(iter(values))}")
    assert f"as {PREDICTED} has it" in line


def of_every_cell(change):
    """Change the predictions of every cell as if they had been made so."""
    for cell in load_params().cells:
        table = read_table(run_folder(*cell) / "predictions.parquet", PREDICTIONS)
        write_files(cell, change(table))


@pytest.mark.usefixtures("copied")
def test_pairs_that_all_cells_lack_are_missed():
    of_every_cell(lambda table: table[table["pair_id"].isin([f"p{n}" for n in range(30)])])
    assert refusal(tables) == (
        "data/runs/sp/k4/s1/predictions.parquet: language ar: expected a row for each of 60 test "
        "pairs, found 30"
    )


@pytest.mark.usefixtures("copied")
def test_labels_that_all_cells_have_and_the_test_set_has_not_are_refused():
    of_every_cell(lambda table: table.assign(label=(table["label"] + 1) % 3))
    line = refusal(tables)
    assert line.startswith("data/runs/sp/k4/s1/predictions.parquet: language ar, pair_id p0: ")
    assert "expected label 0 as in data/corpora/test.parquet, found 1" in line


@pytest.mark.usefixtures("copied")
def test_no_flipped_bit_gives_other_predictions():
    path = HERE / "predictions.parquet"
    whole = path.read_bytes()
    for place in range(4, len(whole), len(whole) // 60):
        path.write_bytes(flipped(whole, place))
        assert refusal(read_cell_files, CELL).startswith(str(HERE)), place


def flipped(content, place):
    changed = bytearray(content)
    changed[place] ^= 1 << place % 8
    return bytes(changed)
