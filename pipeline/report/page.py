"""The page itself: what was read, said and drawn, set by what lies in template/."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.evaluation.captions import XLM_R_BASE, XNLI, caption, chance_line
from pipeline.evaluation.gaps import table2_gaps
from pipeline.evaluation.printing import entries
from pipeline.languages import LANGUAGES
from pipeline.params.runs import LABELS
from pipeline.params.whole import CELLS, Params
from pipeline.report import facts, statements, tables
from pipeline.report.examples import EACH, compared_cells, disagreements
from pipeline.report.failures import failures
from pipeline.report.figures.collection import empty
from pipeline.report.figures.drawing import DrawnFigure, inline_svg
from pipeline.report.figures.words import language_name, seeds_name, shots_name
from pipeline.report.headline import headline
from pipeline.report.inputs import Record
from pipeline.report.text import breakable, visible

TEMPLATES = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Material:
    """All that the page is made of.

    Attributes:
        params: of params.yaml.
        tables: the rows of results/*.csv by the name of the file.
        table1: our Table I and its standard deviations.
        paper: the paper's Tables I and II.
        records: what every cell says of itself.
        figures: by name; None where nothing was run that a figure could show.
    """

    params: Params
    tables: Mapping[str, pd.DataFrame]
    table1: tuple[pd.DataFrame, pd.DataFrame]
    paper: tuple[pd.DataFrame, pd.DataFrame]
    records: list[Record]
    figures: Mapping[str, DrawnFigure | None]


def page(material: Material) -> str:
    """Return the page, HTML that needs no other file and loads none."""
    script = (TEMPLATES / "script.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "language": language_name,
        "shots": shots_name,
        "seeds": seeds_name,
        "visible": visible,
        "breakable": breakable,
        "code": _with_code,
    }
    return environment.get_template("page.html").render(
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        # The script alone may run, whatever a text on the page holds.
        script_hash=base64.b64encode(sha256(script.encode()).digest()).decode(),
        **_contents(material),
    )


def _contents(material: Material) -> dict[str, Any]:
    """Return what the templates name."""
    params, given = material.params, material.tables
    mean, std = material.table1
    entered = entries(mean, std, material.paper[0])
    pairs = int(material.records[0].metrics["test"]["pairs"])
    compared = compared_cells(params)
    seeds = {block: len(grid.seeds) for block in CELLS if (grid := getattr(params, block)).cells}
    named = params.comparison
    return {
        "params": params,
        "reference": named.reference,
        "baseline": named.baseline,
        "labels": LABELS,
        "is_papers": params.datasets.xnli.path == XNLI and params.backbone.path in XLM_R_BASE,
        "test_pairs": pairs,
        "headline": headline(material.tables, material.paper[0], params),
        "profile": facts.profile_name(),
        "params_text": facts.params_text(),
        "source": facts.source,
        "blocks": facts.blocks(params, material.records),
        "machines": facts.machines(material.records),
        "splits": facts.splits(params),
        "pairs": facts.pairs(params),
        "caption": caption(params, pairs=pairs, code=lambda path: f"`{path}`"),
        "chance_line": chance_line(mean, pairs=pairs),
        "table1": tables.by_shots(entered),
        "table2": tables.table2(given["table2"], material.paper[1]),
        "table2_gaps": table2_gaps(params),
        "p_rows": tuple(tables.P_ROWS),
        "figures": {name: _drawn(one) for name, one in material.figures.items()},
        "empty": empty(params),
        "tests": _tests_made(given["significance"]),
        "comparisons": statements.comparisons(given["significance"], given["differences"]),
        "few_seeds": list(statements.few_seeds(seeds)),
        "failures": failures(material.records),
        "gap_rows": tables.gap_rows(given["paper_gap"]),
        "gap_summary": tables.gap_summary(given["paper_gap"]),
        "further": tables.further(given, params),
        "compared": compared,
        "disagreements": disagreements(params, *compared) if compared else [],
        "each": EACH,
        "languages": LANGUAGES,
    }


def _drawn(drawn: DrawnFigure | None) -> dict[str, Any] | None:
    if drawn is None:
        return None
    return {
        "figure": drawn.figure,
        "panels": [Markup(inline_svg(panel)) for panel in drawn.panels],
        "heads": list(drawn.figure.numbers.columns),
        "rows": drawn.figure.numbers.to_numpy().tolist(),
    }


def _tests_made(significance: pd.DataFrame) -> list[statements.Test]:
    made = set(significance["test"])
    return [test for name, test in statements.TESTS.items() if name in made]


def _with_code(text: str) -> Markup:
    """Return text whose parts in backticks are set as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )
