"""How the parallel pairs came about: manifest.json, and how far they are, for people."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from pipeline.corpora.drawing import content_hash
from pipeline.params.text import Paws15
from pipeline.translation.engines import Engine
from pipeline.translation.sample import Standing


def manifest(
    standing: Standing, pool: pd.DataFrame, paws15: Paws15, engine: Engine
) -> dict[str, Any]:
    """Return how the parallel pairs came about, for manifest.json.

    Dates and refusals come from the engine's journal: another run over the same journal writes
    the same bytes.

    Args:
        standing: the parallel pairs, and what became of those that were replaced.
        pool: the English pairs that were drawn from.
        paws15: how they were drawn.
        engine: what translated them.
    """
    pairs = standing.pairs
    counts = pairs.language.value_counts()
    return {
        "engine": paws15.engine,
        "engine_version": engine.version,
        "dates": standing.dates,
        "seed": paws15.seed,
        "assignment": paws15.assignment,
        "pairs": len(pairs),
        "counts": {code: int(counts[code]) for code in sorted(counts.index)},
        "refusals": engine.refusals(standing.asked),
        "replaced": [asdict(one) for one in standing.replaced],
        "pool": len(pool),
        "pool_sha256": content_hash(sorted(zip(pool.premise, pool.hypothesis, strict=True))),
        "languages": dict(zip(pairs.pair_id, pairs.language, strict=True)),
    }


def table_by_language(standing: Standing) -> Iterator[str]:
    """Return a table, line by line: for each language the pairs wanted and what is there."""
    counts = standing.by_language()
    counts.loc["all"] = counts.sum()
    yield "".join([f"{'language':<8}", *(f"{head:>11}" for head in counts.columns)])
    for language, row in counts.iterrows():
        yield "".join([f"{language:<8}", *(f"{number:>11}" for number in row)])


def complaints(standing: Standing) -> Iterator[str]:
    """Return a line for every sentence that was refused for good."""
    for sentence, answer in standing.refused:
        text = f": {answer.text[:60]!r}" if answer.text else ""
        yield (
            f"{sentence.pair_id}, {sentence.side} in {sentence.language}: {answer.reason}{text} "
            f"(for {sentence.text[:60]!r})"
        )
