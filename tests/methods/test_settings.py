"""The settings that a cell's metrics.json holds, and values that no method takes."""

import json

import pytest

from pipeline.errors import InputError
from pipeline.params.strict import parse
from pipeline.params.whole import Params
from pipeline.training.registry import read_settings, settings_of
from tests import toys

TRAINING = {
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 0.001,
    "weight_decay": 0.01,
    "clip": 1.0,
    "max_length": 64,
    "precision": "float32",
    "selection": "best_dev",
    "epoch": "longest",
    "schedule": "constant",
    "warmup": 0.0,
    "trainable": "all",
}
WORDS = {"entailment": "yes", "neutral": "maybe", "contradiction": "no"}


def run(**block):
    blocks = toys.params()["methods"] | {"other": block}
    return parse(Params, toys.params(methods=blocks), place="params.yaml").run("other")


def settings(**block):
    return settings_of(run(**block), external_pairs=9)


def test_defaults_are_the_papers_for_mpt():
    found = settings(method="mpt")
    assert found == {
        "method": "mpt",
        **TRAINING,
        "position": "suffix",
        "verbalizer": WORDS,
        "pairs": "paws15",
        "external_pairs": 9,
        "prompt_length": 4,
        "alpha": 0.5,
        "translator": "linear-2",
        "ce_over": "vocabulary",
        "source_prompt_for_source": True,
    }
    assert json.loads(json.dumps(found)) == found


def test_defaults_are_the_authors_for_sp():
    found = settings(method="sp")
    assert (found["prompt_length"], found["ce_over"]) == (4, "label_words")


def test_a_method_without_settings_has_the_common_ones():
    assert list(settings(method="ft")) == [
        "method", *TRAINING, "position", "verbalizer", "pairs", "external_pairs",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "block",
    [
        {"prompt_length": 4, "alpha": 0.5, "translator": "linear-2", "ce_over": "vocabulary"},
        {"source_prompt_for_source": True, "pairs": "paws15"},
        {"external_pairs": 9},
        {"epochs": 2, "learning_rate": 1e-3, "clip": 1, "warmup": 0},
        {"verbalizer": {"contradiction": "no", "entailment": "yes", "neutral": "maybe"}},
    ],
)
def test_equal_training_has_equal_settings_however_it_is_written(block):
    assert json.dumps(settings(method="mpt", **block)) == json.dumps(settings(method="mpt"))


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        ({"alpha": 1}, "alpha", 1.0),
        ({"translator": "none"}, "translator", "none"),
        ({"position": "prefix"}, "position", "prefix"),
        ({"prompt_length": 16}, "prompt_length", 16),
        ({"epochs": 4}, "epochs", 4),
    ],
)
def test_other_training_differs_in_its_key_alone(block, key, value):
    usual = settings(method="mpt")
    found = settings(method="mpt", **block)
    assert {name for name in found if found[name] != usual[name]} == {key}
    assert json.dumps(found[key]) == json.dumps(value)


def test_translations_of_the_own_pairs_are_not_external():
    found = settings(method="mpt", pairs="xnli")
    assert (found["pairs"], found["external_pairs"]) == ("xnli", None)


TRANSLATORS = (
    "linear-1, linear-2, lstm-1, lstm-2, transformer-1, transformer-2 or none"  # the message's
)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"translator": "gru"}, f"translator: expected {TRANSLATORS}, found 'gru'"),
        ({"translator": None}, f"translator: expected {TRANSLATORS}, found nothing"),
        ({"prompt_length": 0}, "prompt_length: expected at least 1, found 0"),
        ({"prompt_length": 2.5}, "prompt_length: expected a whole number, found 2.5"),
        ({"alpha": -0.1}, "alpha: expected at least 0, found -0.1"),
        ({"alpha": "half"}, "alpha: expected a number, found 'half'"),
        ({"ce_over": "words"}, "ce_over: expected vocabulary or label_words, found 'words'"),
        ({"pairs": "own"}, "pairs: expected paws15 or xnli, found 'own'"),
        ({"external_pairs": 0}, "external_pairs: expected more than 0, found 0"),
        ({"position": "middle"}, "expected prefix, midfix, suffix or endfix, found 'middle'"),
        (
            {"pairs": "xnli", "external_pairs": 4},
            "external_pairs: expected no such key where pairs are xnli",
        ),
    ],
)
def test_a_wrong_value_is_one_line(block, message):
    with pytest.raises(InputError) as error:
        read_settings(run(method="mpt", **block))
    assert str(error.value).startswith("params.yaml: methods.other")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
