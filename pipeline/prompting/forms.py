"""The forms in which templates take a sentence, so that each is tokenized once for all cells."""

import string
from collections.abc import Callable, Iterable

_TRAILING = string.punctuation + string.whitespace


def strip_punctuation(sentence: str) -> str:
    """Strip trailing ASCII punctuation, since the template brings its own.

    A sentence of nothing else is left as it is (Soft Prompting's code does the same).
    """
    sentence = sentence.strip()
    return sentence.rstrip(_TRAILING) or sentence


FORMS: tuple[Callable[[str], str], ...] = (str, str.strip, strip_punctuation)
"""What templates make of a sentence before they ask for its pieces; `str` leaves it as it is.

`mpt tokens` tokenizes the test text in these. A template that takes another form works without
an entry here; its cells tokenize that form themselves, each of them again.
"""


def every_form(sentences: Iterable[str]) -> list[str]:
    """Return the distinct texts that templates make of sentences, in the order first seen."""
    distinct = dict.fromkeys(sentences)
    return list(dict.fromkeys(form(sentence) for sentence in distinct for form in FORMS))
