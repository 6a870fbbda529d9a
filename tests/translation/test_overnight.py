"""The whole stage against a server that fails often, and a process that is killed."""

import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from datetime import datetime

import pandas as pd
import pytest

from pipeline.corpora.pairs import clean_pool, read_paws_x
from pipeline.params.text import PairSource
from pipeline.translation.checks import normalized
from tests import real_data
from tests.translation import projects
from tests.translation_server import WAYS, rendering, serving, sometimes

RATE = 160
# A process of its own for each `mpt paws15`, forked from one that has its imports ready.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pipeline.translation.engines.google", "stages.cli", __name__])


def paws15_in(folder, journal):
    from stages.cli import main

    os.environ["MPT_JOURNAL"] = journal
    os.chdir(folder)
    sys.argv = ["mpt", "paws15"]
    main()


def start(folder):
    process = PROCESSES.Process(target=paws15_in, args=(folder, os.environ["MPT_JOURNAL"]))
    process.start()
    return process


def kill(process, server, *, after):
    """Kill a process so many seconds after its first request."""
    before = len(server.requests)
    while len(server.requests) == before and process.is_alive():
        time.sleep(0.01)
    time.sleep(after)
    assert process.is_alive()
    process.kill()
    process.join()


@pytest.mark.slow
def test_killed_ten_times_over_a_server_that_fails_at_every_third_request(folder, paws15):
    moments = random.Random(7)
    with serving(behave=sometimes(0.3, seed=3)) as server:
        projects.write(
            folder, projects.english(340), pairs=280, url=server.url, workers=6,
            requests_per_second=RATE, timeout=0.4, wait=0.01, wait_too_many=0.05, attempts=10,
        )  # fmt: skip
        for _ in range(10):
            kill(start(folder), server, after=moments.uniform(0, 0.3))
            assert not (folder / "data/paws15").exists()
        last = start(folder)
        last.join()
        assert last.exitcode == 0
        asked, first = list(server.requests), projects.written(folder)
        assert paws15() == 0
        assert server.requests == asked
        assert projects.written(folder) == first
        assert server.rate() <= RATE
    pairs = projects.pairs(folder)
    assert list(pairs.language.value_counts()) == [20] * 14
    for row in pairs.itertuples():
        assert row.target_premise == rendering(row.premise, row.language)
        assert row.target_hypothesis == rendering(row.hypothesis, row.language)
    ways = Counter(request.behaviour for request in asked)
    assert set(ways) == {"well", *WAYS}
    assert 0.25 < 1 - ways["well"] / len(asked) < 0.35
    accepted = projects.journal("accepted")
    assert len(accepted) == 560
    at = {
        (row.target, row.sentence): datetime.fromisoformat(row.at).timestamp()
        for row in accepted.itertuples()
    }
    assert all(request.at <= at[request.language, request.text] for request in asked)
    assert set(projects.facts(folder)["refusals"]) >= {"echo of the source", "glued words"}


def each_sentence_once(pool):
    """Leave out pairs with a sentence of an earlier pair: a server knows one translation of it."""
    seen, kept = set(), []
    for row in pool.itertuples():
        both = {row.premise.strip(), row.hypothesis.strip()}
        kept.append(len(both) == 2 and not both & seen)
        if kept[-1]:
            seen |= both
    return pool[kept]


@pytest.mark.slow
@real_data.needs(real_data.PAWS_X)
def test_of_two_thousand_sentences_none_lands_under_another_pair(folder, paws15):
    source = PairSource(path=str(real_data.PAWS_X), splits=("validation", "test"))
    languages = ("de", "es", "fr", "zh")
    human = {code: read_paws_x(source, code).set_index("pair_id") for code in languages}
    test = pd.DataFrame({"premise": ["held out"], "hypothesis": ["kept away"]})
    pool = each_sentence_once(clean_pool(read_paws_x(source, "en"), test)[0])
    assert len(pool) > 1500
    truth = {
        (text, code): human[code][side][pair_id]
        for side in ("premise", "hypothesis")
        for pair_id, text in zip(pool.pair_id, pool[side].str.strip(), strict=True)
        for code in languages
    }
    with serving(lambda text, language: truth[text, language] or "") as server:
        projects.write(
            folder, pool, languages=languages, pairs=1000, url=server.url, workers=16,
            attempts=1, replace=True, give_up_after=30,
        )  # fmt: skip
        assert paws15() == 0
    pairs = projects.pairs(folder)
    assert pairs.language.value_counts().to_dict() == dict.fromkeys(languages, 250)
    for row in pairs.itertuples():
        theirs = human[row.language].loc[row.pair_id]
        ours = row.target_premise, row.target_hypothesis
        assert ours == (normalized(theirs.premise), normalized(theirs.hypothesis))
    replaced = projects.facts(folder)["replaced"]
    assert len(replaced) < 30, replaced
