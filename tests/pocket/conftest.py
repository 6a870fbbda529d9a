import shutil
from pathlib import Path

import pytest

from pipeline.pocket.corpus import Corpora, draw_corpora
from pipeline.pocket.grammar import Grammar, read_grammar
from tests.imports import ROOT


@pytest.fixture(scope="session")
def pocket() -> Path:
    return ROOT / "data" / "pocket"


@pytest.fixture(scope="session")
def grammar(pocket: Path) -> Grammar:
    return read_grammar(pocket)


@pytest.fixture(scope="session")
def corpora(grammar: Grammar) -> Corpora:
    return draw_corpora(grammar)


@pytest.fixture
def folder(pocket: Path, tmp_path: Path) -> Path:
    """Return a folder with a copy of the sources."""
    for name in ("lexicon.csv", "grammar.yaml"):
        shutil.copy(pocket / name, tmp_path)
    return tmp_path
