"""What every file in pipeline/methods/ must hold to; a new method needs no entry here.

Methods are built with their settings' defaults. Those of added/ are read in other ways than the
project's own, so that no test here asks for more than the contract.
"""

import json
import math
from importlib import import_module

import pandas as pd
import pytest
import torch

from pipeline.corpora.files import EXAMPLES
from pipeline.export import folder
from pipeline.inference.model import load_exported
from pipeline.inference.prediction import judge
from pipeline.training.loop import fit, make_optimizer
from pipeline.training.method import Method, Moment
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from tests import toys
from tests.commands import refusal
from tests.methods.conftest import FOLDER

ADDED = sorted(path.stem for path in FOLDER.glob("*.py"))
# The first update of a training and its last one.
MOMENTS = [Moment(update=0, updates=4, epoch=1), Moment(update=3, updates=4, epoch=2)]
PROBABILITIES = ["p_entailment", "p_neutral", "p_contradiction"]


def examples(rows=4):
    values = [
        (language, f"test-{row}", f"a dog runs {row}.", "two men sleep" * (row + 1), row % 3)
        for language in ("en", *toys.TARGETS)
        for row in range(rows)
    ]
    return pd.DataFrame(values, columns=EXAMPLES.schema.names)


def made(toy_backbone, name, *, seed=0, **changes):
    torch.manual_seed(seed)
    return build(toys.context(toy_backbone, name, **changes))


@pytest.fixture(params=toys.method_names() + ADDED)
def method(request, toy_backbone, added):
    return made(toy_backbone, request.param)


@pytest.fixture(params=MOMENTS, ids=["first", "last"])
def moment(request):
    return request.param


def history_of(method, *, seed=0):
    """Return the history of a method that is trained on the toy text."""
    generator = torch.Generator().manual_seed(seed)
    return fit(method, toys.training_text(), examples()[:4], generator=generator)


def draw(method):
    streams = method.streams(toys.training_text(), torch.Generator().manual_seed(0))
    return {name: stream[:4] for name, stream in streams.items()}


def test_the_file_defines_settings_and_a_model(method):
    module = import_module(type(method).__module__)
    assert issubclass(module.Model, Method)
    assert module.Settings.model_config["extra"] == "forbid"


def test_streams_hold_every_labelled_pair_with_its_label(method):
    text = toys.training_text()
    streams = method.streams(text, torch.Generator())
    assert all(example.rows for stream in streams.values() for example in stream)
    assert all(streams.values())
    labels = [example.label for example in streams["labelled"]]
    assert labels == [pair.label for pair in text.labelled]


def test_every_position_that_is_read_is_in_its_row(method):
    streams = method.streams(toys.training_text(), torch.Generator())
    rows = [row for stream in streams.values() for example in stream for row in example.rows]
    assert all(0 <= position < len(row.ids) for row in rows for position in row.positions)
    for row in method.rows(["a dog runs"], ["a cat"], language="sw"):
        assert row.positions
        assert all(0 <= position < len(row.ids) for position in row.positions)


def test_the_loss_and_its_parts_are_finite_numbers_with_names_of_their_own(method, moment):
    losses = method.losses(draw(method), moment)
    assert losses.total.shape == ()
    assert all(torch.isfinite(loss) for loss in (losses.total, *losses.parts.values()))
    columns = {"epoch", "updates", "learning_rate", "loss", "dev_accuracy"}
    assert columns.isdisjoint(losses.parts)


@torch.no_grad()
def test_losses_are_sums_of_means_over_the_examples_of_one_stream_each(method, moment):
    method.double().eval()
    drawn = draw(method)
    alone = [
        method.losses({name: [example]}, moment).total / len(batch)
        for name, batch in drawn.items()
        for example in batch
    ]
    torch.testing.assert_close(sum(alone), method.losses(drawn, moment).total)


def test_an_update_lowers_the_loss_on_its_own_batch(method, moment):
    method.eval()  # without dropout, so that the two losses are comparable
    drawn = draw(method)
    optimizer = torch.optim.SGD(method.parameters(), lr=1e-3)
    before = method.losses(drawn, moment).total
    before.backward()
    optimizer.step()
    assert method.losses(drawn, moment).total < before


def part(name):
    """Return the part of the method that a parameter belongs to."""
    depth = 2 if name.startswith("backbone.") else 1
    return ".".join(name.split(".")[:depth])


def own_parameters(method):
    return {name for name, _ in method.named_parameters() if not name.startswith("backbone.")}


@pytest.mark.parametrize("trainable", ["all", "prompt"])
def test_in_training_gradients_reach_exactly_the_trainable_parameters(
    toy_backbone, method, trainable
):
    own, name = own_parameters(method), method.run.method
    if trainable == "prompt" and not own:
        line = refusal(made, toy_backbone, name, training__trainable=trainable)
        assert line.startswith(f"params.yaml: methods.{name}: expected something to train")
        return
    method = made(toy_backbone, name, training__trainable=trainable).train()
    parameters = dict(method.named_parameters())
    trained = {name for name, weight in parameters.items() if weight.requires_grad}
    for moment in MOMENTS:
        method.losses(draw(method), moment).total.backward()
    reached = {name for name, weight in parameters.items() if weight.grad is not None}
    assert reached == trained
    learning = {part(name) for name in reached if parameters[name].grad.any()}
    assert learning == {part(name) for name in trained}
    assert own <= trained
    assert (own == trained) == (trainable == "prompt")


def test_the_optimizer_moves_each_trainable_parameter_at_the_methods_rate(method):
    trained = {n: w for n, w in method.named_parameters() if w.requires_grad}
    groups = make_optimizer(method, method.run.training).groups
    factors = {id(weight): group.factor for group in groups for weight in group.parameters}
    assert sum(len(group.parameters) for group in groups) == len(trained)
    assert factors == {id(weight): method.rate_of(name) for name, weight in trained.items()}
    assert all(math.isfinite(factor) and factor >= 0 for factor in factors.values())


def test_the_first_epochs_may_be_left_out_of_the_selection(toy_backbone, method):
    # The toys have two epochs.
    late = made(toy_backbone, method.run.method, training__select_from=2)
    assert history_of(late).kept == 2


def test_without_epochs_it_stays_as_it_is_and_predicts(toy_backbone, method):
    untrained = made(toy_backbone, method.run.method, training__epochs=0)
    before = {name: value.clone() for name, value in untrained.state_dict().items()}
    history = history_of(untrained)
    assert (history.kept, history.epochs.updates.tolist()) == (0, [0])
    assert all(torch.equal(value, before[name]) for name, value in untrained.state_dict().items())
    probabilities = predict(untrained, examples())[PROBABILITIES].to_numpy()
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-6)


def test_predictions_are_distributions_over_labels_in_the_order_of_the_examples(method):
    shuffled = examples().sample(frac=1, random_state=0)
    predictions = predict(method, shuffled)
    assert list(predictions.pair_id) == list(shuffled.pair_id)
    assert list(predictions.language) == list(shuffled.language)
    probabilities = predictions[PROBABILITIES].to_numpy()
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-6)
    assert list(probabilities.argmax(1)) == list(predictions.predicted)


@torch.no_grad()
def test_logits_and_losses_are_in_float32_under_autocast(method):
    batch = method.collate(method.rows(["a dog runs"], ["a cat"], language="sw"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert method.label_logits(batch).dtype == torch.float32
        assert method.losses(draw(method), toys.MOMENT).total.dtype == torch.float32


def test_a_prediction_does_not_depend_on_the_rest_of_its_batch(method):
    together = predict(method, examples())[PROBABILITIES].to_numpy()
    for row in (0, 3, 9):
        alone = predict(method, examples().iloc[[row]])[PROBABILITIES].to_numpy()
        assert alone == pytest.approx(together[[row]], abs=1e-5)


def test_predictions_are_the_same_in_any_number_of_threads(method, monkeypatch):
    monkeypatch.setattr("pipeline.training.prediction.TOKENS_PER_BATCH", {"cpu": 40})
    one, three = (predict(method, examples(), threads=threads) for threads in (1, 3))
    pd.testing.assert_frame_equal(one, three, check_exact=True)


def test_the_same_seed_gives_the_same_numbers(toy_backbone, method):
    def run(seed):
        again = made(toy_backbone, method.run.method, seed=seed)
        return history_of(again, seed=seed).epochs, predict(again, examples())

    (epochs, predictions), (same_epochs, same), (_, other) = run(1), run(1), run(2)
    pd.testing.assert_frame_equal(epochs, same_epochs, check_exact=True)
    pd.testing.assert_frame_equal(predictions, same, check_exact=True)
    assert not predictions.equals(other)


def test_prompts_have_the_backbones_width(method):
    for prompt in method.prompts().values():
        assert prompt.shape[1] == method.backbone.embedding_size


def test_notes_can_be_written_as_json(method):
    notes = method.notes()
    assert json.loads(json.dumps(notes)) == notes


def test_an_exported_model_predicts_as_the_method(method, toy_backbone, tmp_path):
    folder.write_model(tmp_path, method, backbone=toy_backbone, dtype="float32")
    frame = examples()
    pairs = list(zip(frame.premise, frame.hypothesis, strict=True))
    judged = judge(load_exported(tmp_path), pairs, frame.language.tolist())
    expected = predict(method, frame)[PROBABILITIES].to_numpy()
    assert judged.probabilities.numpy() == pytest.approx(expected, abs=1e-6)
