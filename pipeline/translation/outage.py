"""Failures in a row: when to treat the server as down, and how long to leave it alone."""

import random
import threading
import time
from datetime import datetime, timedelta

from tenacity import RetryCallState

from pipeline.params.text import Translation
from pipeline.translation.failures import SERVER_ERROR, TOO_MANY, ServerFailureError
from pipeline.translation.journal import now
from pipeline.translation.rate_limit import RateLimit

LONGEST = 3600.0
"""Seconds of one wait, at most."""
DOUBLINGS = 5
"""How often a wait is doubled, at most."""
COME_BACK, COME_BACK_LATER = 15, {TOO_MANY: 60, SERVER_ERROR: 30}
"""Minutes to wait before another run."""


class Outage:
    """Counts the failures and refusals since the last accepted sentence, of all workers.

    Requests that were under way together fail together and count once. A refused sentence counts
    once per run, because the last sentences of a run may well be the bad ones.

    Args:
        settings: the number of failures to give up after, and the first waits.
        limit: held after "too many requests".
        generator: draws the jitter.

    Attributes:
        began: when the last sentence was accepted, as the journal writes it.
        kind: the kind or reason of the last failure or refusal.
    """

    def __init__(self, settings: Translation, limit: RateLimit, generator: random.Random) -> None:
        self._settings, self._limit, self._generator = settings, limit, generator
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._since = 0.0
        self._seen: set[tuple[str, str]] = set()
        self.began, self.kind = now(), ""

    def end(self) -> None:
        """Note an accepted sentence: the server works."""
        with self._lock:
            self._in_a_row = 0
            self.began = now()

    def failed(self, kind: str, *, asked: float) -> None:
        """Note a failed request that left at time.monotonic() `asked`."""
        with self._lock:
            self.kind = kind
            if asked >= self._since:
                self._in_a_row += 1
                self._since = time.monotonic()

    def refused(self, key: tuple[str, str], reason: str) -> None:
        """Note a refused answer to the sentence with this key."""
        with self._lock:
            if key not in self._seen:
                self._seen.add(key)
                self.kind = reason
                self._in_a_row += 1

    @property
    def is_too_long(self) -> bool:
        """Whether to stop."""
        return self._in_a_row >= self._settings.give_up_after

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds before the next try: doubled each time, with jitter."""
        error = state.outcome.exception() if state.outcome else None
        kind, asked = "", 0.0
        if isinstance(error, ServerFailureError):
            kind, asked = error.kind, error.retry_after
        first = self._settings.wait_too_many if kind == TOO_MANY else self._settings.wait
        doublings = min(max(state.attempt_number, self._in_a_row) - 1, DOUBLINGS)
        seconds: float = first * 2.0**doublings * self._generator.uniform(0.5, 1.5)
        seconds = min(max(seconds, asked), LONGEST)
        if kind == TOO_MANY:
            self._limit.hold(seconds)
        return seconds

    def verdict(self) -> str:
        """Return why the run stops and when to run it again."""
        minutes = COME_BACK_LATER.get(self.kind, COME_BACK)
        hour = datetime.now().astimezone() + timedelta(minutes=minutes)
        return (
            f"stopped after {self._in_a_row} failures in a row ({self.kind}); "
            f"run it again in {minutes} minutes, after {hour:%H:%M}"
        )
