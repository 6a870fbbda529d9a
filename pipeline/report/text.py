"""Names of settings and languages, and text of params.yaml and data sets as HTML."""

import re

from markupsafe import Markup, escape

from pipeline.evaluation.files import AVERAGE
from pipeline.languages import LANGUAGES

KEYS = {
    "prompt_length": "prompt length m",
    "alpha": "weight α of the classification loss",
    "external_pairs": "external parallel pairs",
    "pairs": "source of the parallel pairs",
    "translator": "prompt translator",
    "position": "position of the soft prompt",
    "ce_over": "cross-entropy over",
    "predict_over": "prediction over",
    "verbalizer": "label words",
    "label_words": "label words by language",
    "mixture": "a of Beta(a, a) in mixtures",
    "predict": "words that predict",
    "learning_rate": "learning rate",
    "batch_size": "batch size",
    "source_prompt_for_source": "source prompt for the source language",
}
UNITS = {"prompt_length": "vectors", "external_pairs": "pairs", "epochs": "passes"}

# Control characters, and those that override the direction of what follows. Marks (U+200E, U+200F)
# and joiners stay: Arabic, Urdu and Hindi need them.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# After _ and -, and after 11 letters, so that tables fit a phone.
_BREAK = re.compile(r"((?:[_-]|[^\s_-]{11}(?![_-]))(?=\S))")


def key_name(key: str) -> str:
    """Return a key of params.yaml in words: `prompt_length` -> prompt length m."""
    return KEYS.get(key, key.replace("_", " "))


def axis_name(key: str) -> str:
    """Return a key in words with its unit, for an axis."""
    name, unit = key_name(key), UNITS.get(key)
    return f"{name} ({unit})" if unit and unit not in name else name


def language_name(code: str) -> str:
    """Return the English name of a language, or "mean" for the mean over languages."""
    if code == AVERAGE:
        return "mean"
    return LANGUAGES[code].name if code in LANGUAGES else code


def language_and_family(code: str) -> str:
    """Return name and family, or only the name if they are the same: Swahili (Bantu)."""
    name = language_name(code)
    family = LANGUAGES[code].family if code in LANGUAGES else name
    return name if family == name else f"{name} ({family})"


def breakable(text: object) -> Markup:
    """Return text that may break after _ and -, and within long words."""
    return Markup("<wbr>").join(_BREAK.sub("\\1\0", str(text)).split("\0"))


def visible(text: str) -> str:
    """Return text with control characters and direction overrides written out, as in <U+202E>."""
    return _HIDDEN.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def written_out(html: str) -> str:
    """Return HTML with the same characters written out, wherever they are in it."""
    return _HIDDEN.sub(lambda match: f"&lt;U+{ord(match[0]):04X}&gt;", html)


def with_code(text: str) -> Markup:
    """Return text with <code> in place of backticks."""
    parts = map(escape, text.split("`"))
    code = (f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
    return Markup("").join(map(Markup, code))
