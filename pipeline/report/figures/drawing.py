"""Figures as SVG and PNG, by vl-convert: no browser, no network, the same bytes each time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import vl_convert

from pipeline.artifacts import atomic
from pipeline.report.figures.colours import INK
from pipeline.report.figures.figure import FONT, Figure, Panel

VEGA_LITE = "6.4"
"""The version that altair writes and vl-convert is asked to read."""

SCALE = 2.0
"""Pixels of a PNG for each of the chart's."""

ENLARGED = 1.15
"""How much larger a panel stands on a page that has room."""

APART, EDGE, TITLE = 28, 12, 16
"""Pixels between panels, around a figure, and of its title's letters."""


@dataclass(frozen=True)
class Drawn:
    """A panel as SVG: the inside of the outermost element, its size, and what it shows."""

    inside: str
    width: int
    height: int
    text: str


@dataclass(frozen=True)
class DrawnFigure:
    """A figure and its panels as SVG, in the same order."""

    figure: Figure
    panels: tuple[Drawn, ...]


def draw(figure: Figure) -> DrawnFigure:
    """Return a figure with its panels as SVG, each mark with its aria-label."""
    return DrawnFigure(figure, tuple(_draw(panel) for panel in figure.panels))


def _draw(panel: Panel) -> Drawn:
    svg = str(vl_convert.vegalite_to_svg(panel.spec(), vl_version=VEGA_LITE))
    found = re.fullmatch(
        r'<svg [^>]*?width="(\d+)" height="(\d+)"[^>]*>(.*)</svg>\s*', svg, re.DOTALL
    )
    if found is None:
        raise RuntimeError(f"expected an SVG of known size from vl-convert, found {svg[:120]!r}")
    # Containers of marks would each be announced; the marks themselves say it all.
    inside = re.sub(r' role="graphics-object" aria-roledescription="[^"]*"', "", found[3])
    inside = re.sub(r' aria-roledescription="[^"]*"', "", inside)
    inside = inside.replace('role="graphics-symbol"', 'role="img"')
    return Drawn(inside, int(found[1]), int(found[2]), panel.text)


def inline_svg(drawn: Drawn) -> str:
    """Return a panel as an element for a page, in the page's text colour."""
    return (
        f'<svg role="group" aria-label="{escape(drawn.text)}" '
        f'style="width:{round(drawn.width * ENLARGED)}px" '
        f'viewBox="0 0 {drawn.width} {drawn.height}">'
        f"{drawn.inside.replace(INK, 'currentColor')}</svg>"
    )


def file_svg(drawn: DrawnFigure) -> str:
    """Return a figure as an SVG file on white: its title, and the panels in columns."""
    figure = drawn.figure
    top = 2 * EDGE + TITLE
    placed, right, bottom = [], len(figure.title) * TITLE // 2, top
    for panel, x, y in _places(drawn.panels, figure.columns, top=top):
        placed.append(f'<g transform="translate({x},{y})">{panel.inside}</g>')
        right, bottom = max(right, x + panel.width), max(bottom, y + panel.height)
    width, height = right + EDGE, bottom + EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="group" aria-label="{escape(figure.title)}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="{EDGE}" y="{EDGE + TITLE}" font-family="{FONT}" font-size="{TITLE}px" '
        f'font-weight="bold" fill="{INK}">{escape(figure.title)}</text>\n'
        + "\n".join(placed)
        + "\n</svg>\n"
    )


def pictures(figures: Mapping[str, DrawnFigure | None]) -> dict[str, bytes]:
    """Return the files of all figures that were drawn, by name: NAME.svg and NAME.png."""
    files: dict[str, bytes] = {}
    for name, figure in figures.items():
        if figure is not None:
            svg = file_svg(figure)
            files[f"{name}.svg"] = svg.encode()
            files[f"{name}.png"] = bytes(vl_convert.svg_to_png(svg, scale=SCALE))
    return files


def write_pictures(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of figures, and remove those of figures that are no longer drawn."""
    for name, content in files.items():
        with atomic(folder / name) as temporary:
            temporary.write_bytes(content)
    for old in [*folder.glob("*.svg"), *folder.glob("*.png")]:
        if old.name not in files:
            old.unlink()


def _places(panels: Sequence[Drawn], columns: int, *, top: int) -> Iterator[tuple[Drawn, int, int]]:
    """Yield each panel with the left and upper edge that it gets, columns and rows aligned."""
    columns = min(columns, len(panels))
    widths = [max(one.width for one in panels[at::columns]) for at in range(columns)]
    y = top
    for start in range(0, len(panels), columns):
        row = panels[start : start + columns]
        for at, panel in enumerate(row):
            yield panel, EDGE + sum(widths[:at]) + at * APART, y
        y += max(one.height for one in row) + APART
