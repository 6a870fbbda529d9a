"""Why the Hub cannot be asked: in words, and whether waiting may help."""

import ssl
from dataclasses import dataclass
from json import JSONDecodeError

from huggingface_hub import errors
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

from pipeline.hub.environment import PROXIES, named

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
TOKEN = "(HF_TOKEN, or hf auth login)"
"""What the client of the Hub reads."""


OFFLINE = "the network switched off (HF_HUB_OFFLINE)"


@dataclass(frozen=True)
class Failure:
    """Why the Hub was not reached.

    Attributes:
        reason: in words, without addresses of proxies or tokens.
        lasts: whether it stays until the user changes something.
    """

    reason: str
    lasts: bool = False


def failure_of(error: BaseException) -> Failure:
    """Return what an exception of the Hub's client means."""
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else 0
    is_http, is_page = (isinstance(error, kind) for kind in (httpx.HTTPError, JSONDecodeError))
    proxies, certificates = named(PROXIES), named(CERTIFICATES)
    # The client's own errors are also errors of values and files.
    ours = isinstance(error, errors.OfflineModeIsEnabled | errors.LocalEntryNotFoundError)
    of_values = isinstance(error, httpx.InvalidURL | ValueError) and not (is_page or ours)
    of_files = isinstance(error, FileNotFoundError | PermissionError | ssl.SSLError) and not ours
    lasting = {
        f"a token that the Hub refuses {TOKEN}": status == 401 and "Invalid cred" in str(error),
        f"a token with a character that is not ASCII {TOKEN}": isinstance(error, UnicodeError),
        f"a SOCKS proxy{proxies} without the package socksio": isinstance(error, ImportError),
        f"certificates that cannot be read{certificates}": of_files and certificates,
        f"a proxy with an unreadable address{proxies}": of_values and proxies,
    }
    passing = {
        OFFLINE: isinstance(error, errors.OfflineModeIsEnabled),
        f"an error of the Hub, status {status}": status,
        "a page that is not the Hub's (perhaps this network asks for a login)": is_page,
        f"no connection: {error}": is_http,
        str(error): True,
    }
    reasons = lasting | passing
    reason = next(reason for reason, holds in reasons.items() if holds)
    return Failure(reason, lasts=reason in lasting)
