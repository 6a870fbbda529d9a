"""An exported folder, read back and compared with the method that it came from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from pipeline.cells.files import PROBABILITIES
from pipeline.errors import RunError
from pipeline.inference.model import ExportedModel, load_exported
from pipeline.inference.prediction import judge
from pipeline.training.method import Method

PER_LANGUAGE = 100
"""Test pairs of each language that are compared."""

TOLERANCE = 1e-4
"""The largest difference of a probability between two computations in float32.

Tests find less than 1e-5 on a CPU; deep models on a GPU round more.
"""


class Checked(NamedTuple):
    """What was found about an exported folder.

    Attributes:
        rows: how many test pairs were compared.
        largest: the largest difference of a probability from the method's.
        labels: how many of the predicted labels differ.
        whole: how many of the pairs are within the maximum length.
        same_pieces: for how many of these the template as one text has the same tokens.
    """

    rows: int
    largest: float
    labels: int
    whole: int
    same_pieces: int


def check_folder(
    folder: Path, method: Method, test: pd.DataFrame, predictions: pd.DataFrame, *, exact: bool
) -> Checked:
    """Compare an exported folder with the method's predictions of the first test pairs.

    Args:
        folder: what was written.
        method: what it was written from.
        test: the test pairs.
        predictions: the method's, row for row.
        exact: whether the folder holds the method's weights in full, not rounded.

    Raises:
        RunError: a folder in full precision predicts something else.
    """
    first = test.groupby("language", sort=False, observed=True).head(PER_LANGUAGE).index
    test, expected = test.loc[first], predictions.loc[first]
    model = load_exported(folder).to(method.device)
    pairs = list(zip(test.premise, test.hypothesis, strict=True))
    languages = test.language.astype(str).tolist()
    judged = judge(model, pairs, languages)
    apart = np.abs(judged.probabilities.numpy() - expected[PROBABILITIES].to_numpy())
    largest = float(apart.max())
    if exact and method.precision == "float32" and not largest <= TOLERANCE:
        raise RunError(
            f"pipeline/methods/{method.run.method}.py: exported: expected what predicts as the "
            f"method does, found probabilities that differ by {largest:.2g}"
        )
    labels = int((judged.predicted.numpy() != expected.predicted.to_numpy()).sum())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    same = [_is_one_text(model, tokenizer, *one) for one in zip(pairs, languages, strict=True)]
    whole = [one for one in same if one is not None]
    return Checked(len(test), largest, labels, len(whole), sum(whole))


def _is_one_text(
    model: ExportedModel, tokenizer: Tokenizer, pair: tuple[str, str], language: str
) -> bool | None:
    """Return whether the template as one text has a pair's tokens; None if the pair is cut."""
    template = model.templates[language]
    (pieces,) = template.pairs([pair[0]], [pair[1]])
    if template.is_cut(pieces):
        return None
    (text,) = (one.text for one in model.nli.templates if language in one.languages)
    first, second = (form(one) for form, one in zip(template.forms, pair, strict=True))
    whole = tokenizer.encode(text.format(premise=first, hypothesis=second)).ids
    return whole == list(template.row(pieces).ids)
