"""Tables I and II as text."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.captions import EACH_ENTRY
from pipeline.evaluation.files import COMPARED, P_VALUES
from pipeline.evaluation.printing import caption_of, latex, markdown, printed_rows, tex

COLUMNS = ["shots", "method", "de", "en", "avg"]
MEAN = pd.DataFrame(
    [
        [1, "sp", 35.04, 36.0, 35.52],
        [1, "my_run", 34.96, 36.9, 35.93],
        [16, "sp", 40.0, 41.0, 40.5],
        [16, "my_run", 50.0, 40.0, 45.0],
    ],
    columns=COLUMNS,
)
STD = MEAN.assign(de=1.04, en=0.25, avg=0.51)
PAPER = pd.DataFrame([[1, "sp", 36.4, 36.5, 36.1]], columns=COLUMNS)
ONE = printed_rows(MEAN, PAPER, STD)

NONE = [np.nan] * 8
MEAN2 = pd.DataFrame(
    [
        [4, "original", "mpt", 40.0, 42.0, 41.0, 5, *NONE],
        [4, "no-translator", "no_tr", 38.04, 42.04, 40.04, 4, 1.21, -0.31, 2.04,
         0.3, 0.02, 0.04, 0.001, 0.002],
        [64, "original", "mpt", 50.0, 52.0, 51.0, 5, *NONE],
        [64, "no-mpt", "sp", 45.0, 46.0, 45.5, 5, 5.5, 4.9, 6.1,
         2e-8, np.nan, np.nan, 0.0, 0.0],
    ],
    columns=["shots", "variant", "run", "de", "en", "avg", *COMPARED, *P_VALUES],
)  # fmt: skip
STD2 = MEAN2[["shots", "variant", "run"]].assign(de=1.0, en=2.0, avg=1.5)
PAPER2 = pd.DataFrame(
    [[64, "mpt", 53.1, 55.4, 51.7, np.nan], [64, "no-mpt", 47.5, 50.5, 45.4, 1.9e-8]],
    columns=["shots", "variant", "de", "en", "avg", "p_value"],
)
TWO = printed_rows(MEAN2, PAPER2, STD2)
HEADS = ["", "run", "seeds", "points lost (95 % interval)", "p (paper's test)", "the paper's p",
         "p (seeds)", "p (McNemar)"]  # fmt: skip


def in_markdown(rows) -> str:
    return markdown(rows, title="A table", paragraphs=["Of `that`.", "By chance.", EACH_ENTRY])


def cells_of(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if re.match(r"\| (?!:-)", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def headings(text: str) -> list[str]:
    return re.findall("^#+ (.*)", text, flags=re.MULTILINE)


def test_the_best_is_chosen_among_printed_numbers():
    # 35.04 and 34.96 both print as 35.0.
    assert [row.entries["de"].best for row in ONE] == [True, True, False, True]
    assert [row.entries["en"].best for row in ONE] == [False, True, True, False]


def test_a_single_method_is_not_best():
    alone = MEAN[MEAN["method"] == "sp"].reset_index(drop=True)
    rows = printed_rows(alone, PAPER)
    assert not any(entry.best for row in rows for entry in row.entries.values())


def test_a_missing_average_of_the_paper_is_empty():
    rows = printed_rows(MEAN, PAPER.assign(avg=np.nan))
    assert (rows[0].entries["en"].paper, rows[0].entries["avg"].paper) == ("36.5", "")
    assert {entry.paper for entry in rows[1].entries.values()} == {""}


def test_markdown_of_table_1_by_hand():
    text = in_markdown(ONE)
    assert headings(text) == ["A table", "Mean over 2 languages", "1 shot", "16 shots"]
    assert cells_of(text) == [
        ["shots", "sp", "my_run"],
        ["1", "35.5 ± 0.5 (36.1)", "**35.9** ± 0.5"],
        ["16", "40.5 ± 0.5", "**45.0** ± 0.5"],
        ["", "sp", "my_run"],
        ["de", "**35.0** ± 1.0 (36.4)", "**35.0** ± 1.0"],
        ["en", "36.0 ± 0.2 (36.5)", "**36.9** ± 0.2"],
        ["avg", "35.5 ± 0.5 (36.1)", "**35.9** ± 0.5"],
        ["", "sp", "my_run"],
        ["de", "40.0 ± 1.0", "**50.0** ± 1.0"],
        ["en", "**41.0** ± 0.2", "40.0 ± 0.2"],
        ["avg", "40.5 ± 0.5", "**45.0** ± 0.5"],
    ]


def test_markdown_of_table_2_by_hand():
    text = in_markdown(TWO)
    assert headings(text) == ["A table", "4 shots", "64 shots"]
    assert cells_of(text) == [
        ["", "original", "no-translator"],
        ["de", "**40.0** ± 1.0", "38.0 ± 1.0"],
        ["en", "**42.0** ± 2.0", "**42.0** ± 2.0"],
        ["avg", "**41.0** ± 1.5", "40.0 ± 1.5"],
        HEADS,
        ["original", "mpt", "5", "", "", "", "", ""],
        # 41.0 - 40.0 is not the difference: the original has one seed more.
        ["no-translator", "no_tr", "4", "+1.2 (−0.3 to +2.0)", "0.3", "", "0.04 (0.02)",
         "2.0e-3 (1.0e-3)"],
        ["", "original", "no-mpt"],
        ["de", "**50.0** ± 1.0 (53.1)", "45.0 ± 1.0 (47.5)"],
        ["en", "**52.0** ± 2.0 (55.4)", "46.0 ± 2.0 (50.5)"],
        ["avg", "**51.0** ± 1.5 (51.7)", "45.5 ± 1.5 (45.4)"],
        HEADS,
        ["original", "mpt", "5", "", "", "", "", ""],
        ["no-mpt", "sp", "5", "+5.5 (+4.9 to +6.1)", "2.0e-8", "1.9e-8", "",
         "< 5e-324 (< 5e-324)"],
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [ONE, TWO])
def test_raw_markdown_is_aligned(rows):
    for block in re.findall(r"(?:^\|.*\n)+", in_markdown(rows), flags=re.MULTILINE):
        lines = block.splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({tuple(i for i, c in enumerate(line) if c == "|") for line in lines}) == 1


@pytest.mark.parametrize("std", [None, STD.assign(de=math.nan, en=math.nan, avg=math.nan)])
def test_without_deviations_only_means_are_printed(std):
    rows = printed_rows(MEAN, PAPER, std)
    assert ["1", "35.5 (36.1)", "**35.9**"] in cells_of(in_markdown(rows))
    assert "nan" not in in_markdown(rows).lower()
    assert r"\pm" not in latex(rows, paragraphs=[])


def test_the_paragraphs_are_found_again():
    assert caption_of(in_markdown(ONE)) == "Of that.\n\nBy chance."


def test_latex_of_table_1_by_hand():
    text = latex(ONE, paragraphs=["Of `a_b`.", "5 % & _", EACH_ENTRY])
    assert r"\caption{Of \texttt{a\_b}. 5 \% \& \_}" in text
    assert r"Shots & Method & DE & EN & Avg. \\" in text
    assert (
        r"1 & sp & $\mathbf{35.0}_{\pm 1.0}$ & $36.0_{\pm 0.2}$ & $35.5_{\pm 0.5}$ \\"
        "\n"
        r" & \quad\textit{paper} & \textit{36.4} & \textit{36.5} & \textit{36.1} \\"
        "\n"
        r" & my\_run & $\mathbf{35.0}_{\pm 1.0}$"
    ) in text
    # The paper has only one of these rows.
    assert text.count("paper}") == 1


def test_latex_of_table_2_by_hand():
    assert (
        r"64 & original & $\mathbf{50.0}_{\pm 1.0}$ & $\mathbf{52.0}_{\pm 2.0}$ & "
        r"$\mathbf{51.0}_{\pm 1.5}$ & 5 &  &  &  &  \\"
        "\n"
        r" & \quad\textit{paper} & \textit{53.1} & \textit{55.4} & \textit{51.7} &  &  &  &  &  \\"
        "\n"
        r" & no-mpt & $45.0_{\pm 1.0}$ & $46.0_{\pm 2.0}$ & $45.5_{\pm 1.5}$ & 5 & "
        r"+5.5 (+4.9 to +6.1) & 2.0e-8 &  & "
        r"\textless{} 5e-324 (\textless{} 5e-324) \\"
        "\n"
        r" & \quad\textit{paper} & \textit{47.5} & \textit{50.5} & \textit{45.4} &  &  & "
        r"\textit{1.9e-8} &  &  \\"
    ) in latex(TWO, paragraphs=["Of that."])


@pytest.mark.parametrize(
    ("rows", "columns", "heads"),
    [
        (ONE, "llrrr", r"Shots & Method & DE & EN & Avg. \\"),
        (TWO, "llrrrlllll", r"Shots & Models & DE & EN & Avg. & seeds & points lost (95 \% "
         r"interval) & p (paper's test) & p (seeds) & p (McNemar) \\"),
    ],
)  # fmt: skip
def test_latex_is_well_formed(rows, columns, heads):
    text = latex(rows, paragraphs=["Of `a_b`."])
    assert heads in text
    assert text.count("{") == text.count("}")
    assert [text.count(rf"\{rule}") for rule in ("toprule", "midrule", "bottomrule")] == [1, 2, 1]
    begun, ended = (re.findall(rf"\\{word}{{(.*?)}}", text) for word in ("begin", "end"))
    assert begun == ended[::-1] == ["table*", "tabular"]
    assert rf"\begin{{tabular}}{{{columns}}}" in text
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(columns) - 1}


def test_a_table_without_rows_says_why():
    rows = printed_rows(MEAN2.iloc[:0], PAPER2, STD2.iloc[:0])
    assert markdown(rows, title="A table", paragraphs=["None."]) == "# A table\n\nNone.\n"
    assert latex(rows, paragraphs=["None."]) == "% None.\n"


def test_specials_of_latex_are_escaped():
    assert tex("a_b & 5% #1 {x} ~ −1 \\") == (
        r"a\_b \& 5\% \#1 \{x\} \textasciitilde{} $-$1 \textbackslash{}"
    )
