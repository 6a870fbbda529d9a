"""The training pairs of a split with their translations: aligned text without external data.

Each pair gets one target language, dealt out in shuffled rounds as for PAWS-15. If it has no
translation in that language, it gets another, drawn for this pair only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.corpora.all_languages import read_translations
from pipeline.corpora.drawing import dealt, draw_key
from pipeline.corpora.leaks import pair_texts, refuse_pairs_of
from pipeline.corpora.sources import PAIR, blank, read_files
from pipeline.errors import InputError
from pipeline.hub import names
from pipeline.params.whole import Params
from pipeline.progress import Progress

WAY_OUT = "(or set fewshot.translations: false, and name no run with pairs: xnli)"


def translated_split(
    train: pd.DataFrame, test: pd.DataFrame, params: Params, *, shots: int, progress: Progress
) -> pd.DataFrame:
    """Read the translations of a k-shot split's training pairs, and give each pair one of them.

    Raises:
        InputError: the translations are missing or malformed, or hold a pair of the test set.
        RunError: the Hub cannot be reached.
    """
    fewshot, targets, xnli = params.fewshot, params.languages.targets, params.datasets.xnli
    path = Path(fewshot.source) / names.given_translations(shots)
    is_sample = fewshot.source == "sample"
    place = f"{xnli.path}: all_languages/train" if is_sample else str(path)
    try:
        if is_sample:
            every = read_translations(xnli, train, params.languages, progress=progress)
        else:
            every = given_translations(path, pairs=len(train), languages=targets)
        pairs = with_translations(
            train, every, languages=targets, seed=fewshot.split_seed, place=place
        )
    except InputError as error:
        raise InputError(f"{error} {WAY_OUT}") from None
    refuse_test_pairs(pairs, test, place=place)
    return pairs


def given_translations(path: Path, *, pairs: int, languages: Sequence[str]) -> pd.DataFrame:
    """Read `kK/train-translations.parquet`, the translations of a given split.

    The columns are pair_id, language, premise, hypothesis. Texts may be blank, rows may be missing.

    Raises:
        InputError: the file is missing or malformed, lacks a language, or has other rows than
            those of the `pairs` training pairs.
    """
    if not path.exists():
        raise InputError(f"{path}: expected the training pairs' translations, found no such file")
    split = f"{path.parent.name}/train"
    frame = read_files([path], columns=(*PAIR, "language", "row"), place=str(path))
    outside = frame.row[~frame.row.isin(range(pairs))]
    if len(outside):
        raise InputError(
            f"{path}: expected rows 0 to {pairs - 1} of {split}, found {outside.iloc[0]}"
        )
    for again in frame[frame.duplicated(["row", "language"])].itertuples():
        raise InputError(
            f"{path}: expected each row once per language, found row {again.row} twice in "
            f"{again.language}"
        )
    known = sorted(map(str, set(frame.language)))
    for code in languages:
        if code not in known:
            raise InputError(f"{path}: expected text in {code}, found {', '.join(known)}")
    frame["pair_id"] = [f"{split}-{int(row)}" for row in frame.row]
    return frame[["pair_id", "language", *PAIR]]


def with_translations(
    train: pd.DataFrame, translations: pd.DataFrame, *, languages: Sequence[str], seed: int,
    place: str,
) -> pd.DataFrame:  # fmt: skip
    """Give each training pair (split, pair_id, premise, hypothesis) one of its translations.

    The languages depend on the texts and the seed, not on the order of rows. Each part of the
    split (train, or train@1, train@2, ...) has its own rounds. The translations have pair_id,
    language, premise, hypothesis, and come from `place`. A pair with a `language`
    gets that one, if it has a translation in it. The result has the columns of
    files.TRANSLATED_SPLITS, and the rows of `train`.

    Raises:
        InputError: a pair has no translation in any of the languages.
    """
    texts = {
        (row.pair_id, row.language): (row.premise, row.hypothesis)
        for row in translations[~blank(translations)].itertuples()
    }
    parts = []
    for name, unordered in train.groupby("split", sort=False, observed=True):
        order = [draw_key(seed, name, "pair", text) for text in pair_texts(unordered)]
        part = unordered.assign(order=order).sort_values("order", kind="stable")
        turns = dealt(len(part), languages, seed, name)
        chosen = []
        for pair, turn in zip(part.itertuples(), turns, strict=True):
            others = sorted(languages, key=lambda code: draw_key(seed, name, pair.order, code))
            first = getattr(pair, "language", turn)
            code = next((c for c in (first, *others) if (pair.pair_id, c) in texts), None)
            if code is None:
                raise InputError(
                    f"{place}: expected a translation of {pair.pair_id} in one of "
                    f"{', '.join(languages)}, found none"
                )
            chosen.append((code, *texts[pair.pair_id, code]))
        columns = ["language", "target_premise", "target_hypothesis"]
        part = part.drop(columns="language", errors="ignore")
        parts.append(part.join(pd.DataFrame(chosen, columns=columns, index=part.index)))
    return pd.concat(parts).loc[train.index].reset_index(drop=True)


def refuse_test_pairs(pairs: pd.DataFrame, test: pd.DataFrame, *, place: str) -> None:
    """Raise an InputError if a translated pair is a pair of the test set in its language.

    XNLI has many short sentences, so a single translated sentence may be one of the test set's
    by chance. The English pairs were checked when the split was made.
    """
    targets = {"target_premise": "premise", "target_hypothesis": "hypothesis"}
    for language, part in pairs.groupby("language", observed=True):
        texts = part[["pair_id", *targets]].rename(columns=targets)
        held_out = test[test.language == language]
        refuse_pairs_of(held_out, texts, place=f"{place}, {language}", of="the test set")
