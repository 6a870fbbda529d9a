"""`mpt tables`: from the cells' predictions to the tables under results/."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

PLACES = (
    ("results/table1.md", "Table I with standard deviations and the paper's values (.tex, .csv)"),
    ("results/accuracy.csv", "accuracy of every run, shots, seed and language"),
    ("results/significance.csv", "MPT against each other run: the paper's test and sound ones"),
    ("results/metrics.json", "the averages, for `dvc metrics show`"),
    ("data/runs/", "predictions, metrics and prompt of every cell: data/runs/RUN/kSHOTS/sSEED/"),
    ("params.yaml", "what was run; edit it and run `dvc repro`"),
)

# Characters a line where the output is no terminal; Table I in 15 languages fits.
WIDTH = 110


def tables(
    show: Annotated[
        bool,
        typer.Option(
            "--show",
            help="Print Table I and where everything lies, from results/ as it stands; "
            "compute nothing.",
        ),
    ] = False,
) -> None:
    """Collect the cells of params.yaml into Table I, its variants and the significance tests."""
    if show:
        _show()
    else:
        _write()


def _write() -> None:
    from pipeline.artifacts import RESULTS, write_csv, write_json, write_text
    from pipeline.config import load_params
    from pipeline.errors import InputError
    from pipeline.evaluation import rendering
    from pipeline.evaluation.cells import read_cells
    from pipeline.evaluation.comparisons import significance
    from pipeline.evaluation.tables import (
        PAPER,
        accuracy_table,
        read_table1,
        summary,
        table1,
        table1_std,
    )

    params = load_params()
    if not params.grid.cells:
        raise InputError("params.yaml: grid: expected at least one run, shots and seed, found none")
    paper = read_table1(PAPER / "table1.csv")
    cells = read_cells(params.cells, params.languages.all)
    accuracy = accuracy_table(cells)
    mean, std = table1(accuracy, params.grid), table1_std(accuracy, params.grid)
    compared = significance(cells, params.grid)
    printed = rendering.entries(mean, std, paper)
    chance = rendering.chance_line(mean, pairs=cells.pairs)
    in_markdown = rendering.caption(params, pairs=cells.pairs, code=lambda path: f"`{path}`")
    in_latex = rendering.caption(
        params, pairs=cells.pairs, code=lambda path: rf"\texttt{{{rendering.tex_escaped(path)}}}"
    )
    # All is computed before the first file is written: an error leaves the last results whole.
    write_csv(accuracy, RESULTS / "accuracy.csv")
    write_csv(mean, RESULTS / "table1.csv")
    write_csv(std, RESULTS / "table1_std.csv")
    write_csv(compared, RESULTS / "significance.csv")
    write_json(summary(accuracy, pairs=cells.pairs), RESULTS / "metrics.json")
    markdown = rendering.markdown(printed, caption=in_markdown, chance=chance)
    write_text(markdown, RESULTS / "table1.md")
    write_text(rendering.latex(printed, caption=in_latex, chance=chance), RESULTS / "table1.tex")


def _show() -> None:
    from rich.console import Console

    from pipeline.artifacts import RESULTS
    from pipeline.errors import InputError
    from pipeline.evaluation.rendering import caption_of
    from pipeline.evaluation.tables import PAPER, read_table1

    for name in ("table1.csv", "table1.md"):
        if not (RESULTS / name).is_file():
            raise InputError(
                f"{RESULTS / name}: expected Table I, found no such file (make it: dvc repro)"
            )
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    mean = read_table1(RESULTS / "table1.csv")
    table = _readable(mean, read_table1(PAPER / "table1.csv"))
    # Rich would cut numbers short to fit a narrow window; a window breaks the lines instead.
    needed = Console(width=10 * WIDTH).measure(table).maximum
    Console(highlight=False, width=max(console.width, needed)).print(table)
    # The caption is read where it was written with these numbers; params.yaml may have changed.
    text = caption_of((RESULTS / "table1.md").read_text(encoding="utf-8"))
    console.print(text.rpartition("\n\n")[0], markup=False)
    console.print()
    for path, what in PLACES:
        console.print(f"{path:26}{what}", markup=False)


def _readable(mean: "pd.DataFrame", paper: "pd.DataFrame") -> "Table":
    from rich import box
    from rich.table import Table

    from pipeline.evaluation.rendering import entries
    from pipeline.evaluation.tables import AVERAGE

    table = Table(
        title="Table I: accuracy (%)",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    no_deviations = mean.assign(**{c: float("nan") for c in mean.columns[2:]})
    rows = entries(mean, no_deviations, paper)
    columns = list(next(iter(rows.values())))
    table.add_column("shots", justify="right", no_wrap=True)
    table.add_column("method", no_wrap=True)
    for column in (*columns, "paper avg"):
        table.add_column(column, justify="right", no_wrap=True)
    last = None
    for (shots, method), row in rows.items():
        if last not in (None, shots):
            table.add_section()
        means = [f"[bold]{e.mean}[/bold]" if e.best else e.mean for e in row.values()]
        table.add_row(str(shots) if shots != last else "", method, *means, row[AVERAGE].paper)
        last = shots
    return table
