"""How long real pairs are, and what of them the vocabulary lacks: numbers that docs may quote."""

from itertools import chain

import numpy as np
import pandas as pd
import pytest

from pipeline.prompting.template import ClozeTemplate
from tests.real_data import ME5, PAWS_X, XNLI, needs

pytestmark = needs(ME5)

TEST = {
    "ar": (51.2, 78, 111, 0), "bg": (53.1, 81, 117, 0), "de": (52.3, 79, 111, 0),
    "el": (60.3, 93, 146, 3), "en": (48.3, 71, 102, 0), "es": (51.1, 77, 111, 0),
    "fr": (57.7, 88, 138, 2), "hi": (57.4, 88, 129, 2), "ru": (52.4, 80, 115, 0),
    "sw": (51.0, 76, 120, 0), "th": (49.5, 77, 118, 0), "tr": (48.0, 72, 105, 0),
    "ur": (55.4, 83, 119, 0), "vi": (54.2, 81, 124, 0), "zh": (44.9, 66, 104, 0),
}  # fmt: skip
"""Tokens of XNLI's test pairs in the template with four slots, and how many are cut at 128.

Mean, 95th percentile, longest, and pairs of more than 128 tokens, of 5,010 per language.
"""

PAWS = {
    "de": (68.2, 98, 128, 0), "en": (67.0, 94, 123, 0), "es": (69.5, 98, 138, 2),
    "fr": (75.0, 106, 146, 10), "zh": (72.9, 109, 150, 26),
}  # fmt: skip
"""The same of PAWS-X's validation and test pairs, 4,000 per language."""


@pytest.fixture(scope="module")
def template(pieces):
    """MPT's template, in which no real pair is cut."""
    return ClozeTemplate(pieces, position="suffix", prompt_length=4, max_length=512)


def summary(rows):
    """Return mean, 95th percentile, maximum and the number over 128 of the rows' tokens."""
    tokens = np.array([len(row.ids) for row in rows])
    percentile = np.percentile(tokens, 95, method="higher")
    return round(tokens.mean(), 1), percentile, tokens.max(), (tokens > 128).sum()


def unknown(rows, tokenizer):
    """Return how many tokens of rows are unknown."""
    return sum(row.ids.count(tokenizer.unk_token_id) for row in rows)


@needs(XNLI)
def test_seven_pairs_of_the_test_are_longer_than_128_and_sixteen_pieces_unknown(
    template, tokenizer, xnli
):
    rows = {
        code: template.rows(frame.premise.tolist(), frame.hypothesis.tolist())
        for code, frame in xnli.items()
    }
    assert {code: summary(part) for code, part in rows.items()} == TEST
    assert summary([*chain.from_iterable(rows.values())]) == (52.5, 81, 146, 7)
    # Two characters of Chinese names, in one premise and its hypotheses.
    lacking = {code: number for code, part in rows.items() if (number := unknown(part, tokenizer))}
    assert lacking == {"zh": 16}


@needs(PAWS_X)
def test_pairs_of_paws_x_are_longer(template, tokenizer):
    rows = {}
    for code in PAWS:
        files = sorted((PAWS_X / code).glob("*.parquet"))
        frame = pd.concat(map(pd.read_parquet, files))
        rows[code] = template.rows(frame.sentence1.tolist(), frame.sentence2.tolist())
    assert {code: summary(part) for code, part in rows.items()} == PAWS
    lacking = {code: number for code, part in rows.items() if (number := unknown(part, tokenizer))}
    assert lacking == {"zh": 42}
