"""The whole stage against servers that misbehave, and a process that is killed."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime

import pandas as pd
import pytest

from pipeline.corpora.pairs import clean_pool, read_paws_x
from pipeline.params.text import PairSource
from tests.commands import call, environment
from tests.imports import ROOT
from tests.translation import projects
from tests.translation_server import WAYS, rendering, serving, sometimes

REAL = ROOT.parent / "shared" / "hub" / "google-research-datasets" / "paws-x"
RATE = 80


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-m", "stages", "paws15"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill(process, server, *, after):
    """End a process by SIGKILL so many seconds after its first request."""
    before = len(server.requests)
    while len(server.requests) == before and process.poll() is None:
        time.sleep(0.01)
    time.sleep(after)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_killed_ten_times_over_a_server_that_fails_at_every_third_request(tmp_path, monkeypatch):
    moments = random.Random(7)
    with serving(behave=sometimes(0.3, seed=3)) as server:
        projects.write(
            tmp_path, projects.english(600), pairs=500, url=server.url, workers=2,
            requests_per_second=RATE, timeout=0.4, wait=0.01, wait_too_many=0.05, attempts=10,
        )  # fmt: skip
        for _ in range(10):
            kill(start(tmp_path), server, after=moments.uniform(0, 0.6))
            assert not (tmp_path / "data/paws15").exists()
        last = start(tmp_path)
        said = last.communicate()
        assert last.returncode == 0, said
        asked = list(server.requests)
        monkeypatch.chdir(tmp_path)
        first = (tmp_path / "data/paws15/pairs.parquet").read_bytes()
        facts = (tmp_path / "data/paws15/manifest.json").read_bytes()
        assert call(monkeypatch, "paws15") == 0
        assert server.requests == asked
        assert (tmp_path / "data/paws15/pairs.parquet").read_bytes() == first
        assert (tmp_path / "data/paws15/manifest.json").read_bytes() == facts
        assert server.rate() <= RATE
    pairs = projects.pairs(tmp_path)
    assert len(pairs) == 500
    assert sorted(pairs.language.value_counts()) == [35] * 4 + [36] * 10
    for row in pairs.itertuples():
        assert row.target_premise == rendering(row.premise, row.language)
        assert row.target_hypothesis == rendering(row.hypothesis, row.language)
    ways = Counter(one.behaviour for one in asked)
    assert set(ways) == {"well", *WAYS}
    assert 0.25 < 1 - ways["well"] / len(asked) < 0.35
    accepted = projects.journal(tmp_path, "accepted")
    assert len(accepted) == 1000
    at = {
        (row.target, row.sentence): datetime.fromisoformat(row.at).timestamp()
        for row in accepted.itertuples()
    }
    assert all(one.at <= at[one.language, one.text] for one in asked)
    assert set(json.loads(facts)["refusals"]) >= {"echo of the source", "glued words"}


def each_sentence_once(pool):
    """Leave out pairs with a sentence of an earlier one: a server knows one translation of it."""
    seen, kept = set(), []
    for row in pool.itertuples():
        both = {row.premise.strip(), row.hypothesis.strip()}
        kept.append(len(both) == 2 and not both & seen)
        if kept[-1]:
            seen |= both
    return pool[kept]


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason=f"no copy of PAWS-X at {REAL}")
def test_of_two_thousand_sentences_none_lands_under_another_pair(tmp_path, monkeypatch):
    source = PairSource(path=str(REAL), splits=("validation", "test"))
    languages = ("de", "es", "fr", "zh")
    human = {code: read_paws_x(source, code).set_index("pair_id") for code in languages}
    raw = read_paws_x(source, "en")
    test = pd.DataFrame({"premise": ["held out"], "hypothesis": ["kept away"]})
    pool = clean_pool(raw, test)
    pool = each_sentence_once(pool)
    assert len(pool) > 1500
    truth = {
        (text, code): human[code][side][pair_id]
        for side in ("premise", "hypothesis")
        for pair_id, text in zip(pool.pair_id, pool[side].str.strip(), strict=True)
        for code in languages
    }
    with serving(lambda text, language: truth[text, language] or "") as server:
        projects.write(
            tmp_path, pool, languages=languages, pairs=1000, url=server.url, workers=16,
            attempts=1, replace=True, give_up_after=30,
        )  # fmt: skip
        monkeypatch.chdir(tmp_path)
        assert call(monkeypatch, "paws15") == 0
    pairs = projects.pairs(tmp_path)
    assert pairs.language.value_counts().to_dict() == dict.fromkeys(languages, 250)
    for row in pairs.itertuples():
        theirs = human[row.language].loc[row.pair_id]
        ours = " ".join(row.target_premise.split()), " ".join(row.target_hypothesis.split())
        assert ours == (" ".join(theirs.premise.split()), " ".join(theirs.hypothesis.split()))
    facts = json.loads((tmp_path / "data/paws15/manifest.json").read_text())
    assert len(facts["replaced"]) < 30, facts["replaced"]
