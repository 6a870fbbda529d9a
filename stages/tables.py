"""`mpt tables`: from the cells' predictions to the tables under results/."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

PLACES = (
    ("results/report.html", "all of it on one page, with figures: open it in a browser"),
    ("results/table1.md", "Table I with standard deviations and the paper's values (.tex, .csv)"),
    ("results/table2.md", "Table II, its p-values and what they are worth (.tex, .csv)"),
    ("results/paper_gap.csv", "every number of the paper's tables, ours beside it"),
    ("results/intervals.csv", "every run with its 95 % intervals; accuracy.csv: every seed"),
    ("results/differences.csv", "the reference minus every other run (gain.csv: Figure 3)"),
    ("results/significance.csv", "the same by the paper's test and by sound ones"),
    ("results/sweeps.csv", "the runs that differ from the reference in one setting"),
    ("results/confusion.csv", "what the rows of each label are taken for"),
    ("results/metrics.json", "the averages, for `dvc metrics show` (curves.csv: for dvc plots)"),
    ("results/figures/", "Figures 3 to 5, curves, heat map and confusion, as SVG and PNG"),
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
            help="Print Tables I and II and where everything lies, from results/ as it stands; "
            "compute nothing.",
        ),
    ] = False,
) -> None:
    """Collect the cells of params.yaml into the paper's tables, intervals and significance."""
    if show:
        _show()
    else:
        _write()


def _write() -> None:
    from pipeline.artifacts import write_csv, write_json, write_text
    from pipeline.evaluation.files import RESULTS
    from pipeline.evaluation.gaps import sweep_gaps, table2_gaps
    from pipeline.evaluation.results import results
    from pipeline.params.whole import load_params
    from stages.terminal import warn

    params = load_params()
    for name, contents in results(params).items():
        if isinstance(contents, str):
            write_text(contents, RESULTS / name)
        elif isinstance(contents, dict):
            write_json(contents, RESULTS / name)
        else:
            write_csv(contents, RESULTS / name)
    if gaps := " ".join(filter(None, [table2_gaps(params), sweep_gaps(params)])):
        warn(gaps)


def _show() -> None:
    from rich.console import Console

    from pipeline.errors import InputError
    from pipeline.evaluation.files import RESULTS
    from pipeline.evaluation.rendering import caption_of
    from pipeline.evaluation.table2 import read_paper_table2, read_table2
    from pipeline.evaluation.tables import PAPER, read_table1

    for name in ("table1.csv", "table1.md"):
        if not (RESULTS / name).is_file():
            raise InputError(
                f"{RESULTS / name}: expected Table I, found no such file (make it: dvc repro)"
            )
    first = read_table1(RESULTS / "table1.csv"), read_table1(PAPER / "table1.csv")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    _print_whole(console, _readable(*first))
    # The caption is read where it was written with these numbers; params.yaml may have changed.
    text = caption_of((RESULTS / "table1.md").read_text(encoding="utf-8"))
    console.print(text.rpartition("\n\n")[0], markup=False)
    console.print()
    variants = RESULTS / "table2.csv"
    if variants.is_file() and not (second := read_table2(variants)).empty:
        _print_whole(console, _in_short(second, read_paper_table2(PAPER / "table2.csv")))
        console.print(
            "p (paper): the paper's test, which is not sound (results/table2.md says why); p "
            "(seeds), p (McNemar): paired t over seeds and McNemar's over test pairs, after Holm.",
            markup=False,
        )
        console.print()
    for path, what in PLACES:
        console.print(f"{path:26}{what}", markup=False)


def _print_whole(console: "Console", table: "Table") -> None:
    from rich.console import Console

    # Rich would cut numbers short to fit a narrow window; a window breaks the lines instead.
    needed = Console(width=10 * WIDTH).measure(table).maximum
    Console(highlight=False, width=max(console.width, needed)).print(table)


def _readable(mean: "pd.DataFrame", paper: "pd.DataFrame") -> "Table":
    from pipeline.evaluation.printing import entries
    from pipeline.evaluation.tables import AVERAGE

    no_deviations = mean.assign(**{c: float("nan") for c in mean.columns[2:]})
    rows = entries(mean, no_deviations, paper)
    columns = list(next(iter(rows.values())))
    table = _table("Table I: accuracy (%)", ("method",), (*columns, "paper avg"))
    last = None
    for (shots, method), row in rows.items():
        if last not in (None, shots):
            table.add_section()
        means = [f"[bold]{e.mean}[/bold]" if e.best else e.mean for e in row.values()]
        table.add_row(str(shots) if shots != last else "", method, *means, row[AVERAGE].paper)
        last = shots
    return table


def _in_short(mean: "pd.DataFrame", paper: "pd.DataFrame") -> "Table":
    from pipeline.evaluation.rendering_table2 import in_short

    heads = ("avg", "paper avg", "lost", "p (paper)", "paper's p", "p (seeds)", "p (McNemar)")
    table = _table("Table II: averages (%) and p-values", ("variant", "run"), heads)
    last = None
    for shots, *texts in in_short(mean, paper):
        if last not in (None, shots):
            table.add_section()
        table.add_row(shots if shots != last else "", *texts)
        last = shots
    return table


def _table(title: str, names: tuple[str, ...], numbers: tuple[str, ...]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("shots", justify="right", no_wrap=True)
    for column in names:
        table.add_column(column, no_wrap=True)
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table
