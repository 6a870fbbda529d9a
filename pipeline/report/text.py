"""Text of params.yaml and of data sets as HTML."""

import re

from markupsafe import Markup, escape

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that override the direction of what follows.

Marks (U+200E, U+200F) and joiners stay: Arabic, Urdu and Hindi need them.
"""

LONGEST = 11
"""Letters before a word may break, in tables that must fit a phone."""

_BREAK = re.compile(rf"((?:[_-]|[^\s_-]{{{LONGEST}}}(?![_-]))(?=\S))")


def breakable(text: object) -> Markup:
    """Return text that may break after _ and -, and within words longer than LONGEST."""
    return Markup("<wbr>").join(_BREAK.sub("\\1\0", str(text)).split("\0"))


def visible(text: str) -> str:
    """Return text with control characters and direction overrides written out, as in <U+202E>."""
    return _HIDDEN.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def with_code(text: str) -> Markup:
    """Return text with <code> in place of backticks."""
    parts = map(escape, text.split("`"))
    code = (f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
    return Markup("").join(map(Markup, code))
