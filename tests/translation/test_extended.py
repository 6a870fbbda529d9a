"""`mpt paws15 --extended`: more pairs of the same draw, from the same journal."""

import pytest

from tests.commands import only_line
from tests.translation.projects import english, facts, pairs, write, written
from tests.translation_server import serving, well

BAD = ("number 3 runs", "number 5 runs")
KNOWN = {"languages": ("de", "sw"), "attempts": 2, "replace": True, "pairs": 20}
BOTH = {"pairs.parquet", "manifest.json", "extended.parquet", "extended_manifest.json"}


@pytest.fixture
def server():
    """A server that never translates two of the sentences."""

    def behave(language, text):
        return "empty" if any(mark in text for mark in BAD) else "well"

    with serving(behave=behave) as running:
        yield running


@pytest.mark.parametrize("order", [("fewer", "more"), ("more", "fewer")], ids=" first, ".join)
def test_the_extended_pairs_begin_with_the_others(order, folder, paws15, server):
    options = {"fewer": (), "more": ("--extended",)}
    write(folder, english(40), extended=30, url=server.url, **KNOWN)
    for name in order:
        assert paws15(*options[name]) == 0
    asked = len(server.requests)
    # A sentence is asked for again only after a bad answer.
    well = [(ask.language, ask.text) for ask in server.requests if ask.behaviour == "well"]
    assert len(well) == len(set(well))
    first = written(folder)
    assert set(first) == BOTH
    for name in order:
        assert paws15(*options[name]) == 0
    assert len(server.requests) == asked
    assert written(folder) == first

    fewer, more = pairs(folder), pairs(folder, "extended")
    assert (len(fewer), len(more)) == (20, 30)
    assert more.head(20).equals(fewer)
    assert more.language.value_counts().to_dict() == {"de": 15, "sw": 15}
    assert not {"train-3", "train-5"} & set(more.pair_id)
    assert not more.pair_id.duplicated().any()
    manifest, extended = facts(folder), facts(folder, "extended_manifest")
    replaced = manifest["replaced"]
    assert replaced
    assert extended["replaced"][: len(replaced)] == replaced
    for gone in extended["replaced"]:
        assert gone["pair_id"] in {"train-3", "train-5"}
        assert gone["by"] in set(more.pair_id)
        assert gone["reason"] == "premise: no text"
    assert (manifest["pairs"], extended["pairs"]) == (20, 30)
    assert list(extended["languages"]) == list(more.pair_id)


def test_without_a_number_there_are_as_many_as_the_pairs(folder, paws15, server):
    write(folder, english(40), url=server.url, **KNOWN)
    assert paws15() == 0
    asked = len(server.requests)
    assert paws15("--extended") == 0
    assert len(server.requests) == asked
    files = written(folder)
    assert files["extended.parquet"] == files["pairs.parquet"]
    assert files["extended_manifest.json"] == files["manifest.json"]


def test_too_few_spares_end_the_stage_and_change_no_pair(folder, paws15, server, capsys):
    write(folder, english(40), extended=39, url=server.url, **KNOWN)
    assert paws15() == 0
    capsys.readouterr()
    assert paws15("--extended") == 1
    assert "clean pairs: 38 of 39; sentences refused: 1" in capsys.readouterr().err
    assert set(written(folder)) == {"pairs.parquet", "manifest.json"}


def test_status_covers_the_extended_pairs(folder, paws15, server, capsys):
    server.behave = well
    write(folder, english(12), languages=("de",), pairs=4, extended=10, url=server.url)
    assert paws15() == 0
    capsys.readouterr()
    asked = len(server.requests)
    assert paws15("--extended", "--status") == 0
    assert len(server.requests) == asked
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == ["all", "10", "4", "8", "0", "12"]
    assert set(written(folder)) == {"pairs.parquet", "manifest.json"}


def test_a_pool_that_is_too_small_names_the_parameter(folder, paws15, server, capsys):
    write(folder, english(40), extended=41, url=server.url, **KNOWN)
    assert paws15("--extended") == 2
    assert server.requests == []
    assert only_line(capsys.readouterr().err) == (
        "params.yaml: paws15.extended: expected at most 40, the usable pairs of datasets.paws_x, "
        "found 41"
    )
