"""The manifest of the parallel pairs."""

import hashlib

import pytest

from pipeline.params.text import Paws15
from pipeline.progress import silent
from pipeline.translation.draw import draw_pairs
from pipeline.translation.engines import Engine
from pipeline.translation.sample import manifest, translated
from pipeline.translation.sentences import Answer
from tests.translation.projects import english

PAWS15 = Paws15(pairs=5, seed=3, assignment="balanced", engine="dataset", languages="all")
POOL = english(60)


class Dictionary(Engine):
    """An engine that knows every translation."""

    version = "hub/paws-x@abc"

    def usable(self, pool, languages):
        return pool

    def known(self, sentences, check):
        return {one: Answer(f"{one.language} {one.text}") for one in sentences}

    def ask(self, sentences, check, progress):
        raise AssertionError(sentences)


@pytest.fixture
def outcome():
    drawn = draw_pairs(POOL, PAWS15, ("sw", "de"))
    return translated(
        Dictionary(), drawn, spares=drawn.head(0), check=lambda *_: None, progress=silent
    )[0]


def test_the_manifest_describes_the_pairs(outcome):
    found = manifest(outcome, POOL, PAWS15, Dictionary())
    lines = sorted(zip(POOL.premise, POOL.hypothesis, strict=True))
    text = "".join("\x1f".join(line) + "\n" for line in lines)
    assert found.pop("pool_sha256") == hashlib.sha256(text.encode()).hexdigest()
    counts = found.pop("counts")
    assert list(counts) == ["de", "sw"]
    assert sorted(counts.values()) == [2, 3]
    pairs = outcome.clean
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


def test_the_manifest_does_not_depend_on_the_order_of_the_pool(outcome):
    assert manifest(outcome, POOL.iloc[::-1], PAWS15, Dictionary()) == manifest(
        outcome, POOL, PAWS15, Dictionary()
    )
