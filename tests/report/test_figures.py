"""Charts from rows made by hand: their encodings, descriptions and files."""

import struct
from functools import partial
from itertools import product
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest

from pipeline.evaluation.files import CONFUSION, DIFFERENCES, INTERVALS, SWEEPS
from pipeline.evaluation.words import DASH, MINUS
from pipeline.languages import LANGUAGES
from pipeline.params.grid import Comparison
from pipeline.params.runs import LABELS
from pipeline.report.figures import colours
from pipeline.report.figures.confusion import confusion
from pipeline.report.figures.curves import curves
from pipeline.report.figures.drawing import (
    DrawnFigure,
    draw,
    file_svg,
    inline_svg,
    pictures,
    write_pictures,
)
from pipeline.report.figures.figure import WIDEST, Figure
from pipeline.report.figures.gain import gain
from pipeline.report.figures.heatmap import heatmap
from pipeline.report.figures.sweeps import categorical, numeric
from pipeline.report.text import axis_name, key_name, language_and_family
from tests.evaluation.project import XNLI
from tests.report.charts import marks, rows_of

COMPARISON = Comparison(reference="mpt", baseline="sp", table2={})
PAPER = pd.DataFrame(
    [(32, "sp", 40.0, 50.0, 45.0), (32, "mpt", 44.0, 51.0, 47.5), (16, "mpt", 43.0, 44.0, 43.5)],
    columns=["shots", "method", "ar", "sw", "avg"],
)
GAINS = {"ar": (4.25, 3.0, 5.5, 10.0), "sw": (-1.5, -2.5, -0.5, -3.0), "avg": (1.375, 0.5, 2, 3.1)}


def differences(*shots: int) -> pd.DataFrame:
    rows = [("mpt", "sp", k, code, 3, *values) for k in shots for code, values in GAINS.items()]
    return DIFFERENCES.frame([*rows, ("mpt", "ft", 64, "ar", 3, 9.0, 8.0, 10.0, 20.0)])


def intervals(*shots: int) -> pd.DataFrame:
    runs = (("sp", 40.0), ("mpt", 45.5))
    return INTERVALS.frame(
        (run, k, code, 3, base + k, 0.5, base + k - 1.5, base + k + 1.25)
        for (run, base), k, code in product(runs, shots, ("ar", "sw", "avg"))
    )


def sweeps(**values: dict[str, float]) -> pd.DataFrame:
    """By key: value -> mean; the first value is the reference's own."""
    return SWEEPS.frame(
        (key, value, "mpt" if at == 0 else f"{key}_{at}", 64, 5, mean, 0.5, mean - 1, mean + 2)
        for key, of_key in values.items()
        for at, (value, mean) in enumerate(of_key.items())
    )


def confusions() -> pd.DataFrame:
    return CONFUSION.frame(
        ("mpt", 16, code, label, predicted, 80.0 if label == predicted else 10.0)
        for code, label, predicted in product(("sw", "ar"), LABELS, LABELS)
    )


BESIDE = "Of other data."
gained, curved = partial(gain, beside=BESIDE), partial(curves, beside=BESIDE)
NINE = [2**i for i in range(9)]
FIGURES = {
    "figure3": lambda: gained(differences(32), PAPER, COMPARISON),
    "figure4": lambda: categorical(sweeps(translator={"linear-2": 60.0, "none": 57.25}), "mpt"),
    "figure5": lambda: numeric(sweeps(alpha={"0.5": 60.0, "0.0": 51.5, "1.0": 55.0}), "mpt"),
    "curves": lambda: curved(intervals(1, 2, 256), PAPER, ["sp", "mpt"]),
    "heatmap": lambda: mapped(intervals(*NINE), differences(1, 16)),
    "confusion": lambda: confusion(confusions(), run="mpt", shots=16),
}


def mapped(ours: pd.DataFrame, lead: pd.DataFrame, runs=("sp", "mpt")) -> Figure | None:
    return heatmap(ours, lead, runs=runs, comparison=COMPARISON)


@pytest.fixture(scope="module")
def every() -> dict[str, DrawnFigure]:
    return {name: draw(make()) for name, make in FIGURES.items()}


def descriptions(svg: str) -> list[str]:
    return [e.get("aria-label") for e in ElementTree.fromstring(svg).iter() if e.get("aria-label")]


def test_gain_draws_the_rows_sorted_with_the_mean_last(every):
    points, relative, theirs, _ = every["figure3"].figure.panels
    rows = rows_of(points)
    assert [row["name"] for row in rows] == ["Arabic (Semitic)", "Swahili (Bantu)", "mean"]
    for row in rows:
        assert (row["difference"], row["low"], row["high"], row["relative"]) == GAINS[
            row["language"]
        ]
    encoded = marks(points)
    assert encoded["bar"]["x"]["field"] == "difference"
    assert encoded["bar"]["y"]["field"] == "name"
    assert encoded["bar"]["x"]["title"] == "gain (percentage points)"
    assert [one["encoding"]["x"]["field"] for one in points.spec()["layer"]
            if one["mark"]["type"] == "rule"] == ["zero", "low"]  # fmt: skip
    assert marks(relative)["bar"]["x"]["field"] == "relative"
    assert [row["fill"] for row in rows] == [
        colours.FAMILIES["Semitic"], colours.FAMILIES["Bantu"], colours.FADED,
    ]  # fmt: skip
    # 44 - 40, 51 - 50, and of the means 47.5 - 45.
    assert [row["difference"] for row in rows_of(theirs)] == [4.0, 1.0, 2.5]
    text = "Arabic (Semitic): +4.2 points (+3.0 to +5.5)"
    assert text in descriptions(inline_svg(every["figure3"].panels[0]))


def test_gain_is_at_the_papers_shots_or_at_the_largest():
    assert gained(differences(16, 32, 64), PAPER, COMPARISON).title.endswith(" at 32 shots")
    assert gained(differences(4, 16), PAPER, COMPARISON).title.endswith(" at 16 shots")
    assert gained(differences(), PAPER, COMPARISON) is None


def test_the_papers_gain_is_left_out_if_it_has_none():
    other = COMPARISON.model_copy(update={"baseline": "ft"})
    for shots, comparison, panels in ((32, COMPARISON, 4), (4, COMPARISON, 2), (32, other, 2)):
        figure = gained(differences(shots), PAPER, comparison)
        assert (len(figure.panels), figure.caption.endswith(BESIDE)) == (panels, panels == 4)
    assert curved(intervals(1), PAPER, ["sp"]).caption.endswith(f"prints none. {BESIDE}")
    assert BESIDE not in curved(intervals(1), PAPER.iloc[:0], ["sp"]).caption


def test_sweeps_are_drawn_by_their_kind_of_values():
    table = sweeps(
        translator={"linear-2": 60.0, "none": 57.25},
        alpha={"0.5": 60.0, "0.0": 51.5},
        unknown_key={"2": 60.0, "two": 58.0},
    )
    titles = [[p.spec()["title"]["text"] for p in f(table, "mpt").panels]
              for f in (categorical, numeric)]  # fmt: skip
    assert titles == [
        ["prompt translator, 64 shots", "unknown key, 64 shots"],
        ["weight α of the classification loss, 64 shots"],
    ]


def test_bars_start_at_zero_sorted_with_the_references_value_in_brackets():
    (panel,) = categorical(sweeps(position={"suffix": 60.0, "prefix": 62.5}), "mpt").panels
    assert [(row["name"], row["mean"]) for row in rows_of(panel)] == [
        ("prefix", 62.5), ("[suffix]", 60.0),
    ]  # fmt: skip
    encoded = marks(panel)
    assert encoded["bar"]["x"]["scale"]["domain"] == [0, 64.5]
    assert (encoded["rule"]["x"]["field"], encoded["rule"]["x2"]["field"]) == ("low", "high")


@pytest.mark.parametrize(
    ("values", "kind"),
    [(["4", "1", "16"], "log"), (["4", "1", "2"], "linear"), (["0.5", "0.0", "1.0"], "linear")],
)
def test_lines_are_in_the_order_of_the_numbers(values, kind):
    table = sweeps(prompt_length=dict(zip(values, (60.0, 55.0, 58.0), strict=True)))
    (panel,) = numeric(table, "mpt").panels
    rows = rows_of(panel)
    assert [row["number"] for row in rows] == sorted(map(float, values))
    assert [row["shape"] for row in rows if row["run"] == "mpt"] == ["diamond"]
    assert marks(panel)["point"]["x"]["scale"]["type"] == kind
    assert marks(panel)["point"]["x"]["title"] == "prompt length m (vectors)"


def test_a_sweep_that_was_not_run_gives_no_figure():
    empty = sweeps()
    assert categorical(empty, "mpt") is None
    assert numeric(empty, "mpt") is None
    assert numeric(sweeps(alpha={"0.5": 60.0}), "mpt") is None
    assert curved(intervals(1), PAPER, ["pct"]) is None
    assert confusion(confusions(), run="sp", shots=16) is None
    assert mapped(intervals(1), differences(1), runs=["pct"]) is None


def test_curves_differ_without_colour():
    ours, theirs = curved(intervals(1, 16), PAPER, ["sp", "mpt"]).panels
    rows = rows_of(ours)
    assert {(row["run"], row["shots"], row["mean"], row["low"], row["high"]) for row in rows} == {
        ("sp", 1, 41.0, 39.5, 42.25), ("sp", 16, 56.0, 54.5, 57.25),
        ("mpt", 1, 46.5, 45.0, 47.75), ("mpt", 16, 61.5, 60.0, 62.75),
    }  # fmt: skip
    point = marks(ours)["point"]
    assert point["x"]["scale"]["type"] == "log"
    for channel in ("color", "shape"):
        assert point[channel]["scale"]["domain"] == ["sp", "mpt"]
        assert len(set(point[channel]["scale"]["range"])) == 2
    assert {(row["run"], row["mean"]) for row in rows_of(theirs)} == {
        ("sp", 45.0), ("mpt", 47.5), ("mpt", 43.5),
    }  # fmt: skip


def test_heat_maps_print_every_number():
    first, _, lead = mapped(intervals(1, 16), differences(16)).panels
    assert {row["printed"] for row in rows_of(first)} == {"41.0", "56.0"}
    assert {row["language"]: row["printed"] for row in rows_of(lead)} == {
        "ar": "+4.2", "sw": f"{MINUS}1.5", "avg": "+1.4",
    }  # fmt: skip


def test_confusions_are_by_language_and_name_the_labels(every):
    figure = every["confusion"].figure
    assert [panel.spec()["title"]["text"] for panel in figure.panels] == ["Arabic", "Swahili"]
    text = "Swahili: 10.0 % of neutral predicted as contradiction"
    assert text in descriptions(inline_svg(every["confusion"].panels[1]))
    assert figure.numbers.iloc[0].tolist() == ["Arabic", "entailment", "80.0", "10.0", "10.0"]


def test_a_confusion_with_no_label_has_a_column_for_it():
    rows = confusions()
    rows.loc[rows["predicted"] == "neutral", "predicted"] = "no label"
    figure = confusion(pd.concat([confusions(), rows]).drop_duplicates(), run="mpt", shots=16)
    assert f"{DASH} no label" in figure.caption
    assert figure.numbers.columns[-1] == f"{DASH}, %"
    assert {row["taken"] for row in rows_of(figure.panels[0])} == {"E", "N", "C", DASH}


def test_every_chart_is_vega_lite(every):
    for drawn in every.values():
        for panel in drawn.figure.panels:
            chart = alt.LayerChart.from_dict(panel.spec(), validate=True)
            assert len(chart.layer) == len(panel.spec()["layer"])


def test_every_panel_fits_a_phone_and_has_a_description(every):
    for name, drawn in every.items():
        for panel in drawn.panels:
            assert panel.width <= WIDEST, name
            assert panel.text.endswith(".")
        assert "95 %" in drawn.figure.caption or name == "confusion"


@pytest.mark.parametrize("name", FIGURES)
def test_files_are_well_formed_and_the_same_each_time(every, name):
    figure, svg = every[name].figure, file_svg(every[name])
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = [e.text for e in root.iter() if e.tag.endswith("}text")]
    assert figure.title in text
    inside = "".join(filter(None, [*text, *descriptions(svg)]))
    for row in figure.numbers.to_numpy().tolist():
        assert row[-1].split(" to ")[0].removesuffix(".0") in inside
    assert file_svg(draw(FIGURES[name]())) == svg
    assert "http" not in svg.replace("http://www.w3.org/", "")


def test_pictures_are_written_and_old_ones_removed(tmp_path, every):
    (tmp_path / "figure5.png").touch()
    (tmp_path / "README.md").touch()
    drawn = {"figure3": every["figure3"], "figure5": None}
    files = pictures(drawn)
    write_pictures(files, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"figure3.svg", "figure3.png", "README.md"}
    png = (tmp_path / "figure3.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    root = ElementTree.fromstring((tmp_path / "figure3.svg").read_text(encoding="utf-8"))
    assert (width, height) == (2 * int(root.get("width")), 2 * int(root.get("height")))
    assert pictures(drawn) == files


def test_words_from_elsewhere_cannot_become_markup():
    evil = '<script>alert("1")</script>&'
    figure = categorical(sweeps(verbalizer={"{}": 60.0, evil: 55.0}), "mpt")
    svg = inline_svg(draw(figure).panels[0])
    assert "<script" not in svg
    ElementTree.fromstring(svg)
    assert any(evil in text for text in descriptions(svg))


def test_on_the_page_text_takes_the_pages_colour(every):
    svg = inline_svg(every["figure3"].panels[0])
    assert colours.INK not in svg
    assert "currentColor" in svg


@pytest.mark.parametrize("ground", ["#ffffff", "#fcfcfa", "#14161a"])
def test_marks_are_visible_on_every_background(ground):
    for colour in (*colours.FAMILIES.values(), *colours.SERIES, colours.FADED):
        assert colours.contrast(colour, ground) >= 3.0, colour


def test_contrast_is_that_of_wcag():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_numbers_on_fills_are_legible():
    for share in (at / 20 for at in range(-20, 21)):
        for fill in (colours.diverging(share), colours.sequential(abs(share))):
            assert colours.contrast(colours.text_on(fill), fill) >= 4.5, share


def test_every_family_has_a_colour_of_its_own():
    families = {LANGUAGES[code].family for code in XNLI}
    assert families <= set(colours.FAMILIES)
    assert len(families) == len({colours.FAMILIES[family] for family in families}) == 11


def test_names_of_settings_and_languages():
    assert axis_name("prompt_length") == "prompt length m (vectors)"
    assert axis_name("external_pairs") == "external parallel pairs"
    assert key_name("some_new_key") == "some new key"
    assert language_and_family("sw") == "Swahili (Bantu)"
    assert language_and_family("el") == "Greek"
    assert language_and_family("avg") == "mean"
