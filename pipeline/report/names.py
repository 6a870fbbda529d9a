"""Names of settings and languages in figures and on the page."""

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
    "learning_rate": "learning rate",
    "batch_size": "batch size",
    "source_prompt_for_source": "source prompt for the source language",
}
UNITS = {"prompt_length": "vectors", "external_pairs": "pairs", "epochs": "passes"}


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
