"""Cells on disk, made of plain lists, in a folder of their own."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.artifacts import write_json, write_table
from pipeline.cells.files import PREDICTIONS, run_folder
from pipeline.params.strict import parse
from pipeline.params.whole import Params

REPOSITORY = Path(__file__).parents[2]


def frame(rows: list[tuple[str, str, int, int]]) -> pd.DataFrame:
    """Predictions from (language, pair_id, label, predicted)."""
    table = pd.DataFrame(rows, columns=["language", "pair_id", "label", "predicted"])
    return table.assign(p_entailment=0.5, p_neutral=0.25, p_contradiction=0.25)


@pytest.fixture
def predictions() -> Callable[[list[tuple[str, str, int, int]]], pd.DataFrame]:
    return frame


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A working folder that holds the paper's tables and four methods by name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/paper").symlink_to(REPOSITORY / "data/paper")
    methods = tmp_path / "methods"
    methods.mkdir()
    for name in ("ft", "sp", "pct", "mpt"):
        (methods / f"{name}.py").touch()
    monkeypatch.setattr("pipeline.params.runs.METHODS", methods)
    return tmp_path


@pytest.fixture
def write_cell(home) -> Callable[..., Path]:
    """Write a cell whose predictions are right where `right[language]` says so (a string of 01)."""

    def write(cell: tuple[str, int, int], right: dict[str, str], **changes) -> Path:
        rows = [
            (language, f"p{i}", i % 3, i % 3 if bit == "1" else (i + 1) % 3)
            for language, bits in right.items()
            for i, bit in enumerate(bits)
        ]
        table = frame(rows)
        table = changes["edit"](table) if "edit" in changes else table
        path = run_folder(*cell) / "predictions.parquet"
        write_table(table, path, PREDICTIONS)
        return path

    return write


@pytest.fixture
def write_settings(home) -> Callable[..., Path]:
    """Write the metrics.json of a cell with these settings over the usual ones."""

    def write(cell: tuple[str, int, int], **changes) -> Path:
        usual = {"method": "mpt", "epochs": 50, "alpha": 0.5, "translator": "linear-2"}
        path = run_folder(*cell) / "metrics.json"
        write_json({"accuracy": {}, "settings": usual | changes}, path)
        return path

    return write


PARAMS = """
languages: {source: en, targets: [de]}
datasets:
  xnli: {path: data/some_nli}
  paws_x: {path: data/pairs, splits: [train]}
backbone: {path: data/small_model}
fewshot: {source: sample, split_seed: 0, per_seed: false}
paws15: {pairs: 5, seed: 0, assignment: balanced, engine: dataset, languages: all}
grid: {runs: [sp, mpt], shots: [1, 16], seeds: [1, 2]}
ablations: {runs: [no_translator], shots: [16], seeds: [1]}
sweeps: {runs: [], shots: [16], seeds: [1]}
matched: {runs: [], shots: [], seeds: []}
comparison: {reference: mpt, baseline: sp, table2: {no-translator: no_translator, no-mpt: sp}}
training: {epochs: 1, batch_size: 4, learning_rate: 4e-5, weight_decay: 0.01, clip: 1.0,
  max_length: 64, precision: float32, selection: best_dev, epoch: longest}
template:
  position: suffix
  verbalizer: {entailment: "yes", neutral: "maybe", contradiction: "no"}
methods:
  ft: {method: ft}
  sp: {method: sp}
  mpt: {method: mpt}
  no_translator: {method: mpt}
"""


@pytest.fixture
def params_text() -> str:
    return PARAMS


@pytest.fixture
def params() -> Params:
    from ruamel.yaml import YAML

    return parse(Params, YAML(typ="safe", pure=True).load(PARAMS), place="params.yaml")
