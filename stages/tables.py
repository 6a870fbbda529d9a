"""`mpt tables`: from the cells' predictions to the tables under results/."""

from typing import Annotated

import typer

PLACES = (
    ("results/report.html", "everything on one page, with figures: open it in a browser"),
    ("results/table1.md", "Table I with standard deviations and the paper's values (.tex, .csv)"),
    ("results/table2.md", "Table II, its p-values and what they mean (.tex, .csv)"),
    ("results/paper_gap.csv", "every number of the paper's tables, with ours beside it"),
    ("results/intervals.csv", "every run with its 95 % intervals; accuracy.csv: every seed"),
    ("results/differences.csv", "the reference minus every other run (gain.csv: Figure 3)"),
    ("results/significance.csv", "the same differences by the paper's test and by sound ones"),
    ("results/sweeps.csv", "the runs that differ from the reference in one setting"),
    ("results/confusion.csv", "how the test pairs of each label are classified"),
    ("results/metrics.json", "the averages, for `dvc metrics show` (curves.csv: for dvc plots)"),
    ("results/figures/", "Figures 3 to 5, curves, heat map and confusion, as SVG and PNG"),
    ("data/runs/", "predictions, metrics and prompt of every cell: data/runs/RUN/kSHOTS/sSEED/"),
    ("params.yaml", "the parameters; edit them and run `dvc repro`"),
)

P_NOTE = (
    "lost: points below the original over the seeds that both have, with a 95 % bootstrap "
    "interval; p (paper): the paper's test, which is not sound (results/table2.md says why); "
    "p (seeds): paired t-test over seeds; p (McNemar): over test pairs; both after Holm's "
    "correction over the rows of Table II.\n"
)

SHOW = "Only print Tables I and II from results/, and list the files; compute nothing."

WIDTH = 110
"""Characters per line if the output is no terminal: Table I in 15 languages fits."""


def tables(show: Annotated[bool, typer.Option("--show", help=SHOW)] = False) -> None:
    """Make the paper's tables, with intervals and tests, for the runs in params.yaml."""
    from pipeline.artifacts import write_csv, write_json
    from pipeline.evaluation.captions import sweep_gaps, table2_gaps
    from pipeline.evaluation.files import DIGESTS
    from pipeline.evaluation.results import results
    from pipeline.files import sha256, write_text
    from pipeline.params.whole import load_params
    from stages.terminal import warn

    if show:
        _show()
        return
    params = load_params()
    made = results(params)
    for path, contents in made.items():
        if isinstance(contents, str):
            write_text(contents, path)
        elif isinstance(contents, dict):
            write_json(contents, path)
        else:
            write_csv(contents, path)
    write_json({path.name: sha256(path) for path in made}, DIGESTS)
    if gaps := " ".join(filter(None, [table2_gaps(params), sweep_gaps(params)])):
        warn(gaps)


def _show() -> None:
    from rich.console import Console
    from rich.markup import escape

    from pipeline.errors import InputError
    from pipeline.evaluation import files, printing, published
    from pipeline.evaluation.tables import comparable
    from pipeline.evaluation.words import p_value

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    lines = []
    first = files.TABLE1.read()
    papers = (files.PAPER_TABLE1, files.PAPER_TABLE2)
    paper1, paper2 = (comparable(csv.read(), files.languages_of(first)) for csv in papers)
    for row in printing.printed_rows(first, paper1):
        line = {"shots": str(row.shots), "method": row.name}
        for code, entry in row.entries.items():
            line[code] = f"[bold]{entry.mean}[/bold]" if entry.best else entry.mean
        lines.append(line | {"paper avg": row.entries[files.AVERAGE].paper})
    # The caption was written with these numbers; params.yaml may have changed since.
    caption = files.RESULTS / "table1.md"
    if not caption.is_file():
        raise InputError(f"{caption}: expected Table I, found no such file (make it: dvc repro)")
    _print("Table I: accuracy (%)", lines, least=console.width)
    console.print(printing.caption_of(caption.read_text(encoding="utf-8")) + "\n", markup=False)
    others = published.beside(first, published.read_published(files.languages_of(first)))
    if others:
        texts = [row._replace(source=escape(row.source))._asdict() for row in others]
        _print(f"{published.TITLE}, for XLM-R-base on XNLI", texts, least=console.width)
    if files.TABLE2.path.is_file() and not (second := files.TABLE2.read()).empty:
        lines = []
        for row in printing.printed_rows(second, paper2):
            average, p = row.entries[files.AVERAGE], {key: p_value(p) for key, p in row.p.items()}
            line = {"shots": str(row.shots), "variant": row.name, "run": row.run}
            line |= {"avg": average.mean, "paper": average.paper, "seeds": row.seeds}
            line |= {"lost": row.lost, "interval": row.bounds}
            line |= {"p (paper)": p["p_paper"], "paper's p": p[files.PRINTED_P]}
            line |= {"p (seeds)": p["p_seeds_holm"], "p (McNemar)": p["p_mcnemar_holm"]}
            lines.append(line)
        _print("Table II: averages (%) and p-values", lines, least=console.width)
        console.print(P_NOTE, markup=False)
    for path, what in PLACES:
        console.print(f"{path:26}{what}", markup=False)


def _print(title: str, lines: list[dict[str, str]], *, least: int) -> None:
    """Print lines by head as a table of at least this width, a section per number of shots."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for head in lines[0]:
        is_text = head in ("method", "variant", "run", "language", "splits", "source")
        table.add_column(head, justify="left" if is_text else "right", no_wrap=True)
    last = ""
    for line in lines:
        shots, *texts = line.values()
        if last not in ("", shots):
            table.add_section()
        table.add_row(shots if shots != last else "", *texts)
        last = shots
    # Rich would cut numbers short in a narrow window; the window itself breaks the lines.
    width = Console(width=10 * WIDTH).measure(table).maximum
    Console(highlight=False, width=max(least, width)).print(table)
