"""The page: markup, style and script from template/, filled with tables, texts and figures."""

import base64
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.evaluation import captions, comparability, files, published
from pipeline.evaluation.printing import by_shots, printed_rows
from pipeline.evaluation.settings import alike
from pipeline.evaluation.tables import comparable
from pipeline.evaluation.words import (
    counted,
    interval,
    joined,
    percent,
    run_name,
    signed,
    typeset_p,
)
from pipeline.params.runs import PARAMS
from pipeline.params.whole import Params
from pipeline.report import facts, statements, tables
from pipeline.report.examples import EACH, compared_cells, disagreements
from pipeline.report.figures.collection import empty
from pipeline.report.figures.drawing import DrawnFigure, inline_svg
from pipeline.report.records import failures, read_records
from pipeline.report.text import breakable, language_name, visible, with_code, written_out

TEMPLATES = Path(__file__).parent / "template"

Tables = Mapping[files.Csv, pd.DataFrame]


def read_tables() -> dict[files.Csv, pd.DataFrame]:
    """Read the tables that the page and the figures show.

    Raises:
        InputError: one is missing or damaged.
    """
    ours = (files.TABLE1, files.TABLE1_STD, files.TABLE2, files.INTERVALS, files.DIFFERENCES)
    more = (files.SIGNIFICANCE, files.SWEEPS, files.CONFUSION, files.PAPER_GAP)
    read = {csv: csv.read() for csv in (*ours, *more)}
    languages = files.languages_of(read[files.TABLE1])
    papers = (files.PAPER_TABLE1, files.PAPER_TABLE2)
    read |= {csv: comparable(csv.read(), languages) for csv in papers}
    return read | {files.PUBLISHED: published.read_published(languages)}


def page(params: Params, given: Tables, figures: Mapping[str, DrawnFigure | None]) -> str:
    """Return the page: HTML that loads no other file.

    Raises:
        InputError: a cell or a split is missing or damaged.
    """
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
        "counted": counted,
        "p": typeset_p,
        "visible": visible,
        "breakable": breakable,
        "code": with_code,
        "svg": inline_svg,
        "percent": percent,
        "signed": signed,
        "to": interval,
        "to_signed": partial(interval, number=signed),
    }
    html = environment.get_template("page.html").render(
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        # Only this script may run, whatever a text on the page contains.
        script_hash=base64.b64encode(sha256(script.encode()).digest()).decode(),
        figures=figures,
        **_from_params(params),
        **_from_tables(params, given),
        **_from_cells(params, given),
    )
    return written_out(html)


def _from_params(params: Params) -> dict[str, Any]:
    seeds = {block: len(grid.seeds) for block, grid in params.blocks.items() if grid.cells}
    compared, tested = params.compared_languages, params.languages.all
    return {
        "params": params,
        "reference": params.comparison.reference,
        "baseline": params.comparison.baseline,
        "is_papers": comparability.is_papers(params),
        "heading": comparability.heading(params),
        "part_of_test": comparability.part_of_test(params),
        "backbones_in_words": comparability.backbones(params),
        "backbones": facts.backbones(params),
        "profile": facts.profile_name(),
        "params_text": PARAMS.read_text(encoding="utf-8"),
        "source": facts.source,
        "languages": joined(compared) + ("" if compared == tested else f" (of {joined(tested)})"),
        "splits": facts.splits(params),
        "pairs": facts.pairs(params),
        "few_seeds": list(statements.few_seeds(seeds)),
        "empty": empty(params),
    }


def _from_tables(params: Params, given: Tables) -> dict[str, Any]:
    significance, differences = given[files.SIGNIFICANCE], given[files.DIFFERENCES]
    paper1, paper2, gap = (
        given[csv] for csv in (files.PAPER_TABLE1, files.PAPER_TABLE2, files.PAPER_GAP)
    )
    made = set(significance["test"])
    # Beside ours only if they are about the same; else in a section of their own.
    beside1, beside2 = (
        paper if comparability.is_papers(params) else paper.head(0) for paper in (paper1, paper2)
    )
    return {
        "headline": tables.headline(given, params),
        "table1_names": [run_name(run) for run in params.table1.runs],
        "table1": by_shots(printed_rows(given[files.TABLE1], beside1, given[files.TABLE1_STD])),
        "table2": by_shots(printed_rows(given[files.TABLE2], beside2)),
        "published": {
            "title": published.TITLE,
            "note": published.note(params),
            "heads": published.HEADS,
            "rows": published.beside(given[files.TABLE1], given[files.PUBLISHED]),
        },
        "papers_table2": tables.papers_table2(given[files.TABLE2], paper2),
        "p_rows": tables.P_ROWS,
        "tests": [test for name, test in captions.TESTS.items() if name in made],
        "comparisons": statements.comparisons(significance, differences),
        "gap_of_headline": tables.gap_of_headline(given, params),
        "gap_rows": tables.gap_rows(gap),
        "gap_summary": tables.gap_summary(gap),
        "further": tables.further(given, params),
    }


def _from_cells(params: Params, given: Tables) -> dict[str, Any]:
    records, compared = read_records(params), compared_cells(params)
    pairs, second = int(records[0].metrics["test"]["pairs"]), given[files.TABLE2]
    notes = alike(params.cells, second)
    return {
        "test_pairs": pairs,
        "caption": captions.table1_paragraphs(params, given[files.TABLE1], pairs=pairs),
        "about_table2": captions.table2_about(params, second, pairs=pairs, notes=notes),
        "blocks": facts.blocks(params, records),
        "machines": facts.machines(records),
        "failures": failures(records),
        "compared": compared,
        "disagreements": disagreements(params, *compared) if compared else [],
        "each": EACH,
    }
