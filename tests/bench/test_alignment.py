import json
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from bench import alignment
from pipeline.params.runs import LABELS
from pipeline.training.registry import build
from stages.train import train
from tests import toys


@pytest.fixture
def method_and_pairs(toy_backbone, monkeypatch):
    monkeypatch.setattr(alignment, "PAIRS", 4)  # several batches, the last one smaller
    torch.manual_seed(2)
    method = build(toys.context(toy_backbone, "mpt", methods__mpt__alpha=0.0))
    return method, method.streams(toys.training_text(3, 10), torch.Generator())["pairs"]


def test_the_divergence_is_the_loss_without_dropout(method_and_pairs):
    method, pairs = method_and_pairs
    expected = method.eval().losses({"pairs": pairs}, toys.MOMENT).total
    assert alignment.answers(method, pairs)["kl"] == pytest.approx(expected.item(), rel=1e-5)


def test_answers_are_counted_on_each_side(method_and_pairs):
    method, pairs = method_and_pairs
    numbers = alignment.answers(method, pairs)
    sides = []
    for side, name in enumerate(("source", "target")):
        logits = method.label_logits(method.collate([pair.rows[side] for pair in pairs]))
        sides.append(logits.argmax(-1))
        for label, word in enumerate(LABELS):
            assert numbers[f"{name}_{word}"] == 10 * int((sides[-1] == label).sum())
    assert numbers["agreement"] == 10 * int((sides[0] == sides[1]).sum())
    assert 0 < numbers["label_words"] < 100


def test_the_course_is_that_of_the_cell_and_has_a_row_per_epoch(prepared, monkeypatch):
    train("mpt", shots=1, seed=1)
    command = "bench.alignment --run mpt --shots 1 --seed 1 --csv course.csv --prompts prompts.csv"
    monkeypatch.setattr(sys, "argv", command.split())
    alignment.main()
    course = pd.read_csv("course.csv")
    history = pd.read_csv("data/runs/mpt/k1/s1/history.csv")
    assert list(course.epoch) == list(history.epoch)
    pd.testing.assert_frame_equal(course[list(history)], history)
    assert course.kept.sum() == 1
    sides = course[[f"source_{label}" for label in LABELS]]
    assert list(sides.sum(axis=1)) == pytest.approx([100.0] * len(course))

    # MPT predicts with p^S in the source language and with p^T in the others.
    prompts = pd.read_csv("prompts.csv").set_index(["language", "prompt"])
    metrics = json.loads(Path("data/runs/mpt/k1/s1/metrics.json").read_text())
    for code in prompts.index.unique("language"):
        side = "source" if code == "en" else "target"
        row = prompts.loc[(code, side)]
        assert row.accuracy == pytest.approx(metrics["accuracy"][code])
        assert row[list(LABELS)].sum() == pytest.approx(100)


def test_a_run_without_parallel_pairs_is_refused(prepared, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["bench.alignment", "--run", "ft", "--shots", "1", "--seed", "1"]
    )
    with pytest.raises(SystemExit, match="2"):
        alignment.main()
    assert capsys.readouterr().err == (
        "error: --run: expected a run that reads parallel pairs, found ft\n"
    )
