"""`mpt profile`: replace params.yaml with a ready-made one."""

from typing import Annotated

import typer


def profile(
    name: Annotated[str, typer.Argument(help="Name of a file in profiles/, e.g. pocket or paper.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite uncommitted edits of params.yaml.")
    ] = False,
) -> None:
    """Copy profiles/NAME.yaml over params.yaml and show the size of its run."""
    from pipeline.artifacts import write_text
    from pipeline.errors import InputError
    from pipeline.params.runs import PARAMS
    from pipeline.profiles import PROFILES, cost, is_recoverable, load_profile
    from stages.terminal import say

    params = load_profile(name)
    if not force and not is_recoverable(PARAMS):
        remedy = "commit them, or discard them with --force"
        raise InputError(f"{PARAMS}: expected no uncommitted edits, found some ({remedy})")
    write_text((PROFILES / f"{name}.yaml").read_text(encoding="utf-8"), PARAMS)
    say(f"{PARAMS} is now {PROFILES / name}.yaml")
    for line in cost(params):
        say(line)
