"""`mpt paws15` with servers: what it asks, keeps, refuses and says."""

import json
import re
from collections import Counter
from itertools import pairwise

import pytest
from ruamel.yaml import YAML

from pipeline.languages import LANGUAGES
from pipeline.translation.files import JOURNAL
from tests.commands import call, only_line, run
from tests.imports import ROOT
from tests.translation import projects
from tests.translation_server import WAYS, rendering, serving

EXPECTED = {
    "429": "too many requests",
    "500": "server error",
    "503": "server error",
    "dropped": "no connection",
    "cut short": "no connection",
    "cut chunk": "no connection",
    "hanging": "timed out",
    "dripping": "timed out",
    "error page": "error page",
    "empty": "no text",
    "no result": "no translation in the answer",
    "echo": "echo of the source",
    "other script": "wrong script",
    "tags": "glued words",
    "half": "length out of bounds",
    "twice": "length out of bounds",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def first_time(way):
    """Answer the first request for each sentence in a way, and the next ones well."""
    seen = Counter()

    def behave(language, text):
        seen[language, text] += 1
        return way if seen[language, text] == 1 else "well"

    return behave


def always(way, marks):
    """Answer in a way whenever a mark is in the sentence."""
    return lambda language, text: way if any(mark in text for mark in marks) else "well"


@pytest.mark.parametrize("way", WAYS)
def test_whatever_goes_wrong_once_is_noted_and_asked_for_again(way, folder, monkeypatch):
    assert set(EXPECTED) == set(WAYS)
    with serving(behave=first_time(way)) as server:
        projects.write(
            folder, projects.english(3), languages=("zh", "de", "ar"), pairs=3, url=server.url,
            timeout=0.3, give_up_after=50,
        )  # fmt: skip
        assert call(monkeypatch, "paws15") == 0
    assert Counter(one.behaviour for one in server.requests) == {way: 6, "well": 6}
    assert json.loads((folder / "data/paws15/manifest.json").read_text())["refusals"] == {
        EXPECTED[way]: 6
    }
    for row in projects.pairs(folder).itertuples():
        assert row.target_premise == rendering(row.premise, row.language)


def test_google_is_asked_by_its_own_codes(folder, monkeypatch):
    with serving() as server:
        projects.write(folder, projects.english(14), pairs=14, url=server.url)
        assert call(monkeypatch, "paws15") == 0
        assert call(monkeypatch, "paws15") == 0
    # The handler looks the language up by Google's code: zh-CN, and fails on any other.
    assert {one.language for one in server.requests} == set(projects.ALL)
    assert len(server.requests) == 28
    assert LANGUAGES["zh"].codes["google"] == "zh-CN"


def test_more_pairs_ask_for_the_new_ones_alone(folder, monkeypatch):
    with serving() as server:
        projects.write(folder, projects.english(90), pairs=20, url=server.url)
        assert call(monkeypatch, "paws15") == 0
        first, asked = projects.pairs(folder), len(server.requests)
        assert asked == 40
        facts = json.loads((folder / "data/paws15/manifest.json").read_text())
        at = projects.journal(folder, "accepted")["at"]
        assert facts["dates"] == {"first": at.min(), "last": at.max()}
        bytes_ = {path.name: path.read_bytes() for path in (folder / "data/paws15").iterdir()}
        projects.params(folder, pairs=80, url=server.url, workers=4)
        assert call(monkeypatch, "paws15") == 0
        assert len(server.requests) == 160
        assert projects.pairs(folder).head(20).equals(first)
        projects.params(folder, pairs=20, url=server.url)
        assert call(monkeypatch, "paws15") == 0
        assert len(server.requests) == 160
    again = {path.name: path.read_bytes() for path in (folder / "data/paws15").iterdir()}
    assert again == bytes_


def test_a_bad_sentence_is_quarantined_and_listed(folder, monkeypatch, capsys):
    bad = always("echo", ["number 3 runs"])
    with serving(behave=bad) as server:
        projects.write(
            folder, projects.english(8), languages=("sw",), pairs=8, url=server.url, attempts=3
        )
        assert call(monkeypatch, "paws15") == 1
        assert len(server.requests) == 15 + 3
        lines = capsys.readouterr().err.splitlines()
        assert lines == [
            "warning: train-3, premise in sw: echo of the source: 'the brown dog number 3 runs "
            "over the wide field' (for 'the brown dog number 3 runs over the wide field')",
            "mpt: 7 of 8 pairs are clean: 1 sentences were refused (listed above); more "
            "paws15.translation.attempts ask for them again, paws15.translation.replace: true "
            "draws other pairs",
        ]
        assert not (folder / "data/paws15").exists()
        assert call(monkeypatch, "paws15") == 1
        assert len(server.requests) == 18
        projects.params(folder, languages=("sw",), pairs=8, url=server.url, attempts=4)
        assert call(monkeypatch, "paws15") == 1
        assert len(server.requests) == 19


def test_a_replacement_is_drawn_only_where_params_say_so(folder, monkeypatch):
    with serving(behave=always("empty", ["number 3 runs", "number 5 runs"])) as server:
        known = {"languages": ("de", "sw"), "url": server.url, "attempts": 2, "replace": True}
        projects.write(folder, projects.english(40), pairs=20, **known)
        assert call(monkeypatch, "paws15") == 0
        small = projects.pairs(folder)
        projects.params(folder, pairs=30, **known)
        assert call(monkeypatch, "paws15") == 0
    large = projects.pairs(folder)
    assert large.head(20).equals(small)
    assert large.language.value_counts().to_dict() == {"de": 15, "sw": 15}
    assert not {"train-3", "train-5"} & set(large.pair_id)
    assert not large.pair_id.duplicated().any()
    facts = json.loads((folder / "data/paws15/manifest.json").read_text())
    gone = {one["pair_id"] for one in facts["replaced"]}
    assert gone
    assert gone <= {"train-3", "train-5"}
    assert {one["reason"] for one in facts["replaced"]} == {"premise: no text"}
    assert {one["by"] for one in facts["replaced"]} <= set(large.pair_id)


@pytest.mark.parametrize("way", ["429", "500", "dropped", "error page", "echo"])
@pytest.mark.parametrize("workers", [1, 4])
def test_an_ill_server_is_left_alone_and_nothing_is_held_against_the_sentences(
    way, workers, folder, monkeypatch, capsys
):
    behaviour = ["well"]
    with serving(
        behave=lambda *_: behaviour[0] if len(server.requests) >= 10 else "well"
    ) as server:
        projects.write(
            folder, projects.english(40), pairs=40, url=server.url, workers=workers,
            give_up_after=6, attempts=2,
        )  # fmt: skip
        behaviour[0] = way
        assert call(monkeypatch, "paws15") == 1
        line = only_line(capsys.readouterr().err)
        assert re.search(
            rf"sentences missing, 0 refused; what is there is kept: stopped after \d+ failures in "
            rf"a row \({EXPECTED[way]}\); run it again in \d+ minutes, after \d\d:\d\d$",
            line,
        ), line
        assert len(server.requests) <= 10 + 6 * workers + workers
        assert len(projects.journal(folder, "accepted")) == 10
        behaviour[0] = "well"
        before = len(server.requests)
        assert call(monkeypatch, "paws15") == 0
        assert len(server.requests) - before == 70


def test_after_too_many_requests_every_worker_waits_long(folder, monkeypatch):
    with serving(behave=lambda *_: "429" if len(server.requests) == 7 else "well") as server:
        projects.write(
            folder, projects.english(10), pairs=10, url=server.url, workers=3,
            wait=0.001, wait_too_many=2.0, requests_per_second=50,
        )  # fmt: skip
        assert call(monkeypatch, "paws15") == 0
    times = [one.at for one in server.requests]
    pauses = [after - before for before, after in pairwise(times)]
    # Jitter makes it 1 to 3 seconds. Two workers may have had a request under way.
    assert max(pauses) > 0.95
    assert max(range(len(pauses)), key=pauses.__getitem__) in {7, 8, 9}


def test_never_more_than_the_rate_on_the_servers_clock(folder, monkeypatch):
    with serving() as server:
        projects.write(
            folder, projects.english(30), pairs=30, url=server.url, workers=8,
            requests_per_second=20,
        )  # fmt: skip
        assert call(monkeypatch, "paws15") == 0
    assert len(server.requests) == 60
    assert server.rate() <= 20


def test_a_server_that_is_not_there_is_a_failed_run(folder, monkeypatch, capsys):
    projects.write(folder, projects.english(10), pairs=10, url="http://127.0.0.1:9/m")
    assert call(monkeypatch, "paws15") == 1
    assert "stopped after 10 failures in a row (no connection)" in only_line(
        capsys.readouterr().err
    )


def test_status_says_how_far_it_is_and_asks_nobody(folder, monkeypatch, capsys):
    with serving(behave=lambda *_: "500" if len(server.requests) >= 5 else "well") as server:
        projects.write(
            folder, projects.english(6), languages=("de", "sw"), pairs=6, url=server.url,
            give_up_after=2,
        )  # fmt: skip
        assert call(monkeypatch, "paws15", "--status") == 0
        assert server.requests == []
        assert not (folder / "data/translations").exists()
        assert call(monkeypatch, "paws15") == 1
        asked = len(server.requests)
        capsys.readouterr()
        assert call(monkeypatch, "paws15", "--status") == 0
        assert len(server.requests) == asked
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["language", "pairs", "clean", "sentences", "refused", "missing"]
    assert lines[-1] == ["all", "6", "2", "5", "0", "7"]
    assert [line[:2] for line in lines[2:4]] == [["de", "3"], ["sw", "3"]]


def test_tighter_bounds_refuse_what_was_accepted_and_wider_ones_ask_again(folder, monkeypatch):
    with serving() as server:
        known = {"languages": ("de",), "pairs": 4, "url": server.url, "attempts": 2}
        projects.write(folder, projects.english(4), **known, length={"de": [3.0, 4.0]})
        assert call(monkeypatch, "paws15") == 1
        assert len(server.requests) == 16
        projects.params(folder, **known)
        assert call(monkeypatch, "paws15") == 0
        assert len(server.requests) == 24
        projects.params(folder, **known, length={"de": [3.0, 4.0]})
        assert call(monkeypatch, "paws15") == 1
        assert len(server.requests) == 24


def test_a_killed_run_is_told_apart_from_one_that_is_at_work(folder, monkeypatch, capsys):
    from pipeline.translation.journal import Journal

    projects.write(folder, projects.english(4), pairs=4, url="http://127.0.0.1:9/m")
    with Journal(JOURNAL, engine="google", version="x", source="en").at_work():
        ended = run(folder, "paws15")
    assert ended.returncode == 1
    assert only_line(ended.stderr) == (
        "data/translations/journal.sqlite: another `mpt paws15` is translating into it"
    )


def test_pairs_that_no_engine_can_translate_are_not_drawn(folder, monkeypatch):
    pool = projects.english(6)
    pool.loc[0, "premise"] = "... — !?"
    pool.loc[1, "hypothesis"] = "word " * 1000
    with serving() as server:
        projects.write(folder, pool, languages=("de",), pairs=4, url=server.url)
        assert call(monkeypatch, "paws15") == 0
    assert not {"train-0", "train-1"} & set(projects.pairs(folder).pair_id)


def test_progress_goes_by_sentence_and_counts_what_was_there(folder):
    from pipeline.corpora.pairs import draw_pairs
    from pipeline.params.whole import load_params
    from pipeline.translation.engines import build
    from pipeline.translation.sample import Sample, translated

    told = []
    with serving() as server:
        for pairs in (2, 5):
            projects.write(
                folder, projects.english(5), languages=("de",), pairs=pairs, url=server.url
            )
            params = load_params()
            drawn = draw_pairs(projects.english(5), params.paws15, ("de",))
            told.clear()
            translated(
                build(params),
                Sample(drawn, drawn.head(0)),
                lambda *_: None,
                progress=lambda *step: told.append(step),
            )
    assert told[-1][:3] == ("translating", 10, 10)
    assert {step[0] for step in told} == {"translating"}
    assert all(4 <= step[1] <= 10 and step[2] == 10 for step in told)


def test_the_journal_lies_where_neither_dvc_nor_git_reaches():
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    outs = {str(out) for stage in stages.values() for out in stage["outs"]}
    assert not any(one.startswith("data/translations") for one in outs)
    assert not any(str(JOURNAL).startswith(one) for one in outs)
    for name in (".gitignore", ".dvcignore"):
        assert "/data/translations/" in (ROOT / name).read_text(encoding="utf-8").splitlines()
