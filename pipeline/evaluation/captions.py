"""What the printed tables are of, and how far they compare with the paper's."""

from collections.abc import Callable

import pandas as pd

from pipeline.cells.metrics import at_chance
from pipeline.evaluation.tables import AVERAGE
from pipeline.params.runs import LABELS
from pipeline.params.whole import Params

XNLI = "facebook/xnli"
XLM_R_BASE = ("FacebookAI/xlm-roberta-base", "xlm-roberta-base")

Code = Callable[[str], str]
"""Sets a path or a Hub id in the markup's type for code."""


def caption(params: Params, *, pairs: int, code: Code) -> str:
    """Say what Table I is of, what the paper's numbers are of, and how far they compare.

    Args:
        params: names the data, the backbone, the languages and the seeds.
        pairs: the number of distinct test pairs.
        code: sets paths.
    """
    seeds = params.grid.seeds
    numbers = ", ".join(str(seed) for seed in seeds)
    several = f"mean and sample standard deviation over {len(seeds)} seeds ({numbers})"
    one = f"one seed ({numbers}), so no standard deviation"
    return (
        f"{subject(params, pairs=pairs, code=code)}: {several if len(seeds) > 1 else one}. "
        f"Bold: the best method at these shots. {comparability(params, table='Table I')}"
    )


def subject(params: Params, *, pairs: int, code: Code) -> str:
    """Say what was measured on what: "Accuracy in percent with the backbone ... in ..."."""
    return (
        f"Accuracy in percent with the backbone {code(params.backbone.path)} on the {pairs} test "
        f"pairs of {code(params.datasets.xnli.path)} in {len(params.languages.all)} languages"
    )


def comparability(params: Params, *, table: str) -> str:
    """Say what the paper's numbers are of, and how far ours compare with them."""
    if params.datasets.xnli.path == XNLI and params.backbone.path in XLM_R_BASE:
        compare = "Ours name the same data set and backbone."
    else:
        compare = (
            "Ours name another data set or backbone: unless these hold XNLI and XLM-R-base "
            "themselves, compare the order of the methods at most, never the numbers."
        )
    return (
        f"The paper's values (Qiu et al. 2024, {table}) are of XLM-R-base on XNLI, means over "
        f"5 seeds. {compare}"
    )


def chance_line(mean: pd.DataFrame, *, pairs: int) -> str:
    """Name the rows of Table I whose average is not significantly above chance.

    Args:
        mean: our Table I, percent.
        pairs: the number of distinct test pairs.
    """
    stuck: dict[str, list[str]] = {}
    for shots, method, average in zip(mean["shots"], mean["method"], mean[AVERAGE], strict=True):
        if at_chance(float(average), pairs):
            stuck.setdefault(str(method), []).append(str(shots))
    chance = f"{100 / len(LABELS):.1f} percent"
    guess = f"{chance}; one-sided exact binomial over {pairs} pairs, 5 percent level"
    if not stuck:
        return f"Every average is above chance ({guess})."
    rows = "; ".join(f"{method} at k = {', '.join(shots)}" for method, shots in stuck.items())
    return f"Not above chance ({guess}): {rows}."
