"""Cells on disk, made of plain lists, in a folder of their own; and a finished project."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.corpora.files import CORPORA
from pipeline.evaluation.cells import Cells, read_cells
from pipeline.params.whole import Params, load_params
from tests.evaluation import project
from tests.imports import ROOT


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """The folder of a project with everything in it; tests leave it as it is."""
    return project.finished(tmp_path_factory.getbasetemp() / "finished")


@pytest.fixture
def here(finished, monkeypatch) -> Path:
    """The same, as the working folder."""
    monkeypatch.chdir(finished)
    return finished


@pytest.fixture
def copied(finished, tmp_path, monkeypatch) -> Path:
    """A copy of it to break, as the working folder."""
    monkeypatch.chdir(shutil.copytree(finished, tmp_path / "copied", symlinks=True))
    return tmp_path / "copied"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty working folder, but for the paper's tables."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/paper").symlink_to(ROOT / "data/paper")
    return tmp_path


@pytest.fixture
def params_with(tmp_path) -> Callable[..., Params]:
    """Return the parameters of the project with some words of their text replaced."""

    def edit(*changes: tuple[str, str]) -> Params:
        path = tmp_path / "edited.yaml"
        path.write_text(project.edited(*changes), encoding="utf-8")
        return load_params(path)

    return edit


@pytest.fixture
def params(params_with) -> Params:
    return params_with()


@pytest.fixture
def write_cell(home) -> Callable[..., Path]:
    """Write a cell whose predictions are right where `right[language]` says so (a string of 01).

    The test set has the rows of the first cell.
    """

    def write(cell: tuple[str, int, int], right: dict[str, str], edit=lambda table: table) -> Path:
        rows = [
            (language, f"p{i}", i % 3, i % 3 if bit == "1" else (i + 1) % 3)
            for language, bits in right.items()
            for i, bit in enumerate(bits)
        ]
        table = edit(project.frame(rows))
        if not (CORPORA / "test.parquet").exists():
            project.write_test(table)
        return project.write_files(cell, table, updates=0)

    return write


@pytest.fixture
def cells_of(write_cell) -> Callable[..., Cells]:
    """Write cells of right answers by (run, shots, seed), and read them."""

    def write(right: dict[tuple[str, int, int], dict[str, str]]) -> Cells:
        for cell, bits in right.items():
            write_cell(cell, bits)
        return read_cells(list(right), list(next(iter(right.values()))))

    return write


@pytest.fixture
def write_settings(home) -> Callable[..., None]:
    """Write the metrics.json of a cell with these settings over the usual ones."""

    def write(cell: tuple[str, int, int], **changes) -> None:
        usual = {"method": "mpt", "epochs": 50, "alpha": 0.5, "translator": "linear-2"}
        project.write_metrics(cell, settings=usual | changes)

    return write
