"""Speed and memory of training and prediction, beside two loops that use transformers.

    python -m bench.speed --hub ../shared/hub --json speed.json

prints a table for each shape and exits 1 if the contenders do not compute the same. What is timed
is the paper's step at 64 shots (profiles/paper.yaml), and prediction of XNLI's test in all
languages from text on, which all tokenize alike. The contenders stand in bench/contenders.py; each
is built anew in every round from the same weights, one after another: rounds take turns, so that a
busy machine hits all alike, and memory is one contender's. All use one process, and so the same
CUBLAS_WORKSPACE_CONFIG, and the same cores: those that torch takes, of which training of a small
model takes one (with OMP_NUM_THREADS=1 all takes one); beyond that, peers run as torch does by
itself.

Needs torch, transformers, tokenizers, pandas, pyarrow, rich, typer, pydantic and ruamel.yaml. For
a machine without network that lacks the last two, bring wheels for its Python along:

    pip download --dest build/wheels --only-binary :all: --python-version 3.12 pydantic ruamel.yaml
    pip install --no-index --find-links build/wheels --target build/site pydantic ruamel.yaml
    PYTHONPATH=build/site python -m bench.speed --hub hub

the first where there is a network, the others there.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from rich.console import Console
from rich.table import Table

from bench.contenders import CONTENDERS
from bench.measuring import refuse_more_memory_than_there_is
from bench.shapes import SHAPES
from bench.text import load_tokenizer, read_text, train_tokenizer
from bench.trials import Options, compare
from pipeline.errors import InputError, RunError
from pipeline.profiles import load_profile
from pipeline.training import reproducibility
from stages.terminal import bar

HUB = Path(__file__).parents[2] / "shared" / "hub"

HEADINGS = (
    "",
    "ours / it:\nupdate",
    "ours / it:\nprediction",
    "ms an\nupdate",
    "examples\na second",
    "peak MiB:\ntraining",
    "peak MiB:\nprediction",
)
"""Of the table. Ratios are of times: below 1 the project is faster."""


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the command line's options, with the defaults of this machine."""
    gpu = torch.cuda.is_available()
    options = argparse.ArgumentParser(
        prog="bench.speed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = options.add_argument
    add("--method", choices=["mpt", "sp"], default="mpt", help="a run of profiles/paper.yaml")
    add("--shape", choices=list(SHAPES), action="append", help="several times for several")
    add("--hub", type=Path, default=HUB, help="facebook/xnli, google-research-datasets/paws-x")
    add("--tokenizer", type=Path, help="a folder with XLM-R's; without it one is trained")
    add("--updates", type=int, default=20 if gpu else 8, help="timed in a round")
    add("--warmup", type=int, default=5 if gpu else 2, help="not timed, at least 1")
    add("--batch-size", type=int, default=24, help="labelled pairs, and parallel pairs, an update")
    add("--rounds", type=int, default=3, help="of all contenders")
    add("--examples", type=int, default=7500 if gpu else 480, help="predicted in a round")
    add("--json", type=Path, help="where to write all numbers")
    found = options.parse_args(arguments)
    found.shape = found.shape or (["pocket", "base", "large"] if gpu else ["pocket"])
    return found


def run(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure what was asked for and return all numbers."""
    run = load_profile("paper").run(chosen.method)
    if chosen.tokenizer:
        tokenizer, name = load_tokenizer(chosen.tokenizer), str(chosen.tokenizer)
    else:
        tokenizer = train_tokenizer(chosen.hub, [*run.template.label_words, ".", "?"])
        name = f"BPE of {tokenizer.get_vocab_size()} pieces, trained on XNLI's validation text"
    text = read_text(chosen.hub, tokenizer, examples=chosen.examples)
    options = Options(chosen.updates, chosen.warmup, chosen.rounds, chosen.batch_size)
    machine = reproducibility.circumstances() | {"transformers": transformers.__version__}
    peaks = {key for key in machine if key.startswith("peak")}
    found: dict[str, Any] = {
        "machine": {key: value for key, value in machine.items() if key not in peaks},
        "tokenizer": name,
        "shapes": {},
    }
    threads = torch.get_num_threads()
    transformers.utils.logging.disable_progress_bar()
    for shape in chosen.shape:
        torch.set_num_threads(threads)
        with bar() as progress:
            found["shapes"][shape] = compare(shape, run, text, options=options, progress=progress)
    return found


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print a table for each shape."""
    machine = found["machine"]
    console.print(
        f"{machine['device']}, torch {machine['torch']}. Tokenizer: {found['tokenizer']}."
    )
    for name, shape in found["shapes"].items():
        _show_shape(name, shape, console)


def _show_shape(name: str, shape: Mapping[str, Any], console: Console) -> None:
    table = Table(
        title=f"{name}: {shape['method']}, {shape['parameters'] / 1e6:.1f} million parameters, "
        f"{shape['precision']}, {shape['updates']} updates and {shape['examples']} examples a "
        f"round, {shape['rounds']} rounds",
        title_justify="left",
    )
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for one in CONTENDERS:
        if one not in shape["contenders"]:
            table.add_row(one, *["lacks memory"] + [""] * 5)
            continue
        ratio, own = shape["ratios"][one], shape["contenders"][one]
        peaks = [own["training_mib"], own["prediction_mib"]]
        table.add_row(
            one,
            *(f"{ratio[what]:.2f}" for what in ("update", "prediction")),
            f"{own['update_ms']:.1f}",
            f"{own['examples_a_second']:{'.0f' if own['examples_a_second'] >= 10 else '.2f'}}",
            *("?" if peak is None else f"{peak:.0f}" for peak in peaks),
        )
    console.print(table)
    apart, tokens, floor = shape["differences"], shape["tokens_an_update"], shape["roofline"]
    rows = ", ".join(
        f"{kind} {one['mean']:.0f} (at most {one['max']})"
        for kind, one in shape["tokens_a_row"].items()
    )
    console.print(
        f"Tokens of a row, template included: {rows}.\n"
        f"Largest difference from ours: losses {apart['loss']:.1g}, probabilities "
        f"{apart['probability']:.1g}. Tokens an update: {tokens['real']:.0f}, padded by batch "
        f"{tokens['dynamic']:.0f}, to the maximum {tokens['padded']:.0f}.\n"
        f"Floor of an update: {floor['milliseconds']:.1f} ms, of which ours takes "
        f"{shape['ours_over_floor']:.2f} times: {floor['teraflops']:.3g} TFLOP at "
        f"{floor['teraflops_a_second']:.3g} TFLOP/s, then {floor['optimizer_gib']:.3g} GiB of "
        f"optimizer at {floor['gib_a_second']:.4g} GiB/s.\n"
    )


def main() -> None:
    """Measure, print, write; exit 1 where contenders differ, 2 where the input is wrong."""
    chosen = parsed(sys.argv[1:])
    if reproducibility.device().type == "cpu":
        refuse_more_memory_than_there_is()
    try:
        found = run(chosen)
    except (InputError, RunError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2 if isinstance(error, InputError) else 1)
    show(found, Console(width=None if sys.stdout.isatty() else 100))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
