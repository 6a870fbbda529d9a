import re

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.captions import caption, chance_line
from pipeline.evaluation.printing import entries, p_text, tex_escaped
from pipeline.evaluation.rendering import caption_of, latex, markdown
from pipeline.params.whole import Params

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
NO_STD = MEAN.assign(de=np.nan, en=np.nan, avg=np.nan)
PAPER = pd.DataFrame([[1, "sp", 36.4, 36.5, 36.1]], columns=COLUMNS)


def rows_of(markdown_text: str) -> list[list[str]]:
    lines = [line for line in markdown_text.splitlines() if line.startswith("|")]
    lines = [line for line in lines if not line.startswith("| :-")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_best_is_chosen_among_printed_numbers():
    table = entries(MEAN, STD, PAPER)
    # 35.04 and 34.96 both print as 35.0.
    assert table[1, "sp"]["de"].best
    assert table[1, "my_run"]["de"].best
    assert [table[16, run]["en"].best for run in ("sp", "my_run")] == [True, False]


def test_one_method_alone_is_not_best():
    alone = MEAN[MEAN["method"] == "sp"].reset_index(drop=True)
    table = entries(alone, alone, PAPER)
    assert not any(entry.best for row in table.values() for entry in row.values())


def test_markdown_by_hand():
    text = markdown(entries(MEAN, STD, PAPER), caption="Of that.", chance="By chance.")
    assert rows_of(text) == [
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


def test_raw_markdown_is_aligned_and_narrow():
    text = markdown(entries(MEAN, STD, PAPER), caption="Of that.", chance="By chance.")
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        lines = block.splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({tuple(i for i, c in enumerate(line) if c == "|") for line in lines}) == 1
        assert len(lines[0]) <= 100


def test_one_seed_prints_means_alone():
    text = markdown(entries(MEAN, NO_STD, PAPER), caption="Of that.", chance="By chance.")
    assert ["1", "35.5 (36.1)", "**35.9**"] in rows_of(text)
    assert "nan" not in text.lower()


def test_markdown_headings_count_the_shots():
    text = markdown(entries(MEAN, STD, PAPER), caption="Of that.", chance="By chance.")
    assert re.findall("^## (.*)", text, flags=re.MULTILINE) == [
        "Mean over the languages",
        "1 shot",
        "16 shots",
    ]


def test_the_caption_is_found_again():
    text = markdown(entries(MEAN, STD, PAPER), caption="Of `that`.", chance="By chance.")
    assert caption_of(text).startswith("Of that.\n\nBy chance.")
    assert "|" not in caption_of(text)


def test_latex_rows_by_hand():
    text = latex(entries(MEAN, STD, PAPER), caption="Of that.", chance="By chance.")
    assert r"Shots & Method & DE & EN & Avg. \\" in text
    assert (
        r"1 & sp & $\mathbf{35.0}_{\pm 1.0}$ & $36.0_{\pm 0.2}$ & $35.5_{\pm 0.5}$ \\"
        "\n"
        r" & \quad\textit{paper} & \textit{36.4} & \textit{36.5} & \textit{36.1} \\"
        "\n"
        r" & my\_run & $\mathbf{35.0}_{\pm 1.0}$"
    ) in text
    # The paper has no such row, so there is none beneath ours.
    assert text.count("paper}") == 1


def test_latex_is_well_formed():
    text = latex(entries(MEAN, NO_STD, PAPER), caption=r"\texttt{a\_b}", chance="5 % & _")
    assert text.count("{") == text.count("}")
    for rule in ("toprule", "bottomrule"):
        assert text.count(rf"\{rule}") == 1
    assert text.count(r"\midrule") == 2
    begun, ended = (re.findall(rf"\\{word}{{(.*?)}}", text) for word in ("begin", "end"))
    assert begun == ended[::-1] == ["table*", "tabular"]
    ampersands = {
        len(re.findall(r"(?<!\\)&", line)) for line in text.splitlines() if line.endswith(r"\\")
    }
    assert ampersands == {4}
    assert r"\begin{tabular}{llrrr}" in text
    assert r"5 \% \& \_" in text
    assert r"\pm" not in text


def test_tex_escaped():
    assert tex_escaped("a_b & 5% #1 {x} ~ \\") == (
        r"a\_b \& 5\% \#1 \{x\} \textasciitilde{} \textbackslash{}"
    )


def code(path: str) -> str:
    return f"<{path}>"


def test_the_caption_names_data_backbone_languages_and_seeds(params):
    text = caption(params, pairs=120, code=code)
    assert "backbone <data/small_model> on the 120 test pairs of <data/some_nli>" in text
    assert "in 2 languages" in text
    assert "over 2 seeds (1, 2)" in text
    assert "are of XLM-R-base on XNLI, means over 5 seeds" in text
    assert "Ours name another data set or backbone" in text
    assert "never the numbers" in text


def renamed(params: Params, *, data: str, backbone: str) -> Params:
    xnli = params.datasets.xnli.model_copy(update={"path": data})
    return params.model_copy(
        update={
            "datasets": params.datasets.model_copy(update={"xnli": xnli}),
            "backbone": params.backbone.model_copy(update={"path": backbone}),
        }
    )


@pytest.mark.parametrize(
    ("data", "backbone", "same"),
    [
        ("facebook/xnli", "FacebookAI/xlm-roberta-base", True),
        ("facebook/xnli", "FacebookAI/xlm-roberta-large", False),
        ("data/pocket/xnli", "FacebookAI/xlm-roberta-base", False),
    ],
)
def test_the_caption_calls_ours_comparable_only_by_name(params, data, backbone, same):
    text = caption(renamed(params, data=data, backbone=backbone), pairs=5010, code=code)
    assert ("Ours name the same data set and backbone." in text) == same
    assert ("never the numbers" in text) != same


def test_one_seed_is_said(params):
    grid = params.grid.model_copy(update={"seeds": (3,)})
    text = caption(params.model_copy(update={"grid": grid}), pairs=9, code=code)
    assert "one seed (3), so no standard deviation" in text


def test_rows_at_chance_are_named():
    assert chance_line(MEAN, pairs=100) == (
        "Not above chance (33.3 percent; one-sided exact binomial over 100 pairs, 5 percent "
        "level): sp at k = 1, 16; my_run at k = 1."
    )


def test_no_row_at_chance_is_said():
    text = chance_line(MEAN.assign(avg=60.0), pairs=100)
    assert text.startswith("Every average is above chance")


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (9.7e-7, "9.7e-7"),
        (1.8e-3, "1.8e-3"),
        (0.0123, "0.012"),
        (0.5, "0.5"),
        (1.0, "1"),
        (1.23e-104, "1.2e-104"),
        (0.0, "< 5e-324"),
        (float("nan"), ""),
    ],
)
def test_p_values_as_the_paper_prints_them(p_value, text):
    assert p_text(p_value) == text
