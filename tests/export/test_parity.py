"""An exported folder predicts as the method that it was written from."""

import json

import numpy as np
import pytest
import torch
from transformers import XLMRobertaForMaskedLM, XLMRobertaForSequenceClassification

from pipeline.inference.model import load_exported
from pipeline.inference.prediction import judge
from pipeline.prompting.nli import Nli
from tests import toys
from tests.commands import refusal
from tests.export import models
from tests.export.models import examples, probabilities, trained, write

POSITIONS = ("prefix", "midfix", "suffix", "endfix")
SOFT = ("sp", "mp", "mpt", "softmv")
WORDS = {
    "en": {"entailment": "yes", "neutral": "maybe", "contradiction": "no"},
    "de": {"entailment": "dog", "neutral": ["cat", "men"], "contradiction": "no"},
}
VARIANTS = {
    **{f"dpa {rule}": ("dpa", {"methods__dpa__predict": rule, "methods__dpa__label_words": WORDS})
       for rule in ("source", "max", "sum", "own")},
    "softmv": ("softmv", {"methods__softmv__label_words": WORDS}),
    "pct released": ("pct", {"methods__pct__form": "released"}),
    "mpt with p^S everywhere": ("mpt", {"methods__mpt__alpha": 1.0}),
    "mpt with p^T everywhere": ("mpt", {"methods__mpt__source_prompt_for_source": False}),
    "only the prompt": ("sp", {"training__trainable": "prompt"}),
}  # fmt: skip


def judged(folder):
    """Return what an exported folder says about the examples."""
    frame = examples()
    pairs = list(zip(frame.premise, frame.hypothesis, strict=True))
    return judge(load_exported(folder), pairs, frame.language.tolist())


def assert_same(folder, predictions, atol=1e-6):
    found = judged(folder)
    expected = probabilities(predictions)
    np.testing.assert_allclose(found.probabilities.numpy(), expected, rtol=0, atol=atol)
    assert found.predicted.tolist() == predictions.predicted.tolist()
    return found


@pytest.fixture
def untied(toy_backbone, tmp_path):
    """A backbone whose decoder has weights of its own."""
    model = XLMRobertaForMaskedLM.from_pretrained(toy_backbone, tie_word_embeddings=False)
    model.lm_head.decoder.weight.data.mul_(1.5)
    model.save_pretrained(tmp_path / "untied")
    toys.tokenizer().save_pretrained(tmp_path / "untied")
    return tmp_path / "untied"


def test_plain_transformers_gives_the_methods_probabilities(
    toy_backbone, untied, tmp_path, monkeypatch
):
    """Of every method and, with a soft prompt, in every position; also for pairs that are cut."""
    cases = [(name, "suffix", toy_backbone) for name in toys.method_names()]
    cases += [(name, one, toy_backbone) for name in SOFT for one in POSITIONS if one != "suffix"]
    cases += [("sp", "suffix", untied)]
    folders, expected = {}, {}
    for name, position, backbone in cases:
        method = trained(backbone, name, template__position=position)
        key = f"{name}, {position}, {backbone.name}"
        folders[key] = tmp_path / key
        predictions = write(folders[key], method, backbone, monkeypatch)
        assert_same(folders[key], predictions)
        expected[key] = probabilities(predictions)
    found = models.answers_alone(folders, max_length=64)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=0, atol=1e-5, err_msg=key)
    spread = [np.ptp(values, axis=0).max() for values in expected.values()]
    assert min(spread) > 1e-3  # otherwise equal answers would prove nothing


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_of_a_method_is_exported_too(variant, toy_backbone, tmp_path, monkeypatch):
    name, changes = VARIANTS[variant]
    method = trained(toy_backbone, name, **changes)
    predictions = write(tmp_path / "e", method, toy_backbone, monkeypatch)
    assert assert_same(tmp_path / "e", predictions).cut == 12  # three pairs in each language


@pytest.mark.parametrize("name", ["sp", "dpa"])
def test_where_the_vocabulary_competes_no_label_may_be_predicted(
    name, toy_backbone, tmp_path, monkeypatch
):
    method = trained(toy_backbone, name, template__predict_over="vocabulary")
    predictions = write(tmp_path / "e", method, toy_backbone, monkeypatch)
    assert -1 in set(predictions.predicted)
    assert_same(tmp_path / "e", predictions)


def test_other_ids_of_special_tokens_change_nothing(tmp_path, monkeypatch):
    made = toys.tokenizer(specials=toys.OTHER_SPECIALS)
    backbone = toys.backbone(tmp_path / "backbone", made=made)
    method = trained(backbone, "mpt")
    assert_same(tmp_path / "e", write(tmp_path / "e", method, backbone, monkeypatch))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mpt", XLMRobertaForMaskedLM), ("ft", XLMRobertaForSequenceClassification)],
)
def test_transformers_finds_every_weight_and_no_other(
    name, kind, toy_backbone, tmp_path, monkeypatch
):
    write(tmp_path / "e", trained(toy_backbone, name), toy_backbone, monkeypatch)
    model, report = kind.from_pretrained(tmp_path / "e", output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert isinstance(model, kind)


def test_rounded_weights_predict_nearly_the_same(toy_backbone, tmp_path, monkeypatch):
    method = trained(toy_backbone, "mpt")
    predictions = write(tmp_path / "e", method, toy_backbone, monkeypatch, dtype="bfloat16")
    apart = np.abs(judged(tmp_path / "e").probabilities.numpy() - probabilities(predictions))
    assert 1e-5 < apart.max() < 0.05
    config = json.loads((tmp_path / "e/config.json").read_text())
    assert config["dtype"] == "bfloat16"


def test_prompt_tokens_follow_the_vocabulary_in_the_order_of_the_vectors(
    toy_backbone, tmp_path, monkeypatch
):
    method = trained(toy_backbone, "mpt")
    write(tmp_path / "e", method, toy_backbone, monkeypatch)
    exported = load_exported(tmp_path / "e")
    size = len(method.backbone.words.weight)
    names = [f"<p^{side}_{number}>" for side in "ST" for number in (1, 2, 3, 4)]
    assert [exported.pieces.id_of(name) for name in names] == [*range(size, size + 8)]
    vectors = exported.backbone.words.weight[size:].detach()
    prompts = method.prompts()
    torch.testing.assert_close(vectors[:4], prompts["source"].detach())
    torch.testing.assert_close(vectors[4:], prompts["target"].detach())


def test_nli_json_names_template_words_and_length(toy_backbone, tmp_path, monkeypatch):
    write(tmp_path / "e", trained(toy_backbone, "mpt"), toy_backbone, monkeypatch)
    nli = json.loads((tmp_path / "e/nli.json").read_text(encoding="utf-8"))
    assert nli["max_length"] == 64
    source, target = nli["templates"]
    assert (source["languages"], target["languages"]) == (["en"], ["de", "sw", "zh"])
    text = "{premise} . {hypothesis} ?<p^S_1><p^S_2><p^S_3><p^S_4><mask> ."
    assert source["text"] == text
    assert target["text"] == text.replace("^S", "^T")
    (answers,) = nli["answers"]
    words = {label: [*one] for label, one in answers["words"]["en"].items()}
    assert words == {"entailment": ["▁yes"], "neutral": ["▁maybe"], "contradiction": ["▁no"]}
    assert Nli.model_validate(nli).languages == ("en", "de", "sw", "zh")


def test_a_form_of_sentences_that_is_code_is_refused(toy_backbone, tmp_path, monkeypatch):
    method = trained(toy_backbone, "sp")
    method.template.forms = (str.lower, str.strip)
    line = refusal(write, tmp_path / "e", method, toy_backbone, monkeypatch)
    assert line.startswith("pipeline/methods/sp.py: expected forms of sentences that an export")
