"""`mpt profile`: a ready-made set of parameters in place of params.yaml."""

from typing import Annotated

import typer


def profile(
    name: Annotated[str, typer.Argument(help="A file of profiles/, such as pocket or paper.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite edits that git does not hold.")
    ] = False,
) -> None:
    """Copy profiles/NAME.yaml over params.yaml and say what it would cost."""
    from pipeline.artifacts import write_text
    from pipeline.errors import InputError
    from pipeline.params.runs import PARAMS
    from pipeline.profiles import PROFILES, cost, is_held, load_profile
    from stages.terminal import say

    params = load_profile(name)
    if not force and not is_held(PARAMS):
        raise InputError(
            f"{PARAMS}: expected no edits beyond the last commit, found some "
            f"(commit them, or --force loses them)"
        )
    write_text((PROFILES / f"{name}.yaml").read_text(encoding="utf-8"), PARAMS)
    say(f"{PARAMS} is now {PROFILES / name}.yaml")
    for line in cost(params):
        say(line)
