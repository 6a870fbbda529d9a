"""The rate limit of requests, shared by all workers."""

import threading
import time

MARGIN = 1.05
"""Requests are spaced wider than the rate by this factor. A request may take longer to arrive than
the next one; without the margin, the server could see too many within a second."""


class StoppedError(Exception):
    """The stage is ending and sends no more requests."""


class RateLimit:
    """Lets one request leave at a time, evenly spaced, until `stop` is set.

    The first one waits too, because a previous process may have been killed just after a request.
    """

    def __init__(self, per_second: float, stop: threading.Event) -> None:
        self._interval = MARGIN / per_second
        self._stop = stop
        self._lock = threading.Lock()
        self._free = time.monotonic() + self._interval

    def wait(self) -> None:
        """Return when the next request may leave.

        Raises:
            StoppedError: none may.
        """
        while not self._stop.is_set():
            with self._lock:
                now = time.monotonic()
                seconds = self._free - now
                if seconds <= 0:
                    # Counted from now, so that requests never catch up in a burst.
                    self._free = now + self._interval
                    return
            self._stop.wait(seconds)
        raise StoppedError

    def hold(self, seconds: float) -> None:
        """Hold back the requests of all workers for a time."""
        with self._lock:
            self._free = max(self._free, time.monotonic() + seconds)
