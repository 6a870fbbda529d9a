"""The parallel pairs (PAWS-15): the English pool, the draw, one target language for each pair."""

import pandas as pd

from pipeline.corpora.drawing import dealt, draw_key
from pipeline.corpora.leaks import in_sentences_of, pair_texts
from pipeline.corpora.sources import read_split, require_columns
from pipeline.errors import InputError
from pipeline.params.text import PairSource, Paws15

PLACEHOLDER = "NS"
"""What PAWS-X holds where a sentence was not translated."""


def is_text(sentences: pd.Series) -> pd.Series:
    """Return which of the sentences are more than nothing or PAWS-X's placeholder."""
    stripped = sentences.fillna("").str.strip()
    return (stripped != "") & (stripped != PLACEHOLDER)


def read_paws_x(source: PairSource, language: str) -> pd.DataFrame:
    """Read PAWS-X in one language: pair_id, id, premise, hypothesis, splits one after another.

    Row i of a split is the translation of row i in the other languages; `pair_id` names it.

    Raises:
        InputError: a file or column is missing.
    """
    frames = []
    for split in source.splits:
        frame = read_split(source, config=language, split=split, key="datasets.paws_x")
        place = f"{source.path}: {language}/{split}"
        require_columns(frame, text=("sentence1", "sentence2"), other="id", place=place)
        ids = [f"{split}-{row}" for row in range(len(frame))]
        frames.append(frame.assign(pair_id=ids))
    whole = pd.concat(frames, ignore_index=True)
    whole = whole.rename(columns={"sentence1": "premise", "sentence2": "hypothesis"})
    return whole[["pair_id", "id", "premise", "hypothesis"]]


def clean_pool(pool: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Leave out blank and placeholder text, repeated pairs, and sentences of the test.

    Args:
        pool: pair_id, premise, hypothesis in the source language.
        test: premise, hypothesis of the test in the source language.
    """
    pool = pool[is_text(pool.premise) & is_text(pool.hypothesis)]
    pool = pool[~pair_texts(pool).duplicated()]
    leaked = in_sentences_of(test, pool.premise) | in_sentences_of(test, pool.hypothesis)
    return pool[~leaked][["pair_id", "premise", "hypothesis"]].reset_index(drop=True)


def draw_pairs(
    pool: pd.DataFrame,
    paws15: Paws15,
    languages: tuple[str, ...],
    *,
    key: str = "paws15.pairs",
) -> pd.DataFrame:
    """Draw the pairs and assign to each the language that it is translated into.

    Both draws come before any translation and depend on the texts and the seed alone: a
    smaller sample is a prefix of a larger one, languages included. `balanced` deals the
    languages out in shuffled rounds, so that their counts differ by one at most.

    Args:
        pool: pair_id, premise, hypothesis.
        paws15: how many pairs, the seed and the kind of assignment.
        languages: the target languages.
        key: the parameter that says how many, for the message.

    Returns:
        pair_id, premise, hypothesis, language in the order drawn.

    Raises:
        InputError: the pool is too small.
    """
    if len(pool) < paws15.pairs:
        raise InputError(
            f"params.yaml: {key}: expected at most the {len(pool)} usable pairs of "
            f"datasets.paws_x, found {paws15.pairs}"
        )
    chosen = _ranked(pool, paws15.seed).head(paws15.pairs)
    if paws15.assignment == "balanced":
        assigned = dealt(paws15.pairs, languages, paws15.seed)
    else:
        assigned = [
            sorted(languages)[int(draw_key(paws15.seed, "language", key), 16) % len(languages)]
            for key in chosen.order
        ]
    chosen = chosen.assign(language=assigned).reset_index(drop=True)
    return chosen[["pair_id", "premise", "hypothesis", "language"]]


def spare_pairs(pool: pd.DataFrame, paws15: Paws15) -> pd.DataFrame:
    """Return the pairs that were not drawn, the last of the order first.

    Replacements come from the far end, so that a larger sample finds its own pairs untouched.
    """
    spare = _ranked(pool, paws15.seed).iloc[paws15.pairs :].iloc[::-1]
    return spare[["pair_id", "premise", "hypothesis"]].reset_index(drop=True)


def _ranked(pool: pd.DataFrame, seed: int) -> pd.DataFrame:
    order = [draw_key(seed, "pair", text) for text in pair_texts(pool)]
    return pool.assign(order=order).sort_values("order")


def refuse_test_sentences(
    pairs: pd.DataFrame,
    test: pd.DataFrame,
    *,
    source: str,
    place: str = "data/paws15/pairs.parquet",
) -> None:
    """Check that no sentence of the pairs is a sentence of the test in the same language.

    Args:
        pairs: the parallel pairs, translated.
        test: language, premise, hypothesis of the test in every language.
        source: the source language.
        place: the file that they are meant for, for the message.

    Raises:
        InputError: names the first pair that holds one.
    """
    sides = [(source, pairs, ("premise", "hypothesis"))]
    sides += [
        (str(language), part, ("target_premise", "target_hypothesis"))
        for language, part in pairs.groupby("language", observed=True)
    ]
    for language, part, columns in sides:
        held_out = test[test.language == language]
        for column in columns:
            leaked = in_sentences_of(held_out, part[column])
            if leaked.any():
                row = part[leaked].iloc[0]
                raise InputError(
                    f"{place}: expected no sentence of the test set, found the "
                    f"{column} of {row.pair_id} in {language} ({row[column][:40]!r})"
                )
