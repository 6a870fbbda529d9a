"""What reaches what: seeds, splits, languages, modes, rates, gradients and the order of rows."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from pipeline.artifacts import read_json, read_table
from pipeline.cells.files import PREDICTIONS, History, write_cell
from pipeline.corpora.files import EXAMPLES, SPLITS
from pipeline.params.runs import LABELS, load_runs
from pipeline.training import loop
from pipeline.training.cell import read_cell
from pipeline.training.loop import fit, rate, update
from pipeline.training.optimizer import Adam
from pipeline.training.prediction import accuracy, predict
from pipeline.training.registry import build
from stages.train import train
from tests import toys

NAMES = toys.method_names()
TRAINED = [name for name in NAMES if name != "untrained"]


def dev(*texts, language="en"):
    rows = [(language, f"dev-{n}", text, "a cat", n % 3) for n, text in enumerate(texts)]
    return pd.DataFrame(rows, columns=["language", "pair_id", "premise", "hypothesis", "label"])


def fitted(method, *, seed=0, examples=None):
    generator = torch.Generator().manual_seed(seed)
    examples = dev("a dog", "a cat runs") if examples is None else examples
    return fit(method, toys.training_text(), examples, generator=generator)


def watched(method, name, note):
    """Call `note` with the arguments of each call of a method's function, before it."""
    function = getattr(method, name)

    def called(*arguments, **options):
        note(*arguments, **options)
        return function(*arguments, **options)

    setattr(method, name, called)


@pytest.mark.parametrize("name", TRAINED)
def test_every_module_trains_in_each_update_and_none_in_predictions(
    name, toy_backbone, monkeypatch
):
    method, modes = build(toys.context(toy_backbone, name, training__epochs=3)), []

    def note(step):
        modes.append((step, {module.training for module in method.modules()}))

    def predicted(*arguments):
        found = predict(*arguments)
        note("predict")
        return found

    watched(method, "losses", lambda *_: note("train"))
    monkeypatch.setattr(loop, "predict", predicted)
    updates = int(fitted(method).epochs.updates.iloc[-1])
    epoch = [("train", {True})] * (updates // 3) + [("predict", {False})]
    assert modes == epoch * 3


def test_each_update_has_the_rate_of_its_schedule(toy_backbone, monkeypatch):
    changes = {"schedule": "linear", "warmup": 0.5, "floor": 0.2, "epochs": 4}
    method = build(
        toys.context(toy_backbone, "sp", **{f"training__{k}": v for k, v in changes.items()})
    )
    rates = []
    monkeypatch.setattr(Adam, "update", lambda _, learning_rate: rates.append(learning_rate))
    fitted(method)
    training = method.run.training
    assert rates == [1e-3 * rate(training, step, len(rates)) for step in range(len(rates))]
    assert len(rates) == 8
    assert len(set(rates)) > 4


def gradients_of(method, streams, *, times=1):
    """Return the gradients of the last of some updates that move nothing."""
    optimizer = loop.make_optimizer(method, method.run.training)
    for _ in range(times):
        update(method, streams, optimizer, learning_rate=0.0, moment=toys.MOMENT)
    return {n: w.grad.clone() for n, w in method.named_parameters() if w.grad is not None}


@pytest.mark.parametrize("rows_at_once", [None, 2])
def test_gradients_do_not_add_up_over_updates_and_are_clipped_by_their_norm(
    rows_at_once, toy_backbone
):
    changes = {"training__rows_at_once": rows_at_once, "training__weight_decay": 0.0}
    found = {}
    for clip, times in ((1e9, 1), (1e9, 3), (0.01, 1)):
        torch.manual_seed(0)
        method = build(toys.context(toy_backbone, "mpt", training__clip=clip, **changes)).eval()
        streams = method.streams(toys.training_text(), torch.Generator().manual_seed(0))
        found[clip, times] = gradients_of(method, streams, times=times)
    once = found[1e9, 1]
    norm = torch.cat([gradient.flatten() for gradient in once.values()]).norm()
    assert norm > 0.02
    for name, gradient in once.items():
        torch.testing.assert_close(found[1e9, 3][name], gradient, msg=name)
        expected = gradient * 0.01 / norm
        torch.testing.assert_close(found[0.01, 1][name], expected, rtol=1e-3, atol=1e-7, msg=name)


def test_an_update_moves_by_the_clipped_gradient(toy_backbone, monkeypatch):
    method = build(toys.context(toy_backbone, "sp", training__clip=0.01))
    norms = []
    monkeypatch.setattr(
        Adam,
        "update",
        lambda adam, _: norms.append(
            torch.cat([w.grad.flatten() for g in adam.groups for w in g.parameters]).norm().item()
        ),
    )
    fitted(method)
    assert norms == pytest.approx([0.01] * len(norms), rel=1e-3)


@pytest.mark.parametrize("name", TRAINED)
def test_the_order_of_examples_is_the_generators_alone(name, toy_backbone):
    def order(seed, other):
        torch.manual_seed(0)
        method, drawn = build(toys.context(toy_backbone, name)), []
        watched(
            method,
            "losses",
            lambda streams, _: drawn.append(
                [[row.ids for row in item.rows] for part in streams.values() for item in part]
            ),
        )
        torch.manual_seed(other)
        fitted(method, seed=seed)
        return drawn

    assert order(1, 5) == order(1, 6)
    assert order(1, 5) != order(2, 5)


def test_pcts_languages_are_the_generators_alone(toy_backbone):
    method = build(toys.context(toy_backbone, "pct"))

    def second_rows(seed, other):
        torch.manual_seed(other)
        text = toys.training_text(30)
        streams = method.streams(text, torch.Generator().manual_seed(seed))
        return [example.rows[1].ids for example in streams["labelled"]]

    assert second_rows(1, 5) == second_rows(1, 6)
    assert second_rows(1, 5) != second_rows(2, 5)


@pytest.mark.parametrize("name", NAMES)
def test_a_prediction_is_that_of_its_own_row_and_language(name, toy_backbone, monkeypatch):
    monkeypatch.setattr("pipeline.training.prediction.TOKENS_PER_BATCH", {"cpu": 90})
    method, languages = build(toys.context(toy_backbone, name)), []
    texts = ["a dog " * (1 + 7 * n % 11) for n in range(9)]
    examples = pd.concat(
        [dev(*texts[start::3], language=code) for start, code in enumerate(("zh", "en", "sw"))]
    )
    examples = examples.sample(frac=1, random_state=0)
    watched(
        method,
        "rows",
        lambda premises, _, *, language: languages.append((language, sorted(premises))),
    )
    whole = predict(method, examples)
    assert dict(languages) == {
        code: sorted(part.premise) for code, part in examples.groupby("language")
    }
    keys = ["language", "pair_id", "label"]
    assert whole[keys].to_numpy().tolist() == examples[keys].to_numpy().tolist()
    columns = [f"p_{label}" for label in LABELS]
    for number in range(len(examples)):
        alone = predict(method, examples.iloc[[number]])
        expected = alone[columns].to_numpy().tolist()[0]
        assert whole[columns].to_numpy().tolist()[number] == pytest.approx(expected, abs=1e-5)
        assert whole.predicted[number] == alone.predicted[0]


def test_accuracy_is_over_pairs_and_not_over_labels():
    predictions = pd.DataFrame({"label": [0, 0, 0, 1], "predicted": [0, 0, 0, 0]})
    assert accuracy(predictions) == 75.0


def test_a_cell_trains_on_train_selects_on_dev_in_the_source_language_and_tests_on_test(prepared):
    cell = read_cell(load_runs(), "mpt", shots=1, seed=1)
    split = read_table(Path("data/fewshot/k1.parquet"), SPLITS)
    pair = ["premise", "hypothesis", "label"]
    train_part, dev_part = (split[split.split == name][pair] for name in ("train", "dev"))
    labelled = [(item.premise, item.hypothesis, item.label) for item in cell.text.labelled]
    assert labelled == list(train_part.itertuples(index=False, name=None))
    assert cell.dev[pair].to_numpy().tolist() == dev_part.to_numpy().tolist()
    assert set(cell.dev.language) == {"en"}
    test = read_table(Path("data/corpora/test.parquet"), EXAMPLES)
    pd.testing.assert_frame_equal(cell.test, test)


@pytest.mark.parametrize("name", TRAINED)
def test_a_seed_decides_new_weights_dropout_and_order(name, prepared):
    cells = {seed: read_cell(load_runs(), name, shots=1, seed=seed) for seed in (1, 2)}
    states = {seed: cell.method.state_dict() for seed, cell in cells.items()}
    new = [key for key in states[1] if not key.startswith("backbone")]
    differ = [key for key in new if not torch.equal(states[1][key], states[2][key])]
    assert bool(differ) == any(
        parameter.requires_grad
        for key, parameter in cells[1].method.named_parameters()
        if key in new and parameter.ndim > 1
    )
    draws = {
        seed: torch.randperm(1000, generator=cell.generator).tolist()
        for seed, cell in cells.items()
    }
    assert draws[1] != draws[2]


def test_cells_of_two_seeds_differ_and_the_accuracy_on_dev_is_that_of_the_kept_epoch(prepared):
    for seed in (1, 2):
        train("mpt", shots=1, seed=seed)
    folders = [Path(f"data/runs/mpt/k1/s{seed}") for seed in (1, 2)]
    prompts = [load_file(folder / "prompt.safetensors")["source"] for folder in folders]
    assert not torch.equal(*prompts)
    first, second = (read_table(folder / "predictions.parquet", PREDICTIONS) for folder in folders)
    assert (first.p_neutral - second.p_neutral).abs().max() > 1e-4
    for folder in folders:
        metrics, history = read_json(folder / "metrics.json"), pd.read_csv(folder / "history.csv")
        best = history.dev_accuracy.max()
        assert metrics["dev_accuracy"] == best
        assert metrics["kept_epoch"] == history.epoch[history.dev_accuracy.idxmax()]
    epochs = pd.DataFrame({"epoch": [1, 2, 3], "updates": [2, 4, 6], "dev_accuracy": [10, 60, 20]})
    metrics = write_cell(Path("cell"), first, history=History(epochs, 2), prompts={}, facts={})
    assert (metrics["dev_accuracy"], metrics["kept_epoch"], metrics["updates"]) == (60, 2, 6)
