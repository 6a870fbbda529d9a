"""`mpt train`: one cell, trained and evaluated."""

from typing import Annotated, Any

import typer


def train(
    run: Annotated[str, typer.Argument(help="Name of a run in params.yaml, e.g. mpt.")],
    *,
    shots: Annotated[int, typer.Option(min=1, help="Labelled pairs per label, k.")],
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Seed of initial weights, order and dropout.")
    ],
    matched: Annotated[
        bool, typer.Option("--matched", help="Make as many updates as comparison.reference.")
    ] = False,
) -> None:
    """Train RUN on a k-shot split and write its test predictions to data/runs/RUN/kK/sSEED/.

    With --matched, to data/runs/RUN_matched/.
    """
    from time import perf_counter

    from pipeline.artifacts import read_object, write_json
    from pipeline.backbone.files import backbone_folder, source_path
    from pipeline.cells.files import circumstances_path, run_folder, write_cell
    from pipeline.errors import RunError
    from pipeline.params.runs import LABELS, load_runs, matched_name
    from pipeline.training.cell import read_cell
    from pipeline.training.loop import fit
    from pipeline.training.prediction import predict
    from pipeline.training.registry import settings_of
    from pipeline.training.reproducibility import circumstances
    from stages.terminal import bar, say, warn

    started = perf_counter()
    cell = read_cell(load_runs(), run, shots=shots, seed=seed, matched=matched)
    method = cell.method
    loaded = perf_counter()
    with bar() as progress:
        history = fit(method, cell.text, cell.dev, generator=cell.generator, progress=progress)
        trained = perf_counter()
        predictions = predict(method, cell.test, threads=cell.threads, progress=progress)
    done = perf_counter()

    name = matched_name(run) if matched else run
    folder = run_folder(name, shots, seed)
    prompts = {name: p.detach().float().cpu().numpy() for name, p in method.prompts().items()}
    settings = settings_of(method.run, external_pairs=len(cell.text.parallel))
    # Of a folder, it says no more than params.yaml.
    source = read_object(source_path(backbone_folder(method.run.backbone)))
    identity: dict[str, Any] = {"run": name, "shots": shots, "seed": seed}
    facts = {"cell": identity, "settings": settings, "notes": method.notes()}
    facts["backbone"] = source if "commit" in source else {}
    metrics = write_cell(folder, predictions, history=history, prompts=prompts, facts=facts)
    seconds = {"load": loaded - started, "train": trained - loaded, "predict": done - trained}
    # Outside the cell's folder, whose bytes are the same every time.
    try:
        write_json({"seconds": seconds, **circumstances()}, circumstances_path(name, shots, seed))
    except RunError as error:  # the cell is complete without
        warn(str(error))
    average, dev = metrics["accuracy"]["avg"], metrics["dev_accuracy"]
    say(f"{folder}: test {average:.1f} %, dev {dev:.1f} % (epoch {history.kept})")
    if metrics["at_chance"]:
        label, share = metrics["most_predicted"]["label"], metrics["most_predicted"]["share"]
        warn(
            f"{folder}: the test accuracy, {average:.1f} %, is not above chance ({share:.0f} % of "
            f"the predictions are {label})"
        )
    if dev <= 100 / len(LABELS) + 1e-9:
        warn(f"{folder}: the best dev accuracy, {dev:.1f} %, is at chance")
