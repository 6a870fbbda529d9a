import re

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.rendering_table2 import (
    in_short,
    table2_caption,
    table2_entries,
    table2_latex,
    table2_markdown,
    table2_rows,
)

NAMES = ["shots", "variant", "run", "de", "en", "avg"]
P_VALUES = ["p_paper", "p_seeds", "p_seeds_holm", "p_mcnemar", "p_mcnemar_holm"]
NAN = [np.nan] * 5
MEAN = pd.DataFrame(
    [
        [4, "original", "mpt", 40.0, 42.0, 41.0, *NAN],
        [4, "no-translator", "no_tr", 38.04, 42.04, 40.04, 0.3, 0.02, 0.04, 0.001, 0.002],
        [64, "original", "mpt", 50.0, 52.0, 51.0, *NAN],
        [64, "no-mpt", "sp", 45.0, 46.0, 45.5, 2e-8, np.nan, np.nan, 0.0, 0.0],
    ],
    columns=NAMES + P_VALUES,
)
STD = MEAN[NAMES].assign(de=1.0, en=2.0, avg=1.5, seeds=5)
PAPER = pd.DataFrame(
    [
        [64, "mpt", 53.1, 55.4, 51.7, np.nan],
        [64, "no-mpt", 47.5, 50.5, 45.4, 1.9e-8],
    ],
    columns=["shots", "variant", "de", "en", "avg", "p_value"],
)


@pytest.fixture
def printed():
    return table2_entries(MEAN, STD, PAPER), table2_rows(MEAN, STD, PAPER)


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_markdown_by_hand(printed):
    text = table2_markdown(*printed, caption="Of that.")
    lines = [cells_of(line) for line in text.splitlines() if line.startswith("|")]
    assert [line for line in lines if not line[1].startswith(":-")] == [
        ["", "original", "no-translator"],
        ["de", "**40.0** ± 1.0", "38.0 ± 1.0"],
        ["en", "**42.0** ± 2.0", "**42.0** ± 2.0"],
        ["avg", "**41.0** ± 1.5", "40.0 ± 1.5"],
        [
            *("", "run", "seeds", "points lost", "p (paper's test)", "the paper's p"),
            *("p (seeds)", "p (McNemar)"),
        ],
        ["original", "mpt", "5", "", "", "", "", ""],
        ["no-translator", "no_tr", "5", "1.0", "0.3", "", "0.04 (0.02)", "2.0e-3 (1.0e-3)"],
        ["", "original", "no-mpt"],
        ["de", "**50.0** ± 1.0 (53.1)", "45.0 ± 1.0 (47.5)"],
        ["en", "**52.0** ± 2.0 (55.4)", "46.0 ± 2.0 (50.5)"],
        ["avg", "**51.0** ± 1.5 (51.7)", "45.5 ± 1.5 (45.4)"],
        [
            *("", "run", "seeds", "points lost", "p (paper's test)", "the paper's p"),
            *("p (seeds)", "p (McNemar)"),
        ],
        ["original", "mpt", "5", "", "", "", "", ""],
        ["no-mpt", "sp", "5", "5.5", "2.0e-8", "1.9e-8", "", "< 5e-324 (< 5e-324)"],
    ]
    assert re.findall("^## (.*)", text, flags=re.MULTILINE) == ["4 shots", "64 shots"]
    assert "nan" not in text.lower()


def test_the_text_says_which_test_is_the_papers_and_why_it_is_not_sound(printed):
    for text in (
        table2_markdown(*printed, caption="Of that."),
        table2_latex(*printed, caption="Of that."),
    ):
        words = " ".join(text.split())
        assert "the test that gives the p-values which the paper prints" in words
        assert "not sound: it counts the average as one more observation" in words
        assert "Holm's correction" in words


def test_latex_by_hand(printed):
    text = table2_latex(*printed, caption="Of that.")
    assert (
        r"Shots & Models & DE & EN & Avg. & p (paper's test) & p (seeds) & p (McNemar) \\" in text
    )
    assert (
        r"64 & original & $\mathbf{50.0}_{\pm 1.0}$ & $\mathbf{52.0}_{\pm 2.0}$ & "
        r"$\mathbf{51.0}_{\pm 1.5}$ &  &  &  \\"
        "\n"
        r" & \quad\textit{paper} & \textit{53.1} & \textit{55.4} & \textit{51.7} &  &  &  \\"
        "\n"
        r" & no-mpt & $45.0_{\pm 1.0}$ & $46.0_{\pm 2.0}$ & $45.5_{\pm 1.5}$ & 2.0e-8 &  & "
        r"\textless{} 5e-324 (\textless{} 5e-324) \\"
        "\n"
        r" & \quad\textit{paper} & \textit{47.5} & \textit{50.5} & \textit{45.4} & "
        r"\textit{1.9e-8} &  &  \\"
    ) in text


def test_latex_is_well_formed(printed):
    text = table2_latex(*printed, caption=r"\texttt{a\_b}")
    assert text.count("{") == text.count("}")
    assert text.count(r"\midrule") == 2
    begun, ended = (re.findall(rf"\\{word}{{(.*?)}}", text) for word in ("begin", "end"))
    assert begun == ended[::-1] == ["table*", "tabular"]
    ampersands = {
        len(re.findall(r"(?<!\\)&", line)) for line in text.splitlines() if line.endswith(r"\\")
    }
    assert ampersands == {7}
    assert r"\begin{tabular}{llrrrlll}" in text


def test_in_short(printed):
    assert list(in_short(MEAN, PAPER)) == [
        ("4", "original", "mpt", "41.0", "", "", "", "", "", ""),
        ("4", "no-translator", "no_tr", "40.0", "", "1.0", "0.3", "", "0.04", "2.0e-3"),
        ("64", "original", "mpt", "51.0", "51.7", "", "", "", "", ""),
        ("64", "no-mpt", "sp", "45.5", "45.4", "5.5", "2.0e-8", "1.9e-8", "", "< 5e-324"),
    ]


def test_in_short_without_all_languages_has_no_average_of_the_papers():
    short = list(in_short(MEAN.drop(columns="de"), PAPER))
    assert [row[4] for row in short] == [""] * 4


def test_a_table_without_rows_says_why():
    nothing = MEAN.iloc[:0], STD.iloc[:0], PAPER
    printed = table2_entries(*nothing), table2_rows(*nothing)
    assert "No run of comparison.table2" in table2_markdown(*printed, caption="Of that.")
    assert table2_latex(*printed, caption="Of that.").startswith("% No run of comparison.table2")


def test_gaps_stand_in_the_caption_or_in_place_of_the_table(printed):
    gaps = "Not in Table II: no-mpt at 4 shots (a_b is not trained there)."
    escaped = gaps.replace("_", r"\_")
    assert f"Of that. {gaps}" in table2_markdown(*printed, caption="Of that.", gaps=gaps)
    assert f"Of that. {escaped}" in table2_latex(*printed, caption="Of that.", gaps=gaps)
    nothing = MEAN.iloc[:0], STD.iloc[:0], PAPER
    empty = table2_entries(*nothing), table2_rows(*nothing)
    assert gaps in table2_markdown(*empty, caption="Of that.", gaps=gaps)
    assert gaps in table2_latex(*empty, caption="Of that.", gaps=gaps)


def test_the_caption_names_data_backbone_and_the_reference(params):
    text = table2_caption(params, pairs=120, code=lambda path: f"<{path}>")
    assert "backbone <data/small_model> on the 120 test pairs of <data/some_nli>" in text
    assert "The row original is the run <mpt>" in text
    assert "(Qiu et al. 2024, Table II)" in text
    assert "never the numbers" in text
