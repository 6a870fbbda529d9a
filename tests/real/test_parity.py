"""Our model beside transformers' on real rows of all languages: logits and gradients."""

from copy import deepcopy

import pytest
import torch
from torch.nn import functional

from pipeline.backbone.masked_lm import MaskedLm
from pipeline.backbone.rows import collate
from pipeline.prompting.template import ClozeTemplate, QuestionTemplate
from pipeline.prompting.verbalizer import label_word_ids
from tests import toys
from tests.real.pairs import longest, of_all_lengths
from tests.real_data import ME5, XNLI, needs

pytestmark = [needs(ME5), needs(XNLI)]
CPU = torch.device("cpu")


def rows_of(template, pairs):
    premises, hypotheses = zip(*pairs, strict=True)
    return template.rows(premises, hypotheses)


@pytest.fixture(scope="module")
def rows(pieces, xnli):
    """A row of each language, from very short to as long as real ones are."""
    template = ClozeTemplate(pieces, position="suffix", prompt_length=0, max_length=128)
    made = rows_of(template, of_all_lengths(xnli))
    lengths = sorted(len(row.ids) for row in made)
    assert lengths[0] < 25
    assert lengths[-1] > 75
    return made


def assert_same_logits(rows, pieces, backbone, reference):
    """Compare rows in one padded batch of ours with each by itself."""
    words = torch.tensor(label_word_ids(pieces, ["yes", "maybe", "no"], place="here"))
    batch = collate(rows, pad=pieces.pad, device=CPU)
    states = backbone.states(batch)
    logits, few = backbone.logits(states), backbone.logits(states, words)
    for number, row in enumerate(rows):
        expected = reference(torch.tensor([row.ids])).logits[0, row.read_at]
        torch.testing.assert_close(logits[number], expected, rtol=0, atol=2e-4)
        torch.testing.assert_close(few[number], expected[words], rtol=0, atol=2e-4)


@torch.no_grad()
def test_logits_at_the_mask_in_all_languages(rows, pieces, backbone, reference):
    assert_same_logits(rows, pieces, backbone, reference)


@torch.no_grad()
def test_the_general_implementation_gives_the_same_logits(rows, pieces, reference):
    assert_same_logits(rows, pieces, MaskedLm(reference, separator=None), reference)


@torch.no_grad()
@pytest.mark.parametrize(("most", "times"), [(128, 1), (256, 4)])
def test_logits_of_a_long_pair_cut_beside_a_short_one(request, pieces, xnli, most, times):
    models = map(request.getfixturevalue, ("backbone", "reference"))
    template = QuestionTemplate(pieces, language="el", max_length=most)
    ((premise, hypothesis),) = longest(xnli["el"], 1, pieces)
    pairs = [(" ".join([premise] * times), hypothesis), of_all_lengths(xnli)[0]]
    rows = rows_of(template, pairs)
    assert len(rows[0].ids) == most > 4 * len(rows[1].ids)
    assert_same_logits(rows, pieces, *models)


def test_gradients_in_double_precision(rows, pieces, backbone, reference):
    rows = rows[::4]
    ours, theirs = deepcopy(backbone).double(), deepcopy(reference).double()
    for model in (ours, theirs):
        # They would take most of the time and memory; small models' tests compare them.
        model.get_parameter("roberta.embeddings.word_embeddings.weight").requires_grad_(False)
    padded, attention = toys.padded(rows, pad=pieces.pad)
    read_at = torch.tensor([row.read_at for row in rows])
    states = theirs.base_model(padded, attention_mask=attention).last_hidden_state
    read = {
        theirs: states[torch.arange(len(rows)), read_at],
        ours: ours.states(collate(rows, pad=pieces.pad, device=CPU)),
    }
    targets = torch.arange(len(rows)) * 1_000
    for model, at_mask in read.items():
        functional.cross_entropy(model.lm_head(at_mask), targets).backward()
    expected = dict(theirs.named_parameters(remove_duplicate=False))
    gradients = {n: w.grad for n, w in ours.named_parameters() if w.grad is not None}
    assert len(gradients) == len(list(ours.parameters())) - 1
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name].grad, rtol=1e-6, atol=1e-10, msg=name)
