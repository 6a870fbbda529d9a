"""The journal: durable at once, apart by engine and version, one process at a time."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from pipeline.errors import InputError, RunError
from pipeline.translation.journal import Journal, Refusal
from pipeline.translation.sentences import Sentence, once
from tests.commands import environment

ONE = Sentence("train-1", "premise", "de", "a dog")
OTHER = Sentence("train-2", "premise", "de", "a cat")


def journal(folder, **changes):
    known = {"engine": "google", "version": "1", "source": "en"} | changes
    return Journal(folder / "journal.sqlite", **known)


def test_what_is_accepted_is_there_for_the_next_process(tmp_path):
    journal(tmp_path).accept(ONE, "ein Hund")
    (text, at) = journal(tmp_path).accepted()[ONE.key]
    assert text == "ein Hund"
    assert at.endswith("+00:00")


def test_a_write_survives_a_kill_in_the_next_moment(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from tests.translation.test_journal import ONE, journal
journal(Path({str(tmp_path)!r})).accept(ONE, "ein Hund")
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], env=environment(), check=False)
    assert ended.returncode == -signal.SIGKILL
    assert journal(tmp_path).accepted()[ONE.key][0] == "ein Hund"


def test_the_first_translation_stays(tmp_path):
    kept = journal(tmp_path)
    kept.accept(ONE, "ein Hund")
    kept.accept(ONE, "eine Katze")
    assert kept.accepted()[ONE.key][0] == "ein Hund"


@pytest.mark.parametrize("change", [{"engine": "libre"}, {"version": "2"}, {"source": "fr"}])
def test_another_engine_version_or_source_knows_nothing_of_it(change, tmp_path):
    journal(tmp_path).accept(ONE, "ein Hund")
    journal(tmp_path).refuse(OTHER, Refusal("no text", None, counts=True))
    assert journal(tmp_path, **change).accepted() == {}
    assert journal(tmp_path, **change).refused() == {}


def test_the_sentence_is_what_counts_and_not_the_pair_that_holds_it(tmp_path):
    again = Sentence("train-9", "hypothesis", "de", "a dog")
    assert once([ONE, again, OTHER]) == [ONE, OTHER]
    journal(tmp_path).accept(ONE, "ein Hund")
    found = journal(tmp_path).accepted()
    assert again.key in found
    assert Sentence("train-1", "premise", "sw", "a dog").key not in found


def test_refusals_are_counted_by_reason_for_the_sentences_that_are_wanted(tmp_path):
    kept = journal(tmp_path)
    for reason, answer in (("no text", None), ("wrong script", "собака"), ("no text", "")):
        kept.refuse(ONE, Refusal(reason, answer, counts=True))
    number = kept.refuse(OTHER, Refusal("echo of the source", "a cat", counts=True))
    assert kept.reasons([ONE]) == {"no text": 2, "wrong script": 1}
    assert kept.reasons([ONE, OTHER])["echo of the source"] == 1
    kept.forgive([number])
    assert kept.refused()[OTHER.key] == [Refusal("echo of the source", "a cat", counts=False)]
    assert all(one.counts for one in kept.refused()[ONE.key])


def test_looking_makes_no_file(tmp_path):
    assert journal(tmp_path).accepted() == {}
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_journal_is_one_line(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_text("a,b\n" * 1000)
    with pytest.raises(InputError, match=r"journal\.sqlite: expected a journal of translations"):
        journal(tmp_path).accepted()
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 7")
        other.execute("CREATE TABLE x (y)")
    other.close()
    with pytest.raises(InputError, match="of form 1, found form 7"):
        journal(tmp_path).accept(ONE, "ein Hund")


def test_two_processes_do_not_ask_at_once(tmp_path):
    with journal(tmp_path).at_work():
        code = f"""
from pathlib import Path
from tests.translation.test_journal import journal
with journal(Path({str(tmp_path)!r})).at_work(): print("at work")
"""
        ended = subprocess.run(
            [sys.executable, "-c", code], env=environment(), check=False, capture_output=True
        )
        assert b"RunError" in ended.stderr
        assert b"another `mpt paws15` is translating into it" in ended.stderr
    with journal(tmp_path).at_work():
        pass


def test_a_disk_that_refuses_is_one_line(tmp_path):
    if os.geteuid() == 0:
        (tmp_path / "journal.sqlite").mkdir()
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="the journal cannot be used"):
        journal(tmp_path).accept(ONE, "ein Hund")
