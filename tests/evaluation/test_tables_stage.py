"""`mpt tables` from cells on disk to the files in results/."""

import json
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InputError
from stages.tables import tables

FILES = {
    "accuracy.csv",
    "confusion.csv",
    "curves.csv",
    "differences.csv",
    "gain.csv",
    "intervals.csv",
    "metrics.json",
    "paper_gap.csv",
    "significance.csv",
    "table1.csv",
    "table1.md",
    "table1.tex",
    "table1_std.csv",
    "table2.csv",
    "table2.md",
    "table2.tex",
    "sweeps.csv",
}
CELLS = [*product(["sp", "mpt"], [1, 16], [1, 2]), ("no_translator", 16, 1)]


@pytest.fixture
def made(home, write_cell, write_settings, params_text) -> Path:
    """A folder with the cells that its params.yaml names, and others."""
    (home / "params.yaml").write_text(params_text, encoding="utf-8")
    generator = np.random.default_rng(0)
    for run, shots, seed in [*CELLS, ("ft", 16, 1), ("sp", 16, 9), ("sp", 64, 1)]:
        share = 0.34 + 0.3 * (run == "mpt") * (shots == 16)
        bits = {
            language: "".join(map(str, (generator.random(60) < share).astype(int)))
            for language in ("en", "de")
        }
        write_cell((run, shots, seed), bits)
        write_settings((run, shots, seed), translator="none" if "no_" in run else "linear-2")
    return home


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "results").iterdir()}


def test_writes_every_table_from_the_cells_of_params_alone(made):
    tables()
    assert set(results(made)) == FILES
    accuracy = pd.read_csv(made / "results/accuracy.csv")
    found = accuracy[["run", "shots", "seed"]].drop_duplicates().itertuples(index=False, name=None)
    assert list(found) == CELLS
    table = pd.read_csv(made / "results/table1.csv")
    assert list(zip(table["shots"], table["method"], strict=True)) == [
        (1, "sp"),
        (1, "mpt"),
        (16, "sp"),
        (16, "mpt"),
    ]
    assert list(table.columns) == ["shots", "method", "de", "en", "avg"]
    metrics = json.loads((made / "results/metrics.json").read_text())
    assert list(metrics["accuracy"]["k16"]) == ["sp", "mpt"]
    assert metrics["accuracy"]["k16"]["mpt"] == pytest.approx(table["avg"][3])
    assert len(pd.read_csv(made / "results/significance.csv")) == 3 * 4


def test_the_files_agree_with_one_another(made):
    tables()
    names = ("table1", "table2", "intervals", "differences", "sweeps", "paper_gap", "curves")
    read = {name: pd.read_csv(made / f"results/{name}.csv") for name in names}
    average = read["intervals"][read["intervals"]["language"] == "avg"]
    means = average.set_index(["run", "shots"])["mean"]
    for _, row in read["table1"].iterrows():
        assert row["avg"] == pytest.approx(means[row["method"], row["shots"]])
    for _, row in read["table2"].iterrows():
        assert row["avg"] == pytest.approx(means[row["run"], row["shots"]])
    for _, row in read["sweeps"].iterrows():
        assert row["mean"] == pytest.approx(means[row["run"], row["shots"]])
    assert read["sweeps"]["run"].to_list() == ["mpt", "no_translator"]
    assert read["curves"]["mpt"].to_list() == pytest.approx([means["mpt", 1], means["mpt", 16]])
    gap = read["paper_gap"].dropna(subset=["ours"])
    assert set(gap["row"]) == {"sp", "mpt"}
    assert len(gap) == 2 * 2 * 2
    lead = read["differences"]
    for _, row in lead[(lead["language"] == "avg") & (lead["other"] == "sp")].iterrows():
        expected = means["mpt", row["shots"]] - means["sp", row["shots"]]
        assert row["difference"] == pytest.approx(expected)
        assert row["low"] <= row["difference"] <= row["high"]


def test_without_variants_the_files_are_there_all_the_same(made, params_text, capsys):
    text = params_text.replace("[no_translator], shots", "[], shots")
    text = text.replace("{no-translator: no_translator, no-mpt: sp}", "{}")
    (made / "params.yaml").write_text(text, encoding="utf-8")
    for path in (made / "data/runs").rglob("metrics.json"):
        path.unlink()
    tables()
    assert set(results(made)) == FILES
    assert pd.read_csv(made / "results/table2.csv").empty
    assert pd.read_csv(made / "results/sweeps.csv").empty
    for name in ("table2.md", "table2.tex"):
        assert "No run of comparison.table2" in (made / "results" / name).read_text()
    tables(show=True)
    assert "Table II:" not in capsys.readouterr().out


def test_a_cell_without_settings_says_how_to_make_it_again(made):
    tables()
    before = results(made)
    path = made / "data/runs/mpt/k16/s2/metrics.json"
    path.write_text('{"accuracy": {"en": 50.0}}')
    with pytest.raises(InputError) as error:
        tables()
    assert str(error.value) == (
        "data/runs/mpt/k16/s2/metrics.json: expected settings, found none: the cell was made by "
        "an older version (make it again: mpt train mpt --shots 16 --seed 2)"
    )
    assert results(made) == before


def test_full_precision_in_files(made):
    tables()
    accuracy = pd.read_csv(made / "results/accuracy.csv")
    right = accuracy["accuracy"] * 60 / 100
    assert np.allclose(right, right.round(), atol=1e-12)
    assert (accuracy["accuracy"] != accuracy["accuracy"].round(6)).any()


def test_the_same_cells_give_the_same_bytes(made):
    tables()
    first = results(made)
    tables()
    assert results(made) == first


def test_markdown_and_latex_print_the_numbers_of_the_csv(made):
    tables()
    mean, std = (pd.read_csv(made / f"results/{n}.csv") for n in ("table1", "table1_std"))
    paper = pd.read_csv(made / "data/paper/table1.csv").set_index(["shots", "method"])
    text = (made / "results/table1.md").read_text(encoding="utf-8").replace("**", "")
    tex = (made / "results/table1.tex").read_text(encoding="utf-8")
    for row, deviation in zip(mean.to_dict("records"), std.to_dict("records"), strict=True):
        section = text.partition(f"## {row['shots']} shot")[2].partition("\n## ")[0]
        place = 2 + ["sp", "mpt"].index(row["method"])
        for column in ("de", "en"):
            line = next(line for line in section.splitlines() if line.startswith(f"| {column} "))
            printed = f"{row[column]:.1f} ± {deviation[column]:.1f}"
            theirs = paper.at[(row["shots"], row["method"]), column]
            assert line.split("|")[place].strip() == f"{printed} ({theirs})"
            plain = re.sub(r"\\mathbf{([0-9.]+)}", r"\1", tex)
            assert rf"${row[column]:.1f}_{{\pm {deviation[column]:.1f}}}$" in plain
            assert rf"\textit{{{theirs}}}" in tex
    # Ours is over two languages, the paper's over 15: no average of the paper's beside ours.
    summary = text.partition("## Mean over the languages")[2].partition("\n## ")[0]
    assert "(" not in summary


def test_a_missing_cell_leaves_the_last_results_whole(made):
    tables()
    before = results(made)
    (made / "data/runs/mpt/k16/s2/predictions.parquet").unlink()
    with pytest.raises(InputError, match=r"\(make it: mpt train mpt --shots 16 --seed 2\)"):
        tables()
    assert results(made) == before


def test_an_empty_grid_is_an_error(made, params_text):
    text = params_text.replace("runs: [sp, mpt]", "runs: []")
    (made / "params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"params.yaml: grid: expected at least one run"):
        tables()


def test_show_prints_the_table_its_caption_and_the_places(made, capsys):
    tables()
    capsys.readouterr()
    before = results(made)
    for cell in (made / "data/runs").rglob("*.parquet"):
        cell.unlink()
    (made / "params.yaml").unlink()
    tables(show=True)
    printed = capsys.readouterr().out
    assert results(made) == before
    table = pd.read_csv(made / "results/table1.csv")
    for row in table.to_dict("records"):
        assert re.search(rf"{row['method']} .*{row['de']:.1f}.*{row['avg']:.1f}", printed)
    words = " ".join(printed.split())
    assert "backbone data/small_model on the 60 test pairs of data/some_nli" in words
    assert "Not above chance" in words
    second = pd.read_csv(made / "results/table2.csv")
    for row in second.to_dict("records"):
        assert re.search(rf"{row['variant']} +{row['run']} +{row['avg']:.1f} ", printed)
    assert "the paper's test, which is not sound" in words
    for place in ("results/table1.md", "results/table2.md", "data/runs/", "params.yaml"):
        assert place in printed
    assert max(map(len, printed.splitlines())) <= 120


def test_show_fits_fifteen_languages_in_120_columns(home, capsys):
    (home / "results").mkdir()
    paper = (home / "data/paper/table1.csv").read_text()
    (home / "results/table1.csv").write_text(paper.replace("mpt", "a_longer_name"))
    (home / "results/table1.md").write_text("# T\n\nOf this.\n\nChance.\n\nEach.\n\n## M\n")
    tables(show=True)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 120
    assert "…" not in printed
    # The paper's average stands beside the average where the method is the paper's.
    assert re.search(r"256\s+ft(\s+\d+\.\d){17}\n", printed.replace(" \n", "\n"))


def test_show_never_cuts_a_number_short(home, capsys):
    (home / "results").mkdir()
    paper = (home / "data/paper/table1.csv").read_text()
    (home / "results/table1.csv").write_text(paper.replace("mpt", "a_very_" * 9 + "long_name"))
    (home / "results/table1.md").write_text("# T\n\nOf this.\n\nChance.\n\nEach.\n\n## M\n")
    tables(show=True)
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert printed.count("long_name") == 9


def test_show_without_results_says_how_to_make_them(home):
    with pytest.raises(InputError, match=r"results/table1.csv: .*\(make it: dvc repro\)"):
        tables(show=True)


def test_neither_the_stage_nor_evaluation_imports_torch():
    imports = "import pipeline.evaluation.results, pipeline.cells.metrics"
    check = "import sys; assert not {'torch', 'transformers', 'datasets'} & set(sys.modules)"
    light = "assert 'pandas' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", f"import sys, stages.tables; {light}; {imports}; {check}"],
        check=True,
        cwd=Path(__file__).parents[2],
    )
