"""Failures in a row: when to treat the server as down, and how long to leave it alone."""

import random
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from tenacity import RetryCallState

from pipeline.params.text import Translation
from pipeline.translation.journal import now
from pipeline.translation.web import SERVER_ERROR, TOO_MANY, RateLimit


class Outage:
    """Counts the failures and refusals since the last accepted sentence, of all workers.

    Requests that were under way together fail together and count once. A refused sentence counts
    once per run, because the last sentences of a run may well be the bad ones.

    `generator` draws the jitter; `began` is when the last sentence was accepted, as the journal
    writes it.
    """

    def __init__(self, settings: Translation, limit: RateLimit, generator: random.Random) -> None:
        self._settings, self._limit, self._generator = settings, limit, generator
        self._lock = threading.Lock()
        self._in_a_row, self._since, self._kind = 0, 0.0, ""
        self._seen: set[tuple[str, str]] = set()
        self.began = now()

    def end(self) -> None:
        """Note an accepted sentence: the server works."""
        with self._lock:
            self._in_a_row = 0
            self.began = now()

    def failed(self, kind: str, *, asked: float) -> None:
        """Note a failed request that left at time.monotonic() `asked`."""
        with self._lock:
            self._kind = kind
            if asked >= self._since:
                self._in_a_row += 1
                self._since = time.monotonic()

    def refused(self, key: tuple[str, str], reason: str) -> None:
        """Note a refused answer to the sentence with this key."""
        with self._lock:
            if key not in self._seen:
                self._seen.add(key)
                self._kind = reason
                self._in_a_row += 1

    @property
    def is_too_long(self) -> bool:
        """Whether to stop."""
        return self._in_a_row >= self._settings.give_up_after

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds before the next try: doubled up to five times, with jitter."""
        # Only a ServerFailureError is tried again.
        error: Any = state.outcome.exception() if state.outcome else None
        too_many = error.kind == TOO_MANY
        first = self._settings.wait_too_many if too_many else self._settings.wait
        doublings = min(max(state.attempt_number, self._in_a_row) - 1, 5)
        seconds: float = first * 2.0**doublings * self._generator.uniform(0.5, 1.5)
        seconds = min(max(seconds, error.retry_after), 3600)
        if too_many:
            self._limit.hold(seconds)
        return seconds

    def verdict(self) -> str:
        """Return why the run stops and when to run it again."""
        minutes = {TOO_MANY: 60, SERVER_ERROR: 30}.get(self._kind, 15)
        hour = datetime.now().astimezone() + timedelta(minutes=minutes)
        return (
            f"stopped, failures in a row: {self._in_a_row} ({self._kind}); "
            f"run it again in {minutes} minutes, after {hour:%H:%M}"
        )
