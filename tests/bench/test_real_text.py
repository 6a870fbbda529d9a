"""The tables of docs/real_text.md from CSV files."""

import sys

import pandas as pd
import pytest

from bench import real_text


def test_a_folder_without_numbers_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(real_text, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench.real_text"])
    with pytest.raises(SystemExit) as ended:
        real_text.main()
    assert ended.value.code == 2
    line = f"error: {tmp_path}: expected CSV files with numbers, found none\n"
    assert capsys.readouterr().err == line


def test_answers_count_every_right_label_as_a_third():
    answered = {("ft", "en"): (60, 30, 0), ("ft", "de"): (90, 0, 0), ("sp", "en"): (0, 0, 30)}
    rows = [
        (run, 64, code, right, answer, share * (at + 1) / 2)
        for (run, code), shares in answered.items()
        for at, right in enumerate(real_text.LABELS)
        for answer, share in zip(real_text.LABELS, shares, strict=True)
    ]
    columns = ["run", "shots", "language", "label", "predicted", "percent"]
    assert cells_of(real_text._answers(pd.DataFrame(rows, columns=columns))) == [
        ["64", "ft", "75", "15", "0", "de 90"],
        ["64", "sp", "0", "0", "30", "en 30"],
    ]


def test_curves_are_means_over_seeds_and_leave_out_what_is_not_trained():
    rows = [
        ("ft", 16, 1, 1, 21, 1.0, 40.0),
        ("ft", 16, 1, 2, 42, 0.5, 50.0),
        ("ft", 16, 2, 1, 21, 1.0, 43.0),
        ("ft", 16, 2, 2, 42, 0.1, 41.0),
        ("untrained", 16, 1, 0, 0, float("nan"), 33.3),
    ]
    columns = ["run", "shots", "seed", "epoch", "updates", "loss", "dev_accuracy"]
    table = real_text._curves(pd.DataFrame(rows, columns=columns))
    assert cells_of(table) == [["16", "ft", "41.5", "45.5", "0.300"]]


def test_gains_stand_by_language_and_shots():
    rows = [
        ("mpt", other, code, shots, shots / 10, -1.0, 2.0)
        for other, shots in (("sp", 16), ("ft", 16), ("sp", 64))
        for group in real_text.GROUPS.values()
        for code in group
    ]
    columns = ["run", "other", "language", "shots", "difference", "low", "high"]
    table = cells_of(real_text._gain(pd.DataFrame(rows, columns=columns)))
    assert table[0] == ["en", "+1.6 (-1.0 to +2.0)", "+6.4 (-1.0 to +2.0)"]
    assert len(table) == 15


def test_accuracies_with_each_prompt_are_means_of_english_and_of_the_others():
    rows = [
        ("mpt", 64, 2, "source", "en", 50.0, 10, 20, 70),
        ("mpt", 64, 2, "source", "de", 40.0, 30, 30, 40),
        ("mpt", 64, 2, "source", "fr", 44.0, 40, 20, 40),
    ]
    columns = ["run", "shots", "seed", "prompt", "language", "accuracy", *real_text.LABELS]
    table = real_text._prompts(pd.DataFrame(rows, columns=columns))
    assert cells_of(table) == [["mpt", "64", "2", "source", "50.0", "42.0", "35", "25", "40"]]


def cells_of(table):
    """Return the cells of a table's rows without its heads."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def test_the_numbers_of_all_methods_have_a_folder_and_tables_of_their_own(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    results.mkdir()
    languages = [code for group in real_text.GROUPS.values() for code in group]
    accuracy = pd.DataFrame({"run": "dp", "shots": 16, "seed": 1, "language": languages})
    accuracy.assign(accuracy=40.0).to_csv(results / "accuracy.csv", index=False)
    interval = {"run": "dp", "shots": 16, "language": "avg", "mean": 40.0, "low": 39, "high": 41}
    pd.DataFrame([interval]).to_csv(results / "intervals.csv", index=False)
    (tmp_path / "docs/real_text").mkdir(parents=True)
    pd.DataFrame().to_csv(tmp_path / "docs/real_text/other.csv")
    monkeypatch.setattr(sys, "argv", ["bench.real_text", "--field"])
    real_text.main()
    printed = capsys.readouterr().out
    assert printed.startswith("## field: accuracy\n")
    assert "| 16    | dp  | 40.0 | 40.0     | 40.0   | 40.0    | 40.0   | 39.0 to 41.0 |" in printed
