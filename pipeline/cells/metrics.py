"""Accuracy of predictions, and whether it is more than chance."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.params.runs import LABELS


def accuracy_by_language(predictions: pd.DataFrame) -> dict[str, float]:
    """Return the accuracy in each language, in percent, languages sorted by code.

    Args:
        predictions: rows of artifacts.PREDICTIONS; language, label and predicted are read.
    """
    correct = predictions["label"].to_numpy() == predictions["predicted"].to_numpy()
    language = predictions["language"].astype(str).to_numpy()
    by_language = pd.Series(correct).groupby(language).agg(["sum", "size"])
    return {
        str(code): 100.0 * int(right) / int(rows)
        for code, right, rows in by_language.itertuples(name=None)
    }


def mean_over_languages(accuracy: Mapping[str, float]) -> float:
    """Return the "Avg." of Table I: the unweighted mean of the languages' accuracies."""
    return float(np.mean(list(accuracy.values())))


def at_chance(
    accuracy: float, pairs: int, *, labels: int = len(LABELS), level: float = 0.05
) -> bool:
    """Whether an accuracy is not significantly above that of a guess among the labels.

    A one-sided exact binomial test of `accuracy` > 1/C. The trials are the distinct pairs and
    not the rows: parallel rows are translations of one another, so 15 languages are far from
    15 independent trials. For a mean over languages this errs towards "at chance".

    Args:
        accuracy: percent; of one language, or a mean over languages or seeds.
        pairs: the number of distinct test pairs.
        labels: C, the number of labels.
        level: the significance level.

    Raises:
        ValueError: there are no pairs, or the accuracy is no percentage.
    """
    if pairs < 1 or not 0 <= accuracy <= 100:
        raise ValueError(f"expected pairs and a percentage, found {pairs} and {accuracy}")
    # A mean over languages need not be a whole count; 1e-9 takes up the rounding of one that is.
    correct = math.floor(accuracy / 100 * pairs + 1e-9)
    return _tail(correct, pairs, 1 / labels) >= level


def _tail(least: int, trials: int, share: float) -> float:
    """Return the binomial P(X >= least); scipy says the same and takes 0.2 s to import, a cell."""
    terms = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(share) + (trials - k) * math.log1p(-share)
        for k in range(least, trials + 1)
    )  # fmt: skip
    return math.fsum(map(math.exp, terms))


def most_predicted(predictions: pd.DataFrame) -> tuple[str, float]:
    """Return the label that is predicted most often, and its share of the rows in percent.

    A share near 100 is a collapse onto one label, which accuracy alone shows only as chance.
    """
    counts = np.bincount(predictions["predicted"].to_numpy(), minlength=len(LABELS))
    label = int(counts.argmax())
    return LABELS[label], 100.0 * float(counts[label] / counts.sum())


def cell_metrics(predictions: pd.DataFrame) -> dict[str, Any]:
    """Return what metrics.json says about the predictions of one cell.

    Returns:
        `accuracy`: percent by language, and `avg`; `most_predicted`: the label, its share of all
        rows and the largest share in each language, percent; `test`: the numbers of distinct
        pairs and of rows; `at_chance`: whether `avg` is not above chance.
    """
    accuracy = accuracy_by_language(predictions)
    average = mean_over_languages(accuracy)
    label, share = most_predicted(predictions)
    language = predictions["language"].astype(str)
    pairs = int(predictions["pair_id"].nunique())
    return {
        "accuracy": {**accuracy, "avg": average},
        "most_predicted": {
            "label": label,
            "share": share,
            "by_language": {
                code: most_predicted(predictions[language == code])[1] for code in accuracy
            },
        },
        "test": {"pairs": pairs, "rows": len(predictions)},
        "at_chance": at_chance(average, pairs),
    }
