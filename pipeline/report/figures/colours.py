"""Colours that are visible on white and on a dark background, and fills for numbers.

Every mark's colour has a contrast of at least 3 to 1 with both; a test checks that. A label, a
shape or a dash repeats what a colour means.
"""

from collections.abc import Sequence

INK = "#1d2025"
"""Text, axes and intervals; the page replaces it by the colour of its own text."""

FADED = "#757b85"
"""Grid lines, and marks that stand apart, such as means over all languages."""

FAMILIES = {
    "Bantu": "#3f8f3a",
    "Chinese": "#6678a0",
    "Germanic": "#3b76c4",
    "Greek": "#0e8a86",
    "Indo-Aryan": "#9a7400",
    "Romance": "#c2571a",
    "Semitic": "#c2417f",
    "Slavic": "#8a5fd0",
    "Tai": "#a84fb0",
    "Turkic": "#cf4036",
    "Vietic": "#6d8010",
}
"""By family in pipeline/languages.py; any other family is FADED."""

SERIES = ("#2f6fd0", "#c2571a", "#3f8f3a", "#a84fb0", "#9a7400", "#0e8a86", "#c2417f", "#6678a0")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
DASHES = ([1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [4, 4])

LOW, HIGH = "#edf1f8", "#15407f"
BEHIND, LEVEL, AHEAD = "#a63a00", "#f4f2ef", "#0b5f8a"


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour #rrggbb, as WCAG 2 defines it."""
    parts = (value / 255 for value in _rgb(colour))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG 2 defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def sequential(share: float) -> str:
    """Return the fill of a number between the lowest, 0, and the highest, 1."""
    return _between(LOW, HIGH, share)


def diverging(share: float) -> str:
    """Return the fill of a difference: -1 for the farthest behind, 1 for the farthest ahead."""
    return _between(LEVEL, AHEAD if share > 0 else BEHIND, abs(share))


def text_on(fill: str) -> str:
    """Return black or white, whichever is more legible on a fill (at least 4.5 to 1)."""
    return max(("#000000", "#ffffff"), key=lambda text: contrast(text, fill))


def _between(start: str, end: str, share: float) -> str:
    share = min(1.0, max(0.0, share))
    pairs = zip(_rgb(start), _rgb(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _rgb(colour: str) -> Sequence[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
