"""The variables of the environment that decide how requests leave."""

import os

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def named(variables: tuple[str, ...]) -> str:
    """Return those of some variables that are set, in brackets; an empty text without any."""
    found = [name for one in variables for name in (one, one.lower()) if os.environ.get(name)]
    return f" ({', '.join(found)})" if found else ""
