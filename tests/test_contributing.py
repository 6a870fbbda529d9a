"""The steps of CONTRIBUTING.md, tried."""

import dataclasses
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline import languages
from pipeline.params import runs
from pipeline.params.whole import load_params
from pipeline.pocket.grammar import read_grammar
from stages.backbone import backbone
from stages.corpora import corpora
from stages.fewshot import fewshot
from stages.paws15 import paws15
from stages.tokens import tokens
from stages.train import train
from tests import toys
from tests.commands import environment
from tests.imports import ROOT


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository with the example's file and entry."""
    folder, (code, entry) = tmp_path_factory.mktemp("clone"), toys.contributed()
    for name in ("bench", "pipeline", "profiles", "stages", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "pipeline/methods/plain.py").write_text(code, encoding="utf-8")
    values = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values["grid"]["runs"] = [*dict.fromkeys((*values["grid"]["runs"], "plain"))]
    values["methods"]["plain"] = entry
    toys.write_params(values, folder / "params.yaml")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        "mypy pipeline/methods/plain.py",
        "pytest -p no:cacheprovider tests/params tests/methods tests/test_profiles.py",
    ],
)
def test_a_new_method_is_a_file_and_an_entry_and_passes_every_check(command, clone):
    """`dvc repro` of its cells is in tests/dvc/test_reruns.py."""
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=clone, env=environment(PYTHONPATH=str(clone)), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_of_methods_says_what_a_new_one_costs():
    """Which stages run again is in tests/dvc/test_reruns.py."""
    page = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
    code, _ = toys.contributed()
    assert f"one file of {length(code)} lines and 2 lines of `params.yaml`" in page
    files = [path.read_text(encoding="utf-8") for path in runs.METHODS.glob("[a-z]*.py")]
    assert all(20 <= length(text) <= 240 for text in files if text != code)
    examples = [
        length((ROOT / f"tests/methods/added/{name}.py").read_text(encoding="utf-8"))
        for name in ("hard_prompt", "distilled", "masked_text")
    ]
    assert "have {}, {} and {} (".format(*examples) in page
    shipped, field = (
        load_params(ROOT / "profiles" / f"{name}.yaml") for name in ("pocket", "field")
    )
    own = len(shipped.grid.shots) * len(shipped.grid.seeds)
    assert f"its own {own} cells, and the other {len(shipped.cells)} stay" in page
    own, matched = (len(block.shots) * len(block.seeds) for block in (field.grid, field.matched))
    assert f"{own} cells in `grid` and {matched} in `matched`" in page


def length(text):
    """Return the number of lines."""
    return len(text.splitlines())


def test_a_new_language_is_a_row_in_the_table_and_in_the_data(project, monkeypatch):
    italian = dataclasses.replace(
        languages.LANGUAGES["es"], code="it", name="Italian", question="Domanda", answer="Risposta"
    )
    monkeypatch.setitem(languages.LANGUAGES, "it", italian)
    monkeypatch.setattr(toys, "TARGETS", ("de", "it"))
    toys.hub(project / "hub")
    assert "it" not in read_grammar(ROOT / "data/pocket").languages
    values = toys.params(languages__targets=["de", "it"], grid__runs=["pct"])
    toys.write_params(values, project / "params.yaml")
    corpora()
    backbone()
    tokens()
    fewshot(shots=1)
    paws15()
    train("pct", shots=1, seed=1)
    predictions = pd.read_parquet("data/runs/pct/k1/s1/predictions.parquet")
    assert set(predictions.language) == {"en", "de", "it"}
    assert set(pd.read_parquet("data/paws15/pairs.parquet").language) == {"de", "it"}
