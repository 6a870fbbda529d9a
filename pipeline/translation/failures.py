"""What goes wrong between a worker and a server, by kind: each kind has its own patience."""

import requests
from deep_translator.exceptions import TooManyRequests, TranslationNotFound

from pipeline.translation.web import Page

TOO_MANY = "too many requests"
TIMED_OUT = "timed out"
NO_CONNECTION = "no connection"
SERVER_ERROR = "server error"
NOT_FOUND = "no translation in the answer"
UNREADABLE = "unreadable answer"

LATER = {TOO_MANY: 60, SERVER_ERROR: 30}
"""Minutes after which to come back, where it is more than QUARTER."""
QUARTER = 15


class ServerFailureError(Exception):
    """The server failed, not the sentence: worth another try after a while.

    Attributes:
        kind: one of the kinds of this file, or a check's.
        retry_after: seconds that the server asks to wait, at least.
    """

    def __init__(self, kind: str, *, retry_after: float = 0.0) -> None:
        super().__init__(kind)
        self.kind, self.retry_after = kind, retry_after


class RefusedError(Exception):
    """An engine's own check refuses an answer.

    Attributes:
        reason: why.
        answer: what came.
    """

    def __init__(self, reason: str, answer: str | None) -> None:
        super().__init__(reason)
        self.reason, self.answer = reason, answer


def failure(error: Exception, page: Page) -> ServerFailureError:
    """Return what an exception of deep-translator or requests means.

    Their messages are left behind: they hold the address, and with it the text and the key.

    Args:
        error: what was raised.
        page: what the server answered, if it did.
    """
    if isinstance(error, TooManyRequests) or page.status == 429:
        kind = TOO_MANY
    elif isinstance(error, requests.Timeout):
        kind = TIMED_OUT
    elif isinstance(error, requests.ConnectionError):
        kind = NO_CONNECTION
    elif page.status and not 200 <= page.status < 300:
        kind = SERVER_ERROR
    elif isinstance(error, TranslationNotFound):
        kind = NOT_FOUND
    else:
        # An answer of another form makes deep-translator raise whatever its parser meets.
        kind = UNREADABLE
    return ServerFailureError(kind, retry_after=page.retry_after)
