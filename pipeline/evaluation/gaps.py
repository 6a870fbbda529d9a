"""What Table II and Figures 4 and 5 lack because params.yaml trains fewer cells of the grid."""

from collections.abc import Iterator

from pipeline.params.whole import Params


def table2_gaps(params: Params) -> str:
    """Return one sentence on the rows and p-values that Table II lacks; "" if none.

    Args:
        params: the runs, shots and seeds of the blocks, and the rows of Table II.
    """
    if not params.ablations.runs:
        return ""
    return _sentence(_table2_gaps(params), "Not in Table II")


def sweep_gaps(params: Params) -> str:
    """Return one sentence on the shots that Figures 4 and 5 lack; "" if none."""
    if not params.sweeps.runs:
        return ""
    reference, seeds = params.comparison.reference, _seeds(params)
    gaps = (
        f"{_shots(shots)} ({reference} is not trained there)"
        for shots in params.sweeps.shots
        if (reference, shots) not in seeds
    )
    return _sentence(gaps, "Not in Figures 4 and 5")


def _table2_gaps(params: Params) -> Iterator[str]:
    comparison, seeds = params.comparison, _seeds(params)
    reference = comparison.reference
    for shots in params.ablations.shots:
        ours = seeds.get((reference, shots))
        if not ours:
            yield f"{_shots(shots)} ({reference} is not trained there)"
            continue
        for variant, run in comparison.table2.items():
            theirs = seeds.get((run, shots))
            if not theirs:
                yield f"{variant} at {_shots(shots)} ({run} is not trained there)"
            elif not ours & theirs:
                yield (
                    f"the p-values of {variant} at {_shots(shots)} ({run} and {reference} have "
                    f"no seed in common)"
                )


def _seeds(params: Params) -> dict[tuple[str, int], set[int]]:
    seeds: dict[tuple[str, int], set[int]] = {}
    for run, shots, seed in params.cells:
        seeds.setdefault((run, shots), set()).add(seed)
    return seeds


def _sentence(gaps: Iterator[str], start: str) -> str:
    text = "; ".join(gaps)
    return f"{start}: {text}." if text else ""


def _shots(shots: int) -> str:
    return f"{shots} shot" + ("s" if shots != 1 else "")
