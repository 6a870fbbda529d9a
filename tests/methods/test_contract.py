"""What every file in pipeline/methods/ must hold to; a new method is tested by being there."""

from importlib import import_module

import pandas as pd
import pytest
import torch

from pipeline.methods.base import Method
from pipeline.params.runs import METHODS
from pipeline.training.loop import fit
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from tests import toys

NAMES = sorted(path.stem for path in METHODS.glob("[a-z]*.py") if path.stem != "base")
LANGUAGES = ("en", *toys.TARGETS)


def examples(rows=4):
    return pd.DataFrame(
        [
            {
                "language": language,
                "pair_id": f"test-{row}",
                "premise": f"a dog runs {row}.",
                "hypothesis": "two men sleep" * (row + 1),
                "label": row % 3,
            }
            for language in LANGUAGES
            for row in range(rows)
        ]
    )


@pytest.fixture(params=NAMES)
def method(request, toy_backbone):
    torch.manual_seed(0)
    return build(toys.context(toy_backbone, request.param))


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
    assert set(streams) <= {"labelled", "pairs"}
    assert [one.label for one in streams["labelled"]] == [one.label for one in text.labelled]


def test_the_loss_is_a_finite_number_and_its_parts_too(method):
    losses = method.losses(draw(method))
    assert losses.total.shape == ()
    assert all(torch.isfinite(one) for one in (losses.total, *losses.parts.values()))


def test_an_update_lowers_the_loss_on_its_own_batch(method):
    method.eval()  # without dropout, so that the two losses are comparable
    drawn = draw(method)
    optimizer = torch.optim.SGD(method.parameters(), lr=1e-3)
    before = method.losses(drawn).total
    before.backward()
    optimizer.step()
    assert method.losses(drawn).total < before


def test_a_frozen_backbone_gets_no_gradient(toy_backbone, method):
    name = method.run.method
    frozen = build(toys.context(toy_backbone, name, training__trainable="prompt"))
    assert not any(one.requires_grad for one in frozen.backbone.parameters())
    if any(one.requires_grad for one in frozen.parameters()):
        frozen.losses(draw(frozen)).total.backward()
    assert all(one.grad is None for one in frozen.backbone.parameters())


def test_predictions_are_distributions_over_labels_in_the_order_of_the_examples(method):
    shuffled = examples().sample(frac=1, random_state=0)
    found = predict(method, shuffled)
    assert list(found.pair_id) == list(shuffled.pair_id)
    assert list(found.language) == list(shuffled.language)
    probabilities = found[["p_entailment", "p_neutral", "p_contradiction"]].to_numpy()
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-6)
    assert list(probabilities.argmax(1)) == list(found.predicted)


def test_a_prediction_does_not_depend_on_what_stands_beside_it(method):
    together = predict(method, examples())
    for row in (0, 3, 9):
        alone = predict(method, examples().iloc[[row]])
        columns = ["p_entailment", "p_neutral", "p_contradiction"]
        assert alone[columns].to_numpy() == pytest.approx(
            together[columns].iloc[[row]].to_numpy(), abs=1e-5
        )


@pytest.fixture
def torch_with_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("torch_with_one_thread")
def test_predictions_are_the_same_in_any_number_of_threads(method, monkeypatch):
    monkeypatch.setattr("pipeline.training.prediction.TOKENS_A_BATCH", {"cpu": 40})
    one, three = (predict(method, examples(), threads=threads) for threads in (1, 3))
    pd.testing.assert_frame_equal(one, three, check_exact=True)


def test_the_same_seed_gives_the_same_numbers(toy_backbone, method):
    def run(seed):
        torch.manual_seed(seed)
        made = build(toys.context(toy_backbone, method.run.method))
        history = fit(
            made,
            toys.training_text(),
            examples()[:4],
            generator=torch.Generator().manual_seed(seed),
        )
        return history.epochs, predict(made, examples())

    (one, first), (two, second), (_, other) = run(1), run(1), run(2)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert not first.equals(other)


def test_prompts_have_the_backbones_width(method):
    for prompt in method.prompts().values():
        assert prompt.shape[1] == method.backbone.hidden_size
