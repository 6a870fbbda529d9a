"""A cell ready to train: one run on one k-shot split with one seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from pipeline.artifacts import read_notes, read_object, read_table
from pipeline.backbone.checkpoint import load_backbone, require_recorded
from pipeline.backbone.files import backbone_folder, source_path, tokens_path
from pipeline.backbone.tokens import load_pieces
from pipeline.cells.files import updates_path
from pipeline.corpora.files import FEWSHOT, PARALLEL_PAIRS, PAWS15
from pipeline.corpora.reading import read_fewshot, read_test
from pipeline.errors import InputError
from pipeline.files import note
from pipeline.params.runs import Run, Runs, require_input
from pipeline.params.strict import parse
from pipeline.params.training import DURATION, Training
from pipeline.training import reproducibility
from pipeline.training.memory import footprint, is_large, require_room
from pipeline.training.method import Context, Method
from pipeline.training.parallel import read_parallel
from pipeline.training.registry import build, read_settings
from pipeline.training.text import TrainingText


@dataclass(frozen=True)
class Cell:
    """An untrained method on its device, and what `fit` and `predict` need besides."""

    method: Method
    text: TrainingText
    dev: pd.DataFrame
    test: pd.DataFrame
    generator: torch.Generator
    threads: int


def read_cell(params: Runs, name: str, *, shots: int, seed: int, matched: bool = False) -> Cell:
    """Read a cell's files, seed every random draw and build the method of the run `name`.

    A `matched` run makes the updates that `mpt updates` wrote, in epochs of that length.

    Raises:
        InputError: a setting is impossible, a file is missing or not what it should be, or the
            cell does not fit the memory of its device.
    """
    run = params.run(name)
    read_settings(run)  # reports a mistake at once, before any file is read
    for key, path in run.inputs.items():
        require_input(path, run=name, name=key)
        note(file for file in (Path(path), *Path(path).rglob("*")) if file.is_file())
    if matched:
        run = _with_updates(run, updates_path(shots))
    test = read_test(params.languages)
    labelled, dev = read_fewshot(shots, seed=seed)
    pairs = read_parallel(run, params.languages, shots=shots, seed=seed)
    folder = backbone_folder(run.backbone)
    source = read_object(source_path(folder), "sha256")
    split = FEWSHOT / f"k{shots}.parquet"
    _require_made_for(params, backbone=run.backbone, source=source, split=split)
    require_recorded(folder, source["sha256"])
    reproducibility.keep_memory()
    generator = reproducibility.make_deterministic(seed)
    backbone = load_backbone(folder)
    threads = reproducibility.set_threads(run.training.threads)
    pieces = load_pieces(folder, known=tokens_path(run.backbone))
    method = build(Context(run, params.languages, backbone, pieces))
    text, device = TrainingText.of(labelled, pairs), reproducibility.device()
    if is_large(sum(one.nbytes for one in method.parameters()), device):
        memory = footprint(method, text, generator=generator, device=device, threads=threads)
        if memory is not None:
            require_room(memory, run=name, device=device)
    return Cell(
        method=method.to(device),
        text=text,
        dev=dev.assign(language=params.languages.source),
        test=test,
        generator=generator,
        threads=threads,
    )


def _with_updates(run: Run, path: Path) -> Run:
    if not path.exists():
        raise InputError(f"{path}: expected the number of updates (stage updates), found no file")
    length = read_object(path, "updates", "epoch")
    # An untrained reference makes none, and `updates` cannot be 0.
    lasts = {"updates": length["updates"]} if length["updates"] else {"epochs": 0}
    common = run.training.model_dump(exclude=DURATION) | {"epoch": length["epoch"]}
    training = parse(Training, common | lasts, place=str(path))
    return run.model_copy(update={"training": training})


def _require_made_for(
    params: Runs, *, backbone: str, source: Mapping[str, Any], split: Path
) -> None:
    """Raise an InputError if a stage made an input for other parameters."""
    pairs = PAWS15 / "pairs.parquet"
    number = {"pairs": len(read_table(pairs, PARALLEL_PAIRS))}
    key, given = params.backbone_key(backbone), params.sources[backbone]
    inputs = (
        ("backbone", backbone_folder(backbone), source, key, given),
        ("fewshot", split, read_notes(split), "fewshot", params.fewshot),
        ("paws15", pairs, read_notes(pairs) | number, "paws15", params.paws15),
    )
    for stage, path, notes, block, wanted in inputs:
        for key in notes.keys() - {"sha256", "commit"}:
            asked, found = (
                str(value).lower() if isinstance(value, bool) else str(value)
                for value in (wanted.get(key), notes[key])
            )
            if asked != found:
                raise InputError(
                    f"{path}: expected {block}.{key} {asked} as in params.yaml, found one made "
                    f"with {found} (stage {stage})"
                )
