"""HTTP for deep-translator: the rate limit, a time limit, the server's answers and failures.

deep-translator calls `requests.get` without a timeout and discards the response. `Web` takes the
place of `requests` in its modules and sends every request through its own session.
"""

import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partialmethod
from types import ModuleType
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from deep_translator.exceptions import TooManyRequests, TranslationNotFound
from requests.adapters import HTTPAdapter

from pipeline.hub.environment import PROXIES, named

CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""What `requests` reads in the environment."""
MARGIN = 1.05
"""Requests are spaced wider than the rate by this factor. A request may take longer to arrive than
the next one; without the margin, the server could see too many within a second."""
LARGEST = 5_000_000
"""Bytes of an answer, at most; no page with a sentence is that long."""
TOO_MANY = "too many requests"
SERVER_ERROR = "server error"


_SECRET = re.compile("(KEY|TOKEN|SECRET|PASSWORD|EMAIL)$")
_LEAST = 6
"""Characters of a secret; a shorter one may be a word of the translation."""


def holds_secret(text: str) -> bool:
    """Return whether a text holds a key of the environment, as a server's echo of a request may."""
    found = (value for name, value in os.environ.items() if _SECRET.search(name))
    secrets = [value for value in found if len(value) >= _LEAST]
    return any(form in text for value in secrets for form in {value, quote(value)})


class StoppedError(Exception):
    """The stage is ending and sends no more requests."""


class ServerFailureError(Exception):
    """The server failed, not the sentence: worth another try, after `retry_after` s at least."""

    def __init__(self, kind: str, *, retry_after: float = 0.0) -> None:
        super().__init__(kind)
        self.kind, self.retry_after = kind, retry_after


class RateLimit:
    """Lets one request of all workers leave at a time, evenly spaced, until `stop` is set.

    The first one waits too, because a previous process may have been killed just after a request.
    """

    def __init__(self, per_second: float, stop: threading.Event) -> None:
        self._interval = MARGIN / per_second
        self._stop = stop
        self._lock = threading.Lock()
        self._free = time.monotonic() + self._interval

    def wait(self) -> None:
        """Return when the next request may leave, or raise StoppedError if none may."""
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


@dataclass(frozen=True)
class Page:
    """A server's answer: HTTP status (0 without an answer), body, seconds to wait as it asks."""

    status: int = 0
    text: str = ""
    retry_after: float = 0.0


class Web(threading.local):
    """The part of `requests` that deep-translator uses, separate for each thread.

    `limit` applies to every request, redirects included; `timeout` is in seconds for a whole
    request. `page` is the answer to the thread's last request, which `left` at time.monotonic().
    """

    def __init__(self, limit: RateLimit, timeout: float) -> None:
        self.page, self.left = Page(), 0.0
        self._limit, self._session = limit, requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(self._leave, timeout))

    def _leave(self) -> None:
        self._limit.wait()
        self.left = time.monotonic()

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        self.page = Page()
        response = self._session.request(method, url, **options)
        wait = response.headers.get("Retry-After", "")
        seconds = float(wait) if wait.isdecimal() else 0.0
        self.page = Page(response.status_code, response.text, seconds)
        return response

    get = partialmethod(_send, "GET")
    post = partialmethod(_send, "POST")

    def lasting(self, error: Exception) -> str | None:
        """Return why no request can leave until the user changes something, or None if one can.

        See kind_of about the messages of exceptions.
        """
        proxies, certificates = named(PROXIES), named(CERTIFICATES)
        if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
            return f"a SOCKS proxy{proxies} without the package PySocks"
        if isinstance(error, requests.exceptions.InvalidURL) and proxies:
            return f"a proxy with an unreadable address{proxies}"
        # `requests` looks for the file before it sends anything, and raises a bare OSError.
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            return f"certificates that cannot be read{certificates}"
        return None

    def kind_of(self, error: Exception) -> str:
        """Return the kind of failure behind an exception of the last request.

        Nothing else of the exception is kept: its message holds the address, and with it the text
        and the key.
        """
        if isinstance(error, TooManyRequests) or self.page.status == 429:
            return TOO_MANY
        if isinstance(error, requests.Timeout):
            return "timed out"
        if isinstance(error, requests.ConnectionError):
            return _broken(error)
        if self.page.status and not 200 <= self.page.status < 300:
            return SERVER_ERROR
        if isinstance(error, TranslationNotFound):
            return "no translation in the answer"
        # On an unexpected answer deep-translator raises whatever its parser raises.
        return "unreadable answer"


def _broken(error: requests.ConnectionError) -> str:
    """Return which connection failed: the name, the proxy, the certificate, the route."""
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection to the proxy"
    if isinstance(error, requests.exceptions.SSLError):
        return "no trusted certificate"
    under = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(under, urllib3.exceptions.NameResolutionError):
        return "no connection: the server's name is unknown"
    cause = getattr(under, "__cause__", None)
    if isinstance(cause, OSError) and cause.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return "no connection: no route to the server"
    return "no connection"


class _Adapter(HTTPAdapter):
    """Sends a request when the rate limit allows, and reads its answer within the time limit."""

    def __init__(self, leave: Callable[[], None], timeout: float) -> None:
        super().__init__()
        self._leave, self._timeout = leave, timeout

    def send(self, *request: Any, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send one request; see HTTPAdapter.send."""
        self._leave()
        ends = time.monotonic() + self._timeout
        response: requests.Response = super().send(*request, **options | {"timeout": self._timeout})
        # The timeout of `requests` applies to each piece of the body. A server that sends one
        # byte per second would never exceed it.
        body = bytearray()
        try:
            while part := response.raw.read1(decode_content=True):
                body += part
                if time.monotonic() > ends or len(body) > LARGEST:
                    raise requests.Timeout(f"no end of the answer in {self._timeout:g} s")
            if response.raw.length_remaining:
                raise requests.ConnectionError("the answer ends before its length")
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.Timeout(str(type(error))) from None
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(str(type(error))) from None
        finally:
            if time.monotonic() > ends:
                response.raw.close()
        response._content, response._content_consumed = bytes(body), True
        return response


@contextmanager
def routed_through(web: Web, module: ModuleType) -> Iterator[None]:
    """Send the requests of a deep-translator module through `web` within the block."""
    before = vars(module)["requests"]
    vars(module)["requests"] = web
    try:
        yield
    finally:
        vars(module)["requests"] = before
