"""Finished projects and the page that `mpt report` makes of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from stages.report import report
from tests.evaluation.conftest import home, params, params_text  # noqa: F401
from tests.imports import ROOT
from tests.report.project import Spec, write_project

PARAMS = """
languages: {source: en, targets: [ar, de, sw]}
datasets:
  xnli: {path: data/some_nli}
  paws_x: {path: data/pairs, splits: [train]}
backbone: {path: data/small_model}
fewshot: {source: sample, split_seed: 0, per_seed: false}
paws15: {pairs: 280, seed: 0, assignment: balanced, engine: google, languages: all}
grid: {runs: [sp, pct, mpt], shots: [4, 16], seeds: [1, 2, 3]}
ablations: {runs: [no_translator], shots: [16], seeds: [1, 2, 3]}
matched: {runs: [sp_matched], shots: [16], seeds: [1, 2, 3]}
sweeps: {runs: [alpha_01, alpha_09, prefix], shots: [16], seeds: [1, 2, 3]}
comparison: {reference: mpt, baseline: sp, table2: {no-translator: no_translator, no-mpt: sp}}
training: {epochs: 5, batch_size: 4, learning_rate: 4e-5, weight_decay: 0.01, clip: 1.0,
  max_length: 64, precision: float32, selection: best_dev, epoch: longest}
template:
  position: suffix
  verbalizer: {entailment: "yes", neutral: "maybe", contradiction: "no"}
methods:
  ft: {method: ft}
  sp: {method: sp}
  pct: {method: pct}
  mpt: {method: mpt}
  no_translator: {method: mpt}
  sp_matched: {method: sp}
  alpha_01: {method: mpt}
  alpha_09: {method: mpt}
  prefix: {method: mpt}
"""
HOSTILE = (
    ("<script>alert('premise')</script>", '</bdi></p><img src=x onerror="alert(1)">'),
    ("abc\u202egnp.exe\u2066 \"quoted\" 'single' & co", "{{ 7 * 7 }} {% raw %} ${1} \x07"),
)
SPEC = Spec(
    pairs=60,
    skill={"mpt": 0.55, "sp": 0.4, "pct": 0.5},
    stuck=(("sp", 4, 2),),
    changed={
        "no_translator": {"translator": "none"},
        "sp_matched": {"method": "sp", "epoch": "pairs"},
        "alpha_01": {"alpha": 0.1},
        "alpha_09": {"alpha": 0.9},
        "prefix": {"position": "prefix"},
    },
    # Every pair, so that whichever are shown are hostile.
    texts=HOSTILE * 30,
)


def make(folder: Path, text: str, spec: Spec, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a project into a folder, go there and run `mpt report`."""
    (folder / "data").mkdir()
    (folder / "data/paper").symlink_to(ROOT / "data/paper")
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    write_project(spec)
    report()
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Iterator[Path]:
    """The folder of a project with everything in it; tests leave it as it is."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield make(tmp_path_factory.mktemp("finished"), PARAMS, SPEC, monkeypatch)


@pytest.fixture
def here(finished, monkeypatch) -> Path:
    """The same, as the working folder."""
    monkeypatch.chdir(finished)
    return finished


@pytest.fixture(scope="session")
def html(finished) -> str:
    return (finished / "results/report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def soup(html) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


@pytest.fixture
def made(tmp_path, monkeypatch) -> Callable[..., BeautifulSoup]:
    """Make the page of a project whose params.yaml has some words replaced."""

    def build(*changes: tuple[str, str], spec: Spec = SPEC) -> BeautifulSoup:
        text = PARAMS
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        make(tmp_path, text, spec, monkeypatch)
        page = (tmp_path / "results/report.html").read_text(encoding="utf-8")
        return BeautifulSoup(page, "html.parser")

    return build
