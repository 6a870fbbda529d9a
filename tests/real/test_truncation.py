"""The longest real pairs: what a maximum length cuts, and that it cuts nothing else."""

from functools import partial

import pytest

from pipeline.prompting.forms import strip_punctuation
from pipeline.prompting.template import (
    ClozeTemplate,
    GluedTemplate,
    PairTemplate,
    QuestionTemplate,
)
from tests.real.pairs import longest
from tests.real_data import ME5, XNLI, needs

pytestmark = [needs(ME5), needs(XNLI)]
# No pair of XNLI has 256 tokens, so premises are repeated.
at_128_and_256 = pytest.mark.parametrize(("most", "times"), [(128, 1), (256, 4)])


@pytest.fixture(scope="module")
def pairs(xnli, pieces):
    """The longest pairs of the languages of which some are cut at 128."""
    return [pair for code in ("el", "fr", "hi") for pair in longest(xnli[code], 3, pieces)]


@pytest.fixture
def sentences(pairs, times):
    """Premises, each so many times, and hypotheses."""
    return [" ".join([premise] * times) for premise, _ in pairs], [pair[1] for pair in pairs]


def without(ids, *cuts):
    """Return ids without so many of them before a position, for each cut from the last on."""
    for end, number in cuts:
        ids = ids[: end - number] + ids[end:]
    return ids


@at_128_and_256
def test_the_cloze_cuts_the_hypothesis_and_then_the_premise(pieces, sentences, most):
    cloze = partial(ClozeTemplate, pieces, position="suffix", prompt_length=4)
    rows, wholes = (cloze(max_length=length).rows(*sentences) for length in (most, 999))
    assert sum(len(row.ids) == most for row in rows) > 5
    for row, whole, text in zip(rows, wholes, sentences[1], strict=True):
        excess = max(0, len(whole.ids) - most)
        hypothesis = len(pieces.word(strip_punctuation(text)))
        # The question mark, one piece, and four slots; the full stop is two pieces.
        end, cut = whole.read_at - 5, min(excess, hypothesis)
        premise_end = end - hypothesis - 2
        assert row.ids == without(whole.ids, (end, cut), (premise_end, excess - cut))
        kept = row.ids[row.read_at - 5 :]
        assert pieces.shown([i for i in kept if i >= 0]) == ["▁?", "<mask>", "▁", ".", "</s>"]


KINDS = {
    "pair": (PairTemplate, "", ""),
    "question": (partial(QuestionTemplate, language="el"), "Ερώτηση:", "? Απάντηση:<mask>"),
    "glued": (partial(GluedTemplate, language="el"), "ερώτηση:", "? Απάντηση:<mask>"),
}
"""Templates with the literals before and after the hypothesis."""


@at_128_and_256
@pytest.mark.parametrize("kind", KINDS)
def test_the_others_cut_the_longer_sentence_piece_by_piece(pieces, sentences, most, kind):
    template, head, tail = KINDS[kind]
    rows, wholes = (template(pieces, max_length=n).rows(*sentences) for n in (most, 999))
    assert sum(len(row.ids) == most for row in rows) > 1
    (separator,) = set(pieces.frame.between)
    for row, whole in zip(rows, wholes, strict=True):
        premise_end = whole.ids.index(separator)
        hypothesis_end = len(whole.ids) - len(pieces.glued(tail)) - 1
        lengths = [premise_end - 1, hypothesis_end - premise_end - 2 - len(pieces.word(head))]
        cuts = [0, 0]
        for _ in range(len(whole.ids) - most):
            left = [length - cut for length, cut in zip(lengths, cuts, strict=True)]
            cuts[0 if left[0] > left[1] else 1] += 1
        expected = without(whole.ids, (hypothesis_end, cuts[1]), (premise_end, cuts[0]))
        assert row.ids == expected
        assert row.ids[row.read_at] == whole.ids[whole.read_at]
