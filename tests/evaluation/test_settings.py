"""What is said of MPT without its consistency loss beside SP, from their cells' settings."""

import pandas as pd
import pytest

from pipeline.artifacts import write_json
from pipeline.cells.files import run_folder
from pipeline.evaluation.settings import alike

YES, RIGHT = ({"entailment": word, "neutral": "maybe"} for word in ("yes", "right"))
COMMON = {
    "epochs": 50, "pairs": "paws15", "ce_over": "vocabulary", "verbalizer": YES,
    "rows_at_once": None, "threads": 1,
}  # fmt: skip
MPT = {**COMMON, "method": "mpt", "alpha": 0.5, "translator": "linear-2"}
SP = {**COMMON, "method": "sp", "external_pairs": 280}
PLAIN = {**MPT, "alpha": 1.0}
START = (
    "With alpha = 1 only the cross-entropy is left, and every language gets the source prompt: "
    "with equal settings, the loss, gradients and predictions of `plain` are exactly those of "
    "`base`. Here "
)


@pytest.fixture
def said(home):
    """Write cells at 4 and 64 shots from settings and updates by shots; return what is said."""

    def say(**runs: tuple[dict, tuple[int, int]]) -> list[str]:
        cells = [(run, shots, seed) for run in runs for shots in (4, 64) for seed in (1, 2)]
        for run, shots, seed in cells:
            settings, updates = runs[run]
            metrics = {"settings": settings, "updates": updates[shots == 64]}
            write_json(metrics, run_folder(run, shots, seed) / "metrics.json")
        rows = [(shots, run) for shots in (4, 64) for run in runs]
        return alike(cells, pd.DataFrame(rows, columns=["shots", "run"]))

    return say


@pytest.mark.parametrize(
    ("base", "updates", "end"),
    [
        (SP, (60, 60), "their settings and numbers of updates are equal, so only random draws "
         "differ."),
        ({**SP, "epochs": 12, "pairs": "xnli", "rows_at_once": 8}, (60, 60), "their "
         "settings and numbers of updates are equal, so only random draws differ."),
        ({**SP, "verbalizer": RIGHT, "ce_over": "label_words"}, (60, 60), "they differ in "
         "`ce_over` (vocabulary; label_words) and `verbalizer` (yes / maybe; right / maybe)."),
        ({**SP, "backbone": "mm"}, (60, 60), "they differ in `backbone` (the first; mm)."),
        (SP, (20, 60), "at 4 shots they differ in `updates` (60; 20); at 64 shots their settings "
         "and numbers of updates are equal, so only random draws differ."),
    ],
)  # fmt: skip
def test_what_tells_the_two_apart_comes_from_the_cells(said, base, updates, end):
    made = {"mpt": (MPT, (60, 60)), "plain": (PLAIN, (60, 60)), "base": (base, updates)}
    assert said(**made) == [START + end]


def test_nothing_is_said_of_other_runs(said):
    assert said(mpt=(MPT, (60, 60)), base=(SP, (60, 60))) == []
    assert said(plain=(PLAIN, (60, 60)), ft=({**COMMON, "method": "ft"}, (60, 60))) == []
