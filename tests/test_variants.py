"""Every variant of the ablations and figures, on toy data, as the stage trains it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from safetensors.torch import load_file

from pipeline.artifacts import write_table
from pipeline.corpora.files import TRANSLATED_SPLITS
from pipeline.errors import InputError
from stages.backbone import backbone
from stages.corpora import corpora
from stages.fewshot import fewshot
from stages.paws15 import paws15
from stages.tokens import tokens
from stages.train import train
from tests import toys

# Figure 4, Figure 5 and Table II: what differs from mpt, in that order.
SWEEPS: dict[str, dict[str, Any]] = {
    **{
        name.replace("-", "_"): {"translator": name}
        for name in ("linear-1", "lstm-1", "lstm-2", "transformer-1", "transformer-2")
    },
    **{name: {"position": name} for name in ("prefix", "midfix", "endfix")},
    **{f"length_{m}": {"prompt_length": m} for m in (1, 2, 8, 16)},
    **{f"alpha_0{tenths}": {"alpha": tenths / 10} for tenths in (0, 1, 2, 3, 4, 6, 7, 8, 9)},
    "pairs_5": {"external_pairs": 5},
    "pairs_14": {"external_pairs": 14},
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "no_consistency": {"alpha": 1.0},
    "no_external_data": {"pairs": "xnli"},
    "no_translator": {"translator": "none"},
}
# Batches of 4, two passes: over 9 pairs of PAWS-15, or 3 labelled pairs.
UPDATES = {"pairs_5": 4, "pairs_14": 8, "no_external_data": 2}


@dataclass(frozen=True)
class Cell:
    """What a cell left behind."""

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    prompts: dict[str, Any]


def params():
    methods: dict[str, dict[str, Any]] = {
        name: {"method": "mpt", **block} for name, block in (ABLATIONS | SWEEPS).items()
    }
    methods["sp_matched"] = {"method": "sp", "epoch": "pairs"}
    methods["sp_fewer"] = {"method": "sp", "epoch": "pairs", "external_pairs": 5}
    for name in ("ft", "sp", "pct", "mpt"):
        methods[name] = {"method": name}
    return toys.params(
        fewshot__translations=True,
        paws15__extended=14,
        grid__shots=[1],
        ablations={"runs": [*ABLATIONS], "shots": [1], "seeds": [1]},
        matched={"runs": ["sp_matched", "sp_fewer"], "shots": [1], "seeds": [1]},
        sweeps={"runs": [*SWEEPS], "shots": [1], "seeds": [1]},
        methods=methods,
    )


def write_translations(rows=3):
    """What XNLI has for the drawn pairs; in the toys a sentence names its language."""
    split = pd.read_parquet("data/fewshot/k1.parquet")
    split = split[split.split == "train"].head(rows).assign(language="sw")
    for side in ("premise", "hypothesis"):
        split[f"target_{side}"] = split[side].str.replace(" en ", " sw ")
    write_table(split, Path("data/translated/k1.parquet"), TRANSLATED_SPLITS)


@pytest.fixture(scope="module")
def everything(tmp_path_factory, toy_backbone):
    """A folder in which every stage before training has run."""
    folder, before = tmp_path_factory.mktemp("variants"), Path.cwd()
    os.chdir(folder)
    try:
        toys.hub(folder / "hub")
        (folder / "hub/backbone").symlink_to(toy_backbone)
        toys.write_params(toys.params(paws15__pairs=14), folder / "params.yaml")
        corpora()
        backbone()
        tokens()
        fewshot(shots=1)
        paws15()
        more = Path("data/paws15/pairs.parquet").read_bytes()
        toys.write_params(toys.params(), folder / "params.yaml")
        paws15()
        Path("data/paws15/extended.parquet").write_bytes(more)
        write_translations()
        toys.write_params(params(), folder / "params.yaml")
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def cell(everything, monkeypatch):
    """Trains a run and reads what it wrote."""
    monkeypatch.chdir(everything)

    def trained(run):
        train(run, shots=1, seed=1)
        folder = everything / f"data/runs/{run}/k1/s1"
        return Cell(
            json.loads((folder / "metrics.json").read_text()),
            pd.read_parquet(folder / "predictions.parquet"),
            load_file(folder / "prompt.safetensors"),
        )

    return trained


@pytest.fixture(scope="module")
def usual(everything):
    """The settings of mpt, of which each variant differs in one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(everything)
        train("mpt", shots=1, seed=1)
        return json.loads(Path("data/runs/mpt/k1/s1/metrics.json").read_text())


def test_the_paws15_that_a_sweep_reads_begins_with_the_usual_pairs(everything):
    usual, more = (
        pd.read_parquet(everything / f"data/paws15/{name}.parquet")
        for name in ("pairs", "extended")
    )
    assert (len(usual), len(more)) == (9, 14)
    pd.testing.assert_frame_equal(more.head(9), usual)


@pytest.mark.parametrize("run", [*ABLATIONS, *SWEEPS])
def test_a_variant_trains_predicts_and_says_what_it_was(cell, usual, run):
    found, block = cell(run), (ABLATIONS | SWEEPS)[run]
    settings = found.metrics["settings"]
    expected = usual["settings"] | block
    if run == "no_external_data":
        expected["external_pairs"] = None
    assert settings == expected
    assert list(settings) == list(usual["settings"])
    assert found.metrics["updates"] == UPDATES.get(run, 6)
    length = block.get("prompt_length", 4)
    shapes = {name: tuple(prompt.shape) for name, prompt in found.prompts.items()}
    assert shapes == {"source": (length, 16), "target": (length, 16)}
    assert len(found.predictions) == 12 * 4
    columns = ["p_entailment", "p_neutral", "p_contradiction"]
    assert found.predictions[columns].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-6)


def test_mpt_reads_all_usual_pairs(usual):
    assert usual["settings"]["external_pairs"] == 9
    assert usual["updates"] == 6


@pytest.mark.parametrize(("run", "updates", "pairs"), [("sp_matched", 6, 9), ("sp_fewer", 4, 5)])
def test_a_pass_over_the_pairs_makes_as_many_updates_in_any_method(cell, run, updates, pairs):
    found = cell(run).metrics
    assert (found["updates"], found["settings"]["external_pairs"]) == (updates, pairs)
    assert cell("sp").metrics["updates"] == 2


def test_variants_differ_in_what_they_learn(cell):
    probabilities = {
        run: tuple(cell(run).predictions.p_entailment)
        for run in ("mpt", "no_consistency", "no_translator", "linear_1", "pairs_5", "prefix")
    }
    assert len(set(probabilities.values())) == len(probabilities)


def test_the_translations_of_the_own_pairs_are_what_is_aligned(cell):
    before = cell("no_external_data").prompts["target"]
    write_translations(rows=1)
    after = cell("no_external_data").prompts["target"]
    write_translations()
    assert not before.equal(after)


def test_a_run_without_its_translations_says_so_and_writes_nothing(cell, everything):
    run = everything / "data/runs/no_external_data"
    for path in run.rglob("*.*"):
        path.unlink()
    write_translations(rows=0)
    with pytest.raises(InputError, match=r"translated/k1\.parquet: expected translations of "):
        cell("no_external_data")
    write_translations()
    assert not [path for path in run.rglob("*") if path.is_file()]
