"""The journal: every answer of an engine, durable before the next request goes out."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import InputError, RunError
from pipeline.translation.sentences import Sentence

FORM = 1
"""The version of the tables below."""

_TABLES = f"""
CREATE TABLE accepted (
    engine TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    sha256 TEXT NOT NULL, sentence TEXT NOT NULL, translation TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (engine, version, source, target, sha256)
) WITHOUT ROWID;
CREATE TABLE refused (
    id INTEGER PRIMARY KEY,
    engine TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    sha256 TEXT NOT NULL, sentence TEXT NOT NULL, answer TEXT, reason TEXT NOT NULL,
    at TEXT NOT NULL, counts INTEGER NOT NULL
);
CREATE INDEX refused_by_sentence ON refused (engine, version, source, target, sha256);
PRAGMA user_version = {FORM};
"""
_OF_ENGINE = "engine = ? AND version = ? AND source = ?"


@dataclass(frozen=True)
class Refusal:
    """An answer that was not accepted.

    Attributes:
        reason: why.
        answer: what came, if a text came.
        counts: whether it counts towards the quarantine of its sentence. The failures of a
            server do not, nor does what it said while nothing else came from it.
    """

    reason: str
    answer: str | None
    counts: bool


class Journal:
    """What one engine of one version answered, from one source language.

    One connection for all workers, one at a time. A write returns once it is on the disk, so a
    process may be killed at any moment: what was accepted stays.

    Args:
        path: the SQLite file; made by the first write.
        engine: the engine's name.
        version: the engine's version.
        source: the source language.
    """

    def __init__(self, path: Path, *, engine: str, version: str, source: str) -> None:
        self._path = path
        self._of = engine, version, source
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def accepted(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return translation and time of every accepted sentence, by Sentence.key."""
        rows = self._read(
            f"SELECT target, sha256, translation, at FROM accepted WHERE {_OF_ENGINE}"
        )
        return {(target, sha256): (text, at) for target, sha256, text, at in rows}

    def refused(self) -> dict[tuple[str, str], list[Refusal]]:
        """Return the refusals of every sentence in their order, by Sentence.key."""
        found: dict[tuple[str, str], list[Refusal]] = {}
        for target, sha256, reason, answer, counts in self._read(
            f"SELECT target, sha256, reason, answer, counts FROM refused WHERE {_OF_ENGINE} "
            "ORDER BY id"
        ):
            one = Refusal(reason, answer, bool(counts))
            found.setdefault((target, sha256), []).append(one)
        return found

    def reasons(self, asked: Iterable[Sentence]) -> dict[str, int]:
        """Return how often an answer was refused, by reason, for these sentences."""
        keys, refused = {one.key for one in asked}, self.refused()
        counts = Counter(one.reason for key in keys for one in refused.get(key, ()))
        return dict(sorted(counts.items()))

    def accept(self, sentence: Sentence, translation: str) -> None:
        """Write a clean translation down; the first one stays."""
        self._write(
            "INSERT OR IGNORE INTO accepted VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*self._of, *sentence.key, sentence.text, translation, _now()),
        )

    def refuse(self, sentence: Sentence, refusal: Refusal) -> int:
        """Write a refused answer down, and return its number."""
        return self._write(
            "INSERT INTO refused (engine, version, source, target, sha256, sentence, answer, "
            "reason, at, counts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*self._of, *sentence.key, sentence.text, refusal.answer, refusal.reason, _now(),
             refusal.counts),
        )  # fmt: skip

    def forgive(self, numbers: Iterable[int]) -> None:
        """Let refusals not count towards the quarantine of their sentences after all."""
        for number in numbers:
            self._write("UPDATE refused SET counts = 0 WHERE id = ?", (number,))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep other processes from asking while this one does; a killed one keeps nobody.

        Raises:
            RunError: another process is at it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._path.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunError(f"{self._path}: another `mpt paws15` is translating into it") from None
        try:
            yield
        finally:
            self._close()
            lock.release()

    def _read(self, query: str) -> list[tuple[str, ...]]:
        if not self._path.exists():
            return []
        with self._told(), self._lock:
            return self._open().execute(query, self._of).fetchall()

    def _write(self, statement: str, values: tuple[object, ...]) -> int:
        with self._told(), self._lock, self._open() as connection:
            return connection.execute(statement, values).lastrowid or 0

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
        # A log beside the file lets --status read on; FULL waits for the disk at each commit.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        (form,) = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not form and not tables:
            connection.executescript(f"BEGIN;{_TABLES}COMMIT;")
        elif form != FORM:
            connection.close()
            raise InputError(
                f"{self._path}: expected a journal of translations of form {FORM}, "
                f"found form {form}"
            )
        self._connection = connection
        return connection

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RunError(f"{self._path}: the journal cannot be used: {error}") from None
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{self._path}: expected a journal of translations, found {error}"
            ) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
