import hashlib

import pandas as pd

from pipeline.corpora.pairs import draw_pairs
from pipeline.params.text import Paws15
from pipeline.progress import silent
from pipeline.translation.provenance import manifest
from pipeline.translation.sample import Sample, translated
from pipeline.translation.sentences import Answer

PAWS15 = Paws15(pairs=5, seed=3, assignment="balanced", engine="dataset", languages="all")
POOL = pd.DataFrame(
    {
        "pair_id": [f"train-{row}" for row in range(60)],
        "premise": [f"the first sentence {row}" for row in range(60)],
        "hypothesis": [f"the second sentence {row}" for row in range(60)],
    }
)


class Dictionary:
    """An engine that knows everything and was asked nothing."""

    version = "hub/paws-x@abc"

    def known(self, sentences, check):
        return {one: Answer(f"{one.language} {one.text}") for one in sentences}

    def ask(self, sentences, check, progress):
        raise AssertionError(sentences)

    def refusals(self, sentences):
        return {}


def facts(pool):
    drawn, engine = draw_pairs(POOL, PAWS15, ("sw", "de")), Dictionary()
    standing, _ = translated(engine, Sample(drawn, drawn.head(0)), lambda *_: None, progress=silent)
    return manifest(standing, pool, PAWS15, engine), standing.clean


def test_the_manifest_says_how_the_pairs_came_about():
    found, pairs = facts(POOL)
    hashed = hashlib.sha256()
    for row in sorted(zip(POOL.premise, POOL.hypothesis, strict=True)):
        hashed.update("\x1f".join(row).encode() + b"\n")
    assert found.pop("pool_sha256") == hashed.hexdigest()
    counts = found.pop("counts")
    assert list(counts) == ["de", "sw"]
    assert sorted(counts.values()) == [2, 3]
    assert found.pop("languages") == dict(zip(pairs.pair_id, pairs.language, strict=True))
    assert found == {
        "engine": "dataset",
        "engine_version": "hub/paws-x@abc",
        "dates": {},
        "seed": 3,
        "assignment": "balanced",
        "pairs": 5,
        "refusals": {},
        "replaced": [],
        "pool": 60,
    }


def test_the_manifest_does_not_depend_on_the_order_of_the_pool():
    assert facts(POOL.iloc[::-1])[0] == facts(POOL)[0]
