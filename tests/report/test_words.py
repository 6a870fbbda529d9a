"""What the page says of results made by hand: every number and sentence, word by word."""

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from pipeline.artifacts import write_table
from pipeline.corpora.files import CORPORA, EXAMPLES
from pipeline.evaluation import files, published
from pipeline.evaluation.tables import comparable
from pipeline.report.figures.collection import EMPTY
from pipeline.report.figures.drawing import Drawn, DrawnFigure
from pipeline.report.figures.figure import Figure
from pipeline.report.page import page
from tests.evaluation import project
from tests.report.by_hand import CODES, tables

HOSTILE = '<i>nli</i> & "co"'
MADE = dict.fromkeys(EMPTY) | {
    "curves": DrawnFigure(
        Figure(
            name="curves", title=f"Title {HOSTILE}", caption=f"Caption {HOSTILE}", panels=(),
            columns=1, source="intervals.csv",
            numbers=pd.DataFrame([[f"Number {HOSTILE}"]], columns=[f"Head {HOSTILE}"]),
        ),
        (Drawn("<g/>", 10, 10, f"Panel {HOSTILE}"),),
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def soup(tmp_path_factory) -> BeautifulSoup:
    """The page of the hand-made results."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        text = project.edited(("data/small_model", f"'data/{HOSTILE}'"))
        params = project.make(tmp_path_factory.mktemp("words") / "made", text, monkeypatch)
        rows = [
            (code, f"p{i}", i % 3, f"{code} premise {i}", f"{code} hypothesis {i}")
            for code in params.languages.all
            for i in range(project.PAIRS)
        ]
        test = pd.DataFrame(rows, columns=["language", "pair_id", "label", "premise", "hypothesis"])
        write_table(test, CORPORA / "test.parquet", EXAMPLES)
        papers = {
            csv: comparable(csv.read(), CODES) for csv in (files.PAPER_TABLE1, files.PAPER_TABLE2)
        }
        given = tables() | papers | {files.PUBLISHED: published.read_published(CODES)}
        return BeautifulSoup(page(params, given, MADE), "html.parser")


def words(part) -> str:
    """Return the text of an element with single spaces."""
    return " ".join(part.text.split())


def test_the_page_opens_with_what_was_run_and_what_came_out(soup):
    assert [words(part) for part in soup.header(["p", "h1"])] == [
        "Report of a run",
        f"Few-shot cross-lingual NLI on data/some_nli with data/{HOSTILE}",
        "Not the paper’s experiment. These numbers are for the data set data/some_nli and the "
        f"backbone data/{HOSTILE}; the paper’s are for XNLI and XLM-R-base. Unless these are "
        "copies of XNLI and XLM-R-base, compare only the order of the methods, never the numbers.",
        "Natural language inference, learned from a few labelled pairs in English (4, 16 per "
        "label): sp, pct, mpt, tested on 60 pairs in each of 4 languages, as in “Cross-Lingual "
        "Transfer for Natural Language Inference via Multilingual Prompt Translator” (Qiu et al. "
        "2024). Every other run is compared with mpt. This page shows all tables, figures and "
        "tests of the paper that were run, and how far they are from the paper’s.",
        f"Data set data/some_nli, backbone data/{HOSTILE}. In brackets: 95 % percentile bootstrap "
        "over seeds and test pairs.",
    ]
    tiles = soup.select(".tiles > div")
    assert {words(tile.dt): words(tile.dd) for tile in tiles} == {
        "mean accuracy of mpt at 16 shots (50.5 to 54.0)": "52.0 %",
        "mpt over sp at 16 shots (+1.6 to +4.3)": "+3.0 points",
        "numbers of shots at which mpt has the highest mean of 4 runs": "1 of 2",
        "languages in which the whole 95 % interval of the lead over sp at 16 shots is above 0 "
        "(not corrected for testing several languages)": "2 of 4",
    }


def test_the_distance_from_the_paper_is_said_in_full(soup):
    warning, *said = (words(p) for p in soup.find(id="gap")("p"))
    assert warning.startswith("Not the paper’s experiment.")
    # The paper's means over these languages are 43.225 for mpt and 39.2 for sp.
    assert said[:2] == [
        "The headline in the paper: 43.2 % for mpt at 16 shots, +4.0 points over sp.",
        # Of -1.5, -3.5, +6.75 and +0.25, the first and the last are within.
        "Counterparts here: 4 of the 5 numbers in the paper's tables for these languages. The "
        "paper's value lies within our 95 % interval for 2 of them. The distance is 3.0 points on "
        "average; the largest is +6.8 points (mpt, 16 shots, avg). The paper's numbers have an "
        "uncertainty of their own, which it does not print and these intervals do not include.",
    ]
    rows = [
        [words(cell) for cell in row(["th", "td"])] for row in soup.select("#gap tbody")[0]("tr")
    ]
    assert rows == [
        ["I, 16, sp", "49.0 47.5 to 51.0", "50.5", "−1.5 −3.0 to +0.5"],
        ["I, 16, mpt", "52.0 50.5 to 54.0", "45.2", "+6.8 +5.2 to +8.8"],
        ["II, 16, no-mpt sp", "49.0 47.5 to 51.0", "48.8", "+0.2 −1.2 to +2.2"],
    ]


def test_each_row_of_table_2_is_of_its_own_column(soup):
    rows = {words(row.th): [words(cell) for cell in row("td")] for row in soup.select("#table2 tr")}
    assert {
        name: of for name, of in rows.items() if name.startswith(("seeds", "points", "p "))
    } == {
        "seeds": ["3", "2", "3"],
        "points lost 95 % interval": ["", "−1.5 −2.6 to −0.3", "+3.0 +1.6 to +4.3"],
        "p (paper's test)": ["", "0.31", "0.17"],
        "p (seeds)": ["", "0.021", "0.034"],
        "p (seeds), Holm over Table II": ["", "0.042", "0.051"],
        "p (McNemar)": ["", "0.0011", "0.0044"],
        "p (McNemar), Holm over Table II": ["", "0.0022", "0.0066"],
    }
    assert (rows["Arabic"], rows["mean"]) == (["52.5", "53.0", "46.0"], ["52.0", "53.5", "49.0"])
    assert [words(cell) for cell in soup.select("#table2 td.best")] == [
        "53.0",
        "54.0",
        "63.0",
        "44.0",
        "53.5",
    ]


def found(soup, family: str) -> dict[str, list[str]]:
    """Return the sentences on each comparison of a family."""
    (head,) = (h for h in soup.select("#statistics h4") if h.text.startswith(family))
    found = {}
    for block in head.find_next_siblings():
        if block.name == "h4":
            break
        for finding in block(class_="finding"):
            found[words(finding.h5)] = [words(p) for p in finding("p")]
    return found


HOLM = "after Holm's correction over"
NO = "no difference, which does not show that there is none"
BELOW = "below 0.05: at the 5 % level this test finds"
SEEDS = "this is about new seeds, not new test pairs."


def test_verdicts_are_by_the_corrected_p_and_count_only_tests_with_one(soup):
    heads = [words(head) for head in soup.select("#statistics h4")]
    assert heads == ["Grid: 3 comparisons", "Ablations: 1 comparison"]
    grid = found(soup, "Grid")
    assert list(grid) == ["mpt and sp, 4 shots", "mpt and sp, 16 shots", "mpt and pct, 16 shots"]
    first, seeds, pairs, languages, paper = grid["mpt and sp, 4 shots"]
    assert first == (
        "Over 3 seeds, mpt is 2.0 points ahead of sp at 4 shots (95 % bootstrap interval over "
        "seeds and test pairs: +1.1 to +2.7)."
    )
    # Two of the three comparisons have a p-value of this test.
    assert seeds == (
        f"Paired t-test over seeds (n = 3 seeds): p = 0.031; p = 0.093 {HOLM} 2 comparisons of "
        f"grid, not {BELOW} {NO}; {SEEDS}"
    )
    assert pairs.startswith(
        "McNemar's test with test pairs as clusters (n = 3 pairs): p = 0.002; p = 0.006 "
        f"{HOLM} 3 comparisons of grid, {BELOW} a difference; "
    )
    assert f"p = 0.022 {HOLM} the one comparison of grid, {BELOW} a difference;" in languages
    assert paper == (
        "The paper's test (3 numbers per row): p = 0.21; it is given only for comparison with the "
        "paper's."
    )
    assert (
        f"p = 0.048 {HOLM} 2 comparisons of grid, {BELOW} a difference"
        in grid["mpt and sp, 16 shots"][1]
    )
    pct = grid["mpt and pct, 16 shots"]
    assert "mpt is 1.0 point ahead of pct" in pct[0]
    assert pct[1] == "Paired t-test over seeds: not computed (needs two seeds, there is one)."
    assert f"p = 0.32 {HOLM} 3 comparisons of grid, not {BELOW} {NO}" in pct[2]
    ablations = found(soup, "Ablations")["mpt and no_translator, 16 shots"]
    assert "mpt is 1.5 points behind no_translator" in ablations[0]


def test_further_runs_have_their_own_mean_and_lead(soup):
    rows = [[words(cell) for cell in row(["th", "td"])] for row in soup.select("#further tbody tr")]
    assert rows == [["both", "16", "46.0 44.5 to 48.0", "+6.0 +4.8 to +7.1"]]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("run", "Parameters: edited (params.yaml equals no file of profiles/). Reference: mpt; "
         "baseline of the gains: sp."),
        ("run", "Cells by block of params.yaml. Times are sums and medians over the cells whose "
         "times are in data/circumstances/."),
        ("table2", "The tests are explained in Statistics in words."),
        ("figures", "To read the number of a mark, point at it, or move to a figure with Tab and "
         "through its marks with the arrow keys. results/figures/ has the same figures as SVG and "
         "PNG."),
        ("statistics", "Every p-value is two-sided. Holm’s correction is over all comparisons of a "
         "block of params.yaml with the same test; that of Table II is over the rows of Table II, "
         "so its values differ from those here. A p-value is the chance of a difference at least "
         "this large if there were none; it is not the size of a difference, and not the chance "
         "that a claim is true."),
        ("statistics", "3 seeds (grid, ablations, sweeps and matched) are few: a t-test over them "
         "has 2 degrees of freedom and misses all but large differences, and a bootstrap over so "
         "few seeds gives intervals that are too narrow."),
        ("failures", "Checked in every cell: a mean over languages not above chance, one label "
         "predicted in more than 90 % of the rows, and a dev accuracy at chance; and for every "
         "language: a mean over seeds not above chance (one-sided exact binomial test over 60 "
         "pairs, 5 % level, not corrected)."),
        ("examples", "At 16 shots, 3 seeds. In each language, up to 2 test pairs that most seeds "
         "of mpt get right and most of sp get wrong, and equally many of the opposite kind. Pairs "
         "on which more seeds agree come first; a hash of the pair’s name breaks ties. Both kinds "
         "are shown equally often, whatever their counts, which are beside each language."),
    ],
)  # fmt: skip
def test_each_section_says_what_its_numbers_are(section, said, soup):
    assert said in words(soup.find("section", id=section))


def test_examples_are_in_the_language_that_they_are_under(soup):
    for one in soup.select("#examples details"):
        code = {"Arabic": "ar", "German": "de", "English": "en", "Swahili": "sw"}[
            one.find(class_="name").text
        ]
        assert len(one("li")) == 4
        for item in one("li"):
            pair = item.find(class_="id").text.removeprefix("pair p")
            premise, hypothesis = item("p")[:2]
            assert (premise["lang"], hypothesis["lang"]) == (code, code)
            assert premise.bdi.text == f"{code} premise {pair}"
            assert hypothesis.bdi.text == f"{code} hypothesis {pair}"
            translation = item.find(class_="translation")
            assert (translation is None) == (code == "en")
            if translation:
                assert words(translation) == f"en premise {pair} — en hypothesis {pair}"
            gold, ours, theirs = (part.text for part in item.select(".verdict b"))
            right = ours if "mpt right" in item.find_previous("h3").text.split(",")[0] else theirs
            assert gold == ("entailment", "neutral", "contradiction")[int(pair) % 3] == right
            assert ours != theirs


def test_names_and_captions_cannot_become_markup(soup):
    assert not soup("i")
    figure = soup.find(id="curves")
    assert figure.h3.text == f"Title {HOSTILE}"
    assert figure.figcaption.text == f"Caption {HOSTILE}"
    assert figure.svg["aria-label"] == f"Panel {HOSTILE}"
    assert (figure.td or figure.tbody.th).text == f"Number {HOSTILE}"
    assert figure.thead.th.text == f"Head {HOSTILE}"
    assert f"Few-shot cross-lingual NLI on data/some_nli with data/{HOSTILE}" in soup.title.text
    for place in ("run", "table1", "table2"):
        assert f"data/{HOSTILE}" in soup.find("section", id=place).text, place


def test_the_text_in_place_of_a_figure_is_the_figures_own(soup):
    for name, text in EMPTY.items():
        if MADE[name] is None:
            assert soup.find(id=name).text == text
