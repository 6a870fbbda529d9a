"""Methods by name: a method is the file of its name in pipeline/methods/."""

from collections.abc import Collection
from importlib import import_module
from typing import Any

from pipeline.errors import InputError
from pipeline.params.runs import Run, input_place
from pipeline.params.strict import Strictly, parse
from pipeline.prompting.template import NoRoomError
from pipeline.training.method import Context, Method


def read_settings(run: Run) -> Strictly:
    """Return the settings of a run's method.

    Raises:
        InputError: one is wrong, or the run declares other inputs than its method reads.
    """
    method = import_module(f"pipeline.methods.{run.method}")
    place = f"params.yaml: methods.{run.name}"
    settings: Strictly = parse(method.Settings, run.settings, place=place)
    _require_inputs(run, method.Model.reads(settings))
    return settings


def _require_inputs(run: Run, read: Collection[str]) -> None:
    for name in read:
        if name not in run.inputs:
            raise InputError(
                f"{input_place(run.name, name)}: expected a file or folder, which method "
                f"{run.method} reads, found nothing"
            )
    for name, path in run.inputs.items():
        if name not in read:
            raise InputError(
                f"{input_place(run.name, name)}: expected only inputs that method {run.method} "
                f"reads ({', '.join(read) or 'none'}), found {path}"
            )


def settings_of(run: Run, *, external_pairs: int) -> dict[str, Any]:
    """Return every setting of a run and the number of pairs it read, flat, defaults filled in.

    Runs that are trained alike have equal settings, however params.yaml writes them.
    """
    external = run.parallel.pairs != "xnli"
    return {
        "method": run.method,
        **run.training.model_dump(),
        **run.template.model_dump(),
        "pairs": run.parallel.pairs,
        "external_pairs": external_pairs if external else None,
        **({"backbone": run.backbone} if run.backbone != run.first_backbone else {}),
        **({"inputs": run.inputs} if run.inputs else {}),
        **read_settings(run).model_dump(mode="json"),
    }


def build(context: Context) -> Method:
    """Return the method of a run; raise an InputError if a setting is impossible."""
    run = context.run
    module, settings = import_module(f"pipeline.methods.{run.method}"), read_settings(run)
    try:
        method: Method = module.Model(context, settings)
    except NoRoomError as error:
        place = context.place("training", "max_length")
        raise InputError(f"{place}: {error} (run {run.name})") from None
    trains = run.training.epochs != 0
    if trains and not any(parameter.requires_grad for parameter in method.parameters()):
        raise InputError(
            f"params.yaml: methods.{run.name}: expected something to train, found nothing in "
            f"method {run.method} with trainable: {run.training.trainable}"
        )
    return method
