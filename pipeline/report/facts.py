"""What was run: parameters, cells, versions, machines, times, and where the text came from."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.artifacts import read_json, read_notes
from pipeline.corpora.files import FEWSHOT, PAWS15
from pipeline.errors import InputError
from pipeline.params.grid import Grid
from pipeline.params.runs import PARAMS
from pipeline.params.strict import read_yaml
from pipeline.params.whole import CELLS, Params
from pipeline.profiles import PROFILES
from pipeline.report.figures.words import DASH
from pipeline.report.inputs import Record

SHORT = 16
"""Characters of a SHA-256 that are shown."""


def profile_name() -> str:
    """Return the name of the profile that params.yaml equals, or "edited"."""
    here = read_yaml(PARAMS)
    for path in sorted(PROFILES.glob("*.yaml")):
        if read_yaml(path) == here:
            return path.stem
    return "edited"


def blocks(params: Params, records: Sequence[Record]) -> list[dict[str, str]]:
    """Return a row for each block with cells: how many, and the time that they took."""
    rows = []
    for block in CELLS:
        grid: Grid = getattr(params, block)
        if not grid.cells:
            continue
        seconds = [
            sum(record.circumstances["seconds"].values())
            for record in records
            if record.block == block and "seconds" in record.circumstances
        ]
        rows.append(
            {
                "block": block,
                "runs": ", ".join(grid.runs),
                "shots": ", ".join(map(str, grid.shots)),
                "seeds": ", ".join(map(str, grid.seeds)),
                "cells": str(len(grid.cells)),
                "time": _time(sum(seconds)) if seconds else DASH,
                "each": _time(median(seconds)) if seconds else DASH,
            }
        )
    return rows


def machines(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return versions, devices and memory as their cells' circumstances.json say."""
    known = [record.circumstances for record in records if record.circumstances]
    facts = [
        ("device", _values(f"{one.get('device', DASH)}" for one in known)),
        ("processor", _values(_processor(one) for one in known)),
        (
            "peak memory of a cell",
            f"{max((int(one.get('peak_memory_mib', 0)) for one in known), default=0)} MiB",
        ),
    ]
    on_device = [
        int(one["peak_device_memory_mib"]) for one in known if "peak_device_memory_mib" in one
    ]
    if on_device:
        facts.append(("peak memory on the device", f"{max(on_device)} MiB"))
    for name in ("python", "torch", "tokenizers", "safetensors", "numpy"):
        facts.append((name, _values(str(one.get(name, DASH)) for one in known)))
    if len(known) < len(records):
        facts.append(("not known", f"of {len(records) - len(known)} cells, made elsewhere"))
    return facts if known else facts[-1:]


def splits(params: Params) -> list[dict[str, str]]:
    """Return a row for each k-shot split: how it came about, and its content's hash."""
    rows = []
    for shots in params.grid.shots:
        notes = read_notes(FEWSHOT / f"k{shots}.parquet")
        rows.append(
            {
                "shots": str(shots),
                "source": notes.get("source", DASH),
                "seed": notes.get("split_seed", DASH),
                "per_seed": notes.get("per_seed", DASH),
                "sha256": notes.get("sha256", DASH)[:SHORT],
            }
        )
    return rows


def pairs(params: Params) -> list[tuple[str, str]]:
    """Return how the parallel pairs came about, from their manifest, and their file's hash.

    Raises:
        InputError: the pairs or the manifest are missing.
    """
    path = PAWS15 / "pairs.parquet"
    if not path.is_file():
        raise InputError(f"{path}: expected the output of an earlier stage, found no such file")
    manifest = read_json(PAWS15 / "manifest.json")
    dates = manifest.get("dates")
    return [
        ("pairs", f"{manifest.get('pairs', DASH)}, drawn from {manifest.get('pool', DASH)}"),
        ("English pairs from", source(params.datasets.paws_x)),
        ("engine", f"{manifest.get('engine', DASH)} ({manifest.get('engine_version', DASH)})"),
        ("dates of translation", _dates(dates) if dates else "none: nothing was asked of a server"),
        ("draw", f"seed {manifest.get('seed', DASH)}, {manifest.get('assignment', DASH)}"),
        ("SHA-256 of the pool", str(manifest.get("pool_sha256", DASH))[:SHORT]),
        ("SHA-256 of pairs.parquet", sha256(path.read_bytes()).hexdigest()[:SHORT]),
    ]


def source(given: Any) -> str:  # noqa: ANN401
    """Return a path or Hub id with its revision."""
    return f"{given.path} @ {given.revision}" if given.revision else str(given.path)


def params_text(path: Path = PARAMS) -> str:
    """Return params.yaml as it stands."""
    return path.read_text(encoding="utf-8")


def _dates(dates: Any) -> str:  # noqa: ANN401
    if isinstance(dates, Mapping):
        return ", ".join(f"{name}: {_dates(value)}" for name, value in dates.items())
    if isinstance(dates, list | tuple):
        return " to ".join(dict.fromkeys(map(str, dates)))
    return str(dates)


def _processor(one: Mapping[str, Any]) -> str:
    threads = one.get("threads")
    counted = f", {threads} thread" + "s" * (threads > 1) if threads else ""
    return f"{one.get('machine', DASH)}{counted}"


def _values(values: Iterable[str]) -> str:
    """Return the values with the number of cells of each where there are several."""
    counts = Counter(values)
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(f"{value} ({many} cells)" for value, many in sorted(counts.items()))


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
