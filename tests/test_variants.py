"""Every variant of the ablations and figures, on toy data, as the stage trains it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from safetensors.torch import load_file

from pipeline.artifacts import write_table
from pipeline.corpora.files import PARALLEL_PAIRS, TRANSLATED_SPLITS
from pipeline.corpora.leaks import shared_with
from stages.paws15 import paws15
from stages.train import train
from stages.unlabelled import unlabelled
from stages.updates import updates
from tests import toys
from tests.commands import refusal
from tests.conftest import copied

# The settings of each variant that differ from mpt's: Figure 4, Figure 5 and Table II.
TRANSLATORS = ("linear-1", "lstm-1", "lstm-2", "transformer-1", "transformer-2")
SWEEPS: dict[str, dict[str, Any]] = {
    **{name.replace("-", "_"): {"translator": name} for name in TRANSLATORS},
    **{name: {"position": name} for name in ("prefix", "midfix", "endfix")},
    **{f"length_{m}": {"prompt_length": m} for m in (1, 2, 8, 16)},
    **{f"alpha_0{tenths}": {"alpha": tenths / 10} for tenths in (0, 1, 2, 3, 4, 6, 7, 8, 9)},
    "pairs_5": {"external_pairs": 5},
    "pairs_14": {"external_pairs": 14},
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "no_consistency": {"alpha": 1.0},
    "no_external_data": {"pairs": "xnli"},
    "unlabelled_xnli": {"pairs": "xnli_unlabelled"},
    "no_translator": {"translator": "none"},
}
VARIANTS = ABLATIONS | SWEEPS
# In batches of 4, two passes over 9 pairs of PAWS-15 are 6 updates; over 3 labelled pairs, 2.
UPDATES = {"pairs_5": 4, "pairs_14": 8, "no_external_data": 2}


class Cell(NamedTuple):
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    prompts: dict[str, Any]


def params():
    variants = {name: {"method": "mpt", **settings} for name, settings in VARIANTS.items()}
    blocks = {
        name: {"runs": [*runs], "shots": [1], "seeds": [1]}
        for name, runs in (("ablations", ABLATIONS), ("matched", ["sp"]), ("sweeps", SWEEPS))
    }
    methods = toys.params()["methods"] | variants
    return toys.params(fewshot__translations=True, paws15__extended=14, methods=methods, **blocks)


def write_translations(rows=3, *, language="sw"):
    """Write XNLI's translations of the drawn pairs; a toy sentence names its language."""
    split = pd.read_parquet("data/fewshot/k1.parquet")
    split = split[split.split == "train"].head(rows).assign(language=language)
    for side in ("premise", "hypothesis"):
        split[f"target_{side}"] = split[side].str.replace(" en ", f" {language} ")
    write_table(split, Path("data/translated/k1.parquet"), TRANSLATED_SPLITS)


def prepared(folder):
    """Make in a project what the variants read, and return its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        toys.write_params(params(), folder / "params.yaml")
        paws15(extended=True)
        write_translations()
        toys.all_languages(folder / "hub/xnli")
        unlabelled()
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, toy_inputs):
    return prepared(copied(toy_inputs, tmp_path_factory.mktemp("variants")))


@pytest.fixture
def cell(inputs, monkeypatch):
    """Trains a run and reads what it wrote."""
    monkeypatch.chdir(inputs)
    return trained


def trained(run, *, matched=False):
    train(run, shots=1, seed=1, matched=matched)
    folder = Path(f"data/runs/{run}{'_matched' if matched else ''}/k1/s1")
    metrics = json.loads((folder / "metrics.json").read_text())
    predictions = pd.read_parquet(folder / "predictions.parquet")
    return Cell(metrics, predictions, load_file(folder / "prompt.safetensors"))


@pytest.fixture(scope="module")
def usual(inputs):
    """The metrics of mpt, from which each variant differs in one setting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(inputs)
        return trained("mpt").metrics


@pytest.mark.parametrize("run", VARIANTS)
def test_a_variant_trains_and_predicts_with_its_setting(cell, usual, run):
    trained, block = cell(run), VARIANTS[run]
    settings = trained.metrics["settings"]
    expected = usual["settings"] | block
    if run == "no_external_data":
        expected["external_pairs"] = None
    assert settings == expected
    assert list(settings) == list(usual["settings"])
    assert trained.metrics["updates"] == UPDATES.get(run, 6)
    length = block.get("prompt_length", 4)
    shapes = {name: tuple(prompt.shape) for name, prompt in trained.prompts.items()}
    assert shapes == {"source": (length, 16), "target": (length, 16)}
    assert len(trained.predictions) == 12 * 4
    columns = ["p_entailment", "p_neutral", "p_contradiction"]
    assert trained.predictions[columns].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-6)


def test_the_extended_pairs_begin_with_the_usual_ones(inputs):
    pairs, extended = (
        pd.read_parquet(inputs / f"data/paws15/{name}.parquet") for name in ("pairs", "extended")
    )
    assert (len(pairs), len(extended)) == (9, 14)
    pd.testing.assert_frame_equal(extended.head(9), pairs)


def test_a_matched_run_makes_the_updates_and_epochs_of_the_reference(cell, usual):
    assert "(stage updates), found no file" in refusal(cell, "sp", matched=True)
    for wrong in ("{}", "[1]", '{"updates": -4, "epoch": 3}', '{"updates": 6, "epoch": "x"}'):
        Path("data/updates").mkdir(exist_ok=True)
        Path("data/updates/k1.json").write_text(wrong)
        assert refusal(cell, "sp", matched=True).startswith("data/updates/k1.json: ")
    updates(shots=1)
    sp, matched = cell("sp").metrics, cell("sp", matched=True).metrics
    assert sp["updates"] == 2
    assert matched["updates"] == usual["updates"] == 6
    changed = {"epochs": None, "updates": 6, "epoch": 3}
    assert matched["settings"] == sp["settings"] | changed
    history = pd.read_csv("data/runs/sp_matched/k1/s1/history.csv")
    assert list(history.updates) == [3, 6]


def test_variants_differ_in_what_they_learn(cell):
    probabilities = {
        run: tuple(cell(run).predictions.p_entailment)
        for run in ("mpt", "no_consistency", "no_translator", "linear_1", "pairs_5", "prefix")
    }
    assert len(set(probabilities.values())) == len(probabilities)


def test_no_external_data_aligns_with_the_translations_of_the_labelled_pairs(cell):
    before = cell("no_external_data").prompts["target"]
    write_translations(language="de")
    after = cell("no_external_data").prompts["target"]
    write_translations()
    assert not before.equal(after)


def test_unlabelled_pairs_are_training_pairs_in_all_target_languages(inputs, monkeypatch):
    monkeypatch.chdir(inputs)
    pairs = pd.read_parquet("data/unlabelled/pairs.parquet")
    assert list(pairs.columns) == PARALLEL_PAIRS.schema.names
    train = pd.read_parquet("data/corpora/train.parquet").set_index("pair_id")
    for row in pairs.itertuples():
        assert train.premise[row.pair_id] == row.premise
        assert row.target_premise == row.premise.replace(" en ", f" {row.language} ")
    assert pairs.language.value_counts().to_dict() == dict.fromkeys(toys.TARGETS, 3)
    held_out = [pd.read_parquet(f"data/corpora/{name}.parquet") for name in ("dev", "test")]
    assert not shared_with(pd.concat(held_out), pairs).any()
    before = Path("data/unlabelled/pairs.parquet").read_bytes()
    toys.write_params(
        params() | {"ablations": {"runs": [], "shots": [], "seeds": []}}, Path("params.yaml")
    )
    unlabelled()
    assert pd.read_parquet("data/unlabelled/pairs.parquet").empty
    assert "since methods.unlabelled_xnli.pairs is xnli_unlabelled, found none" in refusal(
        trained, "unlabelled_xnli"
    )
    toys.write_params(params(), Path("params.yaml"))
    unlabelled()
    assert Path("data/unlabelled/pairs.parquet").read_bytes() == before


def test_a_run_without_its_translations_is_refused_and_writes_nothing(cell, inputs):
    run = inputs / "data/runs/no_external_data"
    for path in run.rglob("*.*"):
        path.unlink()
    write_translations(rows=0)
    assert "translated/k1.parquet: expected translations of " in refusal(cell, "no_external_data")
    write_translations()
    assert not [path for path in run.rglob("*") if path.is_file()]
