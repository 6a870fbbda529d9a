"""The settings in a cell's metrics.json, and values that are refused."""

import json

import pytest

from pipeline.training.registry import read_settings, settings_of
from tests import toys
from tests.commands import refusal

TRAINING = {
    "epochs": 2,
    "updates": None,
    **toys.params()["training"],
    "select_from": 1,
    "optimizer": "adamw",
    "schedule": "constant",
    "warmup": 0.0,
    "floor": 0.0,
    "trainable": "all",
    "rows_at_once": None,
    "threads": 1,
    "checkpointing": False,
    "weights": "float32",
}
TEMPLATE = toys.params()["template"] | {"predict_over": "label_words"}
PIECES = {"entailment": {"piece": "yes"}, "neutral": "maybe", "contradiction": {"piece": "▁no"}}


def settings(**entry):
    return settings_of(toys.run(**entry), external_pairs=9)


def test_defaults_are_the_papers_for_mpt():
    defaults = settings(method="mpt")
    assert defaults == {
        "method": "mpt",
        **TRAINING,
        **TEMPLATE,
        "pairs": "paws15",
        "external_pairs": 9,
        "prompt_length": 4,
        "alpha": 0.5,
        "translator": "linear-2",
        "ce_over": "vocabulary",
        "source_prompt_for_source": True,
        "alignment": "kl",
        "temperature": 0.05,
    }
    assert json.loads(json.dumps(defaults)) == defaults


def test_defaults_are_the_authors_for_sp():
    defaults = settings(method="sp")
    assert (defaults["prompt_length"], defaults["ce_over"]) == (4, "label_words")


def test_a_method_without_settings_has_the_common_ones():
    assert list(settings(method="ft")) == [
        "method", *TRAINING, *TEMPLATE, "pairs", "external_pairs",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "entry",
    [
        {"prompt_length": 4, "alpha": 0.5, "translator": "linear-2", "ce_over": "vocabulary"},
        {"source_prompt_for_source": True, "pairs": "paws15", "external_pairs": 9},
        {"epochs": 2, "learning_rate": 1e-3, "clip": 1, "warmup": 0},
        {"verbalizer": {"contradiction": "no", "entailment": "yes", "neutral": "maybe"}},
    ],
)
def test_equal_training_has_equal_settings_however_it_is_written(entry):
    assert json.dumps(settings(method="mpt", **entry)) == json.dumps(settings(method="mpt"))


@pytest.mark.parametrize(
    ("key", "value"),
    [("translator", "none"), ("position", "prefix"), ("prompt_length", 16), ("epochs", 4),
     ("verbalizer", PIECES), ("batch_size", {"k1": 4, "k8": 24}), ("optimizer", "adam_l2"),
     ("alignment", "contrastive")],
)  # fmt: skip
def test_other_training_differs_only_in_its_key(key, value):
    assert settings(method="mpt", **{key: value}) == settings(method="mpt") | {key: value}


def test_a_whole_number_is_written_as_a_fraction_if_its_key_may_be_one():
    assert json.dumps(settings(method="mpt", alpha=1)["alpha"]) == "1.0"


def test_translations_of_the_labelled_pairs_are_not_external():
    own = settings(method="mpt", pairs="xnli")
    assert (own["pairs"], own["external_pairs"]) == ("xnli", None)


TRANSLATORS = "linear-1, linear-2, lstm-1, lstm-2, transformer-1, transformer-2 or none"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"translator": "gru"}, f"translator: expected {TRANSLATORS}, found 'gru'"),
        ({"translator": None}, f"translator: expected {TRANSLATORS}, found nothing"),
        ({"prompt_length": 0}, "prompt_length: expected at least 1, found 0"),
        ({"prompt_length": 2.5}, "prompt_length: expected a whole number, found 2.5"),
        ({"alpha": -0.1}, "alpha: expected at least 0, found -0.1"),
        ({"alpha": "half"}, "alpha: expected a number, found 'half'"),
        ({"ce_over": "words"}, "ce_over: expected vocabulary or label_words, found 'words'"),
        ({"alignment": "mse"}, "alignment: expected kl or contrastive, found 'mse'"),
        ({"alignment": "contrastive", "temperature": 0},
         "temperature: expected more than 0, found 0"),
        ({"temperature": 0.1}, "temperature: expected no such key with alignment: kl, found 0.1"),
        ({"pairs": "own"}, "pairs: expected paws15, xnli or xnli_unlabelled, found 'own'"),
        ({"external_pairs": 0}, "external_pairs: expected more than 0, found 0"),
        ({"method": "pct", "form": "glued"},
         "form: expected template or released, found 'glued'"),
        ({"pairs": "xnli", "external_pairs": 4},
         "external_pairs: expected no such key with pairs: xnli, found 4"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line(entry, message):
    line = refusal(lambda: read_settings(toys.run(**{"method": "mpt"} | entry)))
    assert line == f"params.yaml: methods.other.{message}"
