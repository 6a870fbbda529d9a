"""Whether the fast paths change results: cells trained again without any of them.

    python -m bench.same_results --runs mpt sp --seeds 11

trains cells of params.yaml's grid with transformers' model on padded rows (bench/plain.py), from
the artifacts that `dvc repro` made, and compares their accuracies with those in data/runs/. Exits
with 1 if a cell of Table I (mean over the seeds, per language or over all languages) differs by
more than 0.3 points, with 2 if there is nothing to compare with.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import product

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pandas as pd
import transformers

from bench.plain import PlainBackbone, build_plain
from pipeline import artifacts
from pipeline.backbone.files import backbone_folder
from pipeline.backbone.tokens import load_pieces
from pipeline.cells.files import run_folder
from pipeline.cells.metrics import cell_metrics
from pipeline.corpora.reading import read_fewshot, read_test
from pipeline.errors import InputError, RunError
from pipeline.params.whole import Params, load_params
from pipeline.training import reproducibility
from pipeline.training.loop import fit
from pipeline.training.method import Context
from pipeline.training.parallel import read_parallel
from pipeline.training.prediction import predict
from pipeline.training.text import TrainingText
from stages.terminal import say

LIMIT = 0.3
"""Points of accuracy by which a cell of Table I may differ."""


def accuracies(params: Params, run: str, shots: int, seed: int) -> dict[str, float]:
    """Train a cell without fast paths and return its test accuracies in percent.

    Args:
        params: params.yaml.
        run: its name there.
        shots: k.
        seed: of training.

    Returns:
        Accuracy by language, and their mean as `avg`.
    """
    chosen = params.run(run)
    labelled, dev = read_fewshot(shots, seed=seed)
    pairs = read_parallel(chosen, params.languages, shots=shots, seed=seed)
    test = read_test(params.languages)
    # Loaded before seeding: transformers may draw random numbers.
    folder = backbone_folder(chosen.backbone)
    backbone = PlainBackbone(folder, width=chosen.training.max_length)
    generator = reproducibility.make_deterministic(seed)
    reproducibility.set_threads(1)
    pieces = load_pieces(folder)
    context = Context(chosen, params.languages, backbone, pieces)
    method = build_plain(context, backbone).to(reproducibility.device())
    fit(
        method,
        TrainingText.of(labelled, pairs),
        dev.assign(language=params.languages.source),
        generator=generator,
    )
    return dict(cell_metrics(predict(method, test))["accuracy"])


def differences(params: Params, cells: Iterable[tuple[str, int, int]]) -> pd.DataFrame:
    """Return accuracies without fast paths minus those of the pipeline, in points.

    Args:
        params: params.yaml.
        cells: run, shots and seed of each.

    Returns:
        A row per run and number of shots, means over the seeds; a column per language, and
        `avg`.
    """
    rows = {}
    for cell in cells:
        ours = artifacts.read_json(run_folder(*cell) / "metrics.json")["accuracy"]
        plain = accuracies(params, *cell)
        rows[cell] = pd.Series(plain) - pd.Series(ours)
        say(f"{cell}: {plain['avg']:.2f} %, pipeline {ours['avg']:.2f} %")
    frame = pd.DataFrame(rows).T.rename_axis(["run", "shots", "seed"])
    return frame.groupby(["run", "shots"], sort=False).mean()


def chosen_cells(params: Params, arguments: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the cells of the grid that the command line asks for; by default, all."""
    options = argparse.ArgumentParser(
        prog="bench.same_results",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    for key, kind in (("runs", str), ("shots", int), ("seeds", int)):
        values = getattr(params.grid, key)
        text = f"some of grid.{key} in params.yaml"
        options.add_argument(
            f"--{key}", nargs="+", type=kind, choices=values, default=values, help=text
        )
    chosen = options.parse_args(arguments)
    return list(product(chosen.runs, chosen.shots, chosen.seeds))


def main() -> None:
    """Train, compare and print; exit 1 if a cell differs, 2 if the input is wrong."""
    transformers.utils.logging.disable_progress_bar()
    try:
        params = load_params()
        frame = differences(params, chosen_cells(params, sys.argv[1:]))
    except (InputError, RunError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2 if isinstance(error, InputError) else 1)
    say("Without fast paths minus with them, in points:")
    say(frame.T.to_string(float_format="{:+.2f}".format))
    largest = frame.abs().max(axis=None, skipna=False)
    if not largest <= LIMIT:
        sys.stderr.write(f"error: expected cells within {LIMIT} points, found {largest:.2f}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
