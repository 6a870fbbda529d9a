"""The journal: durable at once, separate by engine and version, one process at a time."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from pipeline.errors import InputError, RunError
from pipeline.translation.journal import Journal, Refusal, now
from pipeline.translation.sentences import Sentence
from tests.commands import environment

ONE = Sentence("train-1", "premise", "de", "a dog")
OTHER = Sentence("train-2", "premise", "de", "a cat")


def journal(folder, **changes):
    known = {"engine": "google", "version": "1", "source": "en"} | changes
    return Journal(folder / "journal.sqlite", **known)


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
    text, at = journal(tmp_path).accepted()[ONE.key]
    assert text == "ein Hund"
    assert at.endswith("+00:00")


def test_the_first_translation_stays(tmp_path):
    kept = journal(tmp_path)
    kept.accept(ONE, "ein Hund")
    kept.accept(ONE, "eine Katze")
    assert kept.accepted()[ONE.key][0] == "ein Hund"


@pytest.mark.parametrize("change", [{"engine": "libre"}, {"version": "2"}, {"source": "fr"}])
def test_another_engine_version_or_source_has_its_own_answers(change, tmp_path):
    kept, other = journal(tmp_path), journal(tmp_path, **change)
    kept.accept(ONE, "ein Hund")
    kept.refuse(OTHER, Refusal("no text", None, counts=True))
    assert other.accepted() == {}
    assert other.refused() == {}
    other.forgive("")
    assert kept.refused()[OTHER.key][0].counts


def test_a_sentence_is_known_by_its_text_and_not_by_its_pair(tmp_path):
    again = Sentence("train-9", "hypothesis", "de", "a dog")
    journal(tmp_path).accept(ONE, "ein Hund")
    accepted = journal(tmp_path).accepted()
    assert again.key in accepted
    assert Sentence("train-1", "premise", "sw", "a dog").key not in accepted


def test_refusals_are_counted_by_reason_for_the_sentences_that_are_wanted(tmp_path):
    kept = journal(tmp_path)
    for reason, answer in (("no text", None), ("wrong script", "собака"), ("no text", "")):
        kept.refuse(ONE, Refusal(reason, answer, counts=True))
    before = now()
    kept.refuse(OTHER, Refusal("echo of the source", "a cat", counts=True))
    assert kept.reasons([ONE]) == {"no text": 2, "wrong script": 1}
    assert kept.reasons([ONE, OTHER])["echo of the source"] == 1
    assert [refusal.answer for refusal in kept.refused()[ONE.key]] == [None, "собака", ""]
    kept.forgive(before)
    assert kept.refused()[OTHER.key] == [Refusal("echo of the source", "a cat", counts=False)]
    assert all(refusal.counts for refusal in kept.refused()[ONE.key])


def test_reading_creates_no_file(tmp_path):
    assert journal(tmp_path).accepted() == {}
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_journal_is_refused(tmp_path):
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


def test_a_disk_that_refuses_is_a_failed_run(tmp_path):
    if os.geteuid() == 0:
        (tmp_path / "journal.sqlite").mkdir()
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="the journal cannot be used"):
        journal(tmp_path).accept(ONE, "ein Hund")
