"""Whether results depend on the fast paths: cells trained again without any of them.

    python -m bench.same_results --runs mpt sp --seeds 11

trains the cells of params.yaml's grid with transformers' model on padded rows (bench/plain.py),
one after another, on the artifacts that `dvc repro` made, and compares their accuracies with those
in data/runs/. Exits 1 if a cell of Table I (mean over the seeds, of a language or of the languages'
mean) differs by more than 0.3 points, 2 if there is nothing to compare with.
"""

import argparse
import os
import sys
from collections.abc import Sequence

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pandas as pd
import transformers
from rich.console import Console
from rich.table import Table

from bench.plain import load_plain, predict_plainly
from pipeline import artifacts
from pipeline.backbone.files import BACKBONE
from pipeline.backbone.tokens import load_pieces
from pipeline.cells.files import run_folder
from pipeline.cells.metrics import cell_metrics
from pipeline.corpora.files import CORPORA, EXAMPLES, read_fewshot
from pipeline.errors import InputError, RunError
from pipeline.methods.base import Context, TrainingText
from pipeline.params.whole import Params, load_params
from pipeline.training import reproducibility
from pipeline.training.loop import fit
from pipeline.training.parallel import read_parallel
from pipeline.training.registry import build

LIMIT = 0.3
"""Points of accuracy by which a cell of Table I may differ."""


def accuracies(params: Params, run: str, shots: int, seed: int) -> dict[str, float]:
    """Train a cell without fast paths and return its test accuracies in percent.

    Args:
        params: the whole of params.yaml.
        run: its name.
        shots: k.
        seed: of training.

    Returns:
        By language, and of all as `avg`.
    """
    chosen = params.run(run)
    labelled, dev = read_fewshot(shots, seed=seed)
    pairs = read_parallel(chosen, shots=shots, seed=seed, usual=params.paws15.pairs)
    test = artifacts.read_table(CORPORA / "test.parquet", EXAMPLES)
    # Read first: transformers may draw random numbers meanwhile.
    backbone = load_plain(BACKBONE, width=chosen.training.max_length)
    generator = reproducibility.make_deterministic(seed)
    reproducibility.set_threads(sum(one.numel() for one in backbone.parameters()))
    pieces = load_pieces(BACKBONE)
    context = Context(chosen, params.languages, backbone, pieces)  # type: ignore[arg-type]
    method = build(context).to(reproducibility.device())
    fit(
        method,
        TrainingText.of(labelled, pairs),
        dev.assign(language=params.languages.source),
        generator=generator,
    )
    found: dict[str, float] = cell_metrics(predict_plainly(method, test))["accuracy"]
    return found


def differences(
    params: Params, cells: Sequence[tuple[str, int, int]], console: Console
) -> pd.DataFrame:
    """Return cells without fast paths less those of the pipeline, in points.

    Args:
        params: the whole of params.yaml.
        cells: run, shots and seed of each.
        console: told of each cell when it is done.

    Returns:
        A row for each run and number of shots, means over the seeds; a column for each language,
        and `avg`.
    """
    rows = {}
    for cell in cells:
        theirs = artifacts.read_json(run_folder(*cell) / "metrics.json")["accuracy"]
        plain = pd.Series(accuracies(params, *cell))
        rows[cell] = plain - pd.Series(theirs)
        console.print(f"{cell}: {plain['avg']:.2f} %, pipeline {theirs['avg']:.2f} %")
    frame = pd.DataFrame(rows).T.rename_axis(["run", "shots", "seed"])
    return frame.groupby(["run", "shots"], sort=False).mean()


def show(found: pd.DataFrame, console: Console) -> None:
    """Print the largest differences of each cell of Table I, and of all."""
    table = Table(title="Without fast paths less with them, points", title_justify="left")
    for heading in ("run", "shots", "largest of a language", "mean of the languages"):
        table.add_column(heading)
    languages = found.drop(columns="avg")
    for (run, shots), row in languages.iterrows():
        largest = row.abs().idxmax()
        mean = found.avg[run, shots]
        table.add_row(run, str(shots), f"{row[largest]:+.2f} ({largest})", f"{mean:+.2f}")
    console.print(table)
    by_language = ", ".join(f"{code} {value:.2f}" for code, value in found.abs().max().items())
    console.print(f"Largest by language: {by_language}")


def chosen_cells(params: Params, chosen: argparse.Namespace) -> list[tuple[str, int, int]]:
    """Return the cells of the grid that were asked for.

    Raises:
        InputError: one is not in the grid.
    """
    asked = {"runs": chosen.runs, "shots": chosen.shots, "seeds": chosen.seeds}
    for name, values in asked.items():
        has = getattr(params.grid, name)
        for value in values or ():
            if value not in has:
                raise InputError(
                    f"--{name}: expected some of {', '.join(map(str, has))} (params.yaml: "
                    f"grid.{name}), found {value}"
                )
    return [
        cell
        for cell in params.grid.cells
        if all(one in (some or [one]) for one, some in zip(cell, asked.values(), strict=True))
    ]


def main() -> None:
    """Train, compare, print; exit 1 where a cell differs, 2 where the input is wrong."""
    options = argparse.ArgumentParser(prog="bench.same_results", description=__doc__)
    options.add_argument("--runs", nargs="+", help="of the grid; all without it")
    options.add_argument("--shots", nargs="+", type=int, help="likewise")
    options.add_argument("--seeds", nargs="+", type=int, help="likewise")
    chosen, console = options.parse_args(), Console(soft_wrap=True)
    transformers.utils.logging.disable_progress_bar()
    try:
        params = load_params()
        found = differences(params, chosen_cells(params, chosen), console)
    except (InputError, RunError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2 if isinstance(error, InputError) else 1)
    show(found, console)
    largest = found.abs().max(axis=None)
    if not largest <= LIMIT:
        sys.stderr.write(f"error: expected cells within {LIMIT} points, found {largest:.2f}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
