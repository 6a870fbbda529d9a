"""The page of a finished project."""

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup

from pipeline.params.whole import load_params
from pipeline.report.figures.collection import figures
from pipeline.report.figures.drawing import draw
from pipeline.report.page import page, read_tables
from stages.tables import tables
from tests.evaluation import conftest
from tests.evaluation.project import edited, make

copied, finished, here = conftest.copied, conftest.finished, conftest.here
home, params, params_with = conftest.home, conftest.params, conftest.params_with


@pytest.fixture(scope="session")
def html(finished) -> str:
    return (finished / "results/report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def soup(html) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


@pytest.fixture
def made(tmp_path, monkeypatch) -> Callable[..., BeautifulSoup]:
    """Make the page of a project whose params.yaml has some words replaced."""

    def build(*changes: tuple[str, str]) -> BeautifulSoup:
        make(tmp_path / "made", edited(*changes), monkeypatch)
        tables()
        given, parameters = read_tables(), load_params()
        made = figures(given, parameters)
        drawn = {name: draw(figure) if figure else None for name, figure in made.items()}
        return BeautifulSoup(page(parameters, given, drawn), "html.parser")

    return build
