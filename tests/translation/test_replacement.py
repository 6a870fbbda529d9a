"""Which pair takes the place of a refused one, and what an outage says of a sentence."""

from collections.abc import Mapping

import pandas as pd
import pytest

from pipeline.params.text import Paws15
from pipeline.progress import silent
from pipeline.translation.engines import Engine
from pipeline.translation.journal import Journal, Refusal, now
from pipeline.translation.place import journal_path
from pipeline.translation.sample import look_up, manifest, translated
from pipeline.translation.sentences import Answer, Sentence
from tests.translation.projects import english, facts, journal, pairs, write
from tests.translation_server import rendering, serving, well

DRAWN = pd.DataFrame(
    [(f"p{at}", f"premise {at}", f"hypothesis {at}", code)
     for at, code in enumerate(("de", "sw", "fr", "de"))],
    columns=["pair_id", "premise", "hypothesis", "language"],
)  # fmt: skip
SPARES = pd.DataFrame(
    [(f"s{at}", f"spare premise {at}", f"spare hypothesis {at}") for at in range(3)],
    columns=["pair_id", "premise", "hypothesis"],
)
REFUSED = {
    ("sw", "hypothesis 1"): "wrong script",
    ("sw", "spare premise 0"): "glued words",  # its replacement, which is replaced again
    ("de", "premise 3"): "no text",
    ("de", "hypothesis 3"): "markup",  # the first side is named
}


class Refusing(Engine):
    """Has an answer to everything that was asked, but refuses some sentences in a language."""

    version = "1"

    def __init__(self, refused: Mapping[tuple[str, str], str]) -> None:
        self.refused, self.asked = refused, []

    def usable(self, pool, languages):
        return pool

    def known(self, sentences, check):
        self.asked += [(sentence.language, sentence.text) for sentence in sentences]
        return {
            one: Answer(f"{one.language}: {one.text}", self.refused.get((one.language, one.text)))
            for one in sentences
        }


def found(spares: pd.DataFrame = SPARES, refused=REFUSED):
    engine = Refusing(refused)
    return look_up(engine, DRAWN, spares=spares, check=lambda *_: None), engine


def test_a_replacement_has_the_language_and_the_place_of_the_refused_pair():
    outcome, engine = found()
    assert outcome.pairs[["pair_id", "language"]].to_numpy().tolist() == [
        ["p0", "de"], ["s1", "sw"], ["p2", "fr"], ["s2", "de"],
    ]  # fmt: skip
    assert outcome.replaced == [
        {"pair_id": "p1", "language": "sw", "reason": "hypothesis: wrong script", "by": "s0"},
        {"pair_id": "s0", "language": "sw", "reason": "premise: glued words", "by": "s1"},
        {"pair_id": "p3", "language": "de", "reason": "premise: no text", "by": "s2"},
    ]
    assert engine.asked[8:] == [
        (code, f"spare {side} {at}")
        for code, at in (("sw", 0), ("sw", 1), ("de", 2))
        for side in ("premise", "hypothesis")
    ]
    assert outcome.clean.target_premise.to_list() == [
        "de: premise 0", "sw: spare premise 1", "fr: premise 2", "de: spare premise 2",
    ]  # fmt: skip
    assert outcome.clean.target_hypothesis.to_list()[1] == "sw: spare hypothesis 1"


def test_a_pair_without_a_spare_stays_and_is_not_clean():
    outcome, _ = found(SPARES.head(1))
    assert outcome.pairs.pair_id.to_list() == ["p0", "s0", "p2", "p3"]
    assert outcome.clean.pair_id.to_list() == ["p0", "p2"]
    assert [one.text for one in outcome.in_state("refused")] == [
        "spare premise 0", "premise 3", "hypothesis 3",
    ]  # fmt: skip
    # Nothing is replaced by a pair that was not drawn.
    assert [gone["by"] for gone in outcome.replaced] == ["s0"]


def test_the_manifest_is_about_the_pairs_that_were_kept():
    outcome, engine = found()
    paws15 = Paws15(pairs=4, seed=5, assignment="balanced", engine="dataset", languages="all")
    facts = manifest(outcome, pd.concat([DRAWN, SPARES]), paws15, engine)
    assert facts["languages"] == {"p0": "de", "s1": "sw", "p2": "fr", "s2": "de"}
    assert facts["counts"] == {"de": 2, "fr": 1, "sw": 1}
    assert (facts["pairs"], facts["pool"], len(facts["replaced"])) == (4, 7, 3)
    # What was wanted, replaced pairs included.
    assert len(outcome.asked) == 8 + 6


def test_nothing_is_replaced_unless_it_is_refused():
    outcome, engine = found(refused={("fr", "premise 1"): "no text"})
    assert outcome.pairs.equals(DRAWN)
    assert outcome.replaced == []
    assert translated(engine, DRAWN, spares=SPARES, check=lambda *_: None, progress=silent)[
        0
    ].clean.pair_id.to_list() == ["p0", "p1", "p2", "p3"]


@pytest.fixture
def server():
    with serving(behave=well) as running:
        yield running


def in_turn(server, *turns: tuple[int, str]):
    """Answer so many requests in a way, then so many in another, then all in the last."""
    ways = [way for number, way in turns[:-1] for _ in range(number)]
    return lambda *_: dict(enumerate(ways)).get(len(server.requests), turns[-1][1])


KNOWN = {"languages": ("de", "sw"), "pairs": 6, "workers": 1}


@pytest.mark.parametrize("way", ["echo", "500"])
def test_an_outage_quarantines_no_sentence(way, folder, paws15, server):
    once = KNOWN | {"attempts": 1, "give_up_after": 4, "url": server.url}
    write(folder, english(6), **once)
    server.behave = in_turn(server, (3, "well"), (0, way))
    assert paws15() == 1
    assert len(journal("accepted")) == 3
    assert not journal("refused")["counts"].any()
    server.behave = well
    assert paws15() == 0
    assert len(journal("accepted")) == 12


def test_only_what_was_refused_before_the_outage_counts(folder, paws15, server, capsys):
    once = KNOWN | {"attempts": 1, "give_up_after": 3, "url": server.url}
    write(folder, english(6), **once)
    server.behave = in_turn(server, (1, "echo"), (1, "well"), (0, "echo"))
    assert paws15() == 1
    first, *others = journal("refused")["counts"]
    assert (first, set(others)) == (1, {0})
    server.behave = well
    asked = len(server.requests)
    assert paws15() == 1
    assert "clean pairs: 5 of 6; sentences refused: 1" in capsys.readouterr().err
    assert server.requests[0].text not in {one.text for one in server.requests[asked:]}


def test_requests_without_an_answer_count_once_for_a_sentence(folder, paws15, server):
    twice = KNOWN | {"attempts": 2, "give_up_after": 7, "url": server.url}
    write(folder, english(6), **twice)
    # Five requests for the first sentence, which then goes to the end of the queue.
    server.behave = in_turn(server, (5, "500"), (1, "well"), (0, "500"))
    assert paws15() == 1
    first = server.requests[0].text
    assert {one.text for one in server.requests[:5]} == {first}
    refused = journal("refused")
    assert refused.loc[refused["counts"] == 1, ["sentence", "reason"]].to_numpy().tolist() == [
        [first, "no answer: server error"]
    ]
    server.behave = well
    assert paws15() == 0


def test_after_an_outage_no_pair_is_replaced_that_the_server_can_translate(folder, paws15, server):
    known = KNOWN | {"attempts": 1, "give_up_after": 3, "url": server.url, "replace": True}
    write(folder, english(20), **known)
    server.behave = in_turn(server, (2, "well"), (0, "empty"))
    assert paws15() == 1
    server.behave = well
    assert paws15() == 0
    assert facts(folder)["replaced"] == []
    for row in pairs(folder).itertuples():
        assert row.target_premise == rendering(row.premise, row.language)


def test_an_outage_of_one_engine_forgives_no_refusal_of_another():
    one, other = (
        Journal(journal_path(), engine=name, version="1", source="en") for name in ("a", "b")
    )
    sentence = Sentence("p0", "premise", "de", "a sentence")
    before = now()
    for each in (one, other):
        each.refuse(sentence, Refusal("no text", None, counts=True))
    one.forgive(before)
    counts = [each.refused()[sentence.key][0].counts for each in (one, other)]
    assert counts == [False, True]
    other.forgive(now())
    assert other.refused()[sentence.key][0].counts
