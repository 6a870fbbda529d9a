"""Numbers in words: for tables, captions, figures and sentences alike."""

import math
from collections.abc import Callable, Iterable

from pipeline.params.runs import matched_name

MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
BOOTSTRAP = "95 % percentile bootstrap over seeds and test pairs"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 shot, 16 shots."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def run_name(run: str) -> str:
    """Return a run as tables print it: "sp (matched)" for sp_matched."""
    base, matched, rest = run.rpartition(matched_name(""))
    return f"{base} (matched)" if matched and not rest else run


def listed(words: Iterable[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def joined(values: Iterable[object]) -> str:
    """Return values separated by commas: 4, 16."""
    return ", ".join(map(str, values))


def percent(value: float, *, missing: str = DASH) -> str:
    """Return a number with one decimal."""
    return missing if math.isnan(value) else f"{value:.1f}".replace("-", MINUS)


def signed(value: float) -> str:
    """Return a difference with its sign and one decimal; 0.0 has no sign."""
    text = percent(value)
    if text.removeprefix(MINUS) in (DASH, "0.0"):
        return text.removeprefix(MINUS)
    return text if text.startswith(MINUS) else f"+{text}"


def interval(low: float, high: float, number: Callable[[float], str] = percent) -> str:
    """Return an interval, "7.2 to 9.9", its ends printed by `number`."""
    return f"{number(low)} to {number(high)}"


def p_value(p: float, *, decimal_from: float = 0.01) -> str:
    """Return two significant digits, small values as in the paper: 0.043, 9.7e-7; "" for NaN."""
    if math.isnan(p):
        return ""
    if p == 0.0:
        return "< 5e-324"  # the smallest float
    digits, _, power = f"{p:.1e}".partition("e")
    return f"{p:.2g}" if p >= decimal_from else f"{digits}e{int(power)}"


def typeset_p(p: float) -> str:
    """Return a p-value as the page shows it: 0.043, 9.7 × 10⁻⁷."""
    digits, exponent, power = p_value(p, decimal_from=0.001).partition("e")
    return f"{digits} × 10{power.translate(_RAISED)}" if exponent else digits


def p_equation(p: float) -> str:
    """Return "p = 0.043" for a sentence, without a line break in it."""
    text = typeset_p(p)
    equation = f"p {text}" if text.startswith("<") else f"p = {text}"
    return equation.replace(" ", "\N{NO-BREAK SPACE}")
