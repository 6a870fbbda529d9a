"""Methods: one file each, and the file's name is the method's."""

from importlib import import_module

from pipeline.methods.base import Context, Method
from pipeline.strict import parse


def build(context: Context) -> Method:
    """Return the method of a run, with its settings checked.

    Raises:
        InputError: a setting is unknown, of the wrong type or impossible.
    """
    module = import_module(f"{__name__}.{context.run.method}")
    settings = parse(
        module.Settings, context.run.settings, place=f"params.yaml: methods.{context.run.name}"
    )
    method: Method = module.Model(context, settings)
    return method
