"""Figures as SVG and PNG by vl-convert: no browser, no network, the same bytes each time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import vl_convert
from markupsafe import Markup

from pipeline.files import atomic
from pipeline.report.figures.colours import INK
from pipeline.report.figures.figure import FONT, Figure, Panel

VEGA_LITE = "6.4"
"""The version that altair writes and vl-convert reads."""

SCALE = 2.0
"""Pixels of a PNG per pixel of the chart."""

ENLARGED = 1.15
"""How much larger a panel is on a page with room for it."""

APART, EDGE, TITLE = 28, 12, 16
"""Pixels between panels, around a figure, and of its title's font."""


@dataclass(frozen=True)
class Drawn:
    """A panel as SVG: the content of its outermost element, its size, and what it shows."""

    inside: str
    width: int
    height: int
    text: str


@dataclass(frozen=True)
class DrawnFigure:
    """A figure with its panels as SVG; each mark has an aria-label."""

    figure: Figure
    panels: tuple[Drawn, ...]


def draw(figure: Figure) -> DrawnFigure:
    """Draw the panels of a figure."""
    return DrawnFigure(figure, tuple(map(_draw, figure.panels)))


def _draw(panel: Panel) -> Drawn:
    svg = str(vl_convert.vegalite_to_svg(panel.spec(), vl_version=VEGA_LITE))
    pattern = r'<svg [^>]*?width="(\d+)" height="(\d+)"[^>]*>(.*)</svg>\s*'
    match = re.fullmatch(pattern, svg, re.DOTALL)
    if match is None:
        raise RuntimeError(f"expected an SVG of known size from vl-convert, found {svg[:120]!r}")
    # Screen readers would announce each group of marks; the marks are enough.
    inside = re.sub(r'( role="graphics-object")? aria-roledescription="[^"]*"', "", match[3])
    inside = inside.replace('role="graphics-symbol"', 'role="img"')
    return Drawn(inside, int(match[1]), int(match[2]), panel.text)


def inline_svg(drawn: Drawn) -> Markup:
    """Return a panel as an SVG element for a page, in the page's text colour."""
    return Markup(
        f'<svg role="group" aria-label="{escape(drawn.text)}" '
        f'style="width:{round(drawn.width * ENLARGED)}px" '
        f'viewBox="0 0 {drawn.width} {drawn.height}">'
        f"{drawn.inside.replace(INK, 'currentColor')}</svg>"
    )


def file_svg(drawn: DrawnFigure) -> str:
    """Return a figure as an SVG file on white: its title, and its panels in columns."""
    figure, top = drawn.figure, 2 * EDGE + TITLE
    placed, right, bottom = [], len(figure.title) * TITLE // 2, top
    for panel, x, y in _places(drawn.panels, figure.columns, top=top):
        placed.append(f'<g transform="translate({x},{y})">{panel.inside}</g>')
        right, bottom = max(right, x + panel.width), max(bottom, y + panel.height)
    width, height, inside = right + EDGE, bottom + EDGE, "\n".join(placed)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="group" aria-label="{escape(figure.title)}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="{EDGE}" y="{EDGE + TITLE}" font-family="{FONT}" font-size="{TITLE}px" '
        f'font-weight="bold" fill="{INK}">{escape(figure.title)}</text>\n'
        f"{inside}\n</svg>\n"
    )


def pictures(figures: Mapping[str, DrawnFigure | None]) -> dict[str, bytes]:
    """Return the files of all figures that were drawn: NAME.svg and NAME.png."""
    files: dict[str, bytes] = {}
    for name, figure in figures.items():
        if figure is not None:
            svg = file_svg(figure)
            files[f"{name}.svg"] = svg.encode()
            files[f"{name}.png"] = bytes(vl_convert.svg_to_png(svg, scale=SCALE))
    return files


def write_pictures(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of figures, and remove those of figures that were not drawn this time."""
    for name, content in files.items():
        with atomic(folder / name) as temporary:
            temporary.write_bytes(content)
    for old in [*folder.glob("*.svg"), *folder.glob("*.png")]:
        if old.name not in files:
            old.unlink()


def _places(panels: Sequence[Drawn], columns: int, *, top: int) -> Iterator[tuple[Drawn, int, int]]:
    """Yield each panel with its left and upper edge, columns and rows aligned."""
    columns = min(columns, len(panels))
    widths = [max(panel.width for panel in panels[at::columns]) for at in range(columns)]
    y = top
    for start in range(0, len(panels), columns):
        row = panels[start : start + columns]
        for at, panel in enumerate(row):
            yield panel, EDGE + sum(widths[:at]) + at * APART, y
        y += max(panel.height for panel in row) + APART
