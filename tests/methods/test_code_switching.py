"""SoftMV's second view from a bilingual dictionary."""

import json
from collections import Counter

import pandas as pd
import pytest
import torch

from pipeline.methods.softmv import DRAWS, parse_dictionary, switched
from pipeline.training.registry import build, read_settings
from pipeline.training.text import Labelled
from stages.train import train
from tests import toys
from tests.commands import call, only_line, refusal

PLACE = "params.yaml: methods.softmv.inputs.dictionary"
FOLDER = "expected a folder with files en-XX.txt of target languages (de, sw, zh)"
GERMAN = {"dog": ["Hund"], "cat": ["Katze", "Kater"]}
SWAHILI = {"dog": ["mbwa"]}


def entry(folder, **settings):
    return {"method": "softmv", "copy": "dictionary", "inputs": {"dictionary": folder}} | settings


def write(folder, **texts):
    folder.mkdir(exist_ok=True)
    for code, text in texts.items():
        (folder / f"en-{code}.txt").write_text(text, encoding="utf-8")
    return str(folder)


@pytest.fixture
def made(toy_backbone):
    """Builds SoftMV with a folder of dictionaries."""

    def build_run(folder, **settings):
        torch.manual_seed(0)
        changes = {"methods__softmv": entry(folder, **settings)}
        return build(toys.context(toy_backbone, "softmv", **changes)).eval()

    return build_run


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def copies(method, seed=0):
    """Return the rows of the second views of the toy text."""
    drawn = method.streams(toys.training_text(), generator(seed))["labelled"]
    return [example.rows[1] for example in drawn]


def switch(sentence, *dictionaries, rate=1.0, seed=0):
    return switched(sentence, dictionaries, rate=rate, generator=generator(seed))


def test_at_a_rate_of_1_every_word_that_the_dictionary_has_is_replaced(made, tmp_path):
    method = made(write(tmp_path / "d", de="dog Hund\ncat\tKatze\nsleeps schläft\n"), rate=1)
    text = toys.training_text()
    premises = [f"a Hund runs {n}." for n in range(6)]  # of "a dog runs 0."
    hypotheses = [f"the Katze schläft {n}" for n in range(6)]
    assert copies(method) == method.template.rows(premises, hypotheses)
    first = [example.rows[0] for example in method.streams(text, generator())["labelled"]]
    assert first == method.template.rows(*zip(*(pair[:2] for pair in text.labelled), strict=True))
    # Per pair, 1 word of 4 and 2 of 4.
    assert method.notes()["switched_words"] == 3 / 8
    assert method.notes()["without_dictionary"] == ["sw", "zh"]


@pytest.mark.parametrize("word", ["Dog", "dog.", "dogs", "hound"])
def test_a_word_is_looked_up_as_it_stands_between_spaces(word):
    assert switch(f"a {word} \t dog", GERMAN) == f"a {word} Hund"


def test_words_are_replaced_with_the_rate_by_a_random_language_and_translation():
    counts = Counter(switch("dog " * 20_000, GERMAN, SWAHILI, rate=0.4).split())
    assert counts["dog"] == pytest.approx(12_000, abs=300)
    assert counts["Hund"] == pytest.approx(4_000, abs=300)
    assert counts["mbwa"] == pytest.approx(4_000, abs=300)
    counts = Counter(switch("cat " * 20_000, GERMAN, rate=1.0).split())
    assert counts["Katze"] == pytest.approx(10_000, abs=300)
    assert counts.keys() == {"Katze", "Kater"}


def test_a_language_is_drawn_again_until_one_has_the_word_or_draws_are_made():
    # Of 12 languages one has the word: it stays in (11/12) ** 11 of the cases, 38.4 %.
    counts = Counter(switch("cat " * 20_000, GERMAN, *[SWAHILI] * 11).split())
    assert DRAWS == 11
    assert counts["cat"] / 20_000 == pytest.approx((11 / 12) ** 11, abs=0.02)


def test_copies_are_drawn_by_the_seed_and_once_for_a_training(made, tmp_path):
    method = made(write(tmp_path / "d", de="dog Hund\ncat Katze", sw="dog mbwa"))
    assert copies(method, seed=1) == copies(method, seed=1)
    assert len({str(copies(method, seed=seed)) for seed in range(8)}) > 1


def test_a_dictionary_has_several_lines_for_a_word_and_none_into_itself():
    text = "cat Katze\ncat Kater\ntaxi taxi\ndog\t  Hund \n"
    assert parse_dictionary(text, place="en-de.txt") == GERMAN
    assert parse_dictionary("cat Katze", place="en-de.txt") == {"cat": ["Katze"]}


PAIR = "expected a word and its translation"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog Hund\ncat\n", f", line 2: {PAIR}, found 'cat'"),
        ("dog Hund Köter\n", f", line 1: {PAIR}, found 'dog Hund Köter'"),
        ("dog Hund\n\ncat Katze\n", f", line 2: {PAIR}, found ''"),
        ("", ": expected lines of a word and its translation, found none"),
        ("taxi taxi\n", ": expected lines of a word and its translation, found none"),
    ],
    ids=["one word", "three words", "blank", "empty", "only itself"],
)
def test_a_wrong_dictionary_ends_training_in_one_line(text, message, prepared, monkeypatch, capsys):
    write(prepared / "words", de="dog Hund\n", sw=text)
    toys.write_params(toys.params(methods__softmv=entry("words")), prepared / "params.yaml")
    assert call(monkeypatch, "train", "softmv", "--shots", "1", "--seed", "1") == 2
    assert only_line(capsys.readouterr().err) == f"words/en-sw.txt{message}"
    assert not (prepared / "data/runs").exists()


def test_a_dictionary_that_is_not_in_utf_8_is_named(made, tmp_path):
    (tmp_path / "d").mkdir()
    path = tmp_path / "d/en-de.txt"
    path.write_bytes("dog Rüde".encode("latin-1"))
    method = made(str(tmp_path / "d"))
    assert refusal(copies, method) == f"{path}: expected text in UTF-8, found other bytes"
    path.write_text("dog Hund", encoding="utf-8-sig")
    assert len(copies(made(str(tmp_path / "d"), rate=1))) == 6


@pytest.mark.parametrize("name", ["en-it.txt", "en-de.0-5000.txt", "en-.txt"])
def test_a_dictionary_of_another_language_is_refused(made, tmp_path, name):
    folder = write(tmp_path / "d", de="dog Hund\n")
    (tmp_path / "d" / name).write_text("dog cane\n")
    assert refusal(copies, made(folder)) == f"{PLACE}: {FOLDER}, found {name}"


def test_a_folder_without_dictionaries_is_refused(made, tmp_path):
    write(tmp_path / "d")
    (tmp_path / "d/README").write_text("dog Hund")
    for folder in (tmp_path / "d", tmp_path / "d/README"):
        assert refusal(copies, made(str(folder))) == f"{PLACE}: {FOLDER}, found none"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"copy": "dictionary"},
         "inputs.dictionary: expected a file or folder, which method softmv reads, found nothing"),
        ({"inputs": {"dictionary": "words"}},
         "inputs.dictionary: expected only inputs that method softmv reads (none), found words"),
        ({"rate": 0.3}, "rate: expected no such key with copy: none, found 0.3"),
        (entry("words", rate=0), "rate: expected more than 0, found 0"),
        (entry("words", rate=1.5), "rate: expected at most 1, found 1.5"),
        ({"copy": "words"}, "copy: expected none, translation or dictionary, found 'words'"),
    ],
)  # fmt: skip
def test_settings_and_input_belong_together(settings, message):
    line = refusal(lambda: read_settings(toys.run(**{"method": "softmv"} | settings)))
    assert line == f"params.yaml: methods.other.{message}"


def test_a_cell_is_checked_trained_and_predicted_with_a_dictionary(prepared, monkeypatch):
    write(prepared / "words", de="cat Katze\ndog Hund\nanimal Tier\n", zh="runs 跑\n")
    toys.write_params(toys.params(methods__softmv=entry("words")), prepared / "params.yaml")
    assert call(monkeypatch, "check") == 0
    train("softmv", shots=1, seed=1)
    cell = prepared / "data/runs/softmv/k1/s1"
    assert set(pd.read_parquet(cell / "predictions.parquet").language) == {"en", *toys.TARGETS}
    metrics = json.loads((cell / "metrics.json").read_text())
    assert metrics["settings"]["inputs"] == {"dictionary": "words"}
    assert (metrics["settings"]["copy"], metrics["settings"]["rate"]) == ("dictionary", 0.55)
    assert 0 < metrics["notes"]["switched_words"] < 0.55
    assert metrics["notes"]["without_dictionary"] == ["sw"]


def test_a_pair_that_occurs_twice_has_two_copies(made, tmp_path):
    method = made(write(tmp_path / "d", de="dog Hund"), rate=0.5)
    text = toys.training_text()._replace(labelled=[Labelled("dog " * 30, "a", 0)] * 2)
    first, second = (e.rows[1] for e in method.streams(text, generator())["labelled"])
    assert first != second
