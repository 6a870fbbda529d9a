"""What was run: parameters, cells, versions, machines, times, and the source of the text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from pipeline.artifacts import read_notes, read_object
from pipeline.corpora.files import FEWSHOT, PAWS15
from pipeline.errors import InputError
from pipeline.evaluation.words import DASH, counted, joined
from pipeline.files import sha256
from pipeline.params.runs import PARAMS, read_params
from pipeline.params.strict import read_yaml
from pipeline.params.text import Source
from pipeline.params.whole import Params
from pipeline.profiles import PROFILES
from pipeline.report.records import Record

SHORT = 16
"""Characters of a SHA-256 that are shown."""

Facts = list[tuple[str, str]]


def profile_name() -> str:
    """Return the name of the profile that params.yaml equals, or "edited"."""
    here = read_params(PARAMS)
    paths = sorted(PROFILES.glob("*.yaml"))
    names = (path.stem for path in paths if read_yaml(path, expected="a profile")[1] == here)
    return next(names, "edited")


def blocks(params: Params, records: Sequence[Record]) -> list[dict[str, str]]:
    """Return a row for each block with cells: how many there are, and how long they took."""
    rows = []
    for block, grid in params.blocks.items():
        if not grid.cells:
            continue
        made = [record.circumstances for record in records if record.block == block]
        seconds = [sum(of["seconds"].values()) for of in made if "seconds" in of]
        row = {key: joined(getattr(grid, key)) for key in ("runs", "shots", "seeds")}
        row |= {"block": block, "cells": str(len(grid.cells)), "time": DASH, "each": DASH}
        if seconds:
            row |= {"time": _time(sum(seconds)), "each": _time(median(seconds))}
        rows.append(row)
    return rows


def machines(records: Sequence[Record]) -> Facts:
    """Return the versions, devices and memory in the cells' circumstances."""
    known = [record.circumstances for record in records if record.circumstances]
    unknown = ("not known", f"for {counted(len(records) - len(known), 'cell')}, made elsewhere")
    if not known:
        return [unknown]
    memory = max(int(of.get("peak_memory_mib", 0)) for of in known)
    facts = [
        ("device", _values(of.get("device", DASH) for of in known)),
        ("processor", _values(map(_processor, known))),
        ("peak memory per cell", f"{memory} MiB"),
    ]
    if on_device := max(int(of.get("peak_device_memory_mib", 0)) for of in known):
        facts.append(("peak memory on the device", f"{on_device} MiB"))
    for name in ("python", "torch", "tokenizers", "safetensors", "numpy"):
        facts.append((name, _values(of.get(name, DASH) for of in known)))
    return [*facts, unknown] if len(known) < len(records) else facts


def splits(params: Params) -> list[dict[str, str]]:
    """Return a row for each k-shot split: its origin, and its content's hash."""
    keys = {"source": None, "split_seed": None, "per_seed": None, "sha256": SHORT}
    notes = {shots: read_notes(FEWSHOT / f"k{shots}.parquet") for shots in params.used_shots}
    return [
        {"shots": str(shots)} | {key: of.get(key, DASH)[:most] for key, most in keys.items()}
        for shots, of in notes.items()
    ]


def backbones(params: Params) -> Facts:
    """Return the source of each backbone, with its name if there are several."""
    sources = params.sources
    return [
        (f"backbone {name}" if len(sources) > 1 else "backbone", source(given))
        for name, given in sources.items()
    ]


def pairs(params: Params) -> Facts:
    """Return the origin of the parallel pairs, from their manifest, and their file's hash.

    Raises:
        InputError: the pairs or the manifest are missing.
    """
    path = PAWS15 / "pairs.parquet"
    if not path.exists():
        raise InputError(f"{path}: expected the output of an earlier stage, found no such file")
    keys = ("pairs", "pool", "engine", "engine_version", "seed", "assignment", "pool_sha256")
    manifest = read_object(PAWS15 / "manifest.json", "dates")
    dates = joined(f"{name}: {date}" for name, date in manifest["dates"].items())
    known = {key: manifest.get(key, DASH) for key in keys}
    return [
        ("pairs", "{pairs}, drawn from {pool}".format(**known)),
        ("English pairs from", source(params.datasets.paws_x)),
        ("engine", "{engine} ({engine_version})".format(**known)),
        ("dates of translation", dates or "none: no server was asked"),
        ("draw", "seed {seed}, {assignment}".format(**known)),
        ("SHA-256 of the pool", str(known["pool_sha256"])[:SHORT]),
        ("SHA-256 of pairs.parquet", sha256(path)[:SHORT]),
    ]


def source(given: Source) -> str:
    """Return a path or Hub id with its revision."""
    return f"{given.path} @ {given.revision}" if given.revision else given.path


def _processor(circumstances: Mapping[str, Any]) -> str:
    threads, machine = circumstances.get("threads"), circumstances.get("machine", DASH)
    return f"{machine}, {counted(threads, 'thread')}" if threads else machine


def _values(values: Iterable[str]) -> str:
    """Return the values; if there are several, with the number of cells of each."""
    counts = Counter(values)
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(f"{value} ({counted(n, 'cell')})" for value, n in sorted(counts.items()))


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
