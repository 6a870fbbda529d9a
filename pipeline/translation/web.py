"""The network under deep-translator: pace, a time limit, and what the server really said.

deep-translator calls `requests.get` without a timeout and keeps nothing of the response. `Web`
stands where its modules expect `requests`, and hands every request to a session of this file.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pipeline.translation.pace import Pace

LARGEST = 5_000_000
"""Bytes of an answer; no page with a sentence is as long."""


@dataclass(frozen=True)
class Page:
    """A server's last answer to a worker.

    Attributes:
        status: the HTTP status; 0 where no answer came.
        text: the body.
        retry_after: seconds that the server asks to wait; 0 where it does not say.
    """

    status: int = 0
    text: str = ""
    retry_after: float = 0.0


class Web:
    """What deep-translator takes for `requests`: one session for each thread.

    Args:
        pace: asked before every request leaves, redirections included.
        timeout: seconds for a whole request.
    """

    def __init__(self, pace: Pace, timeout: float) -> None:
        self._pace, self._timeout = pace, timeout
        self._of_thread = threading.local()

    @property
    def page(self) -> Page:
        """What this thread's last request was answered with."""
        page: Page = getattr(self._of_thread, "page", Page())
        return page

    @property
    def left(self) -> float:
        """When this thread's last request left, by time.monotonic()."""
        left: float = getattr(self._of_thread, "left", 0.0)
        return left

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send a GET request, as `requests.get` does."""
        return self._send("GET", url, params, proxies)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send a POST request, as `requests.post` does."""
        return self._send("POST", url, params, proxies)

    def _leave(self) -> None:
        self._pace.wait()
        self._of_thread.left = time.monotonic()

    def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        proxies: dict[str, str] | None,
    ) -> requests.Response:
        self._of_thread.page = Page()
        session = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Adapter(self._leave, self._timeout))
        response = session.request(method, url, params=params, proxies=proxies)
        wait = response.headers.get("Retry-After", "")
        self._of_thread.page = Page(
            response.status_code, response.text, float(wait) if wait.isdecimal() else 0.0
        )
        return response


class _Adapter(HTTPAdapter):
    """Sends a request when the pace allows, and reads its answer within the time limit."""

    def __init__(self, leave: Callable[[], None], timeout: float) -> None:
        super().__init__()
        self._leave, self._timeout = leave, timeout

    def send(  # noqa: PLR0913, PLR0917  (the signature is requests')
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send one request; see HTTPAdapter.send."""
        del timeout
        self._leave()
        ends = time.monotonic() + self._timeout
        response: requests.Response = super().send(
            request, stream, self._timeout, verify, cert, proxies
        )
        # The timeout of `requests` is for each piece that arrives; a server that sends a byte a
        # second would never meet it.
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
def beneath(module: ModuleType, web: Web) -> Iterator[None]:
    """Let a module of deep-translator send its requests through `web` for a while."""
    before = vars(module)["requests"]
    vars(module)["requests"] = web
    try:
        yield
    finally:
        vars(module)["requests"] = before
