"""Numbers of other papers: data/paper/published.csv, and where they are shown."""

import re

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.evaluation import files, published
from pipeline.evaluation.files import PUBLISHED, Csv
from pipeline.evaluation.printing import latex, markdown, printed_rows, published_section
from pipeline.evaluation.published import beside, read_published, sentence
from tests.commands import refusal
from tests.evaluation.project import XNLI
from tests.imports import ROOT

pytestmark = pytest.mark.usefixtures("home")
HEAD = ",".join(PUBLISHED.columns)
OWN = "sp,16,avg,41.5,Others,own,no"
MEAN = pd.DataFrame(
    [[4, "sp", 35.0, 36.0], [16, "sp", 40.04, 39.0], [16, "sp_matched", 41.0, 42.0]],
    columns=["shots", "method", "de", "avg"],
)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes rows as published.csv, and reads them in all languages of XNLI, or in some."""

    def write(*lines, languages=XNLI):
        csv = Csv(tmp_path / "published.csv", PUBLISHED.columns)
        csv.path.write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")
        monkeypatch.setattr(published, "PUBLISHED", csv)
        return read_published(languages)

    return write


def test_the_file_has_what_the_abstracts_print():
    table = read_published(XNLI)
    numbers = {(row.method, row.accuracy): row.splits for row in table.itertuples()}
    assert numbers == {
        ("ft", 33.74): "zs",
        ("dp", 36.43): "zs",
        ("sp", 38.79): "zs",
        ("ft", 34.99): "own",
        ("dpa", 46.54): "own",
    }
    assert set(table["shots"]) == {16}


def test_numbers_stand_beside_the_run_of_their_method_and_shots(written):
    table = written(
        "sp,16,de,40.5,One,zs,yes", OWN, "sp,8,avg,1.0,One,zs,yes", "dpa,16,avg,2.0,One,zs,no",
        "sp,4,de,34.25,Two,zs,no",
    )  # fmt: skip
    assert [tuple(row) for row in beside(MEAN, table)] == [
        ("4", "sp", "de", "35.0", "34.25", "as in Table I, other settings", "Two"),
        ("16", "sp", "de", "40.0", "40.5", "as in Table I", "One"),
        ("16", "sp", "avg", "39.0", "41.5", "other splits", "Others"),
    ]


def test_averages_over_other_languages_are_left_out(written):
    rows = ("sp,16,de,40.5,One,zs,yes", OWN, "sp,16,fr,3.5,One,zs,yes")
    assert written(*rows, languages=["en", "de"])["accuracy"].tolist() == [40.5]
    assert written(*rows, languages=[*XNLI, "it"])["language"].tolist() == ["de", "fr"]
    assert len(written(*rows)) == 3


def test_markdown_and_latex_name_the_source_and_other_splits(written):
    table = written("sp,16,de,40.5,A & B,zs,yes", OWN, "sp,4,avg,34.0,A & B,zs,yes")
    rows, paper = beside(MEAN, table), MEAN.head(0)
    printed = printed_rows(MEAN, paper)
    text = markdown(printed, title="T", paragraphs=[], last=published_section(rows, "Note."))
    (last,) = re.findall(r"\n## Published elsewhere\n\nNote\.\n\n(.*)", text, re.DOTALL)
    assert text.count("40.5") == last.count("40.5") == 1
    assert re.search(r"16 +\| sp +\| avg +\| 39\.0 +\| 41\.5 +\| other splits +\| Others", last)
    caption = latex(printed, paragraphs=["P.", sentence(rows)])
    words = r"sp 34.0 at 4 shots (A \& B); sp 41.5 at 16 shots (Others; other splits).}"
    assert f"P. Published elsewhere, for XLM-R-base on XNLI: {words}" in caption


def test_without_a_number_nothing_is_said(written):
    rows = beside(MEAN, written())
    assert (rows, published_section(rows, "Note."), sentence(rows)) == ([], [], "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sp,16,avg,141.5,S,own,no", "line 3: accuracy: expected 0 to 100, found 141.5"),
        ("sp,0,avg,41.5,S,own,no", "line 3: shots: expected more than 0, found 0"),
        ("sp,16,xx,41.5,S,own,no",
         f"line 3: language: expected {', '.join(XNLI)} or avg, found 'xx'"),
        ("sp,16,avg,41.5,,own,no", "line 3: source: expected some text, found ''"),
        ("sp,16,avg,41.5,S,ours,no", "line 3: splits: expected zs or own, found 'ours'"),
        ("sp,16,avg,41.5,S,own,yes", "line 3: same: expected no with splits own, found 'yes'"),
        ("SP,16,avg,41.5,S,own,no", "line 3: method: expected a name of small letters, digits and "
         "_ that starts with a letter, found 'SP'"),
        (OWN, "line 3: expected a number once, found sp, 16, avg, Others again"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_one_line(written, tmp_path, line, message):
    assert refusal(written, OWN, line) == f"{tmp_path / 'published.csv'}, {message}"


def test_text_for_a_number_and_a_missing_column_are_refused(written, tmp_path):
    line = refusal(written, "sp,16,avg,high,S,own,no")
    assert line.endswith("published.csv: column accuracy: expected numbers, found text")
    Csv(tmp_path / "published.csv", ()).path.write_text("method,shots\nsp,4\n", encoding="utf-8")
    line = refusal(read_published, XNLI)
    assert line.endswith("published.csv: expected a column language, found method, shots")


@pytest.mark.parametrize("stage", ["tables", "report"])
def test_every_file_of_data_paper_is_a_dependency_of_the_stages_that_read_it(stage):
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    read = {csv.path.as_posix() for csv in vars(files).values() if isinstance(csv, Csv)}
    read = {path for path in read if path.startswith("data/paper/")}
    assert len(read) == 3
    assert read <= set(stages[stage]["deps"])
