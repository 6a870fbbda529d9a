"""Methods by name: a method is the file of its name in pipeline/methods/."""

from importlib import import_module
from typing import Any

from pipeline.methods.base import Context, Method
from pipeline.params.runs import LABELS, Run
from pipeline.params.strict import Strictly, parse


def read_settings(run: Run) -> Strictly:
    """Return a run's settings of its method's own.

    Raises:
        InputError: a setting is unknown, of the wrong type or impossible.
    """
    module = import_module(f"pipeline.methods.{run.method}")
    settings: Strictly = parse(
        module.Settings, run.settings, place=f"params.yaml: methods.{run.name}"
    )
    return settings


def settings_of(run: Run, *, external_pairs: int) -> dict[str, Any]:
    """Return every setting of a run and the number of pairs it read, flat, defaults filled in.

    Runs that are trained alike have equal settings, however params.yaml writes them.

    Raises:
        InputError: a setting of the method is impossible.
    """
    words = run.template.verbalizer
    external = run.parallel.pairs == "paws15"
    return {
        "method": run.method,
        **run.training.model_dump(),
        "position": run.template.position,
        "verbalizer": {label: words[label] for label in LABELS},  # type: ignore[index]
        "pairs": run.parallel.pairs,
        "external_pairs": external_pairs if external else None,
        **read_settings(run).model_dump(mode="json"),
    }


def build(context: Context) -> Method:
    """Return the method of a run.

    Raises:
        InputError: a setting is impossible, by itself or with this backbone.
    """
    module = import_module(f"pipeline.methods.{context.run.method}")
    method: Method = module.Model(context, read_settings(context.run))
    return method
