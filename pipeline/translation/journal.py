"""The journal of a server's answers: each is on disk before the next request leaves."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import InputError, RunError
from pipeline.progress import Progress, silent
from pipeline.translation.checks import LENGTH
from pipeline.translation.sentences import Check, Sentence

_TABLES = """
CREATE TABLE IF NOT EXISTS accepted (
    engine TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    sha256 TEXT NOT NULL, sentence TEXT NOT NULL, translation TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (engine, version, source, target, sha256)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY,
    engine TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    sha256 TEXT NOT NULL, sentence TEXT NOT NULL, answer TEXT, reason TEXT NOT NULL,
    at TEXT NOT NULL, counts INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS refused_by_sentence ON refused (engine, version, source, target, sha256);
PRAGMA user_version = 1;
"""
_OF_ENGINE = "WHERE engine = ? AND version = ? AND source = ?"
_ACCEPT = "INSERT OR IGNORE INTO accepted VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REFUSE = "INSERT INTO refused VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Refusal:
    """An answer that was not accepted, and why.

    It `counts` towards the quarantine of its sentence, unless the server failed or was down.
    """

    reason: str
    answer: str | None
    counts: bool


def counting(refusals: Sequence[Refusal], sentence: Sentence, check: Check) -> list[Refusal]:
    """Return the refusals that count towards a sentence's quarantine.

    A text that was refused for its length and passes now, by other bounds, does not count.
    """
    return [
        refusal
        for refusal in refusals
        if refusal.counts
        and (refusal.reason != LENGTH or check(sentence, refusal.answer or "") is not None)
    ]


def now() -> str:
    """Return the time as the journal writes it; a later time is a greater text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Journal:
    """The answers of one version of an engine, from one source language.

    All workers share one connection to the SQLite file, which the first write creates. A write
    returns once it is on disk, so accepted sentences survive a kill at any moment.
    """

    def __init__(self, path: Path, *, engine: str, version: str, source: str) -> None:
        self._path, self._of = path, (engine, version, source)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def accepted(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return the translation and time of every accepted sentence, by Sentence.key."""
        rows = self._read(f"SELECT target, sha256, translation, at FROM accepted {_OF_ENGINE}")
        return {(target, sha256): (text, at) for target, sha256, text, at in rows}

    def refused(self) -> dict[tuple[str, str], list[Refusal]]:
        """Return the refusals of every sentence in their order, by Sentence.key."""
        refusals: dict[tuple[str, str], list[Refusal]] = {}
        columns = "target, sha256, reason, answer, counts"
        rows = self._read(f"SELECT {columns} FROM refused {_OF_ENGINE} ORDER BY id")
        for target, sha256, reason, answer, counts in rows:
            refusal = Refusal(reason, answer, bool(counts))
            refusals.setdefault((target, sha256), []).append(refusal)
        return refusals

    def reasons(self, asked: Iterable[Sentence]) -> dict[str, int]:
        """Return how often answers to these sentences were refused, by reason."""
        keys, refused = {sentence.key for sentence in asked}, self.refused()
        counts = Counter(refusal.reason for key in keys for refusal in refused.get(key, ()))
        return dict(sorted(counts.items()))

    def accept(self, sentence: Sentence, translation: str) -> None:
        """Write a clean translation, unless the sentence already has one."""
        self.settle([(sentence, translation)])

    def refuse(self, sentence: Sentence, refusal: Refusal) -> None:
        """Write a refused answer."""
        self.settle([(sentence, refusal)])

    def settle(self, answers: Iterable[tuple[Sentence, str | Refusal]]) -> None:
        """Write clean translations and refused answers, all of them or none."""
        with self._used() as connection, connection:
            for sentence, answer in answers:
                what = *self._of, *sentence.key, sentence.text
                if isinstance(answer, str):
                    connection.execute(_ACCEPT, (*what, answer, now()))
                else:
                    more = answer.answer, answer.reason, now(), answer.counts
                    connection.execute(_REFUSE, (*what, *more))

    def forgive(self, since: str) -> None:
        """Make refusals since a time not count towards the quarantine of their sentences."""
        with self._used() as connection, connection:
            connection.execute(
                f"UPDATE refused SET counts = 0 {_OF_ENGINE} AND at > ?", (*self._of, since)
            )

    @contextmanager
    def locked(self, progress: Progress = silent) -> Iterator[None]:
        """Lock out other processes within the block, after the end of one that has the lock."""

        def wait() -> None:
            progress("waiting for another mpt paws15", 0, 1)

        with locked(self._path, seconds=-1, wait=wait):
            try:
                yield
            finally:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    def _read(self, query: str) -> list[tuple[str, ...]]:
        if not self._path.exists():
            return []
        with self._used() as connection:
            return connection.execute(query, self._of).fetchall()

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread at a time."""
        with named_errors(self._path), self._lock:
            if self._connection is None:
                self._connection = opened(self._path)
            yield self._connection


@contextmanager
def locked(
    path: Path, *, seconds: float = 0, wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Lock a journal within the block, or raise RunError if another process keeps the lock.

    The lock dies with its process. `seconds` is how long to wait for it, -1 for ever; `wait` is
    called before.
    """
    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            wait()
            lock.acquire(timeout=seconds)
    except Timeout:
        raise RunError(
            f"{path}: another `mpt paws15`, of this clone or another, is translating into it"
        ) from None
    except OSError as error:
        raise RunError(f"{path}: the journal cannot be used: {error}") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the system into a RunError, or InputError for another file."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise RunError(f"{path}: the journal cannot be used: {error}") from None
    except sqlite3.DatabaseError as error:
        raise InputError(f"{path}: expected a journal of translations, found {error}") from None


def opened(path: Path) -> sqlite3.Connection:
    """Open a journal, which becomes one if it does not exist; call it within `named_errors`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
    # WAL lets --status read meanwhile; FULL waits for the disk at each commit.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (form,) = connection.execute("PRAGMA user_version").fetchone()
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not form and not tables:
        connection.executescript(f"BEGIN IMMEDIATE;{_TABLES}COMMIT;")
    elif form != 1:
        connection.close()
        raise InputError(f"{path}: expected a journal of translations of form 1, found form {form}")
    return connection
