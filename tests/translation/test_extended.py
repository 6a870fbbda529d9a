"""`mpt paws15 --extended`: more pairs of the same draw, from the same journal."""

import json

import pytest

from tests.commands import call, only_line
from tests.translation import projects
from tests.translation_server import serving

BAD = ("number 3 runs", "number 5 runs")
KNOWN = {"languages": ("de", "sw"), "attempts": 2, "replace": True}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def quarantined(language, text):
    return "empty" if any(mark in text for mark in BAD) else "well"


def facts(folder, name="manifest"):
    return json.loads((folder / f"data/paws15/{name}.json").read_text())


def written(folder):
    return {path.name: path.read_bytes() for path in (folder / "data/paws15").iterdir()}


@pytest.mark.parametrize("order", [("fewer", "more"), ("more", "fewer")], ids=" first, ".join)
def test_more_pairs_begin_with_the_fewer_replacements_included(order, folder, monkeypatch):
    arguments = {"fewer": ("paws15",), "more": ("paws15", "--extended")}
    with serving(behave=quarantined) as server:
        projects.write(folder, projects.english(40), pairs=20, extended=30, url=server.url, **KNOWN)
        for one in order:
            assert call(monkeypatch, *arguments[one]) == 0
        asked = len(server.requests)
        # Nobody is asked twice for a sentence, but for those that were badly answered.
        well = [(one.language, one.text) for one in server.requests if one.behaviour == "well"]
        assert len(well) == len(set(well))
        first = written(folder)
        for one in order:
            assert call(monkeypatch, *arguments[one]) == 0
        assert len(server.requests) == asked
    assert written(folder) == first
    assert set(first) == {
        "pairs.parquet", "manifest.json", "extended.parquet", "extended_manifest.json",
    }  # fmt: skip
    fewer, more = projects.pairs(folder), projects.pairs(folder, "extended")
    assert (len(fewer), len(more)) == (20, 30)
    assert more.head(20).equals(fewer)
    assert not {"train-3", "train-5"} & set(more.pair_id)
    assert not more.pair_id.duplicated().any()
    replaced, all_replaced = (
        facts(folder, name)["replaced"] for name in ("manifest", "extended_manifest")
    )
    assert replaced
    assert all_replaced[: len(replaced)] == replaced
    assert facts(folder)["pairs"] == 20
    assert facts(folder, "extended_manifest")["pairs"] == 30
    assert list(facts(folder, "extended_manifest")["languages"]) == list(more.pair_id)


def test_without_a_number_it_is_as_many_as_the_pairs(folder, monkeypatch):
    with serving(behave=quarantined) as server:
        projects.write(folder, projects.english(40), pairs=20, url=server.url, **KNOWN)
        assert call(monkeypatch, "paws15") == 0
        asked = len(server.requests)
        assert call(monkeypatch, "paws15", "--extended") == 0
        assert len(server.requests) == asked
    found = written(folder)
    assert found["extended.parquet"] == found["pairs.parquet"]
    assert found["extended_manifest.json"] == found["manifest.json"]


def test_spares_that_do_not_suffice_end_the_stage_and_change_no_pair(folder, monkeypatch, capsys):
    with serving(behave=quarantined) as server:
        projects.write(folder, projects.english(40), pairs=20, extended=39, url=server.url, **KNOWN)
        assert call(monkeypatch, "paws15") == 0
        capsys.readouterr()
        assert call(monkeypatch, "paws15", "--extended") == 1
        assert "38 of 39 pairs are clean: 1 sentences were refused" in capsys.readouterr().err
    assert set(written(folder)) == {"pairs.parquet", "manifest.json"}


def test_status_says_how_far_the_more_are(folder, monkeypatch, capsys):
    with serving() as server:
        projects.write(
            folder, projects.english(12), languages=("de",), pairs=4, extended=10, url=server.url
        )
        assert call(monkeypatch, "paws15") == 0
        capsys.readouterr()
        assert call(monkeypatch, "paws15", "--extended", "--status") == 0
        assert len(server.requests) == 8
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["language", "pairs", "clean", "sentences", "refused", "missing"]
    assert lines[-1] == ["all", "10", "4", "8", "0", "12"]
    assert set(written(folder)) == {"pairs.parquet", "manifest.json"}


def test_a_pool_that_is_too_small_names_the_parameter(folder, monkeypatch, capsys):
    with serving() as server:
        projects.write(folder, projects.english(40), pairs=20, extended=41, url=server.url)
        assert call(monkeypatch, "paws15", "--extended") == 2
        assert server.requests == []
    assert only_line(capsys.readouterr().err) == (
        "params.yaml: paws15.extended: expected at most the 40 usable pairs of datasets.paws_x, "
        "found 41"
    )
