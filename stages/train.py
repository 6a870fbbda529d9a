"""`mpt train`: one cell, trained and evaluated."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pandas as pd
    from torch import Tensor

    from pipeline.training.loop import History


def train(
    run: Annotated[str, typer.Argument(help="A run of params.yaml, such as mpt.")],
    *,
    shots: Annotated[int, typer.Option(min=1, help="Labelled pairs a label, k.")],
    seed: Annotated[int, typer.Option(min=0, help="Of initial weights, order and dropout.")],
) -> None:
    """Train RUN on a k-shot split and write its test predictions to data/runs/RUN/kK/sSEED/."""
    from time import perf_counter

    from pipeline import artifacts
    from pipeline.backbone.backbone import load_backbone
    from pipeline.backbone.files import BACKBONE, TOKENS
    from pipeline.backbone.tokens import load_pieces
    from pipeline.cells.files import PREDICTIONS, circumstances_path, run_folder
    from pipeline.corpora.files import CORPORA, EXAMPLES, read_fewshot
    from pipeline.methods.base import Context, TrainingText
    from pipeline.params.runs import load_runs
    from pipeline.training import reproducibility
    from pipeline.training.loop import fit
    from pipeline.training.parallel import read_parallel
    from pipeline.training.prediction import predict
    from pipeline.training.registry import build, read_settings, settings_of
    from stages.terminal import bar

    started = perf_counter()
    params = load_runs()
    chosen = params.run(run)
    read_settings(chosen)  # a mistake shows at once, before anything is read
    labelled, dev = read_fewshot(shots, seed=seed)
    pairs = read_parallel(chosen, shots=shots, seed=seed)
    test = artifacts.read_table(CORPORA / "test.parquet", EXAMPLES)
    text = TrainingText.of(labelled, pairs)
    dev = dev.assign(language=params.languages.source)

    generator = reproducibility.make_deterministic(seed)
    backbone = load_backbone(BACKBONE)
    threads = reproducibility.set_threads(sum(one.numel() for one in backbone.parameters()))
    context = Context(
        run=chosen,
        languages=params.languages,
        backbone=backbone,
        pieces=load_pieces(BACKBONE, known=TOKENS / "test.parquet"),
    )
    method = build(context).to(reproducibility.device())
    loaded = perf_counter()
    with bar() as progress:
        history = fit(method, text, dev, generator=generator, progress=progress)
        trained = perf_counter()
        predictions = predict(method, test, threads=threads, progress=progress)
    done = perf_counter()

    folder = run_folder(run, shots, seed)
    artifacts.write_table(predictions, folder / "predictions.parquet", PREDICTIONS)
    artifacts.write_csv(history.epochs, folder / "history.csv")
    _write_prompts(method.prompts(), folder / "prompt.safetensors")
    settings = settings_of(chosen, external_pairs=len(pairs))
    _write_metrics(predictions, history, settings, folder / "metrics.json")
    seconds = {"load": loaded - started, "train": trained - loaded, "predict": done - trained}
    # No part of the cell's folder, which is the same bytes every time.
    facts = {"seconds": seconds, **reproducibility.circumstances()}
    artifacts.write_json(facts, circumstances_path(run, shots, seed))


def _write_prompts(prompts: "dict[str, Tensor]", path: "Path") -> None:
    from safetensors.torch import save

    from pipeline.artifacts import atomic

    # A method without soft prompts leaves a file without tensors: every cell has the same outs.
    tensors = {name: value.detach().float().cpu().contiguous() for name, value in prompts.items()}
    with atomic(path) as temporary:
        temporary.write_bytes(save(tensors))


def _write_metrics(
    predictions: "pd.DataFrame", history: "History", settings: "dict[str, Any]", path: "Path"
) -> None:
    from pipeline.artifacts import write_json
    from pipeline.cells.metrics import cell_metrics
    from pipeline.params.runs import LABELS
    from stages.terminal import say, warn

    epochs, kept = history.epochs, history.kept
    best = epochs[epochs.epoch == kept].iloc[0]
    metrics = cell_metrics(predictions)
    metrics["dev_accuracy"] = float(best.dev_accuracy)
    metrics["kept_epoch"] = kept
    metrics["updates"] = int(epochs.updates.iloc[-1])
    metrics["settings"] = settings
    write_json(metrics, path)
    average = metrics["accuracy"]["avg"]
    say(f"{path.parent}: test {average:.1f} %, dev {best.dev_accuracy:.1f} % (epoch {kept})")
    if metrics["at_chance"]:
        label, share = metrics["most_predicted"]["label"], metrics["most_predicted"]["share"]
        warn(
            f"{path.parent}: the test accuracy, {average:.1f} %, is not above chance "
            f"({share:.0f} % of the predictions are {label})"
        )
    if best.dev_accuracy <= 100 / len(LABELS) + 1e-9:
        warn(f"{path.parent}: the best dev accuracy, {best.dev_accuracy:.1f} %, is chance")
