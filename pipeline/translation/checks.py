"""Checks of translations, because most failures of engines look like success.

The bounds were set on human translations. They refuse one to three in a thousand of PAWS-X's (de,
es, fr, zh), two to five in a thousand of XNLI's in most of its 14 languages, and more where the
data is at fault (a twentieth of the Urdu and Hindi test set is in Latin letters, Swahili has glued
words). Their known fault is Chinese text with many untranslated names: 4 % of XNLI's.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from html import unescape

import regex

from pipeline.corpora.leaks import bare, is_blank, normal
from pipeline.languages import LANGUAGES
from pipeline.translation.sentences import Sentence

NOTHING = "no text"
ERROR_PAGE = "error page"
MARKUP = "markup"
DAMAGED = "damaged characters"
ECHO = "echo of the source"
SCRIPT = "wrong script"
LENGTH = "length out of bounds"
GLUED = "glued words"
TEST = "sentence of the test set"
ENDLESS = "no end of the sentence"

SHARE_IN_SCRIPT = 0.6
"""Least share of letters in the language's script, in words that the source lacks: names may stay
in their own script."""
SHARE_OF_ALL = 0.1
"""The same for all letters: a sentence with nothing but names is no translation."""
SHARE_LEFT = 0.3
"""Largest share of the source's lower-case words left untranslated in another script. Names begin
with a capital. One in a thousand of PAWS-X's Chinese translations exceeds it."""
SHARE_OF_SOURCE = 0.85
"""Largest share of words that the source has too, for a language in the source's script."""
SLACK = 10
"""Characters of tolerance around the length bounds, because short sentences vary more."""

_LETTER = regex.compile(r"\p{L}")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_TAG = regex.compile(r"</?[a-zA-Z][^<>]*>|<!|<\?|\]\]>|-->")
# The sign for bytes that are no text, controls, and points that will never be characters.
_DAMAGE = regex.compile(r"[\uFFFD\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}--\s]", regex.V1)
# Zero-width spaces, soft hyphens and marks of direction. The joiners of Hindi and Urdu spell.
_MEANINGLESS = regex.compile(
    r"[\p{Cf}\p{Variation_Selector}--[\u200C\u200D]--\p{Prepended_Concatenation_Mark}]", regex.V1
)
# A capital inside a word, and punctuation without a space after it.
_CAPITAL_INSIDE = regex.compile(r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{M}]*\p{Ll}\p{Lu}\p{L}*")
_STOP_INSIDE = regex.compile(r"[\p{L}\p{M}]{2,}[.,;!?][\p{L}\p{M}]{2,}")
_SMALL_WORD = regex.compile(r"\b\p{Ll}{2,}\b")
_ERROR_PAGES = regex.compile(
    r"Error \d{3}\b.{0,40}(?:Server Error|!!1)|That.s an error\.|^\s*(?:HTTP )?(?:Error )?[45]\d\d "
    r"(?:[A-Z][a-z]+ ?){1,4}\s*$|unusual traffic|INVALID (?:TARGET|SOURCE) LANGUAGE"
    r"|QUERY LENGTH LIMIT|PLEASE SELECT TWO DISTINCT|<!DOCTYPE|<html",
    regex.IGNORECASE,
)
_QUOTA = regex.compile(r"MYMEMORY WARNING|YOU USED ALL AVAILABLE FREE TRANSLATIONS", regex.I)


class Checks:
    """Finds the reason why a translation is refused.

    `lengths` overrides the length bounds in the table of languages; `held_out` are the sentences
    of the test set by language (leaks.sentences_by_language).
    """

    def __init__(
        self, lengths: Mapping[str, tuple[float, float]], *, held_out: Mapping[str, frozenset[str]]
    ) -> None:
        self._lengths, self._held_out = lengths, held_out

    def __call__(self, sentence: Sentence, translation: str) -> str | None:
        """Return the first reason against a translation, or None."""
        return next(self._against(sentence, translation), None)

    def _against(self, sentence: Sentence, translation: str) -> Iterator[str]:
        source, language = sentence.text, LANGUAGES[sentence.language]
        least, most = self._lengths.get(sentence.language, language.length)
        length, of = len(translation.strip()), len(source.strip())
        if is_blank(translation):
            yield NOTHING
        if is_error_page(translation):
            yield ERROR_PAGE
        if _new(_TAG, translation, source) or entities(translation) > entities(source):
            yield MARKUP
        if _new(_DAMAGE, translation, source):
            yield DAMAGED
        if normal(translation) == normal(source):
            yield ECHO
        if _wrong_script(translation, source, language.script):
            yield SCRIPT
        if language.script == "Latin" and _share_of_source(translation, source) > SHARE_OF_SOURCE:
            yield ECHO
        if not least * (of - SLACK) <= length <= most * (of + SLACK):
            yield LENGTH
        if _new(_CAPITAL_INSIDE, translation, source):
            yield GLUED
        if language.script not in {"Han", "Thai"} and _new(_STOP_INSIDE, translation, source):
            yield GLUED
        if bare(translation) in self._held_out.get(sentence.language, ()):
            yield TEST


NORMALIZATION = "NFC, single spaces, no format characters but joiners"
"""What `normalized` does, in words for the manifest."""


def normalized(translation: str) -> str:
    """Return an engine's text in NFC, with single spaces, without characters that say nothing."""
    text = _MEANINGLESS.sub("", unicodedata.normalize("NFC", translation))
    return " ".join(text.split())


def entities(text: str) -> int:
    """Return how many of a text's ampersands begin an entity of HTML, such as `&uuml;`."""
    parts = (f"&{part}" for part in text.split("&")[1:])
    return sum(unescape(part) != part for part in parts)


def is_error_page(translation: str) -> bool:
    """Return whether a text is an error message of the server."""
    return _ERROR_PAGES.search(translation) is not None or is_quota(translation)


def is_quota(translation: str) -> bool:
    """Return whether a text says that the daily limit is reached."""
    return _QUOTA.search(translation) is not None


def has_letters(text: str) -> bool:
    """Return whether a text has anything to translate; engines return nothing for the rest."""
    return _LETTER.search(text) is not None


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _new(pattern: "regex.Pattern[str]", translation: str, source: str) -> bool:
    """Return whether a pattern occurs more often than in the source."""
    return len(pattern.findall(translation)) > len(pattern.findall(source))


def _wrong_script(translation: str, source: str, script: str) -> bool:
    known, letter = set(_words(source)), regex.compile(rf"\p{{Script={script}}}")
    letters = _LETTER.findall(translation)
    small, left = _SMALL_WORD.findall(source), set(_SMALL_WORD.findall(translation))
    if script != "Latin" and sum(word in left for word in small) > SHARE_LEFT * len(small):
        return True
    own = "".join(word for word in _words(translation) if word not in known)
    theirs = _LETTER.findall(own)
    if not theirs:
        # Every word is the source's; in the same script the check for an echo decides.
        return script != "Latin" or not letters
    in_script, in_all = (sum(map(bool, map(letter.match, text))) for text in (theirs, letters))
    return in_script < SHARE_IN_SCRIPT * len(theirs) or in_all < SHARE_OF_ALL * len(letters)


def _share_of_source(translation: str, source: str) -> float:
    known, words = set(_words(source)), _words(translation)
    return sum(word in known for word in words) / max(1, len(words))
