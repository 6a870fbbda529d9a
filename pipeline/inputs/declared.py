"""What the cells of each run depend on by themselves, by content: a file per run.

These are the method's file, the backbone with its tokens, and the inputs that the run declares.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.files import keep_only, reading, write_text
from pipeline.inputs.memory import Fingerprint, Memory, fingerprint
from pipeline.params.runs import METHODS, Run, input_place, require_input
from pipeline.params.strict import Strictly
from pipeline.params.whole import Params

OUTSIDE = Path("data/inputs/declared.json")
DECLARED = Path("data/declared")

MADE = (
    "data/backbones", "data/corpora/dev.parquet", "data/corpora/pairs_en.parquet",
    "data/corpora/train.parquet", "data/fewshot", "data/paws15/pairs.parquet",
)  # fmt: skip
"""The outs of stages that a run may declare, whole or in part. Every cell needs these stages."""

OTHERS = (
    "data/checked.json", "data/corpora/manifest.json", "data/corpora/test.parquet",
    "data/declared", "data/inputs", "data/paws15/extended.parquet",
    "data/paws15/extended_manifest.json",
    "data/paws15/manifest.json", "data/runs", "data/tokens", "data/translated",
    "data/unlabelled/pairs.parquet", "data/updates", "results",
)  # fmt: skip
"""All other outs of stages; no method learns from the test text."""


class Record(Strictly):
    """What is known of a run before any stage has run.

    Attributes:
        method: its name.
        backbone: its name.
        is_first: whether that is the first of params.yaml, which settings leave out.
        inputs: by name the fingerprint, or the path of one that a stage makes.
    """

    method: str
    backbone: str
    is_first: bool
    inputs: dict[str, Fingerprint | str]


def require_possible(run: Run) -> None:
    """Check the declared inputs of a run before any stage has run.

    Raises:
        InputError: an input does not exist and no stage makes it, or it holds what no run may read.
    """
    for name, path in run.inputs.items():
        if not _is_made(path, place=input_place(run.name, name)):
            require_input(path, run=run.name, name=name)


def read_outside(params: Params, memory: Memory) -> dict[str, Record]:
    """Return the records of all runs, sorted by name.

    Raises:
        InputError: as `require_possible`, or a file cannot be read.
        RunError: a file changes while it is read.
    """
    return {name: _record(params.run(name), memory) for name in sorted(params.methods)}


def write_declared() -> Mapping[str, Mapping[str, Any]]:
    """Write data/declared/RUN.json for each run in OUTSIDE, and return their contents.

    Raises:
        InputError: OUTSIDE, a backbone, its tokens or an input is missing, or cannot be read.
        RunError: a file changes while it is read.
    """
    with reading(OUTSIDE, "JSON", expected="the output of stage inputs"):
        read = json.loads(OUTSIDE.read_bytes())
        records = {run: Record.model_validate(record) for run, record in read.items()}
    memory = Memory()
    try:
        found = {run: _content(run, record, memory) for run, record in records.items()}
    finally:
        memory.save()
    for run, content in found.items():
        write_text(json.dumps(content, indent=2) + "\n", declared_path(run))
    keep_only(map(declared_path, found), DECLARED)
    return found


def has_changed(run: Run) -> bool:
    """Return whether a run's part would now be another than `mpt declared` has written."""
    path, memory = declared_path(run.name), Memory()
    with reading(path, "JSON", expected="the output of stage declared"):
        before = json.loads(path.read_bytes())
    now = _content(run.name, _record(run, memory), memory)
    memory.save()
    return bool(before != now)


def declared_path(run: str) -> Path:
    """Return the file on which the cells of a run depend, data/declared/mpt.json."""
    return DECLARED / f"{run}.json"


def _record(run: Run, memory: Memory) -> Record:
    require_possible(run)
    inputs = {
        name: path if _is_made(path, place=place) else _read(path, memory, place=place)
        for name, path in run.inputs.items()
        for place in [input_place(run.name, name)]
    }
    is_first = run.backbone == run.first_backbone
    return Record(method=run.method, backbone=run.backbone, is_first=is_first, inputs=inputs)


def _content(run: str, record: Record, memory: Memory) -> dict[str, Any]:
    """Return what data/declared/RUN.json holds: a record with all hashes."""
    # It imports pandas, which takes longer than all that `mpt inputs` does.
    from pipeline.backbone.files import backbone_folder, tokens_path

    files = [*backbone_folder(record.backbone).glob("*"), tokens_path(record.backbone)]
    of_backbone = fingerprint(Path(), files, memory, place=str(declared_path(run)))
    method = f"{record.method}.py"
    inputs = {name: _completed(memory, run, name, given) for name, given in record.inputs.items()}
    return {
        "backbone": record.backbone,
        "is_first": record.is_first,
        "sha256": of_backbone | {f"pipeline/methods/{method}": memory.sha256(METHODS / method)},
        "inputs": inputs,
    }


def _completed(memory: Memory, run: str, name: str, value: Fingerprint | str) -> Fingerprint:
    """Return the fingerprint of an input that a stage has made by now; any other is known."""
    if not isinstance(value, str):
        return value
    require_input(value, run=run, name=name)
    return _read(value, memory, place=input_place(run, name))


def _read(path: str, memory: Memory, *, place: str) -> Fingerprint:
    if Path(path).is_file():
        return fingerprint(Path(path).parent, [Path(path)], memory, place=place)
    walked = os.walk(path, followlinks=True)
    files = [Path(folder, name) for folder, _, names in walked for name in names]
    return fingerprint(Path(path), files, memory, place=place)


def _is_made(path: str, *, place: str) -> bool:
    """Return whether a stage makes an input; raise an InputError if runs may not read it."""
    whole = _absolute(path)
    if any(whole.is_relative_to(_absolute(out)) for out in MADE):
        return True
    for out in map(_absolute, (*MADE, *OTHERS)):
        if whole.is_relative_to(out) or out.is_relative_to(whole):
            raise InputError(
                f"{place}: expected a file or folder outside the outs of stages, or one in "
                f"{', '.join(MADE)}, found {path}"
            )
    return False


def _absolute(path: str) -> Path:
    """Return a path without `..`; a link in it stays, unlike in `Path.resolve`."""
    return Path(os.path.abspath(path))  # noqa: PTH100
