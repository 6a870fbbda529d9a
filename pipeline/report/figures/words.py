"""What keys of params.yaml and values of sweeps are called in figures and on the page."""

from collections.abc import Iterable

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

AVERAGE = "avg"
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
BOOTSTRAP = "95 % percentile bootstrap over seeds and test pairs"


def key_name(key: str) -> str:
    """Return a key of params.yaml in words: `prompt_length` -> prompt length m."""
    return KEYS.get(key, key.replace("_", " "))


def axis_name(key: str) -> str:
    """Return a key in words with its unit, for an axis."""
    unit = UNITS.get(key)
    return f"{key_name(key)} ({unit})" if unit and unit not in key_name(key) else key_name(key)


def language_name(code: str) -> str:
    """Return the English name of a language, or what the mean over languages is called."""
    if code == AVERAGE:
        return "mean"
    return LANGUAGES[code].name if code in LANGUAGES else code


def language_and_family(code: str) -> str:
    """Return the name and the family, once where they are the same: Swahili (Bantu)."""
    name = language_name(code)
    family = LANGUAGES[code].family if code in LANGUAGES else name
    return name if family == name else f"{name} ({family})"


def shots_name(shots: int) -> str:
    """Return `1 shot` or `16 shots`."""
    return f"{shots} shot" + ("s" if shots != 1 else "")


def seeds_name(seeds: int) -> str:
    """Return `1 seed` or `3 seeds`."""
    return f"{seeds} seed" + ("s" if seeds != 1 else "")


def percent(value: float) -> str:
    """Return a number to one decimal, or a dash where there is none."""
    return DASH if value != value else f"{value:.1f}".replace("-", MINUS)  # noqa: PLR0124


def signed(value: float) -> str:
    """Return a difference to one decimal with its sign; none where it is 0 to one decimal."""
    text = percent(value)
    if text in (DASH, "0.0", f"{MINUS}0.0"):
        return text.removeprefix(MINUS)
    return text if text.startswith(MINUS) else f"+{text}"


def interval(low: float, high: float, *, plus: bool = False) -> str:
    """Return `7.2 to 9.9`, with signs where they are asked for."""
    form = signed if plus else percent
    return f"{form(low)} to {form(high)}"


def listed(words: Iterable[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
