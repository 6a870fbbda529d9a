"""`mpt profile`: replace params.yaml with a ready-made one."""

from typing import Annotated

import typer


def profile(
    name: Annotated[
        str | None, typer.Argument(help="A file in profiles/, e.g. pocket or paper.")
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite uncommitted edits of params.yaml.")
    ] = False,
) -> None:
    """Copy profiles/NAME.yaml over params.yaml and show the size of its run.

    Without NAME: list the profiles.
    """
    from pipeline.errors import InputError
    from pipeline.files import write_text
    from pipeline.params.runs import PARAMS
    from pipeline.profiles import PROFILES, cost, is_recoverable, load_profile, profile_names
    from stages.terminal import say

    if name is None:
        for profile_name in profile_names():
            say(profile_name)
        return
    params = load_profile(name)
    if not force and not is_recoverable(PARAMS):
        remedy = "commit them, or discard them with --force"
        raise InputError(f"{PARAMS}: expected no uncommitted edits, found some ({remedy})")
    write_text((PROFILES / f"{name}.yaml").read_text(encoding="utf-8"), PARAMS)
    say(f"{PARAMS} is now {PROFILES / name}.yaml")
    for line in cost(params):
        say(line)
