"""The journal's place: one for all folders of a user, where a former one is moved to."""

import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import InputError, RunError
from pipeline.translation import place
from pipeline.translation.journal import Journal, Refusal, locked
from pipeline.translation.place import FORMER, journal_path, move_former
from pipeline.translation.sentences import Sentence
from tests.commands import run
from tests.translation.projects import english, params, write, written
from tests.translation_server import serving

ONE, TWO, THREE = (Sentence("train-1", "premise", "de", text) for text in ("a", "b", "c"))
MOVED = Path("data/translations/journal.moved.sqlite")


def journal(path, **changes):
    return Journal(path, **{"engine": "google", "version": "1", "source": "en"} | changes)


@pytest.fixture
def former(folder, tmp_path_factory):
    """A journal in its former place, as a killed process leaves it: most is in its log."""
    path = tmp_path_factory.mktemp("killed") / FORMER.name
    kept, libre = journal(path), journal(path, engine="libre")
    kept.accept(ONE, "eins")
    kept.accept(TWO, "zwei")
    for reason in ("no text", "wrong script"):
        kept.refuse(THREE, Refusal(reason, None, counts=True))
    libre.accept(ONE, "uno")
    shutil.copytree(path.parent, FORMER.parent)
    assert Path(f"{FORMER}-wal").stat().st_size
    return folder


def contents():
    """Return the accepted and refused answers of engine google, and the accepted ones of libre."""
    ours, libre = journal(journal_path()), journal(journal_path(), engine="libre")
    texts = [{key[1]: text for key, (text, _) in one.accepted().items()} for one in (ours, libre)]
    return (
        {s.text: texts[0][s.key[1]] for s in (ONE, TWO, THREE) if s.key[1] in texts[0]},
        [refusal.reason for refusal in ours.refused().get(THREE.key, ())],
        list(texts[1].values()),
    )


ALL = {"a": "eins", "b": "zwei"}, ["no text", "wrong script"], ["uno"]


def test_another_folder_asks_only_for_what_is_missing(tmp_path):
    first, second = tmp_path / "clone", tmp_path / "temporary"
    with serving() as server:
        write(first, english(20), languages=("de",), pairs=6, url=server.url)
        assert run(first, "paws15").returncode == 0
        assert len(server.requests) == 12
        write(second, english(20), languages=("de",), pairs=8, url=server.url)
        assert run(second, "paws15").returncode == 0
        assert len(server.requests) == 16
        params(first, languages=("de",), pairs=8, url=server.url)
        assert run(first, "paws15").returncode == 0
        assert len(server.requests) == 16
        assert written(first) == written(second)
        assert not (first / "data/translations").exists()
        other = run(second, "paws15", MPT_JOURNAL="own.sqlite")
        assert other.returncode == 0
        assert len(server.requests) == 32
    assert (second / "own.sqlite").exists()


def test_the_place_is_the_users_unless_a_variable_names_another(monkeypatch, folder):
    monkeypatch.setenv("MPT_JOURNAL", "mine.sqlite")
    assert journal_path() == folder / "mine.sqlite"
    monkeypatch.delenv("MPT_JOURNAL")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "share"))
    assert journal_path() == folder / "share/mpt-xnli/journal.sqlite"


def test_a_former_journal_is_moved_once(former):
    assert move_former() == MOVED
    assert contents() == ALL
    assert [path.name for path in FORMER.parent.iterdir() if path.suffix == ".sqlite"] == [
        MOVED.name
    ]
    assert not Path(f"{FORMER}-wal").exists()
    assert move_former() is None
    # The file that is left is whole without its log.
    with closing(sqlite3.connect(MOVED)) as left:
        assert left.execute("SELECT count(*) FROM accepted").fetchone() == (3,)


def test_a_former_journal_joins_the_answers_of_other_clones(former):
    kept = journal(journal_path())
    kept.accept(ONE, "ein anderes")
    kept.refuse(THREE, Refusal("glued words", None, counts=True))
    move_former()
    accepted, refused, libre = ALL
    joined = accepted | {"a": "ein anderes"}
    assert contents() == (joined, ["glued words", *refused], libre)


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_kill_while_it_is_moved_loses_and_repeats_nothing(step, former):
    """The kill comes in the transaction, or after it before the former file has its new name."""

    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    class Merge(tuple):
        def __iter__(self):
            yield self[0]
            killed()

    child = os.fork()
    if not child:
        if step == "before":
            place._MERGE = Merge(place._MERGE)
        else:
            Path.replace = killed
        move_former()
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert FORMER.exists()
    assert contents() == (ALL if step == "after" else ({}, [], []))
    assert move_former() == MOVED
    assert contents() == ALL


def test_a_second_process_waits_for_one_that_moves_it(former):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with locked(FORMER):
            os.write(writing, b"locked")
            time.sleep(0.3)
            FORMER.rename(MOVED)
        os._exit(0)
    os.read(reading, 1)
    assert move_former() is None
    assert os.waitpid(child, 0)[1] == 0


def test_a_former_journal_in_use_or_damaged_stays(former, monkeypatch):
    monkeypatch.setattr(place, "PATIENCE", 0)
    with locked(FORMER), pytest.raises(RunError, match="is translating into it"):
        move_former()
    assert FORMER.exists()
    Path(f"{FORMER}-wal").unlink()
    FORMER.write_text("a,b\n" * 1000)
    with pytest.raises(InputError, match=f"^{FORMER}: expected a journal of translations"):
        move_former()
    assert FORMER.exists()
    assert not journal_path().exists()


def test_a_journal_that_is_kept_in_its_former_place_stays(former, monkeypatch):
    monkeypatch.setenv("MPT_JOURNAL", str(FORMER))
    assert move_former() is None
    assert contents() == ALL


def test_the_command_says_where_the_answers_went(former):
    write(former, english(4), pairs=4, url="http://127.0.0.1:9/m")
    ended = run(former, "paws15", "--status")
    assert ended.stdout.splitlines()[0] == (
        f"{FORMER} is now {MOVED.name}: its answers are in {journal_path()}"
    )


def test_a_place_that_cannot_be_written_is_a_failed_run(folder, monkeypatch):
    (folder / "file").touch()
    monkeypatch.setenv("MPT_JOURNAL", str(folder / "file/journal.sqlite"))
    kept = journal(journal_path())
    with pytest.raises(RunError, match="the journal cannot be used"):
        kept.accept(ONE, "eins")
    with pytest.raises(RunError, match="the journal cannot be used"), kept.locked():
        pass
