"""Each method against its equations."""

from typing import get_args

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForMaskedLM, XLMRobertaForSequenceClassification

from pipeline.errors import InputError
from pipeline.methods.mpt import SOURCE, TARGET
from pipeline.prompting.losses import symmetric_kl
from pipeline.prompting.translator import Translator
from pipeline.training.registry import build
from tests import toys

TRANSLATORS = get_args(Translator)


def made(toy_backbone, run, **changes):
    torch.manual_seed(0)
    return build(toys.context(toy_backbone, run, **changes)).eval()


def streams(method):
    return method.streams(toys.training_text(), torch.Generator().manual_seed(5))


@torch.no_grad()
def test_ft_is_the_sequence_classifier_of_transformers(toy_backbone):
    method = made(toy_backbone, "ft")
    reference = XLMRobertaForSequenceClassification.from_pretrained(
        toy_backbone, num_labels=3, dtype=torch.float32
    ).eval()
    reference.classifier.load_state_dict(method.head.state_dict())
    rows = method.rows(["a dog", "the cat sleeps"], ["two men", "no"], language="sw")
    padded, attention = toys.padded(rows, pad=method.pieces.pad)
    expected = reference(input_ids=padded, attention_mask=attention).logits
    torch.testing.assert_close(method.label_logits(method.collate(rows)), expected)


@torch.no_grad()
def test_sp_predicts_from_the_label_words_alone(toy_backbone):
    method = made(toy_backbone, "sp")
    batch = method.collate(method.rows(["a dog"], ["an animal"], language="zh"))
    whole = method.logits(batch)[0]
    words = [method.pieces.word(word)[0] for word in ("yes", "maybe", "no")]
    torch.testing.assert_close(method.label_logits(batch)[0], whole[words])


def test_sp_uses_one_prompt_in_every_language(toy_backbone):
    method = made(toy_backbone, "sp")
    rows = [method.rows(["a dog"], ["a cat"], language=code) for code in ("en", "sw", "zh")]
    assert rows[0] == rows[1] == rows[2]
    assert method.prompts()["prompt"].shape == (4, 16)


@torch.no_grad()
def test_pct_sums_two_cross_entropies_and_the_symmetric_kl(toy_backbone):
    method = made(toy_backbone, "pct")
    reference = AutoModelForMaskedLM.from_pretrained(toy_backbone, dtype=torch.float32).eval()
    drawn = streams(method)["labelled"]
    found = method.losses({"labelled": drawn})
    logits = [
        torch.cat(
            [
                reference(input_ids=torch.tensor([one.rows[side].ids])).logits[
                    :, one.rows[side].read_at
                ]
                for one in drawn
            ]
        )
        for side in (0, 1)
    ]
    words = method.word_ids[torch.tensor([one.label for one in drawn])]
    expected = sum(functional.cross_entropy(side, words) for side in logits)
    expected += symmetric_kl(*(side.log_softmax(-1) for side in logits))
    torch.testing.assert_close(found.total, expected, rtol=1e-4, atol=1e-5)


def test_pct_draws_a_target_language_for_each_example(toy_backbone):
    method = made(toy_backbone, "pct")
    text = toys.training_text(labelled=300)
    drawn = method.streams(text, torch.Generator().manual_seed(0))["labelled"]
    source = method.templates["en"]
    counts = dict.fromkeys(toys.TARGETS, 0)
    for one, example in zip(text.labelled, drawn, strict=True):
        assert example.rows[0] == source.rows([one.premise], [one.hypothesis])[0]
        (code,) = [
            code
            for code in toys.TARGETS
            if method.templates[code].rows([one.premise], [one.hypothesis])[0] == example.rows[1]
        ]
        counts[code] += 1
    assert min(counts.values()) > 70


def test_pct_tests_with_the_languages_template(toy_backbone):
    method = made(toy_backbone, "pct")
    texts = {
        tuple(method.rows(["a dog"], ["a cat"], language=code)[0].ids)
        for code in ("en", "de", "zh")
    }
    assert len(texts) == 3


def test_translator_is_equation_4(toy_backbone):
    method = made(toy_backbone, "mpt")
    up, _, down = method.translator
    assert (up.weight.shape, down.weight.shape) == ((32, 16), (16, 32))
    source, target = method.soft_prompts()
    by_hand = (source @ up.weight.T + up.bias).clamp(min=0) @ down.weight.T + down.bias
    torch.testing.assert_close(target, by_hand)
    assert set(method.prompts()) == {"source", "target"}


@torch.no_grad()
@pytest.mark.parametrize("name", TRANSLATORS)
def test_prompts_are_made_in_full_precision(toy_backbone, name):
    method = made(toy_backbone, "mpt", methods__mpt__translator=name)
    expected = method.soft_prompts()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = method.soft_prompts()
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


@torch.no_grad()
def test_without_a_translator_targets_are_tested_with_the_second_prompt(toy_backbone):
    method = made(toy_backbone, "mpt", methods__mpt__translator="none")
    batch = method.collate(method.rows(["a dog"], ["a cat"], language="sw"))
    before = method.label_logits(batch)
    method.prompt.embedding.weight += 1
    assert torch.equal(method.label_logits(batch), before)
    method.translator.prompt.embedding.weight += 1
    assert not torch.equal(method.label_logits(batch), before)


@torch.no_grad()
@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_mpt_weighs_its_two_losses_by_equation_8(toy_backbone, alpha):
    method = made(toy_backbone, "mpt", methods__mpt__alpha=alpha)
    drawn = streams(method)
    source, target = method.soft_prompts()

    def logits(rows, prompt):
        states = method.backbone.states(method.collate(rows), torch.stack([prompt, prompt]))
        return method.backbone.logits(states)

    labels = torch.tensor([one.label for one in drawn["labelled"]])
    ce = functional.cross_entropy(
        logits([one.rows[0] for one in drawn["labelled"]], source), method.word_ids[labels]
    )
    kld = symmetric_kl(
        logits([one.rows[0] for one in drawn["pairs"]], source).log_softmax(-1),
        logits([one.rows[1] for one in drawn["pairs"]], target).log_softmax(-1),
    )
    found = method.losses(drawn).total
    torch.testing.assert_close(found, alpha * ce + (1 - alpha) * kld, rtol=1e-4, atol=1e-5)


def test_mpt_pairs_hold_both_sentences_of_both_languages(toy_backbone):
    method = made(toy_backbone, "mpt")
    text = toys.training_text()
    for one, pair in zip(text.parallel, streams(method)["pairs"], strict=True):
        source, target = pair.rows
        assert source == method.template.rows([one.premise], [one.hypothesis], prompt=SOURCE)[0]
        texts = [one.target_premise], [one.target_hypothesis]
        assert target == method.template.rows(*texts, prompt=TARGET)[0]


@pytest.mark.parametrize(
    ("changes", "source", "target"),
    [
        ({}, SOURCE, TARGET),
        ({"methods__mpt__source_prompt_for_source": False}, TARGET, TARGET),
        ({"methods__mpt__alpha": 1.0}, SOURCE, SOURCE),
    ],
)
def test_mpt_tests_targets_with_the_translated_prompt(toy_backbone, changes, source, target):
    method = made(toy_backbone, "mpt", **changes)
    assert method.rows(["a dog"], ["a cat"], language="en")[0].prompt == source
    assert method.rows(["a dog"], ["a cat"], language="sw")[0].prompt == target


def test_cross_entropy_over_the_vocabulary_or_the_label_words(toy_backbone):
    losses = []
    for over in ("vocabulary", "label_words"):
        method = made(toy_backbone, "sp", methods__sp__ce_over=over)
        losses.append(method.losses(streams(method)).total.item())
    assert losses[0] > losses[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods__mpt__alhpa": 0.1}, "methods.mpt.alhpa: expected no such key, found 0.1"),
        ({"methods__mpt__alpha": 1.5}, "methods.mpt.alpha: expected at most 1, found 1.5"),
        ({"training__max_length": 500}, "training.max_length: expected at most the backbone's 128"),
        (
            {"methods__mpt__max_length": 500},
            "methods.mpt.max_length: expected at most the backbone's 128 tokens, found 500",
        ),
        (
            {
                "template__verbalizer": {
                    "entailment": "yes",
                    "neutral": "perhaps",
                    "contradiction": "no",
                }
            },
            "template.verbalizer.neutral: expected a word of one piece",
        ),
    ],
)
def test_impossible_settings_are_named(toy_backbone, changes, message):
    with pytest.raises(InputError) as error:
        made(toy_backbone, "mpt", **changes)
    assert message in str(error.value)
