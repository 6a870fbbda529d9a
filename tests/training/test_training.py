"""The training loop: updates, learning rates, and the epoch to keep."""

import math
from itertools import chain, pairwise

import pandas as pd
import pytest
import torch

from pipeline.errors import RunError
from pipeline.params.training import Training
from pipeline.training import loop
from pipeline.training.loop import cycle, fit, rate, trained_state
from pipeline.training.method import Losses, Moment
from pipeline.training.registry import build
from pipeline.training.text import TrainingText
from tests import toys
from tests.commands import refusal


def training(**changes):
    return Training(**(toys.params()["training"] | changes))


def fitted(method, *, dev_rows=2, **options):
    """Train a method on the toy text, and return the history."""
    row = {"premise": "a dog", "hypothesis": "a cat", "label": 0, "language": "en"}
    dev = pd.DataFrame([row | {"pair_id": f"dev-{number}"} for number in range(dev_rows)])
    generator = torch.Generator().manual_seed(0)
    return fit(method, toys.training_text(), dev, generator=generator, **options)


@pytest.mark.parametrize(
    ("epoch", "streams", "expected"),
    [
        # The paper's numbers: 16 shots (48 pairs), 500 parallel pairs, batches of 24.
        # Its 50 epochs are 1,050 updates.
        ("longest", {"labelled": 48, "pairs": 500}, 21),
        ("longest", {"labelled": 768, "pairs": 500}, 32),
        ("longest", {"labelled": 48}, 2),
        ("labelled", {"labelled": 48, "pairs": 500}, 2),
        ("pairs", {"labelled": 48, "pairs": 500}, 21),
        ("pairs", {"labelled": 48}, 21),
        ("longest", {"labelled": 48, "unlabelled": 1000, "pairs": 500}, 42),
        ("longest", {"unlabelled": 30}, 2),
        ("labelled", {"unlabelled": 30}, 2),
    ],
)
def test_an_epoch_passes_over_what_it_says(epoch, streams, expected):
    examples = {name: [None] * size for name, size in streams.items()}
    text = TrainingText([None] * streams.get("labelled", 48), [None] * 500)
    settings = training(epoch=epoch, batch_size=24, epochs=50)
    assert loop.length_of(settings, text, examples) == (50 * expected, expected)


def test_training_lasts_for_a_number_of_updates(toy_backbone):
    changes = {"training__epochs": None, "training__updates": 7}
    for epoch, ends in (("labelled", [2, 4, 6, 7]), (3, [3, 6, 7]), (9, [7])):
        method = build(toys.context(toy_backbone, "mpt", training__epoch=epoch, **changes))
        history = fitted(method)
        assert list(history.epochs.updates) == ends


@pytest.mark.parametrize(
    ("shots", "updates"), [(1, 1), (2, 1), (3, 2), (4, 1), (8, 1), (16, 2), (256, 32)]
)
def test_the_batch_size_may_depend_on_the_shots(shots, updates):
    """Zhao & Schuetze's sizes: one update per epoch for each of their shots up to 8."""
    settings = training(batch_size={"k8": 24, "k1": 4, "k2": 8, "k4": 12})
    text = TrainingText([None] * 3 * shots, [])
    assert loop.length_of(settings, text, {"labelled": text.labelled}).epoch == updates


PARTED = [(name, {}) for name in toys.method_names()] + [
    ("mpt", {"methods__mpt__alpha": 0.0}),
    ("mpt", {"methods__mpt__alpha": 1.0}),
    ("mpt", {"methods__mpt__ce_over": "label_words"}),
    ("mpt", {"methods__mpt__translator": "lstm-1"}),
]


def numbers_of_an_update(folder, name, drawn_from, **changes):
    """Return losses, gradients and the most rows at once of an update without dropout."""
    method = build(toys.context(folder, name, **changes)).double().eval()
    streams = method.streams(toys.training_text(*drawn_from), torch.Generator().manual_seed(0))
    collate, most = method.collate, []
    method.collate = lambda rows: most.append(len(rows)) or collate(rows)
    optimizer = loop.make_optimizer(method, method.run.training)
    losses = loop.update(method, streams, optimizer, learning_rate=1e-3, moment=toys.MOMENT)
    gradients = {name: weight.grad for name, weight in method.named_parameters()}
    return {**losses, **gradients}, max(most)


@pytest.mark.parametrize("drawn_from", [(6, 6), (5, 7)])
@pytest.mark.parametrize("rows", [1, 2, 4, 5, 100])
@pytest.mark.parametrize(("name", "changes"), PARTED)
def test_rows_in_parts_give_the_same_losses_and_gradients(
    toy_backbone, name, changes, rows, drawn_from
):
    torch.manual_seed(3)
    expected, whole = numbers_of_an_update(toy_backbone, name, drawn_from, **changes)
    torch.manual_seed(3)
    actual, most = numbers_of_an_update(
        toy_backbone, name, drawn_from, training__rows_at_once=rows, **changes
    )
    assert most <= max(rows, 2)  # a pair has two rows
    assert most < whole or rows > 4
    assert actual.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(actual[key], value, msg=key)


def test_parts_have_examples_of_similar_length(toy_backbone):
    method = build(toys.context(toy_backbone, "mpt"))
    streams = method.streams(toys.training_text(40, 40), torch.Generator())
    parts = [part for _, part in loop.parts_of(streams, 6)]
    for name, examples in streams.items():
        found = [part[name] for part in parts if name in part]
        assert sorted(map(id, chain(*found))) == sorted(map(id, examples))
        longest = [max(len(row.ids) for item in part for row in item.rows) for part in found]
        assert longest == sorted(longest)
        assert longest[0] < longest[-1]


def test_batches_are_of_the_size_at_the_shots(toy_backbone):
    context = toys.context(toy_backbone, "sp", training__batch_size={"k1": 6, "k2": 2, "k3": 4})
    method, sizes = build(context), []
    losses = method.losses
    method.losses = lambda drawn, moment: (
        sizes.append(len(drawn["labelled"])) or losses(drawn, moment)
    )
    assert list(fitted(method).epochs.updates) == [3, 6]
    assert sizes == [2] * 6


def test_a_pass_holds_every_item_once_and_the_next_is_shuffled_again():
    draw = cycle(list(range(10)), 4, torch.Generator().manual_seed(0))
    passes = [[next(draw) for _ in range(3)] for _ in range(2)]
    for batches in passes:
        assert [len(batch) for batch in batches] == [4, 4, 2]
        assert sorted(chain(*batches)) == list(range(10))
    assert passes[0] != passes[1]


def test_constant_rate_and_linear_rate_with_warm_up():
    assert {rate(training(), step, 100) for step in range(100)} == {1.0}
    linear = training(schedule="linear", warmup=0.1)
    rates = [rate(linear, step, 100) for step in range(101)]
    assert rates[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == 0.0
    assert all(before >= after for before, after in pairwise(rates[10:]))
    to_a_tenth = training(schedule="linear", warmup=0.1, floor=0.1)
    falling = [rate(to_a_tenth, step, 100) for step in range(101)]
    assert falling[:11] == rates[:11]
    assert [falling[55], falling[100]] == pytest.approx([0.55, 0.1])


def test_biases_and_layer_norms_are_not_decayed(toy_backbone):
    method = build(toys.context(toy_backbone, "mpt"))
    decayed, spared = loop.make_optimizer(method, training()).groups
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    assert (decayed.weight_decay, spared.weight_decay) == (0.01, 0.0)
    words = ("bias", "LayerNorm", "layer_norm")
    expected = {name for name in names.values() if any(word in name for word in words)}
    assert {names[id(parameter)] for parameter in spared.parameters} == expected


@pytest.mark.parametrize(("optimizer", "expected"), [("adamw", 2 - 2e-5), ("adam_l2", 2 - 1e-3)])
def test_weight_decay_is_decoupled_or_added_to_the_gradient(optimizer, expected):
    layer = torch.nn.Linear(1, 1)
    layer.rate_of = lambda name: 1.0
    torch.nn.init.constant_(layer.weight, 2.0)
    layer.weight.grad = torch.zeros(1, 1)
    loop.make_optimizer(layer, training(optimizer=optimizer)).update(1e-3)
    assert layer.weight.item() == pytest.approx(expected, abs=1e-6)


def test_each_parameter_moves_by_the_methods_factor_on_the_rate(toy_backbone):
    method = build(toys.context(toy_backbone, "mpt", training__weight_decay=0.0))
    factors = {"prompt": 10.0, "translator": 0.0}
    method.rate_of = lambda name: factors.get(name.partition(".")[0], 1.0)
    before = {name: weight.detach().clone() for name, weight in method.named_parameters()}
    for weight in method.parameters():
        weight.grad = torch.ones_like(weight)
    loop.make_optimizer(method, method.run.training).update(1e-3)
    for name, weight in method.named_parameters():
        # Adam's first step is as long as the rate.
        moved = torch.full_like(weight, 1e-3 * method.rate_of(name))
        torch.testing.assert_close(before[name] - weight, moved, atol=1e-6, rtol=1e-3, msg=name)


def test_methods_without_factors_have_one_group_of_matrices_and_one_of_vectors(toy_backbone):
    method = build(toys.context(toy_backbone, "mpt"))
    groups = loop.make_optimizer(method, training()).groups
    trained = list(method.parameters())
    expected = [w for w in trained if w.ndim > 1], [w for w in trained if w.ndim <= 1]
    for group, weights in zip(groups, expected, strict=True):
        assert group.factor == 1.0
        assert [*map(id, group.parameters)] == [*map(id, weights)]


def test_the_history_has_the_common_rate(toy_backbone):
    changes = {"training__schedule": "linear", "training__epochs": 3}
    rates = []
    for factor in (1.0, 7.0):
        method = build(toys.context(toy_backbone, "sp", **changes))
        method.rate_of = lambda name, factor=factor: factor
        rates.append(fitted(method).epochs.learning_rate.tolist())
    assert rates[0] == rates[1] == pytest.approx([1e-3 * left / 6 for left in (5, 3, 1)])


@pytest.mark.parametrize("rows_at_once", [None, 1])
def test_losses_are_told_the_moment_of_their_update(toy_backbone, rows_at_once):
    changes = {"training__epochs": 3, "training__rows_at_once": rows_at_once}
    method, moments = build(toys.context(toy_backbone, "sp", **changes)), []
    losses = method.losses
    method.losses = lambda drawn, moment: moments.append(moment) or losses(drawn, moment)
    fitted(method)
    expected = [Moment(update, 6, update // 2 + 1) for update in range(6)]
    assert list(dict.fromkeys(moments)) == expected
    assert len(moments) == (6 if rows_at_once is None else 18)


def test_a_mean_is_over_the_updates_that_have_the_part(toy_backbone):
    method = build(toys.context(toy_backbone, "sp", training__epoch=4))
    losses = method.losses

    def with_late_part(drawn, moment):
        total, parts = losses(drawn, moment)
        late = {"late": torch.tensor(float(moment.update))} if moment.update in (2, 3, 5) else {}
        return Losses(total, {**parts, **late})

    method.losses = with_late_part
    assert fitted(method).epochs.late.tolist() == [2.5, 5.0]


def test_an_empty_stream_is_refused(toy_backbone):
    method = build(toys.context(toy_backbone, "sp"))
    streams = method.streams
    method.streams = lambda *inputs: {**streams(*inputs), "unlabelled": []}
    assert refusal(fitted, method) == (
        "pipeline/methods/sp.py: streams: expected examples in 'unlabelled', found none (run sp)"
    )


@pytest.mark.parametrize(
    ("selection", "start", "kept"),
    [("best_dev", 1, 2), ("best_dev", 3, 3), ("best_dev", 4, 4), ("last", 1, 4)],
)
def test_the_best_dev_epoch_is_kept_and_the_earliest_of_equals(
    toy_backbone, selection, start, kept
):
    changes = {"training__selection": selection, "training__select_from": start}
    context = toys.context(toy_backbone, "mpt", training__epochs=4, **changes)
    method, states, right = build(context), [], iter([1, 3, 3, 2])

    def scripted(batch):
        logits = torch.zeros(len(batch.read_at), 3)
        logits[next(right) :, 1] = 1
        return logits

    method.label_logits = scripted

    def remember(step, done, total, note=""):
        if step == "training":
            states.append(trained_state(method))

    history = fitted(method, dev_rows=4, progress=remember)
    assert list(history.epochs.dev_accuracy) == [25.0, 75.0, 75.0, 50.0]
    assert history.kept == kept
    for name, value in trained_state(method).items():
        assert torch.equal(value, states[kept - 1][name]), name
        assert kept == 4 or not torch.equal(value, states[-1][name]) or not value.any()


def test_history_counts_updates_and_means_over_them(toy_backbone):
    epochs = fitted(build(toys.context(toy_backbone, "mpt"))).epochs
    assert list(epochs.epoch) == [1, 2]
    assert list(epochs.updates) == [2, 4]
    assert epochs.loss.to_numpy() == pytest.approx(0.5 * (epochs.ce + epochs.kld).to_numpy())


def test_training_fails_if_the_loss_is_not_a_number(toy_backbone):
    method = build(toys.context(toy_backbone, "sp"))
    method.losses = lambda drawn, moment: Losses(math.nan * next(method.parameters()).sum(), {})
    with pytest.raises(RunError, match="the loss is nan in epoch 1"):
        fitted(method)


def test_bfloat16_is_near_float32(toy_backbone):
    losses = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        method = build(toys.context(toy_backbone, "mpt", training__precision=precision))
        losses.append(fitted(method).epochs.loss[0])
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


def test_too_few_epochs_to_select_from_are_refused_when_their_number_is_known(toy_backbone):
    changes = {"training__epochs": None, "training__updates": 4, "training__select_from": 3}
    expected = "expected at most the number of epochs of run sp, 2, found 3"
    # An epoch of two updates, by its number or as a pass over six pairs in batches of four.
    line = refusal(build, toys.context(toy_backbone, "sp", training__epoch=2, **changes))
    assert line == f"params.yaml: training.select_from: {expected}"
    method = build(toys.context(toy_backbone, "sp", training__epoch="labelled", **changes))
    assert refusal(fitted, method) == f"params.yaml: training.select_from: {expected}"
    changes |= {"training__select_from": 2, "training__epoch": "labelled"}
    assert fitted(build(toys.context(toy_backbone, "sp", **changes))).kept == 2


def test_an_untrained_run_may_stand_beside_runs_that_select_late(toy_backbone):
    changes = {"training__epochs": 4, "training__select_from": 3, "methods__sp__epochs": 0}
    assert fitted(build(toys.context(toy_backbone, "sp", **changes))).kept == 0


@pytest.mark.parametrize("selection", ["last", "best_dev"])
def test_no_epochs_leave_a_method_as_it_is(selection, toy_backbone):
    changes = {"training__epochs": 0, "training__selection": selection}
    method = build(toys.context(toy_backbone, "mpt", **changes))
    before = {name: value.clone() for name, value in method.state_dict().items()}
    history = fitted(method)
    assert history.kept == 0
    assert history.epochs[["epoch", "updates"]].to_numpy().tolist() == [[0, 0]]
    assert 0 <= history.epochs.dev_accuracy[0] <= 100
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
