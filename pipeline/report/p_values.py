"""p-values as a reader takes them in."""

import math

from pipeline.report.figures.words import DASH

LEVEL = 0.05
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def shown(p: float) -> str:
    """Return two significant digits: 0.043, 1.2 × 10⁻⁷; a dash where there is none."""
    if math.isnan(p):
        return DASH
    if p == 0.0:
        return "< 10⁻³⁰⁰"
    if p >= 0.001:
        return f"{p:.2g}"
    digits, _, power = f"{p:.1e}".partition("e")
    return f"{digits} × 10{str(int(power)).translate(_RAISED)}"


def equation(p: float) -> str:
    """Return `p = 0.043`, for a sentence; its parts stay on one line."""
    text = shown(p).replace(" ", "\N{NO-BREAK SPACE}")
    return (
        f"p\N{NO-BREAK SPACE}{text}"
        if text.startswith("<")
        else f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{text}"
    )
