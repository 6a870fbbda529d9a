"""What ours are of by name, and whether they may be compared with the paper's numbers."""

from collections.abc import Iterable

from pipeline.evaluation.words import joined, listed, run_name
from pipeline.params.text import BackboneSource
from pipeline.params.whole import Params

XNLI = "facebook/xnli"
XLM_R_BASE = ("FacebookAI/xlm-roberta-base", "xlm-roberta-base")


def backbone(params: Params) -> BackboneSource:
    """Return the source of the backbone of the reference, with which all runs are compared."""
    source: BackboneSource = params.sources[params.backbone_of(params.comparison.reference)]
    return source


def other_backbones(params: Params, runs: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return the backbones other than the reference's: by name, the runs on them.

    `runs` are those to look at, by default all that have cells.
    """
    ours = params.backbone_of(params.comparison.reference)
    found: dict[str, list[str]] = {}
    for run in dict.fromkeys(runs or (run for run, _, _ in params.cells)):
        if (name := params.backbone_of(run)) != ours:
            found.setdefault(name, []).append(run_name(run))
    return found


def backbones(params: Params, runs: Iterable[str] = ()) -> str:
    """Return the path of the reference's backbone, and in brackets those of runs on others."""
    others = "; ".join(
        f"{joined(on_it)}: {name}, `{params.sources[name].path}`"
        for name, on_it in other_backbones(params, runs).items()
    )
    return f"`{backbone(params).path}`" + (f" ({others})" if others else "")


def is_papers(params: Params) -> bool:
    """Return whether data set, all its test rows, and backbone are the paper's by name."""
    xnli = params.datasets.xnli
    return xnli.path == XNLI and not xnli.rows and backbone(params).path in XLM_R_BASE


def part_of_test(params: Params) -> str:
    """Return which part of the test set is used; "" if all of it is."""
    rows = params.datasets.xnli.rows
    return f"{rows:,} evenly spaced test pairs of each language" if rows else ""


def heading(params: Params) -> str:
    """Return what the page is of: the paper, or the data set and backbone if they are others."""
    if is_papers(params):
        return "Multilingual Prompt Translator, reproduced"
    paths = [backbone(params).path, *(params.sources[n].path for n in other_backbones(params))]
    names = listed(f"`{path}`" for path in paths)
    return f"Few-shot cross-lingual NLI on `{params.datasets.xnli.path}` with {names}"


def comparability(params: Params, runs: Iterable[str] = ()) -> str:
    """Return whether ours may be compared with the paper's numbers, and with one another."""
    others = [run for on_it in other_backbones(params, runs).values() for run in on_it]
    if not others:
        return _with_papers(params)
    return (
        f"{_with_papers(params)} On another backbone than `{params.comparison.reference}`: "
        f"{joined(others)}. Their differences from it and from the paper are also those of the "
        f"backbones."
    )


def _with_papers(params: Params) -> str:
    if is_papers(params):
        return "By name, ours are for the same data set and backbone."
    if part := part_of_test(params):
        return f"Ours are for {part}: compare only the order of the methods, never the numbers."
    return (
        "Ours are for another data set or backbone: unless these are copies of XNLI and "
        "XLM-R-base, compare only the order of the methods, never the numbers."
    )
