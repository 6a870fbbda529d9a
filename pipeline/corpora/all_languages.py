"""XNLI's own translations of its training pairs: the configuration `all_languages`.

On the Hub these are four files of 239 MB, each row a pair in all languages.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.corpora.leaks import normal
from pipeline.corpora.sources import PAIR, opened, split_files
from pipeline.errors import InputError
from pipeline.params.runs import LanguageParams
from pipeline.params.text import Source
from pipeline.progress import Progress, silent

HYPOTHESIS = ("hypothesis.language", "hypothesis.translation")


def read_translations(
    source: Source, pairs: pd.DataFrame, languages: LanguageParams, *, progress: Progress = silent
) -> pd.DataFrame:
    """Read the translations of some pairs of XNLI's training set into the target languages.

    The pairs have pair_id (`train-7` is row 7 of the training set), premise, hypothesis. Their
    text must match that of the rows in the source language.

    Returns:
        pair_id, language, premise, hypothesis: every pair in every language, None for a missing
        sentence.

    Raises:
        InputError: the files do not exist, lack columns or languages, or a row does not hold
            the pair that it should.
        RunError: the Hub cannot be reached.
    """
    note = "" if source.is_folder else "downloads a gigabyte from the Hub the first time"
    progress("translations", 0, len(pairs), note)
    place, first, translations = f"{source.path}: all_languages/train", 0, []
    ours = pairs.drop_duplicates("pair_id").set_index("pair_id")
    rows = {int(pair_id.removeprefix("train-")): pair_id for pair_id in ours.index}
    for file in split_files(source, config="all_languages", split="train", key="datasets.xnli"):
        with opened([file], place=f"{place}: {file.name}") as dataset:
            fields = dataset.features.flatten()
            for name in (*(f"premise.{code}" for code in languages.all), *HYPOTHESIS):
                if name not in fields:
                    raise InputError(f"{place}: expected a field {name}, found {', '.join(fields)}")
            here = [row for row in sorted(rows) if row < first + len(dataset)]
            for row, values in zip(here, dataset.select([n - first for n in here]), strict=True):
                pair_id, texts = rows.pop(row), _by_language(values)
                _require_same(
                    ours.loc[pair_id], texts, languages.source, place=f"{place}, row {row}"
                )
                for code in languages.targets:
                    translations.append((pair_id, code, *(texts[side].get(code) for side in PAIR)))
                progress("translations", len(ours) - len(rows), len(ours))
            first += len(dataset)
    for row, pair_id in rows.items():
        raise InputError(f"{place}: expected a row {row} for the pair {pair_id}, found fewer rows")
    return pd.DataFrame(translations, columns=["pair_id", "language", *PAIR])


def _by_language(values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return a row's texts by column and language.

    Premises are a `datasets.Translation`, hypotheses `TranslationVariableLanguages`.
    """
    both = values["hypothesis"] or {}
    hypotheses = zip(both.get("language") or (), both.get("translation") or (), strict=True)
    return {"premise": values["premise"] or {}, "hypothesis": dict(hypotheses)}


def _require_same(
    ours: "pd.Series[Any]", texts: Mapping[str, Mapping[str, str]], english: str, *, place: str
) -> None:
    """Check that a row holds a pair, up to spaces and case."""
    for side in PAIR:
        theirs = texts[side].get(english) or ""
        if normal(ours[side]) != normal(theirs):
            raise InputError(
                f"{place}: expected the {side} of {ours.name} ({ours[side][:40]!r}), "
                f"found {theirs[:40]!r}"
            )
