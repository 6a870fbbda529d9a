"""`mpt paws15` with servers: what it asks, keeps, refuses and reports."""

import re
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise

import pytest
from ruamel.yaml import YAML

from pipeline.languages import LANGUAGES
from pipeline.params.whole import load_params
from pipeline.translation.draw import draw_pairs
from pipeline.translation.engines import build
from pipeline.translation.journal import Journal
from pipeline.translation.place import FORMER, journal_path
from pipeline.translation.sample import translated
from tests.commands import environment, only_line
from tests.imports import ROOT
from tests.translation.projects import ALL, english, facts, journal, pairs, params, write, written
from tests.translation_server import WAYS, rendering, serving

EXPECTED = {
    "429": "too many requests", "500": "server error", "503": "server error",
    "dropped": "no connection", "cut short": "no connection", "cut chunk": "no connection",
    "hanging": "timed out", "dripping": "timed out", "error page": "error page",
    "empty": "no text", "no result": "no translation in the answer",
    "echo": "echo of the source", "other script": "wrong script", "tags": "glued words",
    "half": "length out of bounds", "twice": "length out of bounds",
}  # fmt: skip


@pytest.fixture
def server():
    with serving() as running:
        yield running


def first_time(way):
    """Answer the first request for each sentence in a way, and the next ones well."""
    seen = Counter()

    def behave(language, text):
        seen[language, text] += 1
        return way if seen[language, text] == 1 else "well"

    return behave


def always(way, *marks):
    """Answer in a way if a mark is in the sentence."""
    return lambda language, text: way if any(mark in text for mark in marks) else "well"


@pytest.mark.parametrize("way", WAYS)
def test_any_failure_is_noted_and_the_sentence_asked_for_again(way, folder, paws15, server):
    assert set(EXPECTED) == set(WAYS)
    server.behave = first_time(way)
    write(
        folder, english(3), languages=("zh", "de", "ar"), pairs=3, url=server.url, workers=6,
        timeout=1, give_up_after=50,
    )  # fmt: skip
    assert paws15() == 0
    assert Counter(asked.behaviour for asked in server.requests) == {way: 6, "well": 6}
    assert facts(folder)["refusals"] == {EXPECTED[way]: 6}
    for row in pairs(folder).itertuples():
        assert row.target_premise == rendering(row.premise, row.language)


def test_google_is_asked_by_its_own_codes(folder, paws15, server):
    write(folder, english(14), pairs=14, url=server.url)
    assert paws15() == 0
    assert paws15() == 0
    # The server looks languages up by Google's codes, and fails on any other.
    assert {asked.language for asked in server.requests} == set(ALL)
    assert len(server.requests) == 28
    assert LANGUAGES["zh"].codes["google"] == "zh-CN"


def test_more_pairs_ask_only_for_the_new_ones(folder, paws15, server):
    write(folder, english(50), pairs=14, url=server.url)
    assert paws15() == 0
    first, before = pairs(folder), written(folder)
    assert len(server.requests) == 28
    at = journal("accepted")["at"]
    assert facts(folder)["dates"] == {"first": at.min(), "last": at.max()}
    params(folder, pairs=40, url=server.url, workers=4)
    assert paws15() == 0
    assert len(server.requests) == 80
    assert pairs(folder).head(14).equals(first)
    params(folder, pairs=14, url=server.url)
    assert paws15() == 0
    assert len(server.requests) == 80
    assert written(folder) == before


def test_a_bad_sentence_is_quarantined_and_listed(folder, paws15, server, capsys):
    server.behave = always("echo", "number 3 runs")
    known = {"languages": ("sw",), "pairs": 8, "url": server.url}
    write(folder, english(8), **known, attempts=3)
    assert paws15() == 1
    assert len(server.requests) == 15 + 3
    assert capsys.readouterr().err.splitlines() == [
        "warning: train-3, premise in sw: echo of the source: 'the brown dog number 3 runs "
        "over the wide field' (for 'the brown dog number 3 runs over the wide field')",
        "mpt: clean pairs: 7 of 8; sentences refused: 1 (listed above); more "
        "paws15.translation.attempts ask for them again, paws15.translation.replace: true "
        "draws other pairs",
    ]
    assert not (folder / "data/paws15").exists()
    assert paws15() == 1
    assert len(server.requests) == 18
    params(folder, **known, attempts=4)
    assert paws15() == 1
    assert len(server.requests) == 19


def test_a_sentence_in_two_pairs_is_asked_for_once_per_language(folder, paws15, server):
    pool = english(6).assign(hypothesis="the sentence that all of the pairs have in common")
    write(folder, pool, languages=("de", "sw"), pairs=6, url=server.url)
    assert paws15() == 0
    assert len(server.requests) == 6 + 2


@pytest.mark.parametrize("way", ["429", "500", "dropped", "error page", "echo"])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_server_that_is_down_is_left_alone_and_its_answers_do_not_count(  # noqa: PLR0917
    way, workers, folder, paws15, server, capsys
):
    server.behave = lambda *_: "well" if len(server.requests) < 10 else way
    write(
        folder, english(15), pairs=15, url=server.url, workers=workers, give_up_after=6,
        attempts=2,
    )  # fmt: skip
    assert paws15() == 1
    line = only_line(capsys.readouterr().err)
    assert re.search(
        rf"sentences missing: \d+, refused: 0; the answers so far are kept: stopped, failures in a "
        rf"row: \d+ \({EXPECTED[way]}\); run it again in \d+ minutes, after \d\d:\d\d$",
        line,
    ), line
    assert len(server.requests) <= 10 + 6 * workers + workers
    assert len(journal("accepted")) == 10
    before = len(server.requests)
    server.behave = always("well")
    assert paws15() == 0
    assert len(server.requests) - before == 20


def test_after_too_many_requests_every_worker_waits_long(folder, paws15, server):
    server.behave = lambda *_: "429" if len(server.requests) == 7 else "well"
    write(
        folder, english(10), pairs=10, url=server.url, workers=3, wait=0.001, wait_too_many=1.0,
        requests_per_second=50,
    )  # fmt: skip
    assert paws15() == 0
    times = [asked.at for asked in server.requests]
    pauses = [after - before for before, after in pairwise(times)]
    # Jitter makes it 0.5 to 1.5 seconds. Two workers may have had a request under way.
    assert max(pauses) > 0.45
    assert max(range(len(pauses)), key=pauses.__getitem__) in {7, 8, 9}


def test_the_rate_is_never_exceeded_by_the_servers_clock(folder, paws15, server):
    write(folder, english(30), pairs=30, url=server.url, workers=8, requests_per_second=40)
    assert paws15() == 0
    assert len(server.requests) == 60
    assert server.rate() <= 40


def test_a_server_out_of_reach_is_a_failed_run(folder, paws15, capsys):
    write(folder, english(10), pairs=10, url="http://127.0.0.1:9/m")
    assert paws15() == 1
    line = only_line(capsys.readouterr().err)
    assert "stopped, failures in a row: 10 (no connection)" in line


def test_status_shows_progress_and_asks_nobody(folder, paws15, server, capsys):
    server.behave = lambda *_: "500" if len(server.requests) >= 5 else "well"
    write(folder, english(6), languages=("de", "sw"), pairs=6, url=server.url, give_up_after=2)
    assert paws15("--status") == 0
    assert server.requests == []
    assert not journal_path().parent.exists()
    assert paws15() == 1
    asked = len(server.requests)
    capsys.readouterr()
    assert paws15("--status") == 0
    assert len(server.requests) == asked
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["language", "pairs", "clean", "sentences", "refused", "missing"]
    assert lines[-1] == ["all", "6", "2", "5", "0", "7"]
    assert [line[:2] for line in lines[2:4]] == [["de", "3"], ["sw", "3"]]


def test_tighter_bounds_refuse_accepted_texts_and_wider_ones_ask_again(folder, paws15, server):
    known = {"languages": ("de",), "pairs": 4, "url": server.url, "attempts": 2}
    tight = {"length": {"de": [3.0, 4.0]}}
    write(folder, english(4), **known, **tight)
    assert paws15() == 1
    assert len(server.requests) == 16
    params(folder, **known)
    assert paws15() == 0
    assert len(server.requests) == 24
    params(folder, **known, **tight)
    assert paws15() == 1
    assert len(server.requests) == 24


def test_a_second_process_waits_for_the_first_and_asks_for_what_it_left(folder, server):
    write(folder, english(4), pairs=4, url=server.url)
    command = [sys.executable, "-m", "stages", "paws15"]
    with Journal(journal_path(), engine="google", version="x", source="en").locked():
        second = subprocess.Popen(command, cwd=folder, env=environment())
        time.sleep(3)  # longer than it takes to begin
        assert second.poll() is None
        assert server.requests == []
    assert second.wait(60) == 0
    assert len(server.requests) == 8


def test_pairs_that_no_server_can_translate_are_not_drawn(folder, paws15, server):
    pool = english(6)
    pool.loc[0, "premise"] = "... — !?"
    pool.loc[1, "hypothesis"] = "word " * 1000
    write(folder, pool, languages=("de",), pairs=4, url=server.url)
    assert paws15() == 0
    assert not {"train-0", "train-1"} & set(pairs(folder).pair_id)


def test_progress_goes_by_sentence_and_includes_earlier_runs(folder, server):
    told = []
    for number in (2, 5):
        write(folder, english(5), languages=("de",), pairs=number, url=server.url)
        settings = load_params()
        drawn = draw_pairs(english(5), settings.paws15, ("de",))
        told.clear()
        translated(
            build(settings), drawn, spares=drawn.head(0), check=lambda *_: None,
            progress=lambda *step: told.append(step),
        )  # fmt: skip
    assert told[-1][:3] == ("translating", 10, 10)
    assert {step[0] for step in told} == {"translating"}
    assert all(4 <= step[1] <= 10 and step[2] == 10 for step in told)


def test_neither_dvc_nor_git_touches_a_journal_in_its_former_place():
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    outs = {str(out) for stage in stages.values() for out in stage["outs"]}
    assert not any(out.startswith("data/translations") for out in outs)
    assert not any(str(FORMER).startswith(out) for out in outs)
    for name in (".gitignore", ".dvcignore"):
        assert "/data/translations/" in (ROOT / name).read_text(encoding="utf-8").splitlines()
