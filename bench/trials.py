"""The contenders on one shape: rounds in turn, the check that they agree, and what comes out."""

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.contenders import CONTENDERS, Contender, Drawn, Task
from bench.measuring import Plan, Round, measure
from bench.roofline import roofline, rows_of
from bench.shapes import SHAPES, write_weights
from bench.text import Folded, Text
from pipeline.backbone.encoder import Settings
from pipeline.backbone.rows import Row
from pipeline.errors import RunError
from pipeline.methods.base import Method
from pipeline.params.runs import Run
from pipeline.progress import Progress
from pipeline.training import reproducibility
from pipeline.training.loop import cycle
from pipeline.training.registry import build

TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}
"""By how much losses (of those above 1 nat, relatively) and probabilities may differ."""


@dataclass(frozen=True)
class Options:
    """How much is measured: timed updates of a round, those before them, rounds, batch size."""

    updates: int
    warmup: int
    rounds: int
    batch_size: int


def compare(
    name: str,
    run: Run,
    text: Text,
    *,
    options: Options,
    progress: Progress,
) -> dict[str, Any]:
    """Measure all contenders on a shape.

    Args:
        name: of the shape.
        run: the method and its settings.
        text: what to train and predict on.
        options: how much is measured.
        progress: told of each contender of each round.

    Returns:
        The numbers that speed.py prints and writes; a contender for which the memory does not
        suffice has none.

    Raises:
        RunError: the contenders do not compute the same.
    """
    device, shape = reproducibility.device(), SHAPES[name]
    with tempfile.TemporaryDirectory() as folder:
        write_weights(shape, Path(folder))
        task = Task(
            run=fitted(run, device, shape, batch_size=options.batch_size),
            languages=text.languages,
            pieces=Folded(text.tokenizer, size=shape.vocab_size),
            checkpoint=Path(folder),
            device=device,
        )
        method = build(task.context())
        lengths = _lengths(method, text)
        plans = _plans(method, text, options)
        parameters = sum(one.numel() for one in method.parameters() if one.requires_grad)
        del method
        task = replace(task, room=reproducibility.set_threads(parameters))
        rounds = _rounds(task, plans, partial(progress, name))
    precision = task.run.training.precision
    differences = _require_alike(rounds, TOLERANCE[precision])
    batches = [drawn for plan in plans for drawn in plan.batches]
    floor = roofline(shape, parameters, batches, half=precision == "bfloat16", device=device)
    contenders = {one: _summary(parts) for one, parts in rounds.items() if parts}
    return {
        "method": run.name,
        "parameters": parameters,
        "precision": precision,
        "threads": torch.get_num_threads(),
        "cores_of_prediction": task.room * torch.get_num_threads(),
        **asdict(options),
        "examples": len(text.test),
        "tokens_a_row": lengths,
        "tokens_an_update": _tokens(batches, task.run.training.max_length),
        "differences": differences,
        "ratios": {one: _ratios(rounds["ours"], parts) for one, parts in rounds.items() if parts},
        "contenders": contenders,
        "roofline": asdict(floor),
        "ours_over_floor": contenders["ours"]["update_ms"] / floor.milliseconds,
    }


def fitted(run: Run, device: torch.device, shape: Settings, *, batch_size: int) -> Run:
    """Return a run as it is timed.

    Args:
        run: as params.yaml has it.
        device: in float32 on a CPU, in bfloat16 on a GPU.
        shape: rows are cut to its positions.
        batch_size: of each stream.
    """
    room = shape.max_position_embeddings - shape.pad_token_id - 1
    changes = {
        "precision": "bfloat16" if device.type == "cuda" else "float32",
        "max_length": min(run.training.max_length, room),
        "batch_size": batch_size,
    }
    return run.model_copy(update={"training": run.training.model_copy(update=changes)})


def _plans(method: Method, text: Text, options: Options) -> list[Plan]:
    """Return what is done in each round: the same for every contender."""
    plans = []
    for turn in range(options.rounds):
        generator = torch.Generator().manual_seed(turn)
        streams = method.streams(text.training, generator)
        size = method.run.training.batch_size
        draws = {name: cycle(one, size, generator) for name, one in streams.items()}
        number = options.warmup + options.updates
        drawn = [{name: next(draw) for name, draw in draws.items()} for _ in range(number)]
        plans.append(Plan(drawn[: options.warmup], drawn[options.warmup :], text.test))
    return plans


def _lengths(method: Method, text: Text) -> dict[str, dict[str, float]]:
    """Return mean and most tokens of a row, of each stream's sides and of the test."""
    kinds: dict[str, list[Row]] = {}
    for name, examples in method.streams(text.training, torch.Generator()).items():
        for side, rows in enumerate(zip(*(one.rows for one in examples), strict=True)):
            kinds[f"{name} {'target' if side else 'source'}"] = list(rows)
    kinds["test"] = [
        row
        for code, part in text.test.groupby("language", sort=False)
        for row in method.rows(list(part.premise), list(part.hypothesis), language=str(code))
    ]
    lengths = {kind: [len(row.ids) for row in rows] for kind, rows in kinds.items()}
    return {kind: {"mean": statistics.mean(one), "max": max(one)} for kind, one in lengths.items()}


def _rounds(
    task: Task, plans: Sequence[Plan], progress: Callable[[int, int, str], None]
) -> dict[str, list[Round]]:
    """Let every contender do every plan; who once lacks memory is out."""
    names = list(CONTENDERS)
    done: dict[str, list[Round]] = {name: [] for name in names}
    for turn, plan in enumerate(plans):
        first = turn % len(names)
        for place, name in enumerate([*names[first:], *names[:first]]):
            progress(turn * len(names) + place, len(plans) * len(names), name)
            if len(done[name]) == turn:
                done[name] += _tried(partial(CONTENDERS[name], task), plan, task.device)
    if not done["ours"]:
        raise RunError("bench.speed: the memory does not suffice for this shape")
    return done


def _tried(make: Callable[[], Contender], plan: Plan, device: torch.device) -> list[Round]:
    try:
        return [measure(make, plan, device)]
    except torch.OutOfMemoryError:
        return []
    except RuntimeError as error:  # of a CPU there is no class of its own
        if "can't allocate memory" not in str(error):
            raise
        return []


def _require_alike(rounds: Mapping[str, Sequence[Round]], tolerance: float) -> dict[str, float]:
    """Return by how much losses and probabilities differ from ours at most."""
    losses, probabilities = [0.0], [0.0]
    for parts in rounds.values():
        for our, one in zip(rounds["ours"], parts, strict=False):
            losses.append(abs(our.loss - one.loss) / max(1.0, abs(our.loss)))
            probabilities.append(float((our.probabilities - one.probabilities).abs().max()))
    found = {"loss": max(losses), "probability": max(probabilities)}
    if not max(found.values()) <= tolerance:
        raise RunError(
            f"bench.speed: expected contenders that agree within {tolerance}, found losses "
            f"{found['loss']:.2g} and probabilities {found['probability']:.2g} apart"
        )
    return found


def _summary(rounds: Sequence[Round]) -> dict[str, Any]:
    every = [one for part in rounds for one in part.milliseconds]
    return {
        "update_ms": statistics.median(every),
        "update_ms_by_round": [statistics.median(part.milliseconds) for part in rounds],
        "examples_a_second": statistics.median(part.examples_a_second for part in rounds),
        "examples_a_second_by_round": [part.examples_a_second for part in rounds],
        "training_mib": _peak([part.training_mib for part in rounds]),
        "prediction_mib": _peak([part.prediction_mib for part in rounds]),
    }


def _peak(found: Sequence[float | None]) -> float | None:
    return max((one for one in found if one is not None), default=None)


def _ratios(ours: Sequence[Round], other: Sequence[Round]) -> dict[str, float]:
    """Return our time over the other's, the median over rounds: below 1 we are faster."""
    pairs = list(zip(ours, other, strict=False))
    return {
        "update": statistics.median(sum(o.milliseconds) / sum(p.milliseconds) for o, p in pairs),
        "prediction": statistics.median(
            p.examples_a_second / o.examples_a_second for o, p in pairs
        ),
    }


def _tokens(batches: Sequence[Drawn], most: int) -> dict[str, float]:
    """Return the tokens of an update without padding, padded by batch, and to the most."""
    lengths = [[len(row.ids) for row in rows_of(drawn)] for drawn in batches]
    passes = [
        [[len(one.rows[side].ids) for one in stream] for stream in drawn.values()
         for side in range(len(stream[0].rows))]
        for drawn in batches
    ]  # fmt: skip
    return {
        "real": statistics.mean(map(sum, lengths)),
        "dynamic": statistics.mean(sum(len(one) * max(one) for one in drawn) for drawn in passes),
        "padded": statistics.mean(len(one) * most for one in lengths),
    }
