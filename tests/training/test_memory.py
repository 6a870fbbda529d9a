"""The memory that a cell will take, counted by an update without numbers."""

import shutil
from pathlib import Path

import pytest
import torch

from pipeline import forecast
from pipeline.backbone.checkpoint import Form, write_form
from pipeline.params.runs import load_runs
from pipeline.params.whole import load_params
from pipeline.training import cell, memory
from pipeline.training.fake import Meter, faked
from pipeline.training.loop import fit, trained_state
from pipeline.training.memory import Memory, footprint, largest_part, require_room
from pipeline.training.registry import build
from tests import families, toys
from tests.commands import call, only_line, refusal
from tests.methods.test_contract import examples

CPU = torch.device("cpu")
BEST = "weights of the best epoch"
PREDICTED = "states of predictions"
TRAIN = ("--shots", "1", "--seed", "1")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    """Predictions of the toys would take more than their updates."""
    monkeypatch.setitem(memory.TOKENS_PER_BATCH, "cpu", 64)


def made(folder, name="mpt", **changes):
    torch.manual_seed(0)
    return build(toys.context(folder, name, **{f"training__{k}": v for k, v in changes.items()}))


def seeded():
    return torch.Generator().manual_seed(0)


def found(method, text=None, **options):
    text = toys.training_text() if text is None else text
    return footprint(method, text, generator=seeded(), device=CPU, **options)


def size(weights):
    return sum(one.nbytes for one in weights)


@pytest.mark.parametrize("name", toys.method_names())
def test_weights_gradients_moments_and_copies_are_counted_to_the_byte(name, toy_backbone):
    method = made(toy_backbone, name)
    weights, buffers = size(method.parameters()), size(method.buffers())
    parts = found(method).parts
    assert parts["weights"] == weights + buffers
    assert found(method).parameters == sum(one.numel() for one in method.parameters())
    assert parts["gradients"] == parts[BEST] == weights
    updates = 4 * sum(1 for _ in method.parameters())  # their number, for each weight
    assert parts["Adam's moments"] == 2 * weights + updates


def test_without_updates_there_are_only_weights_and_predictions(toy_backbone):
    parts = found(made(toy_backbone, "untrained", epochs=0)).parts
    assert parts.keys() == {"weights", PREDICTED, "gaps in the heap", "the process"}


def test_frozen_and_rounded_weights_take_less(toy_backbone):
    usual, frozen, rounded, last = (
        found(made(toy_backbone, precision="bfloat16", **changes)).parts
        for changes in (
            {},
            {"trainable": "all_but_words"},
            {"weights": "bfloat16"},
            {"selection": "last"},
        )
    )
    words = size([made(toy_backbone).backbone.words.weight])
    assert frozen["weights"] == usual["weights"]
    assert frozen["gradients"] == usual["gradients"] - words
    layers = size(made(toy_backbone).backbone.layers.parameters()) - words
    assert rounded["weights before rounding"] == layers
    for name in ("weights", "gradients", BEST):
        assert rounded[name] == usual[name] - layers // 2
    assert last[BEST] == 0
    assert "weights before rounding" not in usual


def test_the_peak_is_that_of_the_same_pass_with_numbers(toy_backbone):
    for changes in ({}, {"checkpointing": True}, {"precision": "bfloat16"}, {"rows_at_once": 3}):
        method = made(toy_backbone, "pct", **changes)  # an LSTM has memory of oneDNN's own
        part = largest_part(method, toys.training_text(9, 9), seeded())
        peaks = []
        with faked(method, CPU) as meter:
            memory.compute(method, part)
            peaks.append(meter.peak - size(method.parameters()))
        method.zero_grad()
        with Meter(CPU) as meter:
            for one in method.parameters():
                meter.note(one)
            memory.compute(method, part)
            peaks.append(meter.peak - size(method.parameters()))
        assert peaks[0] == pytest.approx(peaks[1], rel=1e-3), changes
        assert peaks[1] > 10_000


def test_views_count_once_and_freed_memory_no_more():
    with Meter(CPU) as meter:
        one = torch.zeros(100)
        two = one[:50]
        assert meter.held == 400
        three = two + 1
        assert (meter.held, meter.peak) == (600, 600)
        del one
        assert meter.held == 600
        del two, three
        assert (meter.held, meter.peak) == (0, 600)
        assert torch.zeros(100, device="meta").shape == (100,)
        assert meter.peak == 600


def test_less_is_kept_if_layers_are_computed_again_or_rows_pass_in_parts(toy_backbone):
    text = toys.training_text(24, 24)
    usual, again, parted = (
        found(made(toy_backbone, batch_size=24, **changes), text).parts["states of an update"]
        for changes in ({}, {"checkpointing": True}, {"rows_at_once": 4})
    )
    assert again < 0.9 * usual
    assert parted < 0.5 * usual


@pytest.mark.parametrize("rows_at_once", [None, 3])
@pytest.mark.parametrize("name", ["sp", "pct", "mpt", "softmv"])
def test_it_is_of_the_rows_that_training_will_draw(name, rows_at_once, toy_backbone):
    method = made(toy_backbone, name, rows_at_once=rows_at_once, batch_size=5)
    text = toys.training_text(12, 17)
    expected = largest_part(method, text, seeded())
    tokens, collate = [], method.collate
    losses = method.losses

    def noted(drawn, moment):
        rows = [row for part in drawn.values() for one in part for row in one.rows]
        tokens.append(sum(len(row.ids) for row in rows))
        return losses(drawn, moment)

    method.losses = noted
    fit(method, text, examples()[:4], generator=seeded())
    assert max(tokens) == expected.tokens
    assert expected.is_whole == (rows_at_once is None)
    assert method.collate == collate


def test_nothing_is_different_afterwards(toy_backbone):
    results = []
    for counts in (False, True):
        method, generator = made(toy_backbone, "softmv"), seeded()
        before = dict(method.named_parameters())
        if counts:
            text = toys.training_text()
            footprint(method.eval(), text, generator=generator, device=CPU)
            assert not method.training
        after = dict(method.named_parameters())
        assert all(after[name] is one and one.grad is None for name, one in before.items())
        fit(method, toys.training_text(), examples()[:4], generator=generator)
        results.append(trained_state(method) | {"next": torch.rand(3)})
    for name, value in results[0].items():
        assert torch.equal(results[1][name], value), name


def test_a_method_that_needs_numbers_is_left_as_it_was(toy_backbone):
    method, before = made(toy_backbone, "sp"), made(toy_backbone, "sp").state_dict()
    losses, words = method.losses, method.backbone.words
    method.losses = lambda drawn, moment: words.weight.any() and losses(drawn, moment)
    assert found(method) is None
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
    assert not {"collate", "placed"} & vars(method).keys()


@pytest.mark.parametrize("kind", families.FAMILIES)
def test_it_is_counted_for_every_class(kind, tmp_path):
    folder = families.write(kind, tmp_path / "given", seed=3)
    write_form(folder, Form(implementation="transformers"))
    usual, again = (
        found(made(folder, batch_size=24, checkpointing=on), toys.training_text(24, 24)).parts
        for on in (False, True)
    )
    assert usual["weights"] > 10_000
    assert again["states of an update"] < usual["states of an update"]


def test_both_implementations_have_the_same_weights(toy_backbone, tmp_path):
    general = shutil.copytree(toy_backbone, tmp_path / "backbone")
    write_form(general, Form(implementation="transformers"))
    own, other = (found(made(folder)) for folder in (toy_backbone, general))
    assert own.parts["gradients"] == other.parts["gradients"]
    assert own.parameters == other.parameters


def test_predictions_count_in_each_thread(toy_backbone):
    method = made(toy_backbone, "untrained", epochs=0)
    one, two = (found(method, threads=threads).parts[PREDICTED] for threads in (1, 2))
    assert two == pytest.approx(2 * one, abs=1)


MEMORY = Memory(1_500_000, {"weights": 6 * 2**20, "gradients": 3 * 2**20})


def test_a_cell_that_cannot_fit_is_refused_by_the_name_of_its_largest_part(monkeypatch):
    monkeypatch.setattr(memory, "capacity", lambda _: 9 * 2**20)
    require_room(MEMORY, run="mpt", device=CPU)
    monkeypatch.setattr(memory, "capacity", lambda _: 9 * 2**20 - 1)
    assert refusal(require_room, MEMORY, run="mpt", device=CPU) == (
        "params.yaml: methods.mpt: expected a cell that fits the 9 MiB of the memory here, found "
        "one of 1.5 M parameters, 9 MiB at the peak, 6 of them for weights"
    )


@pytest.mark.parametrize(("limit", "expected"), [("max\n", None), ("1000\n", 1000), (None, None)])
def test_a_container_may_have_less_than_the_machine(limit, expected, monkeypatch, tmp_path):
    path = tmp_path / "memory.max"
    if limit:
        path.write_text(limit)
    monkeypatch.setattr(memory, "LIMIT", path)
    physical = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert memory.capacity(CPU) == (expected or pytest.approx(physical, rel=0.01))


def test_training_is_refused_before_it_begins(prepared, monkeypatch, capsys):
    monkeypatch.setattr(memory, "capacity", lambda _: 2**20)
    assert call(monkeypatch, "train", "sp", *TRAIN) == 2
    line = only_line(capsys.readouterr().err)
    assert line.startswith("params.yaml: methods.sp: expected a cell that fits the 1 MiB of the")
    assert line.endswith("540 of them for the process")
    assert not Path("data/runs").exists()


def test_a_small_cell_is_not_looked_at(prepared, monkeypatch):
    monkeypatch.setattr(cell, "footprint", None)
    assert call(monkeypatch, "train", "sp", *TRAIN) == 0


def test_it_is_foreseen_before_anything_is_made_from_the_longest_rows(project, monkeypatch):
    params = load_params()
    cells = [(name, 1, 1) for name in ("ft", "mpt")]
    before = dict(forecast.foresee(params, cells))
    for command in ("check", "corpora", "backbone", "tokens", "fewshot", "paws15"):
        assert call(monkeypatch, command) == 0
    after = dict(forecast.foresee(params, cells))
    for name in ("ft", "mpt"):
        made = cell.read_cell(load_runs(), name, shots=1, seed=1)
        assert after[name] == footprint(
            made.method, made.text, generator=made.generator, device=CPU, threads=made.threads
        )
        states = "states of an update"
        assert before[name].parts[states] > 1.5 * after[name].parts[states]
        same = before[name].parts.keys() - {states, "gaps in the heap"}
        assert all(before[name].parts[key] == after[name].parts[key] for key in same)


def test_a_run_whose_input_is_missing_is_not_foreseen(project, monkeypatch):
    def streams(*_):
        raise FileNotFoundError

    monkeypatch.setattr("pipeline.methods.sp.Model.streams", streams)
    runs = dict(forecast.foresee(load_params(), [("sp", 1, 1), ("ft", 1, 1)]))
    assert runs["sp"] is None
    assert runs["ft"].parameters > 1000
