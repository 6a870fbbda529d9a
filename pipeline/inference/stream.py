"""Rows with sentence pairs -> the same rows with predictions, chunk by chunk."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from pipeline.errors import InputError, RunError
from pipeline.inference.files import Chunks, Row, with_columns
from pipeline.inference.model import ExportedModel
from pipeline.inference.prediction import Judged, judge
from pipeline.params.runs import ANSWERS, LABELS
from pipeline.params.strict import shown

SIDES = ("premise", "hypothesis")
ADDED = ("predicted", *(f"p_{label}" for label in LABELS))
"""The columns that a prediction has."""


@dataclass
class Stream:
    """Predictions for rows, and what was counted over all of them.

    Attributes:
        model: in evaluation mode.
        place: where the rows come from.
        language: that of rows without a language of their own.
        threads: how many batches to predict at once.
        rows: how many there were.
        cut: of them, pairs longer than the maximum length.
        labelled: rows with a label, by language.
        right: of these, rows predicted right.
    """

    model: ExportedModel
    place: str
    language: str | None = None
    threads: int = 1
    rows: int = 0
    cut: int = 0
    labelled: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    @property
    def accuracies(self) -> dict[str, float]:
        """The accuracy by language, percent, of rows with a label."""
        return {code: 100 * self.right[code] / rows for code, rows in self.labelled.items()}

    def predicted(self, chunks: Chunks) -> Chunks:
        """Yield the rows with the columns ADDED behind their own.

        Raises:
            InputError: a row lacks a sentence, or a language that the model reads.
            RunError: the GPU's memory is full.
        """
        for rows in chunks:
            numbers = range(self.rows + 1, self.rows + len(rows) + 1)
            places = [f"{self.place}, row {number}" for number in numbers]
            pairs = [_pair(row, place) for row, place in zip(rows, places, strict=True)]
            languages = list(map(self._language_of, rows, places))
            judged = self._judge(pairs, languages)
            names = [ANSWERS[number] for number in judged.predicted.tolist()]
            self.rows, self.cut = self.rows + len(rows), self.cut + judged.cut
            for row, code, name in zip(rows, languages, names, strict=True):
                if (label := label_of(row.get("label"))) is not None:
                    self.labelled[code] += 1
                    self.right[code] += label == name
            by_label = judged.probabilities.double().T.tolist()
            columns = dict(zip(ADDED, [names, *by_label], strict=True))
            yield with_columns(rows, columns)

    def require_rows(self) -> None:
        """Raise an InputError if there were none."""
        if not self.rows:
            raise InputError(f"{self.place}: expected at least one pair, found no rows")

    def _judge(self, pairs: Sequence[tuple[str, str]], languages: Sequence[str]) -> Judged:
        try:
            return judge(self.model, pairs, languages, threads=self.threads)
        except torch.OutOfMemoryError:
            raise RunError(
                f"{self.model.device}: expected memory to predict, found it full "
                f"(CUDA_VISIBLE_DEVICES= mpt predict ... uses the CPU)"
            ) from None

    def _language_of(self, row: Row, place: str) -> str:
        """Return a row's own language, the one given, or any if they are all read alike."""
        code = row.get("language") or self.language
        if code is None and self.model.reads_all_languages_alike:
            return self.model.nli.source
        if not isinstance(code, str) or code not in self.model.templates:
            where = f"{place}: language" if row.get("language") or not code else "--language"
            known = ", ".join(self.model.nli.languages)
            raise InputError(f"{where}: expected one of {known}, found {shown(code)}")
        return code


def label_of(value: object) -> str | None:
    """Return the label that a file gives as a name or id, or None if it gives none."""
    text = str(value).strip().lower()
    return text if text in LABELS else dict(zip("012", LABELS, strict=True)).get(text)


def _pair(row: Row, place: str) -> tuple[str, str]:
    """Return the premise and hypothesis of a row."""
    for column in ADDED:
        if column in row:
            raise InputError(f"{place}: expected no column {column}, which is added, found one")
    for side in SIDES:
        if side not in row:
            found = ", ".join(row) or "none"
            raise InputError(f"{place}: expected a column {side}, found {found}")
        if not isinstance(row[side], str) or not row[side].strip():
            raise InputError(f"{place}: {side}: expected text, found {shown(row[side])}")
    return row["premise"], row["hypothesis"]
