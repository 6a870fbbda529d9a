"""Test pairs on which the reference and the baseline disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.artifacts import Table, read_table
from pipeline.cells.files import PREDICTIONS
from pipeline.corpora.files import CORPORA, EXAMPLES
from pipeline.errors import InputError
from pipeline.evaluation.cells import Cell, predictions_path
from pipeline.languages import LANGUAGES
from pipeline.params.runs import LABELS
from pipeline.params.whole import CELLS, Params

EACH = 2
"""Pairs that are shown in each language of either kind."""

RIGHT_TO_LEFT = frozenset(("Arabic", "Hebrew", "Syriac", "Thaana", "Nko"))
KEY = ["language", "pair_id"]

_JUDGED = Table(
    pa.schema([PREDICTIONS.schema.field(c) for c in (*KEY, "label", "predicted")]), PREDICTIONS.key
)
_TEXT = Table(
    pa.schema([EXAMPLES.schema.field(c) for c in (*KEY, "premise", "hypothesis")]), EXAMPLES.key
)


@dataclass(frozen=True)
class Example:
    """One test pair in one language, and what the two runs made of it.

    Attributes:
        pair_id: of the test pair.
        premise: in the language.
        hypothesis: likewise.
        source: premise and hypothesis in the source language; empty for that language itself.
        gold: the right label.
        reference: the label that most seeds of the reference predict, and how many.
        baseline: the same of the baseline.
    """

    pair_id: str
    premise: str
    hypothesis: str
    source: tuple[str, ...]
    gold: str
    reference: tuple[str, int]
    baseline: tuple[str, int]


@dataclass(frozen=True)
class Disagreement:
    """What is shown of one language.

    Attributes:
        language: its code.
        direction: "rtl" or "ltr".
        ahead: the number of pairs that most seeds of the reference alone get right.
        behind: the same of the baseline.
        right: pairs that the reference alone gets right.
        wrong: as many that the baseline alone gets right.
    """

    language: str
    direction: str
    ahead: int
    behind: int
    right: tuple[Example, ...]
    wrong: tuple[Example, ...]


@dataclass(frozen=True)
class Votes:
    """The predictions of one run at one number of shots, all seeds: [S, R]."""

    predicted: NDArray[np.int8]
    label: NDArray[np.int8]

    @property
    def right(self) -> NDArray[np.int64]:
        """The number of seeds that get a row right, [R]."""
        return np.asarray((self.predicted == self.label).sum(axis=0), dtype=np.int64)

    def majority(self, row: int) -> tuple[str, int]:
        """Return the label that most seeds predict, and how many; of equals the first."""
        counts = np.bincount(self.predicted[:, row], minlength=len(LABELS))
        return LABELS[int(counts.argmax())], int(counts.max())


def compared_cells(params: Params) -> tuple[int, tuple[int, ...]] | None:
    """Return the largest shots at which reference and baseline share seeds, and these seeds."""
    comparison = params.comparison
    cells = {cell for block in CELLS for cell in getattr(params, block).cells}
    for shots in sorted({cell[1] for cell in cells}, reverse=True):
        seeds = [
            {seed for run, k, seed in cells if run == name and k == shots}
            for name in (comparison.reference, comparison.baseline)
        ]
        if common := sorted(seeds[0] & seeds[1]):
            return shots, tuple(common)
    return None


def disagreements(params: Params, shots: int, seeds: Sequence[int]) -> list[Disagreement]:
    """Choose the pairs that are shown, by language.

    Those on which most seeds agree come first; of equals, those whose pair_id has the smallest
    SHA-256, so that neither the order of the test set nor anybody's taste has a part in it.

    Args:
        params: names the runs and the languages.
        shots: of the cells that are read.
        seeds: likewise.

    Raises:
        InputError: predictions are missing, or not of the same rows.
    """
    comparison = params.comparison
    cells = [(comparison.reference, shots, seed) for seed in seeds]
    rows, ours = _votes(cells)
    other_rows, theirs = _votes([(comparison.baseline, shots, seed) for seed in seeds])
    if not rows.equals(other_rows):
        raise InputError(
            f"{predictions_path((comparison.baseline, shots, seeds[0]))}: expected the test rows "
            f"of {predictions_path(cells[0])}, found others"
        )
    half, many = len(seeds) / 2, len(seeds)
    ahead = (ours.right > half) & (theirs.right < half)
    behind = (theirs.right > half) & (ours.right < half)
    agreement = np.where(ahead, ours.right + many - theirs.right, theirs.right + many - ours.right)
    drawn = {pair: sha256(str(pair).encode()).hexdigest() for pair in rows["pair_id"].unique()}
    order = pd.DataFrame({"agree": -agreement, "drawn": rows["pair_id"].map(drawn)})
    language = rows["language"].to_numpy()
    chosen: dict[str, tuple[int, int, list[int], list[int]]] = {}
    for code in sorted(params.languages.all):
        here = language == code
        counts = int((here & ahead).sum()), int((here & behind).sum())
        each = min(EACH, *counts)
        best = [
            order[here & kind].sort_values(["agree", "drawn"]).index[:each].tolist()
            for kind in (ahead, behind)
        ]
        chosen[code] = (*counts, *best)
    texts = _texts(rows, [row for *_, one, two in chosen.values() for row in (*one, *two)])
    source = params.languages.source

    def example(row: int) -> Example:
        pair, code = str(rows["pair_id"][row]), str(rows["language"][row])
        known = texts.get((source, pair), ()) if code != source else ()
        return Example(
            pair, *texts[code, pair], known, LABELS[ours.label[row]],
            ours.majority(row), theirs.majority(row),
        )  # fmt: skip

    return [
        Disagreement(
            language=code,
            direction="rtl" if LANGUAGES[code].script in RIGHT_TO_LEFT else "ltr",
            ahead=more,
            behind=fewer,
            right=tuple(map(example, one)),
            wrong=tuple(map(example, two)),
        )
        for code, (more, fewer, one, two) in chosen.items()
    ]


def _votes(cells: Sequence[Cell]) -> tuple[pd.DataFrame, Votes]:
    """Read cells of one run into one order of rows: language, pair_id and what was predicted."""
    keys, label, predicted = pd.DataFrame(), np.empty(0, np.int8), []
    for cell in cells:
        path = predictions_path(cell)
        frame = read_table(path, _JUDGED)
        frame["language"] = frame["language"].astype(str)
        frame = frame.sort_values(KEY, ignore_index=True)
        if keys.empty:
            keys, label = frame[KEY], frame["label"].to_numpy()
        elif not frame[KEY].equals(keys):
            raise InputError(
                f"{path}: expected the test rows of {predictions_path(cells[0])}, found others"
            )
        predicted.append(frame["predicted"].to_numpy())
    return keys, Votes(np.stack(predicted), label)


def _texts(rows: pd.DataFrame, wanted: Sequence[int]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return premise and hypothesis by (language, pair_id), of the wanted rows' pairs."""
    path = CORPORA / "test.parquet"
    frame = read_table(path, _TEXT)
    pairs = set(rows["pair_id"].iloc[list(wanted)])
    frame = frame[frame["pair_id"].isin(pairs)]
    texts = {
        (str(row.language), str(row.pair_id)): (str(row.premise), str(row.hypothesis))
        for row in frame.itertuples(index=False)
    }
    for row in wanted:
        key = str(rows["language"][row]), str(rows["pair_id"][row])
        if key not in texts:
            raise InputError(
                f"{path}: expected the test pairs of the predictions, found none with language "
                f"{key[0]} and pair_id {key[1]}"
            )
    return texts
