"""The inputs that runs declare, by content: the cells of a run depend on its own part."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import InputError
from pipeline.files import reading, write_text
from pipeline.inputs.memory import Fingerprint, Memory, fingerprint
from pipeline.params.runs import Run, input_place, require_input
from pipeline.params.whole import CELLS, Params

OUTSIDE = Path("data/inputs/declared.json")
DECLARED = Path("data/declared")

MADE = (
    "data/backbone", "data/corpora/dev.parquet", "data/corpora/pairs_en.parquet",
    "data/corpora/train.parquet", "data/fewshot", "data/paws15/pairs.parquet",
)  # fmt: skip
"""The outs of stages that a run may declare, whole or in part. Every cell needs these stages."""

OTHERS = (
    "data/backbone_source.json", "data/checked.json", "data/corpora/manifest.json",
    "data/corpora/test.parquet", "data/declared", "data/inputs", "data/paws15/extended.parquet",
    "data/paws15/extended_manifest.json",
    "data/paws15/manifest.json", "data/runs", "data/tokens", "data/translated",
    "data/unlabelled/pairs.parquet", "data/updates", "results",
)  # fmt: skip
"""All other outs of stages; no method learns from the test text."""

Inputs = dict[str, dict[str, Fingerprint | str]]
"""By run and name: the fingerprint of an input, or the path of one that a stage makes."""


def declaring(params: Params) -> dict[str, Run]:
    """Return the runs that have cells, and the reference, whose updates are counted; sorted."""
    names = {name for key in CELLS for name in getattr(params, key).runs}
    return {name: params.run(name) for name in sorted(names | {params.comparison.reference})}


def require_possible(run: Run) -> None:
    """Check the declared inputs of a run before any stage has run.

    Raises:
        InputError: an input does not exist and no stage makes it, or it holds what no run may read.
    """
    for name, path in run.inputs.items():
        if not _is_made(path, place=input_place(run.name, name)):
            require_input(path, run=run.name, name=name)


def read_outside(params: Params, memory: Memory) -> Inputs:
    """Return the inputs of every run: the fingerprint of each that no stage makes.

    Raises:
        InputError: as `require_possible`, or a file cannot be read.
        RunError: a file changes while it is read.
    """
    found: Inputs = {}
    for run in declaring(params).values():
        require_possible(run)
        found[run.name] = {
            name: path if _is_made(path, place=place) else _read(path, memory, place=place)
            for name, path in run.inputs.items()
            for place in [input_place(run.name, name)]
        }
    return found


def write_declared() -> Mapping[str, Mapping[str, Fingerprint]]:
    """Write data/declared/RUN.json for each run in OUTSIDE, and return their contents.

    Raises:
        InputError: OUTSIDE or an input is missing, or a file cannot be read.
        RunError: a file changes while it is read.
    """
    with reading(OUTSIDE, "JSON", expected="the output of stage inputs"):
        inputs: Inputs = json.loads(OUTSIDE.read_bytes())
        listed = [(run, list(values.items())) for run, values in inputs.items()]
    memory = Memory()
    try:
        found = {
            run: {name: _completed(memory, run, name, value) for name, value in values}
            for run, values in listed
        }
    finally:
        memory.save()
    for path in DECLARED.glob("*.json"):
        if path.stem not in found:
            path.unlink()
    for run, fingerprints in found.items():
        write_text(json.dumps(fingerprints, indent=2) + "\n", DECLARED / f"{run}.json")
    return found


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
