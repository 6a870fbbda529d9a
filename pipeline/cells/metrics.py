"""What metrics.json says about a cell's predictions: accuracy, chance and collapse."""

import math
from typing import Any

import numpy as np
import pandas as pd

from pipeline.params.runs import ANSWERS, LABELS

LEVEL = 0.05
"""The significance level of `at_chance`."""


def cell_metrics(predictions: pd.DataFrame) -> dict[str, Any]:
    """Return the part of metrics.json that is about the predictions of one cell.

    Returns:
        `accuracy`: percent by language, sorted by code, and `avg`, the unweighted mean over the
        languages (the paper's "Avg."); `most_predicted`: the answer, its share of all rows, and by
        language the largest share of any answer, percent; `test`: the numbers of distinct pairs
        and of rows; `at_chance`: whether `avg` is not above chance.
    """
    accuracy = accuracy_by_language(predictions)
    average = float(np.mean(list(accuracy.values())))
    label, share = most_predicted(predictions)
    language = predictions["language"].astype(str)
    shares = {code: most_predicted(predictions[language == code])[1] for code in accuracy}
    pairs = int(predictions["pair_id"].nunique())
    return {
        "accuracy": {**accuracy, "avg": average},
        "most_predicted": {"label": label, "share": share, "by_language": shares},
        "test": {"pairs": pairs, "rows": len(predictions)},
        "at_chance": at_chance(average, pairs),
    }


def accuracy_by_language(predictions: pd.DataFrame) -> dict[str, float]:
    """Return the accuracy in each language, percent, languages sorted by code."""
    correct = predictions["label"].to_numpy() == predictions["predicted"].to_numpy()
    language = predictions["language"].astype(str).to_numpy()
    by_language = pd.Series(correct).groupby(language).agg(["sum", "size"])
    return {
        str(code): 100.0 * int(right) / int(rows)
        for code, right, rows in by_language.itertuples(name=None)
    }


def most_predicted(predictions: pd.DataFrame) -> tuple[str, float]:
    """Return the answer that is predicted most often, and its share of the rows in percent.

    A share near 100 is a collapse onto one label, which accuracy only shows as chance.
    """
    predicted = predictions["predicted"].to_numpy() % len(ANSWERS)
    counts = np.bincount(predicted, minlength=len(ANSWERS))
    answer = int(counts.argmax())
    return ANSWERS[answer], 100.0 * float(counts[answer] / counts.sum())


def at_chance(accuracy: float, pairs: int) -> bool:
    """Return whether an accuracy is not significantly above that of guessing a label.

    This is a one-sided exact binomial test of `accuracy` > 1/3. The trials are the distinct pairs
    and not the rows: parallel rows are translations of one another, so 15 languages are far from
    15 independent trials. For a mean over languages the test errs towards "at chance".

    Args:
        accuracy: percent; of one language, or a mean over languages or seeds.
        pairs: the number of distinct test pairs.

    Raises:
        ValueError: there are no pairs, or the accuracy is no percentage.
    """
    if pairs < 1 or not 0 <= accuracy <= 100:
        raise ValueError(f"expected pairs and a percentage, found {pairs} and {accuracy}")
    # A mean over languages need not be a count; 1e-9 covers the rounding of one that is.
    correct = math.floor(accuracy / 100 * pairs + 1e-9)
    return _tail(correct, pairs, 1 / len(LABELS)) >= LEVEL


def _tail(least: int, trials: int, share: float) -> float:
    """Return the binomial P(X >= least), as scipy does, whose import would cost a cell 0.2 s."""
    terms = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(share) + (trials - k) * math.log1p(-share)
        for k in range(least, trials + 1)
    )  # fmt: skip
    return math.fsum(map(math.exp, terms))
