"""Speed of training and prediction, beside the plain loop over transformers.

    python -m bench.speed --hub HUB

prints a table, and exits with 1 if the two contenders (bench/contenders.py) do not compute the
same. It times an update of a profile at 64 shots, by default the paper's, and predictions of XNLI's
test set in all languages, tokenization included. Each round builds both contenders from the same
weights and runs one after the other; the order alternates, so that a busy machine slows both. They
share a process, and so CUBLAS_WORKSPACE_CONFIG, the memory that is kept, and the cores: as many as
torch has threads, of which training uses `training.threads`.

Needs torch, transformers, tokenizers, pandas, pyarrow, rich, typer, pydantic and ruamel.yaml; see
docs/performance.md for a machine without network that lacks some of them.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import transformers
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from bench.contenders import CONTENDERS, Drawn
from bench.measuring import measure
from bench.text import Folded, Text, read_text
from pipeline.backbone.backbone import Backbone
from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.tokens import Pieces, load_pieces
from pipeline.errors import InputError, RunError
from pipeline.params.runs import Run
from pipeline.profiles import load_profile
from pipeline.training import reproducibility
from pipeline.training.method import Context, Example
from pipeline.training.registry import build
from stages.process import prepare_environment
from stages.terminal import bar, say

ROOT = Path(__file__).parents[1]
HUB = ROOT.parent / "shared" / "hub"

TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}
"""Largest difference of losses (relative above 1 nat) and of probabilities."""

XLM_R = {
    "vocab_size": 250_002,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
}
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
SHAPES = {
    "pocket": XLMRobertaConfig.from_pretrained(ROOT / "data" / "pocket" / "backbone"),
    "base": XLMRobertaConfig(**XLM_R),
    "large": XLMRobertaConfig(**XLM_R, **LARGE),
}
"""The pocket backbone, XLM-R-base and XLM-R-large; weights are random."""


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the command line's options, with this machine's defaults."""
    gpu = torch.cuda.is_available()
    options = argparse.ArgumentParser(
        prog="bench.speed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = options.add_argument
    add("--method", choices=["mpt", "sp"], default="mpt", help="a run of the profile")
    add("--profile", default="paper", help="has the run")
    add("--shape", choices=list(SHAPES), action="append", help="may be repeated")
    add("--backbone", type=Path, help="folder with weights and a tokenizer, instead of shapes")
    add("--precision", choices=list(TOLERANCE), default="bfloat16" if gpu else "float32")
    add("--hub", type=Path, default=HUB, help="has facebook/xnli, google-research-datasets/paws-x")
    add("--updates", type=int, default=20 if gpu else 8, help="timed updates per round")
    add("--warmup", type=int, default=5 if gpu else 2, help="untimed updates before them")
    add("--batch-size", type=int, default=24, help="labelled, and parallel, pairs per update")
    add("--rounds", type=int, default=3, help="of both contenders")
    add("--examples", type=int, default=7500 if gpu else 480, help="predictions per round")
    add("--json", type=Path, help="file for the numbers of every round")
    chosen = options.parse_args(arguments)
    chosen.shape = chosen.shape or (["pocket", "base", "large"] if gpu else ["pocket"])
    return chosen


def run(chosen: argparse.Namespace) -> pd.DataFrame:
    """Measure both contenders and return a row per shape, round and contender.

    Raises:
        InputError: a dataset is missing.
        RunError: the contenders do not compute the same.
    """
    run = load_profile(chosen.profile).run(chosen.method)
    precision = run.training.model_copy(update={"precision": chosen.precision})
    run = run.model_copy(update={"training": precision})
    words = [*run.template.label_words, ".", "?"]
    text = read_text(chosen.hub, words=words, examples=chosen.examples)
    threads = torch.get_num_threads()
    transformers.utils.logging.disable_progress_bar()
    frames = {}
    if folder := chosen.backbone:
        context = context_of(run, text, load_backbone(folder), load_pieces(folder))
        frames[folder.name] = compare(context, text, chosen, checkpoint=folder)
        chosen.shape = []
    for name in chosen.shape:
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as folder:
            context = make_context(run, text, SHAPES[name], checkpoint=Path(folder))
            frames[name] = compare(context, text, chosen, checkpoint=Path(folder))
    return pd.concat(frames, names=["shape"])


def make_context(run: Run, text: Text, shape: XLMRobertaConfig, *, checkpoint: Path) -> Context:
    """Write random weights to a folder and return what methods are built from."""
    torch.manual_seed(0)
    XLMRobertaForMaskedLM(shape).save_pretrained(checkpoint)
    pieces = Folded(text.tokenizer, size=shape.vocab_size)
    return context_of(run, text, load_backbone(checkpoint), pieces)


def context_of(run: Run, text: Text, backbone: Backbone, pieces: Pieces) -> Context:
    """Return what methods are built from. Rows are cut to the backbone's positions."""
    length = {"max_length": min(run.training.max_length, backbone.max_length)}
    run = run.model_copy(update={"training": run.training.model_copy(update=length)})
    return Context(run=run, languages=text.languages, backbone=backbone, pieces=pieces)


def compare(
    context: Context, text: Text, chosen: argparse.Namespace, *, checkpoint: Path
) -> pd.DataFrame:
    """Measure both contenders on one shape and return a row per round and contender.

    Raises:
        RunError: losses or probabilities differ by more than TOLERANCE.
    """
    method = build(context)
    threads = reproducibility.set_threads(context.run.training.threads)
    streams = method.streams(text.training, torch.Generator())
    rows, predicted = {}, {}
    with bar() as progress:
        for turn in range(chosen.rounds):
            batches = draw(streams, chosen, seed=turn)
            for name in list(CONTENDERS)[:: -1 if turn % 2 else 1]:
                progress("rounds", len(rows), chosen.rounds * len(CONTENDERS), name)
                make = partial(CONTENDERS[name], context, checkpoint=checkpoint, threads=threads)
                rows[turn, name], predicted[turn, name] = measure(
                    make, batches, warmup=chosen.warmup, test=text.test
                )
    frame = with_comparison(pd.DataFrame(rows).T.rename_axis(["round", "contender"]))
    frame["probability_difference"] = pd.Series(
        {
            (turn, name): float((part - predicted[turn, "ours"]).abs().max())
            for (turn, name), part in predicted.items()
        }
    )
    largest = frame[["loss_difference", "probability_difference"]].max(axis=None, skipna=False)
    tolerance = TOLERANCE[context.run.training.precision]
    if not largest <= tolerance:
        raise RunError(
            f"bench.speed: expected losses and probabilities that differ by at most {tolerance}, "
            f"found {largest:.2g}"
        )
    return frame


def with_comparison(frame: pd.DataFrame) -> pd.DataFrame:
    """Add each contender's comparison with ours.

    Args:
        frame: the numbers of `measure`, by round and contender.

    Returns:
        Also `update_ratio` and `prediction_ratio`, the time of ours over its own (below 1, ours
        is faster), and `loss_difference`, relative above 1 nat.
    """
    ours = frame.xs("ours", level="contender")
    loss_difference = frame.loss.sub(ours.loss, level="round").abs()
    return frame.assign(
        update_ratio=frame.update_ms.rdiv(ours.update_ms, level="round"),
        prediction_ratio=frame.examples_per_second.div(ours.examples_per_second, level="round"),
        loss_difference=loss_difference.div(ours.loss.clip(lower=1), level="round"),
    )


def draw(
    streams: Mapping[str, Sequence[Example]], chosen: argparse.Namespace, *, seed: int
) -> list[Drawn]:
    """Draw the batches of a round."""
    generator = random.Random(seed)
    sizes = {name: min(chosen.batch_size, len(examples)) for name, examples in streams.items()}
    return [
        {name: generator.sample(examples, sizes[name]) for name, examples in streams.items()}
        for _ in range(chosen.warmup + chosen.updates)
    ]


def main() -> None:
    """Measure, print and write; exit 1 if the contenders differ, 2 if the input is wrong."""
    chosen = parsed(sys.argv[1:])
    try:
        prepare_environment()
        frame = run(chosen)
    except (InputError, RunError, torch.OutOfMemoryError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2 if isinstance(error, InputError) else 1)
    facts = reproducibility.circumstances()
    say(f"{facts['device']}, torch {facts['torch']}, {chosen.method}. Medians over the rounds:")
    rounds = frame.groupby(["shape", "contender"], sort=False)
    say(rounds.median().T.to_string(float_format="{:.4g}".format))
    if chosen.json:
        frame.reset_index().to_json(chosen.json, orient="records", indent=2)


if __name__ == "__main__":
    main()
