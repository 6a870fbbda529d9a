"""The provenance of the parallel pairs: manifest.json, and tables for the terminal."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from pipeline.corpora.drawing import content_hash
from pipeline.params.text import Paws15
from pipeline.translation.engines import Engine
from pipeline.translation.sample import Outcome


def manifest(
    outcome: Outcome, pool: pd.DataFrame, paws15: Paws15, engine: Engine
) -> dict[str, Any]:
    """Return the contents of manifest.json; `pool` are the pairs that were drawn from.

    Dates and refusals come from the engine's journal, so another run with the same journal
    writes the same bytes.
    """
    pairs = outcome.pairs
    counts = pairs.language.value_counts()
    return {
        "engine": paws15.engine,
        "engine_version": engine.version,
        "dates": outcome.dates,
        "seed": paws15.seed,
        "assignment": paws15.assignment,
        "pairs": len(pairs),
        "counts": {code: int(counts[code]) for code in sorted(counts.index)},
        "refusals": engine.refusals(outcome.asked),
        "replaced": [asdict(replacement) for replacement in outcome.replaced],
        "pool": len(pool),
        "pool_sha256": content_hash(sorted(zip(pool.premise, pool.hypothesis, strict=True))),
        "languages": dict(zip(pairs.pair_id, pairs.language, strict=True)),
    }


def table_by_language(outcome: Outcome) -> str:
    """Return a table of the counts by language, for the terminal."""
    counts = outcome.by_language()
    counts.loc["all"] = counts.sum()
    return counts.reset_index(names="language").to_string(index=False, col_space=10)


def complaints(outcome: Outcome) -> Iterator[str]:
    """Yield a line for every quarantined sentence."""
    for sentence, answer in outcome.refused:
        text = f": {answer.text[:60]!r}" if answer.text else ""
        yield (
            f"{sentence.pair_id}, {sentence.side} in {sentence.language}: {answer.reason}{text} "
            f"(for {sentence.text[:60]!r})"
        )
