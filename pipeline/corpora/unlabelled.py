"""Training text without its labels, as parallel pairs: XNLI's, or that of given splits."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pipeline.corpora.all_languages import read_translations
from pipeline.corpora.fewshot import given
from pipeline.corpora.leaks import pair_texts, shared_with
from pipeline.corpora.pairs import clean_pool
from pipeline.corpora.translated import given_translations, refuse_test_pairs, with_translations
from pipeline.hub import names
from pipeline.params.runs import LABELS
from pipeline.params.whole import Params
from pipeline.progress import Progress, silent


def unlabelled_pool(texts: Mapping[str, pd.DataFrame], params: Params) -> tuple[pd.DataFrame, str]:
    """Return the English pairs to draw from, and in words where they are from.

    These are the training pairs of given splits that no run uses or, without any, XNLI's. None is
    in a given split that a run uses, none shares a sentence with dev or test. `texts` has
    data/corpora/ by name; the columns are pair_id, premise, hypothesis.

    Raises:
        InputError: a given split is missing or malformed.
    """
    english = {name: text[text.language == params.languages.source] for name, text in texts.items()}
    fewshot, spare, labelled = params.fewshot, names.spare_shots(params), english["train"].head(0)
    if fewshot.source != "sample":
        labelled = pd.concat([given(fewshot, shots=shots) for shots in params.used_shots])
    if spare:
        parts = [given(fewshot, shots=shots, splits=("train",)) for shots in spare]
        pool, place = pd.concat(parts), f"{fewshot.source}: the splits that no run uses"
    else:
        pool, place = english["train"], f"{params.datasets.xnli.path}: train"
    # Of a pair that is written in two ways, the same one stays whatever the order of rows.
    ordered = pool.assign(text=pair_texts(pool))
    ordered = ordered.sort_values(["text", "premise", "hypothesis"], kind="stable")
    shared = shared_with(labelled, ordered)
    held_out = pd.concat([english["dev"], english["test"]])
    clean, left_out = clean_pool(ordered[~shared], held_out)
    blank, repeated, leaked = left_out.values()
    return clean, (
        f"{place} (of {len(pool)}, left out: in a split of a run {shared.sum()}, blank {blank}, "
        f"repeated {repeated}, in dev or test {leaked})"
    )


def with_unlabelled_translations(
    drawn: pd.DataFrame, test: pd.DataFrame, params: Params, *, progress: Progress = silent
) -> pd.DataFrame:
    """Give pairs of `unlabelled_pool` (with language) their translations from the same source.

    The columns are those of files.PARALLEL_PAIRS except for `engine`.

    Raises:
        InputError: the translations are missing or malformed, or hold a pair of the test set.
        RunError: the Hub cannot be reached.
    """
    fewshot, languages, xnli = params.fewshot, params.languages, params.datasets.xnli
    if not (spare := names.spare_shots(params)):
        place = f"{xnli.path}: all_languages/train"
        every = read_translations(xnli, drawn, languages, progress=progress)
    else:
        place = fewshot.source
        parts = [
            given_translations(
                Path(place) / names.given_translations(shots),
                pairs=len(LABELS) * shots,
                languages=languages.targets,
            )
            for shots in spare
        ]
        every = pd.concat(parts)
    pairs = with_translations(
        drawn.assign(split="train"),
        every,
        languages=languages.targets,
        seed=params.paws15.seed,
        place=place,
    )
    refuse_test_pairs(pairs, test, place=place)
    return pairs
