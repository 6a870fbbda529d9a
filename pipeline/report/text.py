"""Text of data sets, made safe to look at."""

import re

from markupsafe import Markup, escape

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of what follows them.

Marks (U+200E, U+200F) and joiners stay: Arabic, Urdu and Hindi are written with them.
"""


LONGEST = 11
"""Letters that stand together before a line may break, where a table must fit a phone."""


def breakable(text: object) -> Markup:
    """Return text that may break after _ and -, and within words longer than LONGEST."""
    words = re.findall(rf"[^_-]{{1,{LONGEST}}}[_-]?|[_-]", str(text))
    return Markup("<wbr>").join(escape(word) for word in words)


def visible(text: str) -> str:
    """Return text with every control and direction override written out, as in <U+202E>."""
    return _HIDDEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)
