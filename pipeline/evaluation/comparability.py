"""What ours are of by name, and whether they may be compared with the paper's numbers."""

from pipeline.params.whole import Params

XNLI = "facebook/xnli"
XLM_R_BASE = ("FacebookAI/xlm-roberta-base", "xlm-roberta-base")


def is_papers(params: Params) -> bool:
    """Return whether data set, all its test rows, and backbone are the paper's by name."""
    xnli = params.datasets.xnli
    return xnli.path == XNLI and not xnli.rows and params.backbone.path in XLM_R_BASE


def part_of_test(params: Params) -> str:
    """Return which part of the test set is used; "" if all of it is."""
    rows = params.datasets.xnli.rows
    return f"{rows:,} evenly spaced test pairs of each language" if rows else ""


def heading(params: Params) -> str:
    """Return what the page is of: the paper, or the data set and backbone if they are others."""
    if is_papers(params):
        return "Multilingual Prompt Translator, reproduced"
    return (
        f"Few-shot cross-lingual NLI on `{params.datasets.xnli.path}` with `{params.backbone.path}`"
    )


def comparability(params: Params) -> str:
    """Return whether ours may be compared with the paper's numbers."""
    if is_papers(params):
        return "By name, ours are for the same data set and backbone."
    if part := part_of_test(params):
        return f"Ours are for {part}: compare only the order of the methods, never the numbers."
    return (
        "Ours are for another data set or backbone: unless these are copies of XNLI and "
        "XLM-R-base, compare only the order of the methods, never the numbers."
    )
