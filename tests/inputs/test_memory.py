"""Hashes of files, remembered: an edit is never missed, and an unchanged file is not read."""

import hashlib
import json
import os
import threading
import time

import pytest

from pipeline.errors import RunError
from pipeline.inputs import memory
from pipeline.inputs.memory import YOUNG, Memory


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data/file.parquet"
    path.parent.mkdir()
    path.write_bytes(b"one")
    return path


@pytest.fixture
def later(monkeypatch):
    """Lets time pass."""
    now = time.time_ns

    def pass_by(ns=2 * YOUNG):
        monkeypatch.setattr(time, "time_ns", lambda: now() + ns)

    return pass_by


@pytest.fixture
def sha256(tmp_path, monkeypatch):
    """Hashes a file with the memory of earlier calls; `reads` counts how often one is read."""
    digest = hashlib.file_digest

    def read(*arguments):
        sha256.reads += 1
        return digest(*arguments)

    def sha256(path):
        known = Memory(tmp_path / "user/hashes.json")
        found = known.sha256(path)
        known.save()
        return found

    monkeypatch.setattr(hashlib, "file_digest", read)
    sha256.reads = 0
    return sha256


def of(content):
    return hashlib.sha256(content).hexdigest()


def test_an_unchanged_file_is_read_once_by_any_name(file, sha256, later):
    later()
    (file.parent.parent / "link").symlink_to(file.parent)
    assert sha256(file) == sha256(file.parent.parent / "link/file.parquet") == of(b"one")
    assert sha256.reads == 1


def in_place(file, content):
    file.write_bytes(content)


def replaced(file, content):
    (file.parent / "new").write_bytes(content)
    (file.parent / "new").replace(file)


@pytest.mark.parametrize("edit", [in_place, replaced])
@pytest.mark.parametrize("content", [b"two", b"three"])
def test_an_edit_is_seen_even_with_the_time_of_before(edit, content, file, sha256, later):
    later()
    sha256(file)
    before = file.stat()
    edit(file, content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256(file) == of(content)


def test_a_touched_file_is_read_again_and_is_the_same(file, sha256, later):
    later()
    sha256(file)
    os.utime(file, ns=(10**18, 10**18))
    assert sha256(file) == of(b"one")
    assert sha256.reads == 2


def test_an_edit_within_a_tick_of_the_clock_is_seen(file, sha256, monkeypatch):
    """The clock of the file system has not moved on since the file was hashed."""
    stamp = memory._stamp(file)
    monkeypatch.setattr(memory, "_stamp", lambda path: stamp)
    assert sha256(file) == of(b"one")
    file.write_bytes(b"two")
    assert sha256(file) == of(b"two")


def test_a_file_that_changes_while_it_is_read_is_read_again(file, sha256, monkeypatch):
    digest, contents = hashlib.file_digest, [b"two", b"three"]

    def read(*arguments):
        found = digest(*arguments)
        if contents:
            file.write_bytes(contents.pop(0))
        return found

    monkeypatch.setattr(hashlib, "file_digest", read)
    assert sha256(file) == of(b"three")
    contents.extend([b"a", b"ab", b"abc"])
    file.write_bytes(b"")
    with pytest.raises(RunError, match="it changes while it is read"):
        sha256(file)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"[[1]]", b'{"/a": 3}', b'{"/a": []}', b'{"/a": [1, 2, 3, 4, 5]}', b"\xff"],
)
def test_a_damaged_memory_is_begun_anew(damage, file, sha256, later, tmp_path):
    later()
    path = tmp_path / "user/hashes.json"
    path.parent.mkdir()
    path.write_bytes(damage)
    assert sha256(file) == of(b"one")
    assert list(json.loads(path.read_text())) == [str(file)]


def test_what_others_remember_meanwhile_stays_and_what_is_gone_goes(file, later, tmp_path):
    later()
    path, other, gone = tmp_path / "hashes.json", tmp_path / "other", tmp_path / "gone"
    other.touch()
    gone.touch()
    one, two = Memory(path), Memory(path)
    one.sha256(file)
    two.sha256(other)
    two.sha256(gone)
    two.save()
    gone.unlink()
    one.save()
    assert set(json.loads(path.read_text())) == {str(file), str(other)}


def test_many_at_once_leave_a_whole_memory(file, later, tmp_path):
    later()
    path = tmp_path / "hashes.json"

    def remember(number):
        own = file.parent / str(number)
        own.write_bytes(b"x" * number)
        for _ in range(20):
            known = Memory(path)
            assert known.sha256(own) == of(b"x" * number)
            known.save()

    threads = [threading.Thread(target=remember, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Memory(path)._known


def test_a_place_that_cannot_be_written_costs_only_time(file, later, tmp_path):
    later()
    (tmp_path / "user").touch()
    known = Memory(tmp_path / "user/hashes.json")
    assert known.sha256(file) == of(b"one")
    known.save()
