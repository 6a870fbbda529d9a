"""The draw of the parallel pairs: English pairs, and a target language for each."""

from collections.abc import Mapping
from itertools import product

import pandas as pd

from pipeline.corpora.drawing import dealt, draw_key
from pipeline.corpora.leaks import bare, pair_texts
from pipeline.errors import InputError
from pipeline.params.text import Paws15
from pipeline.translation.sentences import SIDES


def draw_pairs(
    pool: pd.DataFrame,
    paws15: Paws15,
    languages: tuple[str, ...],
    *,
    key: str = "paws15.pairs",
    of: str = "datasets.paws_x",
) -> pd.DataFrame:
    """Draw pairs from a pool (pair_id, premise, hypothesis), and add the language of each.

    Both draws precede any translation and depend only on the texts and the seed: a smaller
    sample is a prefix of a larger one, languages included. `balanced` deals the languages out in
    shuffled rounds, so that their counts differ by at most one.

    Raises:
        InputError: the pool is too small; names the parameter `key`, which sets the number, and
            `of`, what the pool is from.
    """
    if len(pool) < paws15.pairs:
        raise InputError(
            f"params.yaml: {key}: expected at most {len(pool)}, the usable pairs of {of}, "
            f"found {paws15.pairs}"
        )
    drawn = _shuffled(pool, paws15.seed).head(paws15.pairs)
    if paws15.assignment == "balanced":
        codes = dealt(paws15.pairs, languages, paws15.seed)
    else:
        keys = [draw_key(paws15.seed, "language", order) for order in drawn.order]
        codes = [sorted(languages)[int(key, 16) % len(languages)] for key in keys]
    drawn = drawn.assign(language=codes).reset_index(drop=True)
    return drawn[["pair_id", "premise", "hypothesis", "language"]]


def spare_pairs(pool: pd.DataFrame, paws15: Paws15) -> pd.DataFrame:
    """Return the pairs that were not drawn, from the end of the shuffled list backwards.

    A larger sample draws from the front, so it keeps the replacements of a smaller one.
    """
    spare = _shuffled(pool, paws15.seed).iloc[paws15.pairs :].iloc[::-1]
    return spare[["pair_id", "premise", "hypothesis"]].reset_index(drop=True)


def _shuffled(pool: pd.DataFrame, seed: int) -> pd.DataFrame:
    order = [draw_key(seed, "pair", text) for text in pair_texts(pool)]
    return pool.assign(order=order).sort_values("order")


def refuse_test_sentences(
    pairs: pd.DataFrame, held_out: Mapping[str, frozenset[str]], *, source: str, place: str
) -> None:
    """Raise an InputError if a sentence of the pairs is one of the test set in its language."""
    for pair, side, prefix in product(pairs.to_dict("records"), SIDES, ("", "target_")):
        language, column = pair["language"] if prefix else source, prefix + side
        sentence = pair[column]
        if bare(sentence) in held_out.get(language, ()):
            raise InputError(
                f"{place}: expected no sentence of the test set, found the {column} of "
                f"{pair['pair_id']} in {language} ({sentence[:40]!r})"
            )
