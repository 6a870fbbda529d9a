"""The failures of a translation server by kind, because each kind needs its own wait."""

import requests
from deep_translator.exceptions import TooManyRequests, TranslationNotFound

from pipeline.translation.web import Page

TOO_MANY = "too many requests"
SERVER_ERROR = "server error"


class ServerFailureError(Exception):
    """The server failed, not the sentence: worth another try, after `retry_after` s at least."""

    def __init__(self, kind: str, *, retry_after: float = 0.0) -> None:
        super().__init__(kind)
        self.kind, self.retry_after = kind, retry_after


class RefusedError(Exception):
    """A check refuses an answer (None if no text came) for a reason."""

    def __init__(self, reason: str, answer: str | None) -> None:
        super().__init__(reason)
        self.reason, self.answer = reason, answer


def kind_of(error: Exception, page: Page) -> str:
    """Return the kind of failure behind an exception of deep-translator or requests.

    Nothing else of the exception is kept: its message holds the address, and with it the text
    and the key.
    """
    if isinstance(error, TooManyRequests) or page.status == 429:
        return TOO_MANY
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if page.status and not 200 <= page.status < 300:
        return SERVER_ERROR
    if isinstance(error, TranslationNotFound):
        return "no translation in the answer"
    # On an unexpected answer deep-translator raises whatever its parser raises.
    return "unreadable answer"
