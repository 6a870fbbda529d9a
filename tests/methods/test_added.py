"""Two methods of a user, each one file (added/): what the contract gives them, from end to end."""

import json

import pandas as pd
import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForMaskedLM

from pipeline.training.loop import make_optimizer, update
from pipeline.training.method import Moment
from pipeline.training.registry import build
from stages.train import train
from tests import toys
from tests.commands import call, only_line, refusal

pytestmark = pytest.mark.usefixtures("added")

LATE = {"methods__hard_prompt__over_label_words": 0.5, "methods__hard_prompt__select_from": 2}


@pytest.fixture
def made(toy_backbone):
    """Builds a run's method in evaluation mode."""

    def build_run(run, **changes):
        torch.manual_seed(0)
        return build(toys.context(toy_backbone, run, **changes)).eval()

    build_run.folder = toy_backbone
    return build_run


def streams(method):
    return method.streams(toys.training_text(), torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", ["distilled", "hard_prompt", "masked_text"])
def test_a_cell_is_trained_and_predicted_as_any_other(name, prepared, monkeypatch):
    toys.write_params(toys.params(), prepared / "params.yaml")
    assert call(monkeypatch, "check") == 0
    train(name, shots=1, seed=1)
    cell = prepared / f"data/runs/{name}/k1/s1"
    assert set(pd.read_parquet(cell / "predictions.parquet").language) == {"en", *toys.TARGETS}
    assert json.loads((cell / "metrics.json").read_text())["settings"]["method"] == name


def test_a_curriculum_ends_before_the_selection_begins(prepared, monkeypatch):
    toys.write_params(toys.params(**LATE), prepared / "params.yaml")
    assert call(monkeypatch, "check") == 0
    train("hard_prompt", shots=1, seed=1)
    cell = prepared / "data/runs/hard_prompt/k1/s1"
    metrics = json.loads((cell / "metrics.json").read_text())
    assert (metrics["kept_epoch"], metrics["settings"]["select_from"]) == (2, 2)
    history = pd.read_csv(cell / "history.csv")
    # Each loss in its half of the updates, here one epoch.
    assert history.ce_label_words.notna().tolist() == [True, False]
    assert history.ce_vocabulary.notna().tolist() == [False, True]


def test_a_curriculum_longer_than_the_training_is_found_by_the_check(prepared, monkeypatch, capsys):
    values = toys.params(**LATE | {"methods__hard_prompt__select_from": 3})
    toys.write_params(values, prepared / "params.yaml")
    assert call(monkeypatch, "check") == 2
    assert only_line(capsys.readouterr().err) == (
        "params.yaml: methods.hard_prompt.select_from: expected at most the number of epochs of "
        "run hard_prompt, 2, found 3"
    )


@torch.no_grad()
@pytest.mark.parametrize(("number", "over_words"), [(0, True), (1, True), (2, False), (3, False)])
def test_hard_prompts_are_learned_over_label_words_and_later_over_the_vocabulary(
    made, number, over_words
):
    method = made("hard_prompt")
    drawn = streams(method)["labelled"]
    logits = method.logits(method.collate([example.rows[0] for example in drawn]))
    labels = torch.tensor([example.label for example in drawn])
    expected = functional.cross_entropy(logits, method.word_ids[labels])
    if over_words:
        expected = functional.cross_entropy(logits[:, method.word_ids], labels)
    total = method.losses({"labelled": drawn}, Moment(number, updates=4, epoch=1)).total
    torch.testing.assert_close(total, expected)


@torch.no_grad()
def test_masked_tokens_are_predicted_as_by_the_masked_language_model(made, toy_backbone):
    method = made("masked_text")
    reference = AutoModelForMaskedLM.from_pretrained(toy_backbone, dtype=torch.float32).eval()
    drawn, means, counts = streams(method)["sentences"], [], set()
    for masked, whole in (example.rows for example in drawn):
        hidden = [at for at, token in enumerate(masked.ids) if token == method.pieces.mask]
        assert sorted(masked.positions) == hidden
        logits = reference(input_ids=torch.tensor([masked.ids])).logits[0, hidden]
        targets = torch.tensor([whole.ids[at] for at in hidden])
        means.append(functional.cross_entropy(logits, targets))
        counts.add(len(hidden))
    assert len(counts) > 1
    assert max(counts) > 1
    losses = method.losses({"sentences": drawn}, toys.MOMENT)
    torch.testing.assert_close(losses.total, torch.stack(means).mean(), rtol=1e-4, atol=1e-5)


def test_an_epoch_passes_over_the_longest_stream_whatever_its_name(prepared):
    values = toys.params(methods__masked_text__batch_size=3)
    toys.write_params(values, prepared / "params.yaml")
    train("masked_text", shots=1, seed=1)
    history = pd.read_csv("data/runs/masked_text/k1/s1/history.csv")
    # Of 8 unlabelled sentences; three labelled pairs would be one update.
    assert history.updates.tolist() == [3, 6]


@pytest.mark.parametrize("name", ["distilled", "hard_prompt", "masked_text"])
@pytest.mark.parametrize("rows", [1, 3])
def test_rows_in_parts_give_the_same_losses_and_gradients(made, name, rows):
    numbers = []
    for at_once in (None, rows):
        method = made(name, training__rows_at_once=at_once).double()
        optimizer = make_optimizer(method, method.run.training)
        losses = update(method, streams(method), optimizer, learning_rate=0, moment=toys.MOMENT)
        gradients = {key: weight.grad for key, weight in method.named_parameters()}
        numbers.append({**losses, **gradients})
    expected, actual = numbers
    assert actual.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(actual[key], value, msg=key)


def test_embeddings_move_by_a_tenth_of_the_rate(made):
    method = made("masked_text", training__weight_decay=0.0)
    before = {name: weight.detach().clone() for name, weight in method.named_parameters()}
    optimizer = make_optimizer(method, method.run.training)
    update(method, streams(method), optimizer, learning_rate=1e-3, moment=toys.MOMENT)
    moves = {
        name: float((before[name] - weight.detach()).abs().max())
        for name, weight in method.named_parameters()
    }
    # Adam's first step is as long as the rate.
    embeddings = "backbone.roberta.embeddings.word_embeddings.weight"
    assert moves.pop(embeddings) == pytest.approx(1e-4, rel=0.01)
    assert max(moves.values()) == pytest.approx(1e-3, rel=0.01)


# Inputs that a run declares.


def test_the_unlabelled_text_is_the_declared_one(made, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("zwei Hunde\n\npaka halali\n", encoding="utf-8")
    method = made("masked_text", methods__masked_text__inputs={"unlabelled": str(path)})
    frame = method.pieces.frame
    whole = [example.rows[1].ids for example in streams(method)["sentences"]]
    expected = [method.pieces.word(text) for text in ("zwei Hunde", "paka halali")]
    assert whole == [frame.start + ids + frame.end for ids in expected]


def test_another_text_gives_other_predictions(prepared):
    predictions = []
    for text in ("zwei Hunde", "paka halali\nein Hund"):
        (prepared / "text.txt").write_text(text, encoding="utf-8")
        values = toys.params(methods__masked_text__inputs={"unlabelled": "text.txt"})
        toys.write_params(values, prepared / "params.yaml")
        train("masked_text", shots=1, seed=1)
        predictions.append(pd.read_parquet("data/runs/masked_text/k1/s1/predictions.parquet"))
    assert not predictions[0].equals(predictions[1])


PLACE = "params.yaml: methods.distilled.inputs"


@torch.no_grad()
def test_the_teacher_is_the_declared_model_and_no_part_of_the_method(made, tmp_path):
    other = toys.backbone(tmp_path / "other", seed=1)
    method = made("distilled", methods__distilled__inputs={"teacher": str(other)})
    drawn = streams(method)["labelled"]
    assert not any(name.startswith("teacher") for name in method.state_dict())
    ids = torch.tensor([example.rows[0].ids for example in drawn[:1]])
    at = drawn[0].rows[0].positions[0]
    models = [
        AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
        for folder in (method.inputs["teacher"], made.folder)
    ]
    taught, own = (model(ids).logits[0, at, method.word_ids].log_softmax(-1) for model in models)
    expected = (taught.exp() * (taught - own)).sum()
    losses = method.losses({"labelled": drawn[:1]}, toys.MOMENT)
    torch.testing.assert_close(losses.parts["kl"], expected, rtol=1e-4, atol=1e-5)
    assert expected > 0.01


def test_the_metrics_list_declared_inputs_and_none_without_any(prepared):
    toys.write_params(toys.params(), prepared / "params.yaml")
    settings = []
    for name in ("distilled", "hard_prompt"):
        train(name, shots=1, seed=1)
        metrics = prepared / f"data/runs/{name}/k1/s1/metrics.json"
        settings.append(json.loads(metrics.read_text())["settings"])
    assert settings[0]["inputs"] == {"teacher": "hub/backbone"}
    assert "inputs" not in settings[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distilled__inputs": {}}, f"{PLACE}.teacher: expected a file or folder, which method "
         "distilled reads, found nothing"),
        ({"distilled__inputs": {"teacher": "hub/backbone", "pupil": "hub"}},
         f"{PLACE}.pupil: expected only inputs that method distilled reads (teacher), found hub"),
        ({"hard_prompt__inputs": {"text": "hub"}}, "params.yaml: methods.hard_prompt.inputs.text: "
         "expected only inputs that method hard_prompt reads (none), found hub"),
        ({"distilled__inputs": {"teacher": "hub/none"}},
         f"{PLACE}.teacher: expected a file or folder, found no hub/none"),
    ],
    ids=["none", "another", "not read", "missing"],
)  # fmt: skip
def test_wrong_inputs_are_found_by_the_check_and_before_training(
    changes, message, prepared, monkeypatch, capsys
):
    values = toys.params(**{f"methods__{key}": value for key, value in changes.items()})
    toys.write_params(values, prepared / "params.yaml")
    assert call(monkeypatch, "check") == 2
    assert only_line(capsys.readouterr().err) == message
    (key,) = changes
    assert refusal(train, key.partition("__")[0], shots=1, seed=1) == message


def test_what_a_stage_will_make_may_be_missing_at_the_check_but_not_in_training(
    prepared, monkeypatch
):
    values = toys.params(methods__distilled__inputs={"teacher": "data/fewshot/k9"})
    toys.write_params(values, prepared / "params.yaml")
    assert call(monkeypatch, "check") == 0
    assert refusal(train, "distilled", shots=1, seed=1) == (
        f"{PLACE}.teacher: expected a file or folder, found no data/fewshot/k9"
    )
