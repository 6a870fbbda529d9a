"""The profile pocket_full on the miniature: every run fits, and one reads its dictionaries."""

import shutil

import pandas as pd
import torch

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.tokens import load_pieces
from pipeline.params.whole import load_params
from pipeline.training.method import Context
from pipeline.training.registry import build
from pipeline.training.text import Parallel, TrainingText
from tests.commands import call
from tests.imports import ROOT


def test_every_run_fits_the_backbone(pocket, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/pocket").symlink_to(pocket)
    shutil.copy(ROOT / "profiles/pocket_full.yaml", "params.yaml")
    assert call(monkeypatch, "check") == 0
    assert capsys.readouterr().out == "params.yaml: 34 runs fit data/pocket/backbone\n"


def test_the_readme_says_how_many_cells_there_are():
    cells = len(load_params(ROOT / "profiles/pocket_full.yaml").cells)
    shipped = len(load_params(ROOT / "profiles/pocket.yaml").cells)
    words = f"{cells} cells instead of {shipped}"
    assert words in (ROOT / "README.md").read_text(encoding="utf-8")


def test_softmv_replaces_words_of_the_training_text_in_every_language(pocket, monkeypatch):
    monkeypatch.chdir(ROOT)
    params, folder = load_params(ROOT / "profiles/pocket_full.yaml"), pocket / "backbone"
    backbone, pieces = load_backbone(folder), load_pieces(folder)
    method = build(Context(params.run("softmv"), params.languages, backbone, pieces))
    pairs = pd.read_parquet(pocket / "hub/xnli/en/train-00000-of-00001.parquet").head(300)
    text = TrainingText.of(pairs, pd.DataFrame(columns=Parallel._fields))
    drawn = method.streams(text, torch.Generator().manual_seed(0))["labelled"]
    # A verb, and every second modifier in the middle; at the end stands a full stop.
    assert 0.05 < method.notes()["switched_words"] < 0.2
    assert method.notes()["without_dictionary"] == []
    new = {number for e in drawn for number in set(e.rows[1].ids) - set(e.rows[0].ids)}
    for word in ("kauft", "ananunua", "买", "يشتري"):
        assert pieces.word(word)[-1] in new
