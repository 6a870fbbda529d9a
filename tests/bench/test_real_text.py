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
    assert real_text._answers(pd.DataFrame(rows, columns=columns)).splitlines()[2:] == [
        "| 64 | ft | 75 | 15 | 0 | de 90 |",
        "| 64 | sp | 0 | 0 | 30 | en 30 |",
    ]
