"""The card's numbers match the data and backbone next to it."""

import math

import pytest

from pipeline.params.whole import load_params
from pipeline.pocket import card as measures
from tests.imports import ROOT


@pytest.fixture(scope="module")
def card(pocket):
    """Return the cells of every table row by the row's first cell."""
    lines = (pocket / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return {row[0]: row[1:] for row in rows}


def test_cues_predict_almost_nothing(corpora, card):
    cues = measures.cues(corpora).set_index("features")
    assert cues.iloc[0].max() <= 38
    assert cues.max(axis=None) <= 40
    for name, row in cues.iterrows():
        assert list(map(float, card[name])) == pytest.approx(list(row), abs=0.3)


@pytest.mark.slow
def test_zero_shot_accuracy_matches_the_card(grammar, pocket, card):
    untrained = measures.untrained(grammar, pocket).set_index("language")
    for language, (closeness, *accuracies) in untrained.iterrows():
        expected = [float(cell or math.nan) for cell in card[language][1:]]
        assert card[language][0] == closeness
        assert accuracies == pytest.approx(expected, abs=0.5, nan_ok=True)
    means = untrained.drop(columns=["closeness", "own words"]).mean()
    assert [float(cell) for cell in card["mean"] if cell] == pytest.approx(list(means), abs=0.3)


@pytest.mark.slow
def test_the_task_can_be_learned(pocket, monkeypatch):
    monkeypatch.setattr(measures, "EPOCHS", 3)
    params = load_params(ROOT / "profiles" / "pocket.yaml")
    assert min(measures.full_data(params, pocket).values()) >= 80
