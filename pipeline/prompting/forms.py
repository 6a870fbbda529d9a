"""The forms in which templates read sentences, so that each is tokenized once for all cells."""

import re
import string
from collections.abc import Callable, Iterable

Form = Callable[[str], str]


_ENDING = re.compile(rf"[\s{re.escape(string.punctuation)}]+\Z")


def strip_punctuation(sentence: str) -> str:
    """Strip trailing ASCII punctuation and any white space, because the template has its own.

    A sentence of nothing else keeps it, as in Soft Prompting's code.
    """
    sentence = sentence.strip()
    return _ENDING.sub("", sentence) or sentence


FORMS: tuple[Form, ...] = (str, str.strip, strip_punctuation)
"""The forms in which `mpt tokens` tokenizes the test text; `str` leaves a sentence as it is.

A template with another form works without an entry here, but each of its cells tokenizes the
text again.
"""


def every_form(sentences: Iterable[str]) -> list[str]:
    """Return the distinct texts that templates make of sentences, in the order first seen."""
    return list(dict.fromkeys(form(text) for text in dict.fromkeys(sentences) for form in FORMS))
