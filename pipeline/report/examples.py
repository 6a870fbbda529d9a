"""Test pairs on which the reference and the baseline disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts import read_table, some_columns
from pipeline.corpora.files import EXAMPLES
from pipeline.evaluation.cells import TEST, Cells, read_cells
from pipeline.languages import LANGUAGES
from pipeline.params.runs import ANSWERS, LABELS
from pipeline.params.whole import Params

EACH = 2
"""Pairs of each kind that are shown in each language."""

RIGHT_TO_LEFT = frozenset(("Arabic", "Hebrew", "Syriac", "Thaana", "Nko"))
_TEXT = some_columns(EXAMPLES, *EXAMPLES.key, "premise", "hypothesis")


@dataclass(frozen=True)
class Example:
    """One test pair in one language; for each run, the most predicted label and its seeds."""

    pair_id: str
    premise: str
    hypothesis: str
    source: tuple[str, ...]
    """Premise and hypothesis in the source language; empty for that language itself."""
    gold: str
    reference: tuple[str, int]
    baseline: tuple[str, int]


@dataclass(frozen=True)
class Disagreement:
    """The pairs in one language that most seeds of only one of the two runs get right."""

    language: str
    direction: str
    ahead: int
    behind: int
    """The number of pairs that only the reference, or only the baseline, gets right."""
    right: tuple[Example, ...]
    wrong: tuple[Example, ...]
    """Equally many examples of both kinds."""


def compared_cells(params: Params) -> tuple[int, tuple[int, ...]] | None:
    """Return the largest shots at which reference and baseline share seeds, and these seeds."""
    runs = params.comparison.reference, params.comparison.baseline
    for shots in sorted({shots for _, shots, _ in params.cells}, reverse=True):
        ours, theirs = (
            {seed for name, k, seed in params.cells if (name, k) == (run, shots)} for run in runs
        )
        if common := sorted(ours & theirs):
            return shots, tuple(common)
    return None


def disagreements(params: Params, shots: int, seeds: Sequence[int]) -> list[Disagreement]:
    """Choose the pairs that are shown, by language, from the cells of these shots and seeds.

    Raises:
        InputError: predictions are missing, damaged or for other test rows.
    """
    runs = params.comparison.reference, params.comparison.baseline
    named = [(run, shots, seed) for run in runs for seed in seeds]
    cells = read_cells(named, params.languages.all, compared=params.compared_languages)
    # By seed, language and pair: [S, L, P].
    votes = [np.stack([cells.predicted[run, shots, seed] for seed in seeds]) for run in runs]
    ours, theirs = ((predicted == cells.label).sum(axis=0) for predicted in votes)
    texts, source = _texts(), params.languages.source

    def example(at: int, pair: int) -> Example:
        code, pair_id = cells.languages[at], str(cells.pair_ids[pair])
        known = texts.get((source, pair_id), ()) if code != source else ()
        labels = (_majority(predicted[:, at, pair]) for predicted in votes)
        gold = LABELS[cells.label[at, pair]]
        return Example(pair_id, *texts[code, pair_id], known, gold, *labels)

    disagreements = []
    for at, code in enumerate(cells.languages):
        right = _ordered(cells, ours[at], theirs[at], len(seeds))
        wrong = _ordered(cells, theirs[at], ours[at], len(seeds))
        each = min(EACH, len(right), len(wrong))
        shown = (tuple(example(at, pair) for pair in kind[:each]) for kind in (right, wrong))
        direction = "rtl" if LANGUAGES[code].script in RIGHT_TO_LEFT else "ltr"
        disagreements.append(Disagreement(code, direction, len(right), len(wrong), *shown))
    return disagreements


def _ordered(
    cells: Cells, first: NDArray[np.int64], second: NDArray[np.int64], seeds: int
) -> list[int]:
    """Return the pairs that most seeds of only the first run get right.

    Pairs on which more seeds agree come first. Ties are broken by the SHA-256 of the pair_id, so
    neither the order of the test set nor anybody's taste plays a part. `first` and `second` are
    the numbers of seeds of each run that are right, [P].
    """
    pairs = np.flatnonzero((first > seeds / 2) & (second < seeds / 2))

    def rank(pair: int) -> tuple[int, str]:
        digest = sha256(str(cells.pair_ids[pair]).encode()).hexdigest()
        return int(second[pair] - first[pair]), digest

    return sorted(map(int, pairs), key=rank)


def _majority(predicted: NDArray[np.int8]) -> tuple[str, int]:
    """Return the answer that most seeds predict (the first of equals), and how many do."""
    counts = np.bincount(predicted % len(ANSWERS))
    return ANSWERS[int(counts.argmax())], int(counts.max())


def _texts() -> dict[tuple[str, str], tuple[str, str]]:
    """Return premise and hypothesis of every test pair by (language, pair_id)."""
    frame = read_table(TEST, _TEXT).astype(str).set_index(list(EXAMPLES.key))
    return dict(zip(frame.index, frame.itertuples(index=False, name=None), strict=True))
