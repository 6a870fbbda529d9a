"""How fast requests may leave: one rate for all workers together."""

import threading
import time

MARGIN = 1.05
"""Requests are spaced wider by this than the rate says, since one may take a little longer to
arrive than the next: so no second on the server's own clock holds more than the rate."""


class StoppedError(Exception):
    """The stage is ending: nothing is asked any more."""


class Pace:
    """Lets one request go at a time, evenly spaced.

    The first one waits too: the process before this one may have been killed a moment ago, just
    after a request.

    Args:
        per_second: requests a second, at most.
        stop: set when no request may leave any more.
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
                    # From now and not from when it might have left: no bursts to catch up.
                    self._free = now + self._interval
                    return
            self._stop.wait(seconds)
        raise StoppedError

    def hold(self, seconds: float) -> None:
        """Let nothing leave for a time, whichever worker wants to."""
        with self._lock:
            self._free = max(self._free, time.monotonic() + seconds)
