"""What runs were trained with, as the metrics.json of their cells says."""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation.cell_files import Cell, make_again, metrics_path, read_metrics
from pipeline.evaluation.words import listed
from pipeline.params.training import DURATION
from pipeline.params.whole import Params

Settings = Mapping[str, Any]
"""All settings of a run by name: `settings` in the metrics.json of its cells."""

_ABSENT = object()
_UNREAD = {"method", "epochs", "pairs", "external_pairs", "rows_at_once", "checkpointing"}
"""Settings that do not tell MPT with alpha = 1 from SP: neither learns from pairs, and parts of an
update add up to the whole.
"""


def read_settings(cells: Sequence[Cell]) -> Settings:
    """Return the settings of a run, which are the same in all these cells.

    Raises:
        InputError: a metrics.json is missing, has no settings, or has other settings than the
            first. The message names the file.
    """
    known: Settings = read_metrics(cells[0], settings=dict)["settings"]
    for cell in cells[1:]:
        settings = read_metrics(cell, settings=dict)["settings"]
        for key in differing(known, settings):
            raise InputError(
                f"{metrics_path(cell)}: settings.{key}: expected {as_text(known.get(key))} as in "
                f"{metrics_path(cells[0])}, found {as_text(settings.get(key))} "
                f"{make_again(cell)}"
            )
    return known


def require_current(params: Params) -> None:
    """Check that each cell was trained with what params.yaml says now.

    Settings that only the method knows the defaults of are compared if params.yaml has them.

    Raises:
        InputError: a metrics.json is missing, or has another setting. The message names the file.
    """
    for block, grid in params.blocks.items():
        for name, shots, seed in grid.cells:
            is_matched = block == "matched"
            run = params.run(params.entry_of(name))
            wanted = {"method": run.method, "pairs": run.parallel.pairs, **run.settings}
            wanted |= run.training.model_dump() | run.template.model_dump()
            wanted |= {"backbone": run.backbone}
            if is_matched:  # as long as the reference, whatever its own block says
                wanted = {key: wanted[key] for key in wanted.keys() - DURATION - {"epoch"}}
            found = {"backbone": run.first_backbone}
            found |= read_metrics((name, shots, seed), settings=dict)["settings"]
            for key in wanted.keys() & found.keys():
                if (value := json.loads(json.dumps(wanted[key]))) != found[key]:
                    raise InputError(
                        f"{metrics_path((name, shots, seed))}: settings.{key}: expected "
                        f"{as_text(value)} as in params.yaml, found {as_text(found[key])} "
                        f"{make_again((name, shots, seed))}"
                    )


def differing(ours: Settings, theirs: Settings) -> list[str]:
    """Return the keys in which two runs differ, one that only one of them has included."""
    keys = dict.fromkeys((*ours, *theirs))
    return [key for key in keys if ours.get(key, _ABSENT) != theirs.get(key, _ABSENT)]


def as_text(value: object) -> str:
    """Return a setting's value: words as they are, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def alike(cells: Sequence[Cell], table: pd.DataFrame) -> list[str]:
    """Return a sentence for each run of MPT with alpha = 1 beside one of SP in Table II.

    Such a run has SP's loss, gradients and predictions, as far as settings that both have agree.

    Args:
        cells: those of params.yaml.
        table: table2.csv.

    Raises:
        InputError: a metrics.json is missing or incomplete, or the cells of a run differ.
    """
    pairs: dict[tuple[str, str], dict[int, str]] = {}
    for shots in map(int, table["shots"].unique()):
        runs = table.loc[table["shots"] == shots, "run"]
        made = {run: [cell for cell in cells if cell[:2] == (run, shots)] for run in runs}
        settings = {run: read_settings(of_run) for run, of_run in made.items()}
        for run, other in product(_of(settings, "mpt", alpha=1), _of(settings, "sp")):
            both = (_compared(settings[one], made[one][0]) for one in (run, other))
            pairs.setdefault((run, other), {})[shots] = _differences(*both)
    return [_sentence(run, other, texts) for (run, other), texts in pairs.items()]


def _of(settings: Mapping[str, Settings], method: str, **values: object) -> list[str]:
    """Return the runs of a method that have these values."""
    wanted = {"method": method, **values}
    return [run for run, of in settings.items() if wanted == {key: of.get(key) for key in wanted}]


def _compared(settings: Settings, cell: Cell) -> Settings:
    made = read_metrics(cell, updates=int)["updates"]
    read = {"backbone": "the first"} | {k: v for k, v in settings.items() if k not in _UNREAD}
    return read | {"updates": made}


def _differences(ours: Settings, theirs: Settings) -> str:
    keys = [key for key in differing(ours, theirs) if key in ours and key in theirs]
    texts = [f"`{key}` ({_words(ours[key])}; {_words(theirs[key])})" for key in keys]
    return listed(texts) if texts else ""


def _sentence(run: str, other: str, differences: Mapping[int, str]) -> str:
    start = (
        f"With alpha = 1 only the cross-entropy is left, and every language gets the source "
        f"prompt: with equal settings, the loss, gradients and predictions of `{run}` are exactly "
        f"those of `{other}`."
    )
    equal = "their settings and numbers of updates are equal, so only random draws differ"
    if len(set(differences.values())) == 1:
        text = next(iter(differences.values()))
        return f"{start} Here {f'they differ in {text}' if text else equal}."
    by_shots = (
        f"at {shots} shots {f'they differ in {text}' if text else equal}"
        for shots, text in differences.items()
    )
    return f"{start} Here {'; '.join(by_shots)}."


def _words(value: object) -> str:
    return " / ".join(map(str, value.values())) if isinstance(value, dict) else as_text(value)
