"""The steps of CONTRIBUTING.md, tried."""

import dataclasses
import re
import subprocess
import sys
from types import ModuleType

import pandas as pd
import pytest
import torch

from pipeline import languages
from pipeline.pocket.grammar import read_grammar
from pipeline.training.loop import fit
from pipeline.training.method import Context
from pipeline.training.prediction import predict
from stages.backbone import backbone
from stages.corpora import corpora
from stages.fewshot import fewshot
from stages.paws15 import paws15
from stages.tokens import tokens
from stages.train import train
from tests import toys
from tests.imports import ROOT


def code() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return block


def example() -> ModuleType:
    module = ModuleType("plain")
    sys.modules["plain"] = module
    exec(compile(code(), "CONTRIBUTING.md", "exec"), vars(module))
    return module


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_example_passes_ruff(command):
    ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", "pipeline/methods/plain.py"]
    done = subprocess.run(
        [*ruff, "-"], input=code(), capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_method_trains_and_predicts(toy_backbone):
    module = example()
    context: Context = toys.context(toy_backbone, "sp")
    method = module.Model(context, module.Settings(prompt_length=4))
    before = method.prompts()["prompt"].detach().clone()
    dev = pd.DataFrame(
        [{"language": "en", "pair_id": "dev-0", "premise": "a", "hypothesis": "b", "label": 0}]
    )
    history = fit(method, toys.training_text(), dev, generator=torch.Generator())
    assert history.epochs.loss.notna().all()
    assert not torch.equal(method.prompts()["prompt"], before)
    assert len(predict(method, dev)) == 1


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
