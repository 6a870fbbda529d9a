"""Predictions made of plain lists, and a finished project with drawn ones."""

import zlib
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.artifacts import read_json, write_json, write_table
from pipeline.cells.files import PREDICTIONS, PROBABILITIES, circumstances_path, run_folder
from pipeline.cells.metrics import cell_metrics
from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, PARALLEL_PAIRS, PAWS15, SPLITS
from pipeline.params.runs import LABELS
from pipeline.params.whole import Params, load_params
from stages.report import report
from stages.tables import tables
from tests.imports import ROOT

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
matched: {runs: [sp], shots: [16], seeds: [1, 2, 3]}
sweeps: {runs: [alpha_01, alpha_09, prefix, both], shots: [16], seeds: [1, 2, 3]}
comparison: {reference: mpt, baseline: sp, table2: {no-translator: no_translator, no-mpt: sp}}
training: {epochs: 5, batch_size: 4, learning_rate: 4e-5, weight_decay: 0.01, clip: 1.0,
  max_length: 64, precision: float32, selection: best_dev, epoch: longest}
template:
  position: suffix
  verbalizer: {entailment: "yes", neutral: "maybe", contradiction: "no"}
methods:
  untrained: {method: untrained, epochs: 0}
  ft: {method: ft}
  sp: {method: sp}
  pct: {method: pct}
  mpt: {method: mpt}
  no_translator: {method: mpt}
  alpha_01: {method: mpt}
  alpha_09: {method: mpt}
  prefix: {method: mpt, position: prefix}
  both: {method: mpt, position: prefix}
"""
XNLI = ["ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"]
"""The languages of the paper's tables."""

BARE = (
    ("ablations: {runs: [no_translator]", "ablations: {runs: []"),
    ("matched: {runs: [sp]", "matched: {runs: []"),
    ("sweeps: {runs: [alpha_01, alpha_09, prefix, both]", "sweeps: {runs: []"),
    (", table2: {no-translator: no_translator, no-mpt: sp}", ", table2: {}"),
)
"""Changes that leave nothing but the grid."""

STRAY = (("ft", 16, 1), ("sp", 16, 9), ("sp", 64, 1))
"""Cells that params.yaml does not name."""

SETTINGS = {"method": "mpt", "epochs": 5, "position": "suffix", "pairs": "paws15", "alpha": 0.5,
            "translator": "linear-2",
            "verbalizer": dict(zip(LABELS, ("yes", "maybe", "no"), strict=True))}  # fmt: skip
CHANGED = {
    "no_translator": {"translator": "none"},
    "untrained": {"epochs": 0},
    **{f"{run}_matched": {"epochs": None, "updates": 60} for run in ("ft", "sp", "pct")},
    "alpha_01": {"alpha": 0.1},
    "alpha_09": {"alpha": 0.9},
    "prefix": {"position": "prefix"},
    "both": {"alpha": 0.1, "position": "prefix"},
}
SKILL = {"mpt": 0.55, "sp": 0.4, "pct": 0.5}
STUCK = ("sp", 4, 2)
"""A cell that only predicts one label."""

PAIRS = 60
HOSTILE = (
    ("<script>alert('premise')</script>", '</bdi></p><img src=x onerror="alert(1)">'),
    ("abc\u202egnp.exe\u2066 \"quoted\" 'single' & co", "{{ 7 * 7 }} {% raw %} ${1} \x07"),
)
"""Premise and hypothesis of all test pairs, so that whichever are shown are hostile."""

CIRCUMSTANCES = {
    "seconds": {"load": 4.0, "train": 60.0, "predict": 2.5},
    "torch": "2.13.0+cpu",
    "safetensors": "0.8.0",
    "tokenizers": "0.23.3",
    "numpy": "2.4.6",
    "python": "3.11.7",
    "machine": "x86_64",
    "threads": 2,
    "peak_memory_mib": 796,
    "device": "cpu",
}


def frame(rows: list[tuple[str, str, int, int]]) -> pd.DataFrame:
    """Predictions from (language, pair_id, label, predicted)."""
    table = pd.DataFrame(rows, columns=["language", "pair_id", "label", "predicted"])
    shares = np.full((len(rows), len(LABELS)), 0.25, dtype=np.float32)
    shares[np.arange(len(rows)), table["predicted"].clip(lower=0)] = 0.5
    return table.assign(**dict(zip(PROBABILITIES, shares.T, strict=True)))


def write_test(table: pd.DataFrame) -> None:
    """Write a test set of these rows (language, pair_id, label), of which all have one text."""
    rows = table[["language", "pair_id", "label"]].assign(premise="x", hypothesis="y")
    write_table(rows, CORPORA / "test.parquet", EXAMPLES)


def edited(*changes: tuple[str, str]) -> str:
    """Return PARAMS with some words replaced."""
    text = PARAMS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@cache
def finished(folder: Path) -> Path:
    """Make a project with everything in it, once per session; tests leave it as it is."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make(folder, PARAMS, monkeypatch)
        tables()
        report()
    return folder


def make(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Write the inputs of `mpt tables` and `mpt report` for a params.yaml, and go there."""
    (folder / "data").mkdir(parents=True)
    (folder / "data/paper").symlink_to(ROOT / "data/paper")
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    params = load_params()
    for cell in (*params.cells, *STRAY):
        write_drawn(cell, params)
    write_texts(params)
    return params


def write_files(cell: tuple[str, int, int], table: pd.DataFrame, **metrics: object) -> Path:
    """Write the predictions of a cell, and its metrics.json with these keys besides its own."""
    path = run_folder(*cell) / "predictions.parquet"
    write_table(table, path, PREDICTIONS)
    own = {
        **cell_metrics(table),
        "cell": dict(zip(("run", "shots", "seed"), cell, strict=True)),
        "predictions_sha256": sha256(path.read_bytes()).hexdigest(),
    }
    write_metrics(cell, **own, **metrics)
    return path


def write_metrics(cell: tuple[str, int, int], /, **values: object) -> None:
    """Write the metrics.json of a cell with these keys, and the others that it has."""
    path = run_folder(*cell) / "metrics.json"
    write_json((read_json(path) if path.exists() else {}) | values, path)


def write_drawn(cell: tuple[str, int, int], params: Params) -> None:
    """Write a cell that is right as often as its run is skilled."""
    run, shots, _ = cell
    generator = np.random.default_rng(zlib.crc32(repr(cell).encode()))
    languages = params.languages.all
    label = np.tile(np.arange(PAIRS) % 3, len(languages))
    known = 1 / 3 + SKILL.get(run, 0.3) * np.log2(1 + shots) / 6
    known -= 0.02 * np.repeat(np.arange(len(languages)) % 5, PAIRS)
    wrong = (label + generator.choice([1, 2], size=len(label), p=[0.7, 0.3])) % 3
    predicted = np.where(generator.random(len(label)) < known, label, wrong)
    if cell == STUCK:
        predicted = np.zeros_like(label)
    names = np.repeat(languages, PAIRS), [f"p{i}" for i in range(PAIRS)] * len(languages)
    table = frame(list(zip(*names, label, predicted, strict=True)))
    settings = (
        SETTINGS
        | {"method": params.methods[run.removesuffix("_matched")]["method"]}
        | CHANGED.get(run, {})
    )
    dev = 100 / 3 if cell == STUCK else 80.0
    write_files(cell, table, dev_accuracy=dev, settings=settings, updates=60)
    write_json(CIRCUMSTANCES, circumstances_path(*cell))


def write_texts(params: Params) -> None:
    """Write the test set, the splits and the pairs, as far as the report reads them."""
    rows = [
        (language, f"p{i}", i % 3, *HOSTILE[i % 2])
        for language in params.languages.all
        for i in range(PAIRS)
    ]
    test = pd.DataFrame(rows, columns=["language", "pair_id", "label", "premise", "hypothesis"])
    write_table(test, CORPORA / "test.parquet", EXAMPLES)
    row = {"split": "train", "pair_id": "a", "premise": "x", "hypothesis": "y", "label": 0}
    notes = {"source": "sample", "split_seed": "0", "per_seed": "false", "sha256": "ab" * 32}
    for shots in params.grid.shots:
        write_table(pd.DataFrame([row]), FEWSHOT / f"k{shots}.parquet", SPLITS, notes=notes)
    pair = row | {"language": "de", "target_premise": "X", "target_hypothesis": "Y", "engine": "e"}
    write_table(pd.DataFrame([pair]), PAWS15 / "pairs.parquet", PARALLEL_PAIRS)
    dates = {"first": "2026-11-01", "last": "2026-11-03"}
    manifest = {"engine": "google", "engine_version": "2026", "dates": dates, "pool": 600}
    manifest |= {"assignment": "balanced", "pairs": 280, "seed": 0, "pool_sha256": "cd" * 32}
    write_json(manifest, PAWS15 / "manifest.json")
