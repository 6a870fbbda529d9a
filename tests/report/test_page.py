"""The page of a finished project, as an HTML parser reads it."""

import dataclasses
import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.evaluation.words import interval, percent, signed, typeset_p
from pipeline.languages import LANGUAGES
from pipeline.report.text import language_name
from stages.report import report
from stages.tables import tables
from tests.evaluation.project import BARE, HOSTILE, PAIRS, XNLI

CODES = ("ar", "de", "en", "sw", "avg")


def cells(table) -> dict[tuple[str, str], object]:
    """Return the cells of a table by the words of their row and their column."""
    heads = [
        head.text.removesuffix(head.find(class_="run").text if head.find(class_="run") else "")
        for head in table.thead("th")[1:]
    ]
    return {
        (row.th.text, head.strip()): cell
        for row in table.tbody("tr")
        for head, cell in zip(heads, row("td"), strict=True)
    }


def part(cell, name: str) -> str:
    found = cell.find(class_=name)
    return found.text.removeprefix("paper ") if found else ""


@pytest.mark.parametrize("shots", [4, 16])
def test_table_1_holds_every_number_of_the_tables(finished, soup, shots):
    mean, std = (
        pd.read_csv(finished / f"results/{name}.csv").set_index(["shots", "method"])
        for name in ("table1", "table1_std")
    )
    found = cells(soup.find("section", id="table1").find("table", attrs={"data-shots": shots}))
    assert len(found) == (4 if shots == 16 else 3) * 5
    for run in ("sp", "pct", "mpt"):
        for code in CODES:
            cell = found[language_name(code), run]
            assert part(cell, "ours") == f"{mean.loc[(shots, run), code]:.1f}"
            assert part(cell, "std") == f"± {std.loc[(shots, run), code]:.1f}"
            assert part(cell, "paper") == ""  # it is about other data
            best = f"{mean.loc[shots, code].max():.1f}"
            assert bool(cell.b) == (part(cell, "ours") == best)


def test_the_averages_come_first(finished, soup):
    mean = pd.read_csv(finished / "results/table1.csv").set_index(["shots", "method"])
    table = soup.find("section", id="table1").find("table")
    found = cells(table)
    for shots in (4, 16):
        for run in ("sp", "pct", "mpt"):
            assert part(found[str(shots), run], "ours") == f"{mean.loc[(shots, run), 'avg']:.1f}"


def test_table_2_holds_every_number_and_the_papers_own_beside(finished, soup):
    ours = pd.read_csv(finished / "results/table2.csv")
    (first,) = soup.find("section", id="table2")("table")
    found = cells(first)
    names = dict(zip(ours["variant"], ours["run"], strict=True))
    assert names == {"original": "mpt", "no-translator": "no_translator", "no-mpt": "sp"}
    for row in ours.to_dict("records"):
        for code in CODES:
            cell = found[language_name(code), row["variant"]]
            assert part(cell, "ours") == f"{row[code]:.1f}"
    assert first.caption.text == "16 shots"
    row = ours.set_index("variant").loc["no-mpt"]
    assert part(found["p (seeds)", "no-mpt"], "ours") == typeset_p(row["p_seeds"])
    holm = found["p (seeds), Holm over Table II", "no-mpt"]
    assert part(holm, "ours") == typeset_p(row["p_seeds_holm"])
    assert part(found["p (seeds)", "original"], "ours") == ""
    lost = found["points lost 95 % interval", "no-mpt"]
    assert part(lost, "ours") == signed(row["difference"])
    bounds = interval(row["difference_low"], row["difference_high"], signed)
    assert part(lost, "bounds") == bounds
    assert [found["seeds", name].text for name in names] == ["3", "3", "3"]
    # The paper's Table II is at 64 shots, which were not run.
    second = soup.find("section", id="gap")("table")[-1]
    assert "64 shots, which were not run here" in second.caption.text
    theirs = cells(second)
    assert part(theirs["Swahili", "no-translator"], "paper") == "42.9"
    # The paper's mean is over our languages; its p-values are over its own.
    assert part(theirs["mean", "original"], "paper") == "51.4"
    assert part(theirs["p, printed", "no-mpt"], "paper") == ""


def test_texts_are_shown_as_text(soup, html):
    examples = soup.find("section", id="examples")
    shown = {one.text for one in examples("bdi")}
    assert HOSTILE[0][0] in shown or HOSTILE[1][1].replace("\x07", "<U+0007>") in shown
    assert all(one in {"bdi", "p", "li"} for one in {tag.parent.name for tag in examples("bdi")})
    assert not examples("script")
    assert not examples("img")
    assert len(soup("script")) == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    assert "<img" not in html
    assert "<U+202E>gnp.exe" in examples.text


def test_texts_have_their_language_and_direction(soup):
    examples = soup.find("section", id="examples")
    found = {(p["lang"], p["dir"]) for p in examples("p", attrs={"dir": True})}
    assert found == {("ar", "rtl"), ("de", "ltr"), ("en", "ltr"), ("sw", "ltr")}


def test_equally_many_examples_of_both_kinds(soup):
    for one in soup.find("section", id="examples")("details"):
        right, wrong = one(class_="pairs")[0].find_all("div", recursive=False)
        assert len(right("li")) == len(wrong("li")) == 2


def test_nothing_is_loaded_from_elsewhere(soup, html):
    assert not [tag for tag in soup(True) if tag.get("src")]
    assert all(tag["href"].startswith("#") for tag in soup(href=True))
    assert not re.search(r"@import|url\(|https?://", html)
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]


def test_the_parts_are_in_order_under_one_heading(soup):
    assert len(soup("h1")) == 1
    assert [one["id"] for one in soup.main("section")] == [
        "run", "table1", "table2", "figures", "statistics", "failures", "gap", "further",
        "examples",
    ]  # fmt: skip
    levels = [int(one.name[1]) for one in soup(re.compile("^h[1-6]$"))]
    assert all(b <= a + 1 for a, b in pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(soup(landmark)) == 1
    assert soup.html["lang"] == "en"
    ids = [tag["id"] for tag in soup(id=True)]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in soup("a")} <= set(ids)


def test_tables_and_figures_have_names(soup):
    for table in soup("table"):
        assert table.caption.text.strip()
        assert all(th.get("scope") in {"row", "col"} for th in table("th"))
    for figure in soup("figure"):
        assert soup.find(id=figure["aria-labelledby"]).text
        assert figure.figcaption.text
        assert figure.table
        for svg in figure("svg"):
            assert svg["aria-label"]
            assert svg(attrs={"role": "img"})


def test_a_figures_marks_and_data_have_the_numbers(finished, soup):
    table = pd.read_csv(finished / "results/differences.csv")
    row = table[(table.other == "sp") & (table.shots == 16) & (table.language == "sw")].iloc[0]
    figure = soup.find("figure", id="figure3")
    labels = [mark["aria-label"] for mark in figure(attrs={"role": "img"})]
    assert f"Swahili (Bantu): {signed(row.difference)} points " in " ".join(labels)
    assert signed(row.difference) in figure.table.text
    assert "#1d2025" not in str(figure.svg)
    assert "currentColor" in str(figure.svg)


def test_statistics_name_level_and_scope(soup):
    words = soup.find("section", id="statistics").text
    assert "significant" not in soup.text.replace("significantly above chance", "")
    assert re.search(
        r"Over 3 seeds, mpt is \d+\.\d points ahead of sp at 16 shots "
        r"\(95 % bootstrap interval over seeds and test pairs: [+−]\d+\.\d to [+−]\d+\.\d\)\.",
        words,
    )
    assert "3 seeds (grid, ablations, sweeps and matched) are few" in words
    assert "this is about new seeds, not new test pairs" in words
    assert "after Holm's correction over 4 comparisons of grid" in words
    assert "mpt and sp (matched), 16 shots" in words
    assert "after Holm's correction over the one comparison of matched" in words
    assert "that of Table II is over the rows of Table II" in words


def test_what_is_at_chance_is_named(soup):
    rows = {(tr.th.text, tr.td.text): tr.text for tr in soup.select("#failures tbody tr")}
    stuck = rows["sp", "4"]
    assert re.search(r"not above chance: seeds? .*33\.3.* %\)", stuck)
    assert "dev accuracy at chance: seed 2" in stuck
    assert "more than 90 % of all predictions are entailment: seed 2" in stuck
    assert ("mpt", "16") not in rows


def test_what_was_run_is_named(soup):
    run = soup.find("section", id="run").text
    for word in ("edited", "data/some_nli", "data/small_model", "google (2026)", "2026-11-01",
                 "2.13.0+cpu", "796 MiB", "ab" * 8, "18", "learning_rate: 4e-5"):  # fmt: skip
        assert word in run


def test_another_experiment_is_named_before_its_numbers_and_the_papers_stand_apart(soup):
    of = "Few-shot cross-lingual NLI on data/some_nli with data/small_model"
    assert (soup.title.text, soup.h1.text) == (f"{of}: report", of)
    header = soup.header.text
    accuracy = soup.select_one(".tiles .number").text
    assert header.index("Not the paper’s experiment") < header.index(accuracy)
    paper = pd.read_csv("data/paper/table1.csv").set_index(["shots", "method"])
    over = paper[["ar", "de", "en", "sw"]].mean(axis=1)
    ours, ahead = over[16, "mpt"], over[16, "mpt"] - over[16, "sp"]
    words = f"{percent(ours)} % for mpt at 16 shots, {signed(ahead)} points over sp."
    assert words in soup.find(id="gap").text
    assert percent(ours) not in header
    for name in ("figure3", "curves"):
        assert "never the numbers" in soup.find("figure", id=name).figcaption.text


def test_published_numbers_stand_apart_from_another_experiments(made):
    targets = ", ".join(code for code in XNLI if code != "en")
    soup = made(("targets: [ar, de, sw]", f"targets: [{targets}]"))
    assert not soup.select("#table1 #published")
    note, table = soup.select_one("#gap #published").find_next_siblings(["p", "table"])[:2]
    assert "never the numbers" in note.text
    assert "Zhao & Schuetze 2021" in table.text


def test_runs_without_a_place_are_listed_as_further(soup):
    assert [head.text for head in soup.select("#further tbody th")] == ["both"]
    mean, lead = (bounds.text for bounds in soup.select("#further .bounds"))
    assert re.fullmatch(r"\d+\.\d to \d+\.\d", mean)
    assert re.fullmatch(r"[+−]?\d+\.\d to [+−]?\d+\.\d", lead)


def test_one_seed(made):
    soup = made(("seeds: [1, 2, 3]", "seeds: [1]"))
    assert "One seed (grid, ablations, sweeps and matched)" in soup.text
    assert "not computed (needs two seeds, there is one)" in soup.text
    assert not soup.select("#table1 td .std")
    assert "nan" not in soup.text.lower().split()


def test_no_variants_and_another_reference(made):
    soup = made(("reference: mpt, baseline: sp", "reference: sp, baseline: mpt"), *BARE)
    assert "sp over mpt, 16 shots" in soup.find("figure", id="figure3").text
    assert "Over 3 seeds, sp is" in soup.text
    assert "No run of comparison.table2 has cells" in soup.find(id="table2").text
    assert "Figure 4 was not drawn" in soup.text
    assert "Figure 5 was not drawn" in soup.text
    assert [one["id"] for one in soup("figure")] == ["figure3", "curves", "heatmap", "confusion"]


def test_a_reference_and_a_baseline_without_common_shots(made):
    soup = made(("baseline: sp", "baseline: ft"), ("matched: {runs: [sp]", "matched: {runs: []"))
    assert "Figure 3 was not drawn" in soup.text
    assert "have no cells at the same shots and seeds" in soup.text


def test_a_cut_test_set_is_said_in_every_caption(made):
    rows = ("xnli: {path: data/some_nli}", f"xnli: {{path: data/some_nli, rows: {PAIRS}}}")
    soup, part = made(rows), f"{PAIRS} evenly spaced test pairs of each language"
    assert f"These numbers are for {part} of the data set" in soup.header.text
    assert "Unless these are copies" not in soup.text
    for place in ("table1", "table2", "run"):
        assert part in soup.find(id=place).text
    assert len(soup("figcaption")) == 6
    for caption in soup("figcaption"):
        assert f"Tested on {part}." in caption.text
    for file in ("table1.md", "table2.md", "table1.tex", "table2.tex"):
        assert part in (Path("results") / file).read_text(encoding="utf-8").replace("\n", " ")


def test_the_papers_data_may_be_compared(made):
    targets = ", ".join(code for code in XNLI if code != "en")
    soup = made(
        ("targets: [ar, de, sw]", f"targets: [{targets}]"),
        ("path: data/some_nli", "path: facebook/xnli"),
        ("path: data/small_model", "path: FacebookAI/xlm-roberta-base"),
        ("shots: [4, 16]", "shots: [16, 64]"),
        ("shots: [16]", "shots: [64]"),
    )
    assert "Not the paper’s experiment" not in soup.text
    assert soup.h1.text == "Multilingual Prompt Translator, reproduced"
    assert "never the numbers" not in soup.text
    (table,) = soup.find("section", id="table2")("table")
    found = cells(table)
    assert part(found["Swahili", "no-mpt"], "paper") == "41.3"
    first = cells(soup.select_one("#table1 table[data-shots='16']"))
    assert part(first["Swahili", "mpt"], "paper") == "40.2"
    # Another paper's number has its own table there, and is never under "paper".
    (others,) = soup.select("#table1 #published ~ table")
    (row,) = others.select("tbody tr")
    texts = [cell.text for cell in row("td")]
    assert (row.th.text, texts[:2], texts[3:5]) == ("16", ["sp", "avg"], ["38.79", "as in Table I"])
    assert "38.79" not in "".join(part.text for part in soup.select(".paper"))
    assert len(soup.select("#published")) == 1
    assert part(found["p (paper's test)", "no-mpt"], "paper") == "1.9 × 10⁻⁸"


def test_a_comparison_in_some_languages_leaves_the_others_out(made):
    soup = made(("comparison: {", "comparison: {languages: [sw, ar], "))
    heads = soup.select("#table1 table[data-shots='16'] tbody th")
    assert [head.text for head in heads] == ["Arabic", "Swahili", "mean"]
    assert "in each of 2 languages" in soup.header.text
    assert "ar, sw (of en, ar, de, sw)" in soup.find("section", id="run").text
    for name in ("figures", "statistics", "failures", "examples"):
        text = soup.find("section", id=name).text
        assert "German" not in text, name
    assert "Swahili" in soup.find("section", id="examples").text


@pytest.mark.parametrize(("only", "papers"), [("de, it", {"German": "44.0"}), ("it", {})])
def test_a_language_that_the_paper_lacks_leaves_out_its_averages(only, papers, made, monkeypatch):
    italian = dataclasses.replace(LANGUAGES["es"], code="it", name="Italian")
    monkeypatch.setitem(LANGUAGES, "it", italian)
    soup = made(
        ("targets: [ar, de, sw]", "targets: [ar, de, it]"),
        ("comparison: {", f"comparison: {{languages: [{only}], "),
        ("path: data/some_nli", "path: facebook/xnli"),
        ("path: data/small_model", "path: FacebookAI/xlm-roberta-base"),
    )
    found = cells(soup.select_one("#table1 table[data-shots='16']"))
    shown = {row: part(cell, "paper") for (row, run), cell in found.items() if run == "mpt"}
    assert shown == papers | {"Italian": "", "mean": ""}
    assert "The headline in the paper" not in soup.text
    assert "nan" not in soup.text.lower().split()


def test_the_same_inputs_give_the_same_bytes(here):
    results = here / "results"
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    tables()
    report()
    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("results/intervals.csv", None, "found no such file (make it: dvc repro)"),
        ("results/sweeps.csv", "key,run\na,b\n", "expected a column value, found key, run"),
        ("results/differences.csv", "{", "expected a column run, found {"),
        ("data/runs/mpt/k16/s1/metrics.json", "{}", "expected a key accuracy, found none"),
        ("data/paws15/pairs.parquet", None, "found no such file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_the_results_intact(
    copied, name, edit, message, monkeypatch
):
    # Figures are drawn first and would take most of the time.
    monkeypatch.setattr("pipeline.report.figures.collection.figures", lambda *_: {})
    page = copied / "results/report.html"
    before = page.read_bytes(), page.stat().st_mtime_ns
    (copied / name).unlink() if edit is None else (copied / name).write_text(edit)
    with pytest.raises(InputError) as error:
        report()
    assert str(error.value).startswith(f"{name}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert (page.read_bytes(), page.stat().st_mtime_ns) == before


def test_every_number_on_the_page_is_finite(soup):
    tables = " ".join(table.text for table in soup("table"))
    assert not re.search(r"\b(nan|inf)\b", tables, re.IGNORECASE)
