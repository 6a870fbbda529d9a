"""`mpt tables` from cells on disk to the files in results/."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.artifacts import read_table, write_json
from pipeline.cells.files import PREDICTIONS, run_folder
from pipeline.errors import InputError
from pipeline.evaluation.files import DIGESTS
from pipeline.evaluation.words import signed
from pipeline.files import sha256
from pipeline.params.whole import load_params
from stages.tables import tables
from tests.commands import refusal
from tests.evaluation.project import BARE, PAIRS, edited, write_files, write_test
from tests.imports import ROOT

FILES = {
    *("accuracy.csv", "confusion.csv", "curves.csv", "differences.csv", "gain.csv"),
    *("intervals.csv", "metrics.json", "paper_gap.csv", "sha256.json", "significance.csv"),
    "sweeps.csv",
    *("table1.csv", "table1.md", "table1.tex", "table1_std.csv"),
    *("table2.csv", "table2.md", "table2.tex"),
}


def results(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "results" / name).read_bytes() for name in FILES}


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"results/{name}.csv")


def test_makes_every_table_from_only_the_cells_of_params(here):
    params = load_params()
    assert {path.name for path in (here / "results").iterdir()} == {
        *FILES,
        "report.html",
        "figures",
    }
    accuracy = read(here, "accuracy")[["run", "shots", "seed"]].drop_duplicates()
    assert list(accuracy.itertuples(index=False, name=None)) == list(params.cells)
    table = read(here, "table1")
    rows = [(k, run) for k in params.grid.shots for run in params.grid.runs]
    rows.append((16, "sp_matched"))
    assert list(zip(table["shots"], table["method"], strict=True)) == rows
    assert list(table.columns) == ["shots", "method", "ar", "de", "en", "sw", "avg"]
    metrics = json.loads((here / "results/metrics.json").read_text())
    assert list(metrics["accuracy"]["k16"]) == ["sp", "pct", "mpt", "sp_matched"]
    assert metrics["accuracy"]["k16"]["mpt"] == pytest.approx(table["avg"].iloc[-2])
    # Two other runs at two shots, five variants and a matched run, with four tests each.
    assert len(read(here, "significance")) == (4 + 5 + 1) * 4


def test_the_files_agree_with_one_another(finished):
    spread = read(finished, "intervals")
    means = spread[spread["language"] == "avg"].set_index(["run", "shots"])["mean"]
    for name, run, mean in (("table1", "method", "avg"), ("table2", "run", "avg"),
                            ("sweeps", "run", "mean")):  # fmt: skip
        table = read(finished, name)
        assert len(table)
        keys = list(zip(table[run], table["shots"], strict=True))
        assert table[mean].to_list() == pytest.approx(means.loc[keys].to_list())
    keys = [("mpt", 4), ("mpt", 16)]
    assert read(finished, "curves")["mpt"].to_list() == pytest.approx(means.loc[keys].to_list())
    gap = read(finished, "paper_gap").dropna(subset=["ours"])
    assert set(gap["row"]) == {"sp", "pct", "mpt"}
    assert len(gap) == 3 * 2 * 5
    lead = read(finished, "differences")
    lead = lead[(lead["language"] == "avg") & (lead["other"] == "sp")]
    for row in lead.to_dict("records"):
        expected = means["mpt", row["shots"]] - means["sp", row["shots"]]
        assert row["difference"] == pytest.approx(expected)
        assert row["low"] <= row["difference"] <= row["high"]


def test_accuracies_have_full_precision(finished):
    accuracy = read(finished, "accuracy")["accuracy"]
    right = accuracy * PAIRS / 100
    assert np.allclose(right, right.round(), atol=1e-12)
    assert (accuracy != accuracy.round(6)).any()


def test_markdown_and_latex_print_the_numbers_of_the_csv(finished):
    mean, std = read(finished, "table1"), read(finished, "table1_std")
    paper = pd.read_csv(finished / "data/paper/table1.csv").set_index(["shots", "method"])
    text = (finished / "results/table1.md").read_text(encoding="utf-8").replace("**", "")
    tex = (finished / "results/table1.tex").read_text(encoding="utf-8")
    tex = re.sub(r"\\mathbf{([0-9.]+)}", r"\1", tex)
    for row, deviation in zip(mean.to_dict("records"), std.to_dict("records"), strict=True):
        section = text.partition(f"## {row['shots']} shots")[2].partition("\n## ")[0]
        column = 2 + ["sp", "pct", "mpt", "sp_matched"].index(row["method"])
        for code in ("ar", "de", "en", "sw"):
            line = next(line for line in section.splitlines() if line.startswith(f"| {code} "))
            theirs = paper[code].get((row["shots"], row["method"]))
            printed = f"{row[code]:.1f} ± {deviation[code]:.1f}"
            printed += f" ({theirs})" if theirs else ""
            assert line.split("|")[column].strip() == printed
            assert rf"${row[code]:.1f}_{{\pm {deviation[code]:.1f}}}$" in tex
            assert theirs is None or rf"\textit{{{theirs}}}" in tex
    averages = text.partition("## Mean over 4 languages")[2].partition("\n## ")[0]
    over_ours = paper.loc[(16, "mpt"), ["ar", "de", "en", "sw"]].mean()
    assert f" ({over_ours:.1f}) |" in averages.splitlines()[-1]
    assert averages.splitlines()[2].rstrip().endswith("| sp (matched) |")


def comparing(languages: str) -> tuple[str, str]:
    return "comparison: {reference", f"comparison: {{languages: {languages}, reference"


def test_a_comparison_in_some_languages_reads_only_their_predictions(copied):
    (copied / "params.yaml").write_text(edited(comparing("[sw, en]")), encoding="utf-8")
    tables()
    compared, caption = results(copied), (copied / "results/table1.md").read_text()
    for cell in load_params().cells:
        rows = read_table(run_folder(*cell) / "predictions.parquet", PREDICTIONS)
        rows = rows[rows["language"].isin(["en", "sw"])]
        write_files(cell, rows)
    write_test(rows)
    text = edited(("targets: [ar, de, sw]", "targets: [sw]"))
    (copied / "params.yaml").write_text(text, encoding="utf-8")
    tables()
    filtered = results(copied)
    for name in FILES:
        if not name.endswith((".md", ".tex", "sha256.json")):
            assert compared[name] == filtered[name], name
    words = "in 2 of 4 languages (en, sw)"
    assert words in caption
    assert caption.replace(words, "in 2 languages") == filtered["table1.md"].decode()


def test_a_comparison_needs_neither_the_source_language_nor_two(copied, finished, capsys):
    for codes in (["ar", "sw"], ["sw"]):
        text = edited(comparing(f"[{', '.join(codes)}]"))
        (copied / "params.yaml").write_text(text, encoding="utf-8")
        tables()
        ours, every = read(copied, "table1"), read(finished, "table1")
        assert list(ours.columns) == ["shots", "method", *codes, "avg"]
        pd.testing.assert_frame_equal(ours[codes], every[codes])
        assert ours["avg"].to_numpy() == pytest.approx(every[codes].mean(axis=1).to_numpy())
        tables(show=True)
        assert f"({', '.join(codes)})" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("epochs: 5", "epochs: 6"),
         "data/runs/sp/k4/s1/metrics.json: settings.epochs: expected 6 as in params.yaml, found 5 "
         "(make it: mpt train sp --shots 4 --seed 1)"),
        (("mpt: {method: mpt}", "mpt: {method: mpt, alpha: 0.25}"),
         "data/runs/mpt/k4/s1/metrics.json: settings.alpha: expected 0.25 as in params.yaml, "
         "found 0.5 (make it: mpt train mpt --shots 4 --seed 1)"),
        (("position: suffix", "position: midfix"),
         "data/runs/sp/k4/s1/metrics.json: settings.position: expected midfix as in params.yaml, "
         "found suffix (make it: mpt train sp --shots 4 --seed 1)"),
        (("backbone: {path: data/small_model}",
          "backbones: {base: {path: a}, mm: {path: b}}", "pct}", "pct, backbone: mm}"),
         "data/runs/pct/k4/s1/metrics.json: settings.backbone: expected mm as in params.yaml, "
         "found base (make it: mpt train pct --shots 4 --seed 1)"),
    ],
)  # fmt: skip
def test_a_cell_of_other_settings_than_those_of_params_is_refused(change, line, copied):
    changes = zip(change[::2], change[1::2], strict=True)
    (copied / "params.yaml").write_text(edited(*changes), encoding="utf-8")
    assert refusal(tables) == line


def test_without_variants_all_files_are_made(copied, capsys):
    (copied / "params.yaml").write_text(edited(*BARE), encoding="utf-8")
    for name in FILES:
        (copied / "results" / name).unlink()
    tables()
    assert set(results(copied)) == FILES
    assert read(copied, "table2").empty
    assert read(copied, "sweeps").empty
    for name in ("table2.md", "table2.tex"):
        assert "No run of comparison.table2" in (copied / "results" / name).read_text()
    tables(show=True)
    assert "Table II:" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        (
            "metrics.json",
            '{"accuracy": {"en": 50.0}}',
            "data/runs/mpt/k16/s2/metrics.json: expected a key settings, found none",
        ),
        (
            "predictions.parquet",
            None,
            "data/runs/mpt/k16/s2/predictions.parquet: expected the predictions of a cell",
        ),
    ],
)
def test_a_damaged_cell_leaves_the_last_results_intact(copied, name, edit, message):
    before, path = results(copied), copied / "data/runs/mpt/k16/s2" / name
    path.unlink() if edit is None else path.write_text(edit)
    with pytest.raises(InputError) as error:
        tables()
    assert str(error.value).startswith(message)
    assert str(error.value).endswith("(make it: mpt train mpt --shots 16 --seed 2)")
    assert results(copied) == before


def test_show_prints_the_tables_their_caption_and_the_files(copied, capsys):
    before = results(copied)
    for cell in (copied / "data/runs").rglob("*.parquet"):
        cell.unlink()
    (copied / "params.yaml").unlink()
    tables(show=True)
    printed = capsys.readouterr().out
    assert results(copied) == before
    for row in read(copied, "table1").to_dict("records"):
        method = row["method"].replace("sp_matched", "sp \\(matched\\)")
        assert re.search(rf"{method} .*{row['de']:.1f}.*{row['avg']:.1f}", printed)
    for row in read(copied, "table2").to_dict("records"):
        lost = re.escape(signed(row["difference"])) if row["variant"] != "original" else ""
        words = rf"{row['variant']} +{row['run']} +{row['avg']:.1f} .* {row['seeds']} +{lost} "
        assert re.search(words, printed)
    words = " ".join(printed.split())
    assert "backbone data/small_model on the 60 test pairs of data/some_nli" in words
    assert "Not above chance" in words
    assert "Each entry" not in words
    assert "the paper's test, which is not sound" in words
    for place in ("results/table1.md", "results/table2.md", "data/runs/", "params.yaml"):
        assert place in printed
    assert max(map(len, printed.splitlines())) <= 120


@pytest.fixture
def shown(home, capsys):
    """Print the paper's Table I as ours, with another name for a method."""
    (home / "results").mkdir()
    (home / "results/table1.md").write_text("# T\n\nOf this.\n\nChance.\n\n## M\n")

    def show(name: str) -> str:
        paper = (home / "data/paper/table1.csv").read_text()
        (home / "results/table1.csv").write_text(paper.replace("mpt", name))
        write_json({"table1.csv": sha256(home / "results/table1.csv")}, DIGESTS)
        tables(show=True)
        return capsys.readouterr().out

    return show


def test_show_fits_fifteen_languages_in_120_columns(shown):
    printed = shown("a_longer_name")
    assert max(map(len, printed.splitlines())) <= 120
    assert "…" not in printed
    # The paper's average is beside ours if the method is the paper's.
    assert re.search(r"256\s+ft(\s+\d+\.\d){17}\n", printed.replace(" \n", "\n"))


def test_show_sets_other_papers_numbers_apart_with_their_sources(shown):
    printed = shown("mpt")
    assert printed.count("38.79") == printed.count("34.99") == 1
    assert re.search(r"ft +avg +33\.5 +34\.99 +other splits +Zhou et al\. 2023", printed)
    assert re.search(r"sp +avg +38\.9 +38\.79 +as in Table I +Zhao & Schuetze", printed)
    assert "46.54" not in printed  # no run dpa


def test_show_never_cuts_a_number_short(shown):
    printed = shown("a_very_" * 9 + "long_name")
    assert "…" not in printed
    assert printed.count("long_name") == 9


def test_show_without_results_says_how_to_make_them(home):
    with pytest.raises(InputError, match=r"results/table1.csv: .*\(make it: dvc repro\)"):
        tables(show=True)


def test_evaluation_does_not_import_the_report_and_neither_imports_torch():
    code = """
import sys, stages.tables, stages.report
assert "pandas" not in sys.modules
import pipeline.evaluation.results, pipeline.cells.metrics
assert "pipeline.report" not in sys.modules
import pipeline.report.page, pipeline.report.figures.drawing
assert not {"torch", "transformers", "datasets"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT)
    assert done.returncode == 0
