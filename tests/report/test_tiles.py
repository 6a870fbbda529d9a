"""Which number and colour each tile of a grid has, and which table a figure is made of."""

import pandas as pd
import pytest

from pipeline.evaluation.files import CONFUSION, DIFFERENCES, INTERVALS, PAPER_TABLE1
from pipeline.params.grid import Comparison
from pipeline.report.figures import colours
from pipeline.report.figures.collection import figures
from pipeline.report.figures.confusion import confusion
from pipeline.report.figures.heatmap import heatmap
from tests.report.by_hand import tables
from tests.report.charts import by, fields, layers, rows_of

COMPARISON = Comparison(reference="mpt", baseline="sp", table2={})
RUNS = ["sp", "pct", "mpt"]


@pytest.fixture(scope="module")
def mapped():
    given = tables()
    figure = heatmap(given[INTERVALS], given[DIFFERENCES], runs=RUNS, comparison=COMPARISON)
    return dict(zip(("sp", "pct", "mpt", "lead"), figure.panels, strict=True))


class TestHeatmap:
    def test_shots_are_across_and_languages_down_with_the_mean_last(self, mapped):
        for panel in mapped.values():
            (tile,), (number,) = layers(panel, "rect"), layers(panel, "text")
            assert fields(tile) == {
                "x": "shots", "y": "name", "color": "fill", "description": "text",
            }  # fmt: skip
            assert fields(number) == {"x": "shots", "y": "name", "color": "ink", "text": "printed"}
            assert tile["x"]["sort"] == [4, 16]
            assert tile["y"]["sort"] == ["Arabic", "German", "English", "Swahili", "mean"]

    def test_every_tile_has_its_own_number(self, mapped):
        row = by(mapped["pct"], "shots", "language")[16, "en"]
        assert (row["name"], row["printed"]) == ("English", "62.0")
        assert row["text"] == "English, 16 shots: 62.0 % (60.5 to 64.0)"
        row = by(mapped["lead"], "shots", "language")[16, "sw"]
        assert row["printed"] == "0.0"
        assert row["text"] == "Swahili, 16 shots: 0.0 points (−1.5 to +1.0)"

    def test_higher_is_darker_on_one_scale_for_all_runs(self, mapped):
        rows = [row for run in RUNS for row in by(mapped[run], "shots", "language").values()]
        ordered = sorted(rows, key=lambda row: row["mean"])
        light = [colours.luminance(row["fill"]) for row in ordered]
        assert light == sorted(light, reverse=True)
        # 31 is sp's in Swahili at 4 shots, 62 pct's in English at 16.
        assert (ordered[0]["fill"], ordered[-1]["fill"]) == (colours.LOW, colours.HIGH)
        assert all(row["fill"] != colours.HIGH for row in ordered[:-1])

    def test_the_lead_is_blue_ahead_and_brown_behind(self):
        given = tables()
        lead = given[DIFFERENCES]
        lead.loc[(lead["other"] == "sp") & (lead["language"] == "en"), "difference"] *= -1
        figure = heatmap(given[INTERVALS], lead, runs=RUNS, comparison=COMPARISON)
        rows = by(figure.panels[-1], "shots", "language")
        assert len(rows) == 10
        assert rows[16, "ar"]["fill"] == colours.AHEAD
        assert rows[16, "sw"]["fill"] == colours.LEVEL
        red, _, blue = (int(rows[16, "en"]["fill"][at : at + 2], 16) for at in (1, 3, 5))
        assert red > blue
        assert rows[16, "en"]["printed"] == "−4.5"


def test_colours_run_from_light_to_dark_and_from_behind_to_ahead():
    assert (colours.sequential(0.0), colours.sequential(1.0)) == (colours.LOW, colours.HIGH)
    assert colours.luminance(colours.LOW) > colours.luminance(colours.HIGH)
    assert [colours.diverging(share) for share in (-1.0, 0.0, 1.0)] == [
        colours.BEHIND, colours.LEVEL, colours.AHEAD,
    ]  # fmt: skip
    for end in (-1.0, 1.0):
        shades = [colours.luminance(colours.diverging(end * share)) for share in (1.0, 0.5, 0.0)]
        assert shades == sorted(shades)


@pytest.fixture(scope="module")
def confused():
    return confusion(tables()[CONFUSION], run="mpt", shots=16)


class TestConfusion:
    def test_gold_labels_are_down_and_predictions_across(self, confused):
        for panel in confused.panels:
            (tile,), (number,) = layers(panel, "rect"), layers(panel, "text")
            assert fields(tile) == {
                "x": "taken", "y": "gold", "color": "fill", "description": "text",
            }  # fmt: skip
            assert fields(number) == {"x": "taken", "y": "gold", "color": "ink", "text": "printed"}
            assert (tile["x"]["title"], tile["y"]["title"]) == ("predicted (%)", "gold")
            assert tile["x"]["sort"][:3] == tile["y"]["sort"][:3] == ["E", "N", "C"]

    def test_every_tile_has_its_own_percentage(self, confused):
        arabic, swahili = (by(panel, "gold", "taken") for panel in confused.panels)
        printed = [[arabic[gold, taken]["printed"] for taken in "ENC"] for gold in "ENC"]
        assert printed == [["65", "25", "10"], ["24", "70", "6"], ["20", "5", "75"]]
        assert swahili["E", "N"]["printed"] == "30"
        assert swahili["E", "N"]["text"] == "Swahili: 30.0 % of entailment predicted as neutral"
        assert swahili["N", "E"]["fill"] == colours.sequential(0.28)
        assert confused.numbers.iloc[1].to_list() == ["Arabic", "neutral", "24.0", "70.0", "6.0"]
        assert list(confused.numbers.columns) == ["language", "gold", "E, %", "N, %", "C, %"]

    def test_readers_are_told_the_right_answers(self, confused):
        assert confused.panels[0].text == (
            "Arabic: 65.0 % of entailment predicted as entailment; Arabic: 70.0 % of neutral "
            "predicted as neutral; Arabic: 75.0 % of contradiction predicted as contradiction."
        )


def test_every_figure_is_made_of_its_own_table(params):
    given = tables()
    # Other shots and another run, which the figure of the reference at 16 shots leaves out.
    more = given[CONFUSION].assign(percent=33.0)
    given[CONFUSION] = pd.concat([more.assign(shots=64), more.assign(run="sp"), given[CONFUSION]])
    made = figures(given | {PAPER_TABLE1: pd.DataFrame(columns=["shots", "method", "avg"])}, params)
    assert {name: figure.title for name, figure in made.items()} == {
        "figure3": "Figure 3: gain of mpt over sp by language at 16 shots",
        "figure4": "Figure 4: mpt with one setting changed",
        "figure5": "Figure 5: mpt with one setting changed",
        "curves": "Accuracy against shots",
        "heatmap": "Accuracy by language and shots",
        "confusion": "How mpt classifies the test pairs at 16 shots",
    }
    assert by(made["confusion"].panels[0], "gold", "taken")["E", "N"]["percent"] == 25.0
    titles = {name: [panel.spec()["title"]["text"] for panel in figure.panels]
              for name, figure in made.items()}  # fmt: skip
    assert titles["figure4"] == ["prompt translator, 16 shots"]
    assert titles["figure5"] == ["weight α of the classification loss, 16 shots"]
    assert titles["heatmap"] == ["sp (%)", "pct (%)", "mpt (%)", "mpt − sp (points)"]
    # Only the runs of the grid.
    assert {row["run"] for row in rows_of(made["curves"].panels[0])} == set(RUNS)
