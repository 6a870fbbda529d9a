"""Methods: one file each, and the file's name is the method's."""

from importlib import import_module

from pipeline.methods.base import Context, Method
from pipeline.runs import Run
from pipeline.strict import Strictly, parse


def read_settings(run: Run) -> Strictly:
    """Return the method's own settings of a run, checked.

    Raises:
        InputError: a setting is unknown, of the wrong type or impossible.
    """
    module = import_module(f"{__name__}.{run.method}")
    settings: Strictly = parse(
        module.Settings, run.settings, place=f"params.yaml: methods.{run.name}"
    )
    return settings


def build(context: Context) -> Method:
    """Return the method of a run.

    Raises:
        InputError: a setting is impossible, alone or with this backbone.
    """
    module = import_module(f"{__name__}.{context.run.method}")
    method: Method = module.Model(context, read_settings(context.run))
    return method
