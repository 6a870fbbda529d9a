"""HTTP for deep-translator: the rate limit, a time limit, and access to the server's answer.

deep-translator calls `requests.get` without a timeout and discards the response. `Web` takes the
place of `requests` in its modules and sends every request through its own session.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partialmethod
from types import ModuleType
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pipeline.translation.rate_limit import RateLimit

LARGEST = 5_000_000
"""Bytes of an answer, at most; no page with a sentence is that long."""


@dataclass(frozen=True)
class Page:
    """A server's answer: HTTP status (0 without an answer), body, seconds to wait as it asks."""

    status: int = 0
    text: str = ""
    retry_after: float = 0.0


class Web(threading.local):
    """The part of `requests` that deep-translator uses, separate for each thread.

    Args:
        limit: asked before every request, redirects included.
        timeout: seconds for a whole request.

    Attributes:
        page: the answer to the thread's last request.
        left: when this request left, by time.monotonic().
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
        self.page = Page(
            response.status_code, response.text, float(wait) if wait.isdecimal() else 0.0
        )
        return response

    get = partialmethod(_send, "GET")
    post = partialmethod(_send, "POST")


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
        response._content = bytes(body)
        response._content_consumed = True
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
