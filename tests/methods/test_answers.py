"""UP and DPA: losses over answers in many languages, mixtures of states, rules of prediction."""

import math

import pytest
import torch

from pipeline.methods import dpa
from pipeline.prompting.label_words import words_of
from pipeline.prompting.template import UniversalTemplate
from pipeline.training.loop import make_optimizer, update
from pipeline.training.registry import build
from tests import toys
from tests.commands import refusal

WORDS = {
    "en": {"entailment": "yes", "neutral": "maybe", "contradiction": "no"},
    "de": {"entailment": "dog", "neutral": ["cat", "men"], "contradiction": "no"},
}
"""English and German share the word of contradiction, as English and Spanish do in DPA's list."""


@pytest.fixture
def made(toy_backbone):
    """Builds a run's method in evaluation mode."""

    def build_run(run, **changes):
        torch.manual_seed(0)
        return build(toys.context(toy_backbone, run, **changes)).double().eval()

    return build_run


@pytest.fixture
def method(made):
    """DPA with the words above."""
    return made("dpa", methods__dpa__label_words=WORDS)


def labelled(method, number=6):
    text = toys.training_text(labelled=number)
    return method.streams(text, torch.Generator())["labelled"]


def states_of(method, examples):
    return method.backbone.states(method.collate([example.rows[0] for example in examples]))


def answer_by_hand(method, state, label, words=WORDS):
    """A(h, y) of one state, from its logits, in plain numbers."""
    logits = method.backbone.logits(state[None])[0].tolist()
    total = sum(math.exp(logit) for logit in logits)
    name, losses = ("entailment", "neutral", "contradiction")[label], []
    for by_label in words.values():
        several = [by_label[name]] if isinstance(by_label[name], str) else by_label[name]
        ids = [method.pieces.word(word)[-1] for word in several]
        losses.append(-math.log(sum(math.exp(logits[number]) for number in ids) / total))
    return sum(losses) / len(losses)


@torch.no_grad()
def test_up_is_the_cross_entropy_of_the_source_languages_word_over_the_vocabulary(made):
    up, english = made("up"), {"en": WORDS["en"]}
    examples = labelled(up)
    by_hand = [
        answer_by_hand(up, h, example.label, english)
        for h, example in zip(states_of(up, examples), examples, strict=True)
    ]
    for method in (up, made("dpa", methods__dpa__label_words=english)):
        total = method.losses({"labelled": examples}, toys.MOMENT).total.item()
        assert total == pytest.approx(sum(by_hand) / len(by_hand))


@torch.no_grad()
def test_an_answer_is_right_in_every_language(method):
    examples = labelled(method)
    losses = method.losses({"labelled": examples}, toys.MOMENT)
    by_hand = [
        answer_by_hand(method, h, example.label)
        for h, example in zip(states_of(method, examples), examples, strict=True)
    ]
    assert losses.total.item() == pytest.approx(sum(by_hand) / len(by_hand))
    assert list(losses.parts) == ["answers"]


def test_the_loss_of_15_languages_is_at_least_2_616_nats():
    words = words_of("dpa")
    known = sorted({word for row in words.values() for several in row.values() for word in several})
    ids = torch.tensor(
        [[[known.index(word) for word in several] for several in row.values()]
         for row in words.values()]
    )  # fmt: skip
    for label, sharing in enumerate((("bg", "ru"), ("bg", "ru"), ("en", "es"))):
        assert len({ids[list(words).index(code), label, 0].item() for code in sharing}) == 1
        # The best answer has 1/15 on each word, and 2/15 on the one that two languages share.
        counts = torch.bincount(ids[:, label, 0], minlength=len(known))
        best = (counts / 15).log().double()[None].clamp(min=-1e3).requires_grad_()
        loss = dpa.answer_losses(best, ids)[0, label]
        assert loss.item() == pytest.approx(13 / 15 * math.log(15) + 2 / 15 * math.log(7.5))
        assert loss.item() == pytest.approx(2.616, abs=5e-4)
        (gradient,) = torch.autograd.grad(loss, best)
        assert gradient.abs().max() < 1e-6


def in_training(method, shares, monkeypatch):
    """Return the method in training mode, without dropout, with these lambdas."""
    method.training = True  # of the method only
    drawn = torch.tensor(shares, dtype=torch.float64)[:, None]
    monkeypatch.setattr(method, "_shares", lambda twos: drawn[:twos])
    return method


@torch.no_grad()
@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_twos_are_averaged_with_their_mixture_and_an_odd_example_is_not_mixed(
    method, number, monkeypatch
):
    shares = [0.3, 0.9]
    examples = labelled(method, number)
    states, labels = states_of(method, examples), [example.label for example in examples]
    single = [answer_by_hand(method, h, label) for h, label in zip(states, labels, strict=True)]
    by_hand = 0.0
    for two in range(number // 2):
        i, j, share = 2 * two, 2 * two + 1, shares[two]
        state = share * states[i] + (1 - share) * states[j]
        mixture = share * answer_by_hand(method, state, labels[i])
        mixture += (1 - share) * answer_by_hand(method, state, labels[j])
        by_hand += 2 * (2 / 3 * (single[i] + single[j]) / 2 + 1 / 3 * mixture)
    by_hand += single[-1] if number % 2 else 0
    losses = in_training(method, shares, monkeypatch).losses({"labelled": examples}, toys.MOMENT)
    assert losses.total.item() == pytest.approx(by_hand / number)
    assert losses.parts["answers"].item() == pytest.approx(sum(single) / number)
    assert ("mixtures" in losses.parts) == (number > 1)


@torch.no_grad()
def test_there_are_no_mixtures_outside_training_or_with_0(made, monkeypatch):
    for method in (made("dpa").eval(), made("dpa", methods__dpa__mixture=0).train()):
        monkeypatch.setattr(method, "_shares", lambda twos: pytest.fail("drawn"))
        assert list(method.losses({"labelled": labelled(method)}, toys.MOMENT).parts) == ["answers"]


def test_shares_are_of_the_beta_distribution_and_of_the_global_seed(method):
    torch.manual_seed(1)
    shares = method._shares(4_000)
    assert shares.shape == (4_000, 1)
    # Beta(1.2, 1.2) has the mean 1/2 and the variance 1 / (4 * (2 * 1.2 + 1)).
    assert shares.mean().item() == pytest.approx(0.5, abs=0.02)
    assert shares.var().item() == pytest.approx(1 / 13.6, abs=0.005)
    torch.manual_seed(1)
    assert torch.equal(method._shares(4_000), shares)


def test_a_mixture_moves_both_of_its_states(method, monkeypatch):
    examples, kept = labelled(method, 2), []
    method = in_training(method, [0.25], monkeypatch)
    of_batch = method.backbone.states

    def states(batch):
        kept.append(of_batch(batch).detach().requires_grad_())
        return kept[0]

    monkeypatch.setattr(method.backbone, "states", states)
    parts = method.losses({"labelled": examples}, toys.MOMENT).parts
    (gradient,) = torch.autograd.grad(parts["mixtures"], kept[0])
    assert gradient.any()
    torch.testing.assert_close(gradient[0] / 0.25, gradient[1] / 0.75)


def test_in_parts_the_twos_are_within_a_part(made, monkeypatch):
    method, drawn = made("dpa", training__rows_at_once=3).train(), []
    monkeypatch.setattr(method, "_shares", lambda n: drawn.append(n) or torch.full((n, 1), 0.5))
    optimizer = make_optimizer(method, method.run.training)
    examples = {"labelled": labelled(method, 8)}  # in parts of 3, 3 and 2
    update(method, examples, optimizer, learning_rate=1e-3, moment=toys.MOMENT)
    assert drawn == [1, 1, 1]


SCORES = torch.tensor(
    [[[1.0, 2.0, 0.0], [-5.0, 1.9, 2.5], [-5.0, 1.9, -5.0]],
     [[-3.0, -2.0, -4.0], [-2.5, -9.0, -1.0], [-1.5, -9.0, -9.0]]]
)  # fmt: skip
"""The logits of two rows, by language and label."""


@pytest.mark.parametrize(
    ("rule", "language", "expected"),
    [
        ("source", [0, 0], [1, 1]),
        ("own", [1, 2], [2, 0]),
        ("max", [0, 0], [2, 2]),  # all logits of the second row are negative
        ("sum", [0, 0], [1, 2]),  # three words of 2.0, 1.9, 1.9 exceed one of 2.5
    ],
)
def test_each_rule_has_its_answer(rule, language, expected):
    logits = dpa.combined(SCORES, rule, torch.tensor(language))
    assert logits.argmax(-1).tolist() == expected


def test_rules_are_the_largest_logit_or_the_sum_of_probabilities():
    rows = SCORES.double()
    largest = dpa.combined(rows, "max", torch.tensor([0, 0]))[1].tolist()
    assert largest == [-1.5, -2.0, -1.0]
    summed = dpa.combined(rows, "sum", torch.tensor([0, 0]))[0].exp().tolist()
    by_hand = [sum(math.exp(row[label]) for row in rows[0].tolist()) for label in range(3)]
    assert summed == pytest.approx(by_hand)


@torch.no_grad()
@pytest.mark.parametrize("rule", ["source", "max", "sum", "own"])
@pytest.mark.parametrize("over", ["label_words", "vocabulary"])
def test_a_row_is_answered_by_the_rule_of_its_run(made, rule, over):
    options = {"methods__dpa__label_words": WORDS, "template__predict_over": over}
    method = made("dpa", methods__dpa__predict=rule, **options)
    rows = [
        method.rows(["a dog runs."], ["the cat"], language=code)[0] for code in ("de", "en", "sw")
    ]
    batch = method.collate(rows)
    whole = method.backbone.logits(method.backbone.states(batch))

    def of(word):
        return whole[:, method.pieces.word(word)[-1]]

    english = torch.stack([of("yes"), of("maybe"), of("no")], dim=-1)
    neutral = (of("cat").exp() + of("men").exp()).log()
    german = torch.stack([of("dog"), neutral, of("no")], dim=-1)
    expected = {
        "source": english,
        "max": torch.maximum(english, german),
        "sum": (english.exp() + german.exp()).log(),
        # There are no Swahili words here.
        "own": torch.stack([german[0], english[1], english[2]]),
    }[rule]
    found = method.label_logits(batch)
    torch.testing.assert_close(found[:, :3], expected)
    if over == "vocabulary":
        assert torch.equal(found[:, 3], whole.amax(-1))
    else:
        assert found.shape == (3, 3)


def test_notes_name_languages_without_words_and_who_answers_there(made):
    swahili = {"entailment": "cats", "neutral": "maybe", "contradiction": "dogs"}
    words = WORDS | {"sw": swahili}
    left_out = {"label_words_left_out": {"sw": {"s": ["entailment", "contradiction"]}}}
    assert made("dpa", methods__dpa__label_words=words).notes() == left_out
    own = {"methods__dpa__predict": "own"}
    notes = made("dpa", methods__dpa__label_words=words, **own).notes()
    assert notes == left_out | {"answered_in_source": ["sw", "zh"]}
    everywhere = dict.fromkeys(("en", *toys.TARGETS), WORDS["en"])
    assert made("dpa", methods__dpa__label_words=everywhere, **own).notes() == {}


@pytest.mark.parametrize(
    "english", [None, {"entailment": "cats", "neutral": "maybe", "contradiction": "dogs"}]
)
def test_without_words_of_the_source_language_a_run_is_refused(made, english):
    words = {"de": WORDS["de"]} | ({"en": english} if english else {})
    assert refusal(made, "dpa", methods__dpa__label_words=words) == (
        "params.yaml: methods.dpa.label_words: expected words of the source language en whose "
        "labels have different pieces, found those of de"
    )


@pytest.mark.parametrize("name", ["up", "dpa"])
def test_the_template_is_universal_in_every_language(made, name):
    method = made(name)
    template = UniversalTemplate(method.pieces, max_length=64)
    (expected,) = template.rows(["a dog"], ["the cat."])
    (example,) = labelled(method, 1)
    (trained,) = template.rows(["a dog runs 0."], ["the cat sleeps 0"])
    assert [*example.rows] == [trained]
    for language in ("en", "sw"):
        (row,) = method.rows(["a dog"], ["the cat."], language=language)
        assert (row.ids, row.read_at) == (expected.ids, expected.read_at)
