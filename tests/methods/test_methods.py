"""Each method against its equations."""

import itertools
import math
from typing import get_args

import pandas as pd
import pytest
import torch
from torch.nn import functional
from transformers import (
    AutoModelForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from pipeline.methods.mpt import SOURCE, TARGET
from pipeline.prompting.losses import info_nce, symmetric_kl
from pipeline.prompting.template import GluedTemplate, QuestionTemplate
from pipeline.prompting.translator import Translator
from pipeline.training.loop import fit
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from pipeline.training.text import Parallel
from tests import toys
from tests.commands import refusal

TRANSLATORS = get_args(Translator)


@pytest.fixture
def made(toy_backbone):
    """Builds a run's method in evaluation mode."""

    def build_run(run, **changes):
        torch.manual_seed(0)
        return build(toys.context(toy_backbone, run, **changes)).eval()

    return build_run


def streams(method):
    return method.streams(toys.training_text(), torch.Generator().manual_seed(5))


def first_rows(examples):
    return [example.rows[0] for example in examples]


@torch.no_grad()
def test_ft_is_the_sequence_classifier_of_transformers(made, toy_backbone):
    method = made("ft")
    reference = XLMRobertaForSequenceClassification.from_pretrained(
        toy_backbone, num_labels=3, dtype=torch.float32
    ).eval()
    reference.classifier.load_state_dict(method.head.state_dict())
    rows = method.rows(["a dog", "the cat sleeps"], ["two men", "no"], language="sw")
    padded, attention = toys.padded(rows, pad=method.pieces.pad)
    expected = reference(input_ids=padded, attention_mask=attention).logits
    torch.testing.assert_close(method.label_logits(method.collate(rows)), expected)


def test_the_new_head_of_ft_starts_and_drops_as_that_of_transformers(made, toy_backbone):
    method = made("ft")
    config = XLMRobertaConfig.from_pretrained(toy_backbone)
    peer = XLMRobertaForSequenceClassification(config).classifier
    for name, weight in method.head.named_parameters():
        theirs = peer.get_parameter(name)
        if weight.ndim == 1:
            assert not weight.any()
            assert not theirs.any()
        else:
            assert weight.mean().item() == pytest.approx(0, abs=0.1)
            expected = config.initializer_range
            assert weight.std().item() == pytest.approx(expected, rel=0.3), name
            assert theirs.std().item() == pytest.approx(expected, rel=0.3), name
    assert method.head.dropout.p == peer.dropout.p == 0.1
    # Both drop what goes into either layer.
    for head, states in ((method.head, torch.ones(1, 16)), (peer, torch.ones(1, 1, 16))):
        dropped = []
        head.dropout = torch.nn.Dropout(0.5)
        head.dropout.register_forward_hook(lambda _, given, out, d=dropped: d.append(out[0]))
        head.train()(states)
        assert len(dropped) == 2
        assert all((row == 0).any() for row in dropped)


@pytest.mark.parametrize("name", ["sp", "mpt"])
def test_every_slot_of_a_prompt_of_any_length_reads_its_own_vector(made, name):
    length = 9
    method = made(name, **{f"methods__{name}__prompt_length": length})
    rows = method.rows(["a dog runs"], ["a cat"], language="en")
    prompts = method.soft_prompts().detach()
    batch = method.collate(rows)
    states = method.backbone.states(batch, prompts)
    assert sum(i < 0 for i in rows[0].ids) == length
    for j in range(length):
        changed = prompts.clone()
        changed[0, j] += torch.randn(16)
        assert not torch.allclose(method.backbone.states(batch, changed), states, atol=1e-4), j
    # The order matters too: no two slots read the same vector.
    assert not torch.allclose(method.backbone.states(batch, prompts.flip(1)), states, atol=1e-4)


@pytest.mark.parametrize(
    "order", itertools.permutations(["entailment", "neutral", "contradiction"])
)
def test_words_belong_to_their_labels_in_whichever_order_they_are_written(made, order):
    words = {"entailment": "yes", "neutral": "maybe", "contradiction": "no"}
    method = made("sp", methods__sp__verbalizer={label: words[label] for label in order})
    expected = [method.pieces.word(word)[0] for word in ("yes", "maybe", "no")]
    assert method.word_ids.tolist() == expected


def test_ft_has_no_head_of_a_language_model(made):
    backbone = made("ft").backbone
    assert not backbone.has_head
    assert not [name for name, _ in backbone.named_parameters() if "lm_head" in name]
    assert backbone.words.weight.requires_grad


@torch.no_grad()
def test_sp_predicts_from_only_the_label_words(made):
    method = made("sp")
    batch = method.collate(method.rows(["a dog"], ["an animal"], language="zh"))
    whole = method.logits(batch)[0]
    words = [method.pieces.word(word)[0] for word in ("yes", "maybe", "no")]
    torch.testing.assert_close(method.label_logits(batch)[0], whole[words])


@pytest.mark.parametrize("name", ["sp", "pct", "mpt"])
def test_over_the_vocabulary_another_piece_is_no_label(made, name):
    method = made(name, template__predict_over="vocabulary")
    premises = [f"the cat runs {n}" for n in range(20)]
    frame = pd.DataFrame({"language": "sw", "pair_id": list(map(str, range(20))), "label": 0})
    frame = frame.assign(premise=premises, hypothesis="two men")
    batch = method.collate(method.rows(premises, frame.hypothesis.tolist(), language="sw"))
    with torch.no_grad():
        # In half of the rows, a label's logit is now the largest.
        gap = [logits.max() - logits[method.word_ids].max() for logits in method.logits(batch)]
        method.backbone.lm_head.bias[method.word_ids] += torch.stack(gap).median() + 1e-4
        whole = method.logits(batch)
    words = method.word_ids.tolist()
    by_hand = [words.index(n) if n in words else -1 for n in whole.argmax(-1).tolist()]
    predictions = predict(method, frame)
    assert predictions.predicted.tolist() == by_hand
    assert by_hand.count(-1) == 10
    # The probabilities are over the label words all the same.
    columns = predictions[["p_entailment", "p_neutral", "p_contradiction"]].to_numpy()
    expected = whole[:, method.word_ids].softmax(-1).numpy()
    assert columns == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["sp", "pct", "mpt"])
def test_what_competes_in_predictions_does_not_change_the_losses(made, name):
    losses = []
    for over in ("label_words", "vocabulary"):
        method = made(name, template__predict_over=over)
        losses.append(method.losses(streams(method), toys.MOMENT).total.item())
    assert losses[0] == losses[1]


def test_sp_uses_one_prompt_in_every_language(made):
    method = made("sp")
    rows = [method.rows(["a dog"], ["a cat"], language=code) for code in ("en", "sw", "zh")]
    assert rows[0] == rows[1] == rows[2]
    assert method.prompts()["prompt"].shape == (4, 16)


@torch.no_grad()
def test_pct_sums_two_cross_entropies_and_the_symmetric_kl(made, toy_backbone):
    method = made("pct")
    reference = AutoModelForMaskedLM.from_pretrained(toy_backbone, dtype=torch.float32).eval()
    drawn = streams(method)["labelled"]

    def logits(row):
        return reference(input_ids=torch.tensor([row.ids])).logits[:, row.read_at]

    sides = [torch.cat([logits(example.rows[side]) for example in drawn]) for side in (0, 1)]
    words = method.word_ids[torch.tensor([example.label for example in drawn])]
    expected = sum(functional.cross_entropy(side, words) for side in sides)
    expected += symmetric_kl(*(side.log_softmax(-1) for side in sides))
    total = method.losses({"labelled": drawn}, toys.MOMENT).total
    torch.testing.assert_close(total, expected, rtol=1e-4, atol=1e-5)


def test_pct_draws_a_target_language_for_each_example(made):
    method = made("pct")
    text = toys.training_text(labelled=300)
    drawn = method.streams(text, torch.Generator().manual_seed(0))["labelled"]
    counts = dict.fromkeys(toys.TARGETS, 0)
    for pair, example in zip(text.labelled, drawn, strict=True):
        rows = {
            code: template.rows([pair.premise], [pair.hypothesis])[0]
            for code, template in method.templates.items()
        }
        assert example.rows[0] == rows["en"]
        (code,) = [code for code in toys.TARGETS if rows[code] == example.rows[1]]
        counts[code] += 1
    assert min(counts.values()) > 70


def test_pct_tests_with_the_languages_template(made):
    method = made("pct")
    rows = [method.rows(["a dog"], ["a cat"], language=code)[0] for code in ("en", "de", "zh")]
    assert len({tuple(row.ids) for row in rows}) == 3


@pytest.mark.parametrize(
    ("form", "template"), [("template", QuestionTemplate), ("released", GluedTemplate)]
)
def test_pct_trains_and_tests_in_one_form(made, form, template):
    method = made("pct", methods__pct__form=form)
    assert {type(made) for made in method.templates.values()} == {template}
    rows = template(method.pieces, language="sw", max_length=64).rows(["a dog"], ["a cat."])
    assert method.rows(["a dog"], ["a cat."], language="sw") == rows


def test_the_source_prompt_learns_through_the_translator(made):
    method = made("mpt")
    method.soft_prompts()[1].sum().backward()
    for module in (method.prompt, method.translator):
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        assert any(gradient.any() for gradient in gradients)


def test_translator_is_equation_4(made):
    method = made("mpt")
    up, _, down = method.translator
    assert (up.weight.shape, down.weight.shape) == ((32, 16), (16, 32))
    source, target = method.soft_prompts()
    by_hand = (source @ up.weight.T + up.bias).clamp(min=0) @ down.weight.T + down.bias
    torch.testing.assert_close(target, by_hand)
    assert set(method.prompts()) == {"source", "target"}


@torch.no_grad()
@pytest.mark.parametrize("name", TRANSLATORS)
def test_prompts_are_made_in_full_precision(made, name):
    method = made("mpt", methods__mpt__translator=name)
    expected = method.soft_prompts()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prompts = method.soft_prompts()
    assert prompts.dtype == torch.float32
    assert torch.equal(prompts, expected)


@torch.no_grad()
def test_without_a_translator_targets_are_tested_with_the_second_prompt(made):
    method = made("mpt", methods__mpt__translator="none")
    batch = method.collate(method.rows(["a dog"], ["a cat"], language="sw"))
    before = method.label_logits(batch)
    method.prompt.embedding.weight += 1
    assert torch.equal(method.label_logits(batch), before)
    method.translator.prompt.embedding.weight += 1
    assert not torch.equal(method.label_logits(batch), before)


@torch.no_grad()
@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_mpt_weighs_its_two_losses_by_equation_8(made, alpha):
    method = made("mpt", methods__mpt__alpha=alpha)
    labelled, pairs = streams(method).values()
    source, target = method.soft_prompts()

    def logits(rows, prompt):
        states = method.backbone.states(method.collate(rows), torch.stack([prompt, prompt]))
        return method.backbone.logits(states)

    words = method.word_ids[torch.tensor([example.label for example in labelled])]
    ce = functional.cross_entropy(logits(first_rows(labelled), source), words)
    kld = symmetric_kl(
        logits(first_rows(pairs), source).log_softmax(-1),
        logits([example.rows[1] for example in pairs], target).log_softmax(-1),
    )
    total = method.losses({"labelled": labelled, "pairs": pairs}, toys.MOMENT).total
    torch.testing.assert_close(total, alpha * ce + (1 - alpha) * kld, rtol=1e-4, atol=1e-5)


CONTRASTIVE = {"methods__mpt__alignment": "contrastive"}


@torch.no_grad()
@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_a_contrastive_alignment_compares_the_mask_states_of_the_batch(made, alpha):
    method = made("mpt", methods__mpt__alpha=alpha, methods__mpt__temperature=0.2, **CONTRASTIVE)
    labelled, pairs = streams(method).values()
    sides = []
    for side, prompt in enumerate(method.soft_prompts()):
        rows = [example.rows[side] for example in pairs]
        states = method.backbone.states(method.collate(rows), torch.stack([prompt] * 2))
        sides.append(functional.normalize(states, dim=-1))
    similar = [[math.exp((s @ t).item() / 0.2) for t in sides[1]] for s in sides[0]]
    expected = 0.0
    for n, row in enumerate(similar):
        for others in (row, [other[n] for other in similar]):
            expected -= math.log(row[n] / sum(others)) / (2 * len(similar))
    losses = method.losses({"labelled": labelled, "pairs": pairs}, toys.MOMENT)
    ce = losses.parts.get("ce", torch.tensor(0.0))
    expected = alpha * ce.item() + (1 - alpha) * expected
    assert losses.total.item() == pytest.approx(expected, rel=1e-4)
    assert list(losses.parts) == ["ce"] * (alpha > 0) + ["infonce"] * (alpha < 1)
    if alpha > 0:
        assert torch.equal(ce, made("mpt").losses({"labelled": labelled}, toys.MOMENT).parts["ce"])


def test_a_contrastive_alignment_refuses_parts_of_a_batch(made):
    method = made("mpt", **CONTRASTIVE)
    pairs = streams(method)["pairs"]
    whole, *parts = (
        method.losses({"pairs": batch}, toys.MOMENT).total.item()
        for batch in (pairs, pairs[:3], pairs[3:])
    )
    assert whole > sum(parts) / 2 + 0.1  # half of the negatives are gone
    assert refusal(made, "mpt", training__rows_at_once=4, **CONTRASTIVE) == (
        "params.yaml: training.rows_at_once: expected none with alignment: contrastive, whose "
        "negatives are the whole batch, found 4 (run mpt)"
    )


def test_a_last_batch_of_one_pair_has_no_contrast(made):
    method = made("mpt", **CONTRASTIVE).train()
    losses = method.losses({"pairs": streams(method)["pairs"][:1]}, toys.MOMENT)
    losses.total.backward()
    assert losses.parts["infonce"].item() == 0
    assert all(w.grad is None or torch.isfinite(w.grad).all() for w in method.parameters())


def test_a_contrastive_training_shows_its_alignment_in_a_column_of_its_own(made):
    method = made("mpt", training__batch_size=2, **CONTRASTIVE)
    dev = pd.DataFrame(
        [("en", "1", "a dog", "a cat", 0)],
        columns=["language", "pair_id", "premise", "hypothesis", "label"],
    )
    generator = torch.Generator().manual_seed(0)
    # The last batch of an epoch has one pair.
    history = fit(method, toys.training_text(6, 5), dev, generator=generator).epochs
    assert "kld" not in history
    mean = 0.5 * (history.ce + history.infonce)
    assert history.loss.to_numpy() == pytest.approx(mean.to_numpy())


def test_a_contrastive_alignment_is_in_full_precision_under_autocast(made):
    method = made("mpt", **CONTRASTIVE)
    pairs = streams(method)["pairs"]
    rows = [example.rows[side] for side in (SOURCE, TARGET) for example in pairs]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = method.backbone.states(method.collate(rows), method.soft_prompts())
        loss = method.losses({"pairs": pairs}, toys.MOMENT).parts["infonce"]
    assert torch.equal(loss, info_nce(*states.float().chunk(2), temperature=0.05))


@pytest.mark.parametrize(("alpha", "times"), [(0.5, [1, 1]), (1.0, [1, 0]), (0.0, [0, 1])])
def test_mpt_makes_its_prompt_once_per_loss_and_only_if_it_is_read(made, alpha, times):
    method, made_prompts = made("mpt", methods__mpt__alpha=alpha), []
    method.prompt.register_forward_hook(lambda *_: made_prompts.append(1))
    for (name, examples), expected in zip(streams(method).items(), times, strict=True):
        made_prompts.clear()
        method.losses({name: examples}, toys.MOMENT)
        assert len(made_prompts) == expected


def learns(module):
    return any(weight.grad is not None and weight.grad.any() for weight in module.parameters())


@pytest.mark.parametrize(("alpha", "expected"), [(1.0, False), (0.0, True)])
def test_the_translator_learns_only_from_the_alignment(made, alpha, expected):
    method = made("mpt", methods__mpt__alpha=alpha)
    method.losses(streams(method), toys.MOMENT).total.backward()
    assert learns(method.prompt)
    assert learns(method.translator) == expected


@pytest.mark.parametrize(("alignment", "part"), [("kl", "kld"), ("contrastive", "infonce")])
@pytest.mark.parametrize("name", TRANSLATORS)
def test_in_a_mixed_update_cross_entropy_does_not_reach_the_translator(made, name, alignment, part):
    changes = {"methods__mpt__translator": name, "methods__mpt__alignment": alignment}
    method = made("mpt", **changes).train()
    losses = method.losses(streams(method), toys.MOMENT)
    losses.parts["ce"].backward(retain_graph=True)
    assert not learns(method.translator)
    losses.parts[part].backward()
    assert all(weight.grad.any() for weight in method.translator.parameters())


def test_mpt_pairs_hold_both_sentences_of_both_languages(made):
    method = made("mpt")
    text = toys.training_text()
    rows = method.template.rows
    for pair, example in zip(text.parallel, streams(method)["pairs"], strict=True):
        source = rows([pair.premise], [pair.hypothesis], prompt=SOURCE)
        target = rows([pair.target_premise], [pair.target_hypothesis], prompt=TARGET)
        assert [*example.rows] == source + target


@pytest.mark.parametrize(
    ("changes", "source", "target"),
    [
        ({}, SOURCE, TARGET),
        ({"methods__mpt__source_prompt_for_source": False}, TARGET, TARGET),
        ({"methods__mpt__alpha": 1.0}, SOURCE, SOURCE),
    ],
)
def test_mpt_tests_targets_with_the_translated_prompt(made, changes, source, target):
    method = made("mpt", **changes)
    assert method.rows(["a dog"], ["a cat"], language="en")[0].prompt == source
    assert method.rows(["a dog"], ["a cat"], language="sw")[0].prompt == target


def test_cross_entropy_over_the_vocabulary_or_the_label_words(made):
    losses = []
    for over in ("vocabulary", "label_words"):
        method = made("sp", methods__sp__ce_over=over)
        losses.append(method.losses(streams(method), toys.MOMENT).total.item())
    assert losses[0] > losses[1]


@pytest.mark.parametrize("name", ["sp", "dp", "mp"])
def test_by_default_zhao_and_schuetzes_methods_compare_the_label_words(made, name):
    method = made(name)
    drawn = streams(method)
    words = method.word_ids
    rows = [example.rows[0] for example in drawn["labelled"]]
    expected = 0.0
    for example, logits in zip(
        drawn["labelled"], method.logits(method.collate(rows)).detach().double(), strict=True
    ):
        scores = [math.exp(logits[word]) for word in words]
        expected -= math.log(scores[example.label] / sum(scores)) / len(rows)
    losses = method.losses(drawn, toys.MOMENT)
    assert losses.total.item() == pytest.approx(expected, rel=1e-5)
    assert list(losses.parts) == ["ce"]


@pytest.mark.parametrize(
    ("name", "slots", "literals"),
    [("untrained", 0, False), ("sp", 4, False), ("dp", 0, True), ("mp", 4, True)],
)
def test_hard_words_and_slots_are_those_of_the_method(made, name, slots, literals):
    method = made(name)
    for language in ("en", "sw"):  # the words are English in every language
        (row,) = method.rows(["a dog"], ["a cat"], language=language)
        assert [number for number in row.ids if number < 0] == [-1 - j for j in range(slots)]
        for word in ("Question:", "Answer:"):
            ids = list(method.pieces.word(word))
            spans = [list(row.ids[n : n + len(ids)]) for n in range(len(row.ids))]
            assert spans.count(ids) == int(literals)
    assert len(method.prompts()) == (slots > 0)


WORDS = {
    "en": {"entailment": "yes", "neutral": ["maybe", "there"], "contradiction": "no"},
    "de": {"entailment": "a", "neutral": "two", "contradiction": "dog"},
}


@pytest.fixture
def softmv(made):
    return made("softmv", methods__softmv={"method": "softmv", "label_words": WORDS})


def test_softmv_answers_with_the_mean_over_words_and_languages(softmv):
    rows = softmv.rows(["a dog", "two cats"], ["no", "a cat sleeps"], language="sw")
    batch = softmv.collate(rows)
    of = {word: softmv.logits(batch)[:, softmv.pieces.word(word)[-1]] for word in
          ("yes", "maybe", "there", "no", "a", "two", "dog")}  # fmt: skip
    expected = torch.stack(
        [
            (of["yes"] + of["a"]) / 2,
            ((of["maybe"] + of["there"]) / 2 + of["two"]) / 2,
            (of["no"] + of["dog"]) / 2,
        ],
        dim=1,
    )
    torch.testing.assert_close(softmv.label_logits(batch), expected)


def test_softmv_adds_both_cross_entropies_and_the_divergence_of_the_copy(softmv):
    drawn = streams(softmv)
    copies = softmv.template.rows(["two men play"] * 6, ["a cat"] * 6)
    drawn = {
        "labelled": [
            example._replace(rows=(example.rows[0], copy))
            for example, copy in zip(drawn["labelled"], copies, strict=True)
        ]
    }
    sides = [
        softmv.label_logits(softmv.collate([e.rows[side] for e in drawn["labelled"]]))
        .detach().double().softmax(-1).numpy()
        for side in (0, 1)
    ]  # fmt: skip
    labels = [example.label for example in drawn["labelled"]]
    ce = -sum(math.log(p[label]) for side in sides for p, label in zip(side, labels, strict=True))
    kld = sum(
        q * (math.log(q) - math.log(p))
        for first, second in zip(*sides, strict=True)
        for p, q in zip(first, second, strict=True)
    )
    losses = softmv.losses(drawn, toys.MOMENT)
    assert losses.parts["ce"].item() == pytest.approx(ce / 6, rel=1e-5)
    assert losses.parts["kld"].item() == pytest.approx(kld / 6, rel=1e-3)
    assert losses.total.item() == pytest.approx((ce + 0.3 * kld) / 6, rel=1e-5)


def test_softmv_without_a_copy_sees_the_pair_through_two_dropouts(softmv):
    drawn = streams(softmv)
    assert all(first == second for first, second in (e.rows for e in drawn["labelled"]))
    assert softmv.losses(drawn, toys.MOMENT).parts["kld"].item() == pytest.approx(0, abs=1e-9)
    assert softmv.train().losses(drawn, toys.MOMENT).parts["kld"].item() > 1e-6


def test_softmv_copies_are_the_translations_of_their_pairs(made):
    entry = {"method": "softmv", "copy": "translation", "pairs": "xnli"}
    method = made("translated", methods__translated=entry)
    text = toys.training_text()
    parallel = [
        Parallel("de", pair.premise, pair.hypothesis, f"zwei {n}", f"ein Hund {n}")
        for n, pair in enumerate(text.labelled)
    ]
    drawn = method.streams(text._replace(parallel=parallel[::-1]), torch.Generator())["labelled"]
    expected = method.template.rows(
        [pair.target_premise for pair in parallel], [pair.target_hypothesis for pair in parallel]
    )
    assert [example.rows[1] for example in drawn] == expected
    assert [example.label for example in drawn] == [pair.label for pair in text.labelled]


def test_softmv_needs_the_translations_of_its_pairs(made):
    assert refusal(made, "softmv", methods__softmv__copy="translation") == (
        "params.yaml: methods.softmv.pairs: expected xnli with copy: translation, found paws15"
    )


def test_a_run_with_nothing_to_train_is_refused(made):
    assert refusal(made, "pct", training__trainable="prompt") == (
        "params.yaml: methods.pct: expected something to train, found nothing in method pct "
        "with trainable: prompt"
    )
