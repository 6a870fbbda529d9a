"""Failures in a row: when it is the server that is ill, and how long to leave it alone."""

import random
import threading
import time
from datetime import datetime, timedelta

from tenacity import RetryCallState

from pipeline.params.text import Translation
from pipeline.translation.failures import LATER, QUARTER, TOO_MANY, ServerFailureError
from pipeline.translation.pace import Pace

LONGEST = 3600.0
"""Seconds of one wait, at most."""
DOUBLINGS = 5
"""How often a wait is doubled, at most."""


class Outage:
    """Counts what went wrong since the last accepted sentence, for all workers together.

    Requests that were under way together fail together and count once. A sentence that is
    refused counts once a run: the last ones of a run may well be the bad ones.

    Args:
        settings: how many are too many, and the first waits.
        pace: held when the server says that there are too many requests.
        generator: of the jitter.
    """

    def __init__(self, settings: Translation, pace: Pace, generator: random.Random) -> None:
        self._settings, self._pace, self._generator = settings, pace, generator
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._since = 0.0
        self._seen: set[tuple[str, str]] = set()
        self._refused: list[int] = []
        self.kind = ""

    def end(self) -> None:
        """A sentence was accepted: the server is well."""
        with self._lock:
            self._in_a_row = 0
            self._refused.clear()

    def failed(self, kind: str, *, asked: float) -> None:
        """A request failed that left at time.monotonic() `asked`."""
        with self._lock:
            self.kind = kind
            if asked >= self._since:
                self._in_a_row += 1
                self._since = time.monotonic()

    def noted(self, number: int) -> None:
        """A sentence was left without a translation; `number` is the refusal's in the journal."""
        with self._lock:
            self._refused.append(number)

    def refused(self, key: tuple[str, str], reason: str) -> None:
        """An answer was refused."""
        with self._lock:
            if key not in self._seen:
                self._seen.add(key)
                self.kind = reason
                self._in_a_row += 1

    @property
    def is_too_long(self) -> bool:
        """Whether to stop."""
        return self._in_a_row >= self._settings.give_up_after

    @property
    def refusals(self) -> tuple[int, ...]:
        """The refusals since the last accepted sentence: an ill server's, not the sentences'."""
        with self._lock:
            return tuple(self._refused)

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds to wait before the next try: doubled each time, with jitter."""
        error = state.outcome.exception() if state.outcome else None
        kind, asked = "", 0.0
        if isinstance(error, ServerFailureError):
            kind, asked = error.kind, error.retry_after
        first = self._settings.wait_too_many if kind == TOO_MANY else self._settings.wait
        doublings = min(max(state.attempt_number, self._in_a_row) - 1, DOUBLINGS)
        seconds: float = first * 2.0**doublings * self._generator.uniform(0.5, 1.5)
        seconds = min(max(seconds, asked), LONGEST)
        if kind == TOO_MANY:
            self._pace.hold(seconds)
        return seconds

    def verdict(self) -> str:
        """Return why the run stops and when to come back."""
        minutes = LATER.get(self.kind, QUARTER)
        hour = datetime.now().astimezone() + timedelta(minutes=minutes)
        return (
            f"stopped after {self._in_a_row} failures in a row ({self.kind}); "
            f"run it again in {minutes} minutes, after {hour:%H:%M}"
        )
