"""The forms in which templates read sentences, so that each is tokenized once for all cells."""

import re
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

Form = Callable[[str], str]


@dataclass(frozen=True)
class Rewriting:
    """A form as data, which an exported model can name: strip white space, then replace patterns.

    Attributes:
        replace: patterns and their replacements, as `re.sub` takes them, in this order.
        strip: whether white space at both ends goes first.
    """

    replace: tuple[tuple[str, str], ...] = ()
    strip: bool = True

    def __call__(self, sentence: str) -> str:
        """Return the sentence in this form."""
        sentence = sentence.strip() if self.strip else sentence
        for pattern, replacement in self.replace:
            sentence = re.sub(pattern, replacement, sentence)
        return sentence


AS_IS, STRIPPED = Rewriting(strip=False), Rewriting()

_MARKS = rf"\s{re.escape(string.punctuation)}"

strip_punctuation = Rewriting(((rf"(?<=[^{_MARKS}])[{_MARKS}]+\Z", ""),))
"""Strip trailing ASCII punctuation and any white space, because the template has its own.

A sentence of nothing else keeps it, as in Soft Prompting's code.
"""

FORMS: tuple[Rewriting, ...] = (AS_IS, STRIPPED, strip_punctuation)
"""The forms in which `mpt tokens` tokenizes the test text.

A template with another form works without an entry here, but each of its cells tokenizes the
text again.
"""


def within(form: Rewriting, space: str) -> Rewriting:
    """Return the form of a sentence that follows other words, after `Pieces.space`."""
    return replace(form, replace=(*form.replace, (r"\A(?!\Z)", space))) if space else form


def every_form(sentences: Iterable[str], *, space: str) -> list[str]:
    """Return the distinct texts that templates make of sentences, in the order first seen.

    `space` is the tokenizer's `Pieces.space`.
    """
    forms = dict.fromkeys(form for one in FORMS for form in (one, within(one, space)))
    return list(dict.fromkeys(form(text) for text in dict.fromkeys(sentences) for form in forms))
