"""What the alignment loss does to the answers on the parallel pairs, epoch by epoch.

    python -m bench.alignment --run mpt --shots 64 --seed 1 --csv alignment.csv

trains a cell again, from the artifacts that `dvc repro` made, and after each epoch asks for the
answers on both sides of all its parallel pairs. Near-copies such as PAWS-X's pairs can be aligned
by one answer to all of them; then agreement and the share of one label rise while KL falls.
With `--prompts FILE`, the trained method of MPT also predicts the test set with p^S in every
language and with p^T in every language, which tells whether the prompt or the model is at fault.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from pipeline.artifacts import write_csv
from pipeline.errors import InputError, RunError
from pipeline.methods import mpt
from pipeline.params.runs import LABELS, load_runs
from pipeline.prompting.losses import symmetric_kl
from pipeline.training.cell import Cell, read_cell
from pipeline.training.loop import fit
from pipeline.training.method import Example, WordMethod
from pipeline.training.prediction import accuracy, autocast, predict
from stages.process import prepare_environment
from stages.terminal import say

PAIRS = 48
"""How many pairs pass the model at once."""


@torch.inference_mode()
def answers(method: WordMethod, pairs: Sequence[Example]) -> dict[str, float]:
    """Return what a method answers to parallel pairs, source and target side.

    Returns:
        `kl`: Eq. 7 over the vocabulary, in nats, mean over pairs; `label_words`: the probability
        of all label words, percent; `agreement`: how often both sides get the same label,
        percent; and `source_LABEL` and `target_LABEL`: how often each label is answered, percent.
    """
    method.eval()
    divergences, masses, labels = [], [], []
    for start in range(0, len(pairs), PAIRS):
        part = pairs[start : start + PAIRS]
        rows = [example.rows[side] for side in (0, 1) for example in part]
        with autocast(method):
            logits = method.logits(method.collate(rows)).float().log_softmax(-1)
        source, target = logits.chunk(2)
        divergences.append(symmetric_kl(source, target) * len(part))
        words = logits[:, method.word_ids]
        masses.append(words.exp().sum(-1))
        labels.append(torch.stack(words.argmax(-1).chunk(2)))
    both = torch.cat(labels, dim=1)
    shares = {
        f"{side}_{name}": float((both[index] == label).double().mean() * 100)
        for index, side in enumerate(("source", "target"))
        for label, name in enumerate(LABELS)
    }
    return {
        "kl": float(sum(divergences) / len(pairs)),
        "label_words": float(torch.cat(masses).mean() * 100),
        "agreement": float((both[0] == both[1]).double().mean() * 100),
        **shares,
    }


def course(cell: Cell) -> pd.DataFrame:
    """Train a cell and return a row per epoch: the columns of `answers` after those of its history.

    Raises:
        InputError: the run reads no parallel pairs.
    """
    method, rows = cell.method, []
    name = method.run.name
    pairs = method.streams(cell.text, torch.Generator()).get("pairs")
    if not pairs or not isinstance(method, WordMethod):
        raise InputError(f"--run: expected a run that reads parallel pairs, found {name}")

    def after_epoch(stage: str, done: int, total: int, note: str = "") -> None:
        del done, total, note
        if stage == "training":
            rows.append(answers(method, pairs))

    history = fit(method, cell.text, cell.dev, generator=cell.generator, progress=after_epoch)
    kept = history.epochs.epoch == history.kept
    return history.epochs.assign(kept=kept).join(pd.DataFrame(rows))


PROMPTS: Mapping[str, Mapping[str, object]] = {
    "source": {"alpha": 1.0},
    "target": {"source_prompt_for_source": False},
}
"""Settings with which a trained MPT predicts every language with one prompt, p^S or p^T."""


def with_each_prompt(cell: Cell) -> pd.DataFrame:
    """Predict the test set with p^S and with p^T; return accuracy and answers by language, percent.

    Raises:
        InputError: the run is not one of MPT.
    """
    method = cell.method
    if not isinstance(method, mpt.Model):
        raise InputError(f"--prompts: expected a run of mpt, found {method.run.name}")
    settings, parts = method.settings, []
    for prompt, changed in PROMPTS.items():
        method.settings = settings.model_copy(update=changed)
        predictions = predict(method, cell.test, threads=cell.threads)
        by_language = predictions.groupby("language", sort=False)
        part = by_language.predicted.value_counts(normalize=True).unstack().mul(100)
        part = part.reindex(columns=range(len(LABELS)), fill_value=0).fillna(0)
        part = part.set_axis(LABELS, axis="columns")
        part.insert(0, "accuracy", by_language[["label", "predicted"]].apply(accuracy))
        part.insert(0, "prompt", prompt)
        parts.append(part.reset_index())
    method.settings = settings
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Train, print and write; exit 1 if training failed, 2 if the input is wrong."""
    options = argparse.ArgumentParser(
        prog="bench.alignment",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    options.add_argument("--run", default="mpt", help="its name in params.yaml")
    options.add_argument("--shots", type=int, required=True)
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--csv", type=Path, help="file for the numbers by epoch")
    options.add_argument("--prompts", type=Path, help="file for test accuracies with each prompt")
    chosen = options.parse_args()
    try:
        prepare_environment()
        cell = read_cell(load_runs(), chosen.run, shots=chosen.shots, seed=chosen.seed)
        frames = {chosen.csv: course(cell)}
        if chosen.prompts:
            frames[chosen.prompts] = with_each_prompt(cell)
    except (InputError, RunError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2 if isinstance(error, InputError) else 1)
    of_cell = pd.DataFrame([{key: getattr(chosen, key) for key in ("run", "shots", "seed")}])
    for path, frame in frames.items():
        numbers = of_cell.merge(frame, how="cross")
        say(numbers.to_string(index=False, float_format="{:.3g}".format))
        if path:
            write_csv(numbers, path)


if __name__ == "__main__":
    main()
