"""The training pairs of a split with their translations: aligned text without external data.

Each pair gets one target language, dealt out in shuffled rounds as for PAWS-15. Where a sentence
has no translation in it, another language takes its place, drawn for that pair alone.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpora.drawing import dealt, draw_key
from pipeline.corpora.leaks import pair_texts, refuse_pairs_of
from pipeline.corpora.sources import blank, require_columns
from pipeline.errors import InputError
from pipeline.params.text import Fewshot


def given_translations(
    fewshot: Fewshot, *, shots: int, pairs: int, languages: Sequence[str]
) -> pd.DataFrame:
    """Read `kK/train-translations.parquet`, which lies beside a given split.

    Args:
        fewshot: names the folder of given splits.
        shots: k.
        pairs: how many pairs the split has to train on.
        languages: the languages that must be there.

    Returns:
        pair_id, language, premise, hypothesis; a text may be blank, a row may be missing.

    Raises:
        InputError: the file is missing or not as it should be.
    """
    path = Path(fewshot.source) / f"k{shots}" / "train-translations.parquet"
    if not path.is_file():
        raise InputError(
            f"params.yaml: fewshot.translations: expected the training pairs' translations in "
            f"{path}, found no such file"
        )
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError):
        raise InputError(f"{path}: expected a Parquet file, found something else") from None
    for column in ("language", "row"):
        require_columns(frame, text=("premise", "hypothesis"), other=column, place=str(path))
    wrong = frame[~frame.row.isin(range(pairs))]
    if len(wrong):
        raise InputError(
            f"{path}: expected rows 0 to {pairs - 1} of k{shots}/train, found {wrong.row.iloc[0]}"
        )
    twice = frame[frame.duplicated(["row", "language"])]
    if len(twice):
        raise InputError(
            f"{path}: expected a row once in a language, found row {twice.row.iloc[0]} twice in "
            f"{twice.language.iloc[0]}"
        )
    there = set(frame.language)
    for code in languages:
        if code not in there:
            raise InputError(
                f"{path}: expected text in {code}, found {', '.join(map(str, sorted(there)))}"
            )
    ids = [f"k{shots}/train-{row}" for row in frame.row]
    return frame.assign(pair_id=ids)[["pair_id", "language", "premise", "hypothesis"]]


def with_translations(
    train: pd.DataFrame,
    translations: pd.DataFrame,
    *,
    languages: Sequence[str],
    seed: int,
    place: str,
) -> pd.DataFrame:
    """Give each training pair a target language and its translation.

    The languages depend on the texts and the seed, not on the order of rows; each part of the
    split (train, or train@1, train@2, ...) has its own rounds.

    Args:
        train: split, pair_id, premise, hypothesis: the training parts of a split.
        translations: pair_id, language, premise, hypothesis.
        languages: the target languages.
        seed: of the draw.
        place: where the translations lie, for the messages.

    Returns:
        The columns of artifacts.TRANSLATED_SPLITS, rows in the order of `train`.

    Raises:
        InputError: a pair has no translation in any of the languages.
    """
    whole = translations[~blank(translations, ("premise", "hypothesis"))]
    there = {
        (row.pair_id, row.language): (row.premise, row.hypothesis) for row in whole.itertuples()
    }
    parts = []
    for name, unordered in train.groupby("split", sort=False, observed=True):
        order = [draw_key(seed, name, "pair", text) for text in pair_texts(unordered)]
        part = unordered.assign(order=order).sort_values("order", kind="stable")
        turns = dealt(len(part), languages, seed, name)
        chosen = []
        for pair, turn in zip(part.itertuples(), turns, strict=True):
            others = sorted(languages, key=lambda code: draw_key(seed, name, pair.order, code))
            found = [code for code in (turn, *others) if (pair.pair_id, code) in there]
            if not found:
                raise InputError(
                    f"{place}: expected a translation of {pair.pair_id} in one of "
                    f"{', '.join(languages)}, found none"
                )
            chosen.append((found[0], *there[pair.pair_id, found[0]]))
        columns = ["language", "target_premise", "target_hypothesis"]
        parts.append(part.join(pd.DataFrame(chosen, columns=columns, index=part.index)))
    return pd.concat(parts).loc[train.index].reset_index(drop=True)


def refuse_test_pairs(pairs: pd.DataFrame, test: pd.DataFrame, *, place: str) -> None:
    """Check that no translated pair is a pair of the test in its language.

    A translated sentence may by chance be a sentence of the test (XNLI has many short ones), its
    pair may not. The English pairs were held apart when the split was made.

    Args:
        pairs: the result of `with_translations`.
        test: language, premise, hypothesis of the test in every language.
        place: where the translations lie, for the message.

    Raises:
        InputError: names the first pair that is one of the test.
    """
    targets = {"target_premise": "premise", "target_hypothesis": "hypothesis"}
    for language, part in pairs.groupby("language", observed=True):
        texts = part[["pair_id", *targets]].rename(columns=targets)
        held_out = test[test.language == language]
        refuse_pairs_of(held_out, texts, place=f"{place}, {language}", of="the test set")
