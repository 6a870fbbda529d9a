"""Where bars, lines and intervals begin and end, and how far their axes reach."""

import pandas as pd
import pytest

from pipeline.evaluation.files import DIFFERENCES, INTERVALS, PAPER_TABLE1, SWEEPS
from pipeline.params.grid import Comparison
from pipeline.report.figures import colours
from pipeline.report.figures.collection import figures
from pipeline.report.figures.curves import curves
from pipeline.report.figures.gain import gain
from pipeline.report.figures.sweeps import categorical, numeric
from tests.report.by_hand import tables
from tests.report.charts import by, fields, layers, rows_of

COMPARISON = Comparison(reference="mpt", baseline="sp", table2={})
RUNS = ["sp", "pct", "mpt"]
PAPER = pd.DataFrame(
    [(16, "sp", 40.0, 50.0, 45.0), (16, "mpt", 44.0, 45.0, 44.5), (4, "mpt", 33.0, 34.0, 33.5)],
    columns=["shots", "method", "ar", "sw", "avg"],
)


def gained(differences: pd.DataFrame | None = None, shots: tuple[int, int] = (4, 16)):
    """Figure 3 of the hand-made results, or of others, at these shots."""
    rows = tables()[DIFFERENCES] if differences is None else differences
    moved = rows["shots"].replace(dict(zip((4, 16), shots, strict=True)))
    return gain(rows.assign(shots=moved), PAPER, COMPARISON, beside="Of other data.")


class TestGain:
    def test_bars_and_intervals_are_in_points_on_an_axis_that_holds_them(self):
        points = gained().panels[0]
        (bar,), (zero, interval), (number,) = (layers(points, m) for m in ("bar", "rule", "text"))
        assert fields(bar) == {
            "x": "difference", "y": "name", "color": "fill", "description": "text",
        }  # fmt: skip
        assert fields(interval) == {"x": "low", "x2": "high", "y": "name"}
        assert fields(number) == {"text": "printed", "y": "name"}
        assert fields(zero) == {"x": "zero"}
        assert [{"zero": 0}] in points.spec()["datasets"].values()
        # The lowest low end is Swahili's, the highest high end Arabic's.
        assert bar["x"]["scale"]["domain"] == [-1.5, 8.5]
        assert bar["y"]["sort"] is None
        assert bar["color"]["scale"] is None

    def test_every_bar_has_its_own_numbers(self):
        rows = by(gained().panels[0], "language")
        assert list(rows) == ["ar", "en", "de", "sw", "avg"]
        german = rows["de"]
        assert (german["difference"], german["low"], german["high"]) == (1.0, -0.5, 2.5)
        assert german["text"] == "German (Germanic): +1.0 points (−0.5 to +2.5)"
        assert (german["printed"], german["fill"]) == ("+1.0", colours.FAMILIES["Germanic"])
        assert rows["avg"]["fill"] == colours.FADED

    def test_the_relative_gain_has_no_interval_of_points(self):
        relative = gained().panels[1]
        (bar,), rules = layers(relative, "bar"), layers(relative, "rule")
        assert fields(bar)["x"] == "relative"
        assert [fields(rule) for rule in rules] == [{"x": "zero"}]
        assert bar["x"]["scale"]["domain"] == [0.0, 65.5]
        german = by(relative, "language")["de"]
        assert (german["relative"], german["printed"]) == (10.5, "+10.5")
        assert german["text"] == "German (Germanic): +10.5 %"
        assert bar["x"]["title"] == "relative gain (% of the baseline's accuracy)"

    def test_a_gain_that_is_always_behind_reaches_from_the_lowest_to_0(self):
        behind = tables()[DIFFERENCES]
        behind[["difference", "low", "high", "relative"]] = -behind[
            ["difference", "high", "low", "relative"]
        ]
        behind = behind[behind["language"].isin(["ar", "en", "avg"])]
        points, relative = gained(behind).panels[:2]
        assert layers(points, "bar")[0]["x"]["scale"]["domain"] == [-8.5, 0.0]
        assert layers(relative, "bar")[0]["x"]["scale"]["domain"] == [-65.5, 0.0]
        assert [row["language"] for row in by(points, "language").values()] == ["en", "ar", "avg"]

    @pytest.mark.parametrize(
        ("shots", "at", "arabic"), [((4, 16), 16, 6.5), ((32, 64), 32, 2.0), ((16, 32), 32, 6.5)]
    )
    def test_title_bars_and_table_are_of_the_same_shots(self, shots, at, arabic):
        figure = gained(shots=shots)
        at = f"{at} shots"
        assert figure.title == f"Figure 3: gain of mpt over sp by language at {at}"
        assert figure.panels[0].spec()["title"]["text"] == f"mpt over sp, {at}"
        assert by(figure.panels[0], "language")["ar"]["difference"] == arabic
        assert figure.numbers.set_index("language").at["Arabic", "points"] == f"+{arabic}"

    def test_the_papers_gain_is_of_its_own_numbers_in_our_order(self):
        *_, points, relative = gained().panels
        # 44 - 40, 45 - 50 and 44.5 - 45, and the same in percent of 40, 50 and 45.
        rows = by(points, "language")
        assert {code: row["difference"] for code, row in rows.items()} == {
            "ar": 4.0, "sw": -5.0, "avg": -0.5,
        }  # fmt: skip
        percent = [row["relative"] for row in rows_of(relative)]
        assert percent == pytest.approx([10.0, -10.0, -100 / 90])
        assert layers(points, "bar")[0]["x"]["scale"]["domain"] == [-5.0, 4.0]
        assert layers(relative, "bar")[0]["x"]["scale"]["domain"] == pytest.approx([-10.0, 10.0])
        assert points.spec()["title"]["text"] == "the paper's, 16 shots on XNLI"


@pytest.fixture(scope="module")
def curved():
    return curves(tables()[INTERVALS], PAPER, RUNS, beside="Of other data.").panels


class TestCurves:
    def test_shots_are_across_and_accuracy_upwards(self, curved):
        ours = curved[0]
        for at, run in enumerate(RUNS):
            interval, line, point = (layers(ours, mark)[at] for mark in ("rule", "line", "point"))
            assert fields(interval) == {"x": "shots", "y": "low", "y2": "high", "color": "run"}
            assert fields(line) == {"x": "shots", "y": "mean", "color": "run", "strokeDash": "run"}
            assert fields(point) == {
                "x": "shots", "y": "mean", "color": "run", "shape": "run", "description": "text",
            }  # fmt: skip
            assert {one["xOffset"]["value"] for one in (interval, line, point)} == {2.5 * (at - 1)}
            data = ours.spec()["datasets"]
            of_run = [one["data"]["name"] for one in ours.spec()["layer"]][3 * at : 3 * at + 3]
            assert {row["run"] for name in of_run for row in data[name]} == {run}

    def test_the_axes_hold_every_interval(self, curved):
        point = layers(curved[0], "point")[0]
        x = point["x"]["scale"]
        assert (x["type"], x["base"], x["domain"]) == ("log", 2, [4 / 1.3, 16 * 1.3])
        assert point["x"]["axis"]["values"] == [4, 16]
        # sp at 4 shots is 38 (36.5 to 40), mpt at 16 shots 52 (50.5 to 54).
        assert point["y"]["scale"]["domain"] == [36.5, 54.0]
        assert point["y"]["title"] == "accuracy (%)"

    def test_points_are_the_means_over_languages(self, curved):
        rows = by(curved[0], "run", "shots")
        assert len(rows) == 6
        row = rows["mpt", 16]
        assert (row["mean"], row["low"], row["high"]) == (52.0, 50.5, 54.0)
        assert row["text"] == "mpt at 16 shots: 52.0 % (50.5 to 54.0), 3 seeds"
        assert curved[0].text.endswith(
            "the highest: mpt at 16 shots: 52.0 % (50.5 to 54.0), 3 seeds."
        )

    def test_each_run_keeps_its_colour_and_shape_beside_the_papers(self, curved):
        for panel in curved:
            point = layers(panel, "point")[0]
            for channel, values in (("color", colours.SERIES), ("shape", colours.SHAPES)):
                assert point[channel]["scale"]["domain"] == RUNS
                assert point[channel]["scale"]["range"] == list(values[:3])

    def test_the_papers_points_have_its_means_and_no_interval(self, curved):
        theirs = curved[1]
        assert layers(theirs, "rule") == []
        assert {key: row["mean"] for key, row in by(theirs, "run", "shots").items()} == {
            ("sp", 16): 45.0, ("mpt", 16): 44.5, ("mpt", 4): 33.5,
        }  # fmt: skip
        assert {one["xOffset"]["value"] for one in layers(theirs, "point")} == {0}
        assert layers(theirs, "point")[0]["y"]["scale"]["domain"] == [33.5, 45.0]


def swept(values: dict[str, tuple[float, float, float]]) -> pd.DataFrame:
    """Rows of sweeps.csv: mean, low and high by value of alpha, the first mpt's own."""
    return SWEEPS.frame(
        ("alpha", value, f"run_{at}" if at else "mpt", 16, 3, mean, 0.5, low, high)
        for at, (value, (mean, low, high)) in enumerate(values.items())
    )


class TestSweeps:
    def test_bars_run_from_0_to_the_highest_end(self):
        (panel,) = categorical(tables()[SWEEPS], "mpt").panels
        (bar,), (interval,) = layers(panel, "bar"), layers(panel, "rule")
        assert fields(bar) == {"x": "mean", "y": "name", "color": "fill", "description": "text"}
        assert fields(interval) == {"x": "low", "x2": "high", "y": "name"}
        assert bar["x"]["scale"]["domain"] == [0, 55.5]
        assert bar["y"]["sort"] is None
        rows = by(panel, "run")
        assert list(rows) == ["no_translator", "mpt"]
        assert (rows["mpt"]["name"], rows["mpt"]["fill"]) == ("[linear-2]", colours.SERIES[0])
        other = rows["no_translator"]
        assert (other["name"], other["fill"]) == ("none", colours.FADED)
        assert (other["mean"], other["low"], other["high"]) == (53.5, 52.0, 55.5)

    def test_lines_have_the_value_across_and_the_accuracy_upwards(self):
        table = swept(
            {"0.5": (60.0, 58.5, 61.0), "0.1": (52.0, 50.0, 55.5), "0.9": (57.0, 56.0, 62.5)}
        )
        (panel,) = numeric(table, "mpt").panels
        (interval,), (line,), (point,) = (layers(panel, mark) for mark in ("rule", "line", "point"))
        assert fields(interval) == {"x": "number", "y": "low", "y2": "high"}
        assert fields(line) == {"x": "number", "y": "mean"}
        assert fields(point) == {
            "x": "number", "y": "mean", "shape": "shape", "size": "size", "description": "text",
        }  # fmt: skip
        assert point["y"]["scale"]["domain"] == [50.0, 62.5]
        assert point["x"]["axis"]["values"] == [0.1, 0.5, 0.9]
        rows = by(panel, "number")
        assert list(rows) == [0.1, 0.5, 0.9]
        assert [row["mean"] for row in rows.values()] == [52.0, 60.0, 57.0]
        own = rows[0.5]
        assert (own["run"], own["shape"], own["size"]) == ("mpt", "diamond", 130)
        assert (rows[0.1]["shape"], rows[0.1]["size"]) == ("circle", 45)
        assert own["text"] == (
            "weight α of the classification loss 0.5: 60.0 % (58.5 to 61.0), run mpt, 3 seeds"
        )
        assert panel.text == (
            "weight α of the classification loss, 16 shots: 3 values; the highest is "
            f"{own['text']}."
        )


def test_no_axis_of_numbers_is_reversed(params):
    papers = {PAPER_TABLE1: PAPER}
    for name, figure in figures(tables() | papers, params).items():
        for panel in figure.panels:
            for layer in panel.spec()["layer"]:
                for axis in (layer["encoding"].get(channel, {}) for channel in ("x", "y")):
                    if axis.get("type") == "quantitative":
                        scale = axis.get("scale", {})
                        assert ("sort" in axis, scale.get("reverse")) == (False, None), name
                        assert scale.get("domain", []) == sorted(scale.get("domain", [])), name
