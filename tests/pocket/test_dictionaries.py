"""The miniature's dictionaries in the one run that reads them."""

import pandas as pd
import torch

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.tokens import load_pieces
from pipeline.params.whole import load_params
from pipeline.training.method import Context, Parallel, TrainingText
from pipeline.training.registry import build
from tests.imports import ROOT


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
