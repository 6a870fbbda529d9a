"""The console script `mpt`: its commands, and how it ends when something is wrong."""

import gc
import os
import sys
import traceback
from typing import Annotated

import typer

from pipeline.errors import InputError, RunError
from stages.backbone import backbone
from stages.corpora import corpora
from stages.fewshot import fewshot
from stages.paws15 import paws15
from stages.plan import plan
from stages.pocket import pocket
from stages.profile import profile
from stages.report import report
from stages.repro import repro
from stages.tables import tables
from stages.tokens import tokens
from stages.train import train
from stages.translations import translations

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the signal's number, as shells have it."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    corpora,
    backbone,
    tokens,
    fewshot,
    translations,
    paws15,
    train,
    tables,
    report,
    plan,
    repro,
    profile,
    pocket,
):
    app.command()(command)


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Few-shot cross-lingual NLI with prompts: dvc.yaml's stages and what surrounds them."""
    del debug  # main() takes it out before parsing, so that it may stand anywhere


def main() -> None:
    """Run a command; end with 0 when done, 1 for a failed run, 2 for wrong input, 130 on Ctrl-C."""
    arguments = [one for one in sys.argv[1:] if one != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        code = app(arguments, prog_name="mpt", standalone_mode=False)
    except (InputError, RunError, typer.TyperException) as error:
        if debug:
            traceback.print_exc()
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        fail(message, code=1 if isinstance(error, RunError) else 2)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        fail(f"{type(error).__name__}: {error} (mpt --debug shows where)", code=1)
    if code == INTERRUPTED:  # which is all that Typer leaves of a KeyboardInterrupt
        fail("interrupted", code=INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def script() -> None:
    """Run main() as a process of its own, quick to start and to leave.

    The collector would look a hundred times through what the imports of torch and transformers
    make and keep, and the interpreter would take their modules apart at the end: two seconds a
    cell, of which there are hundreds.
    """
    gc.set_threshold(200_000, 20, 20)
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def fail(message: str, *, code: int) -> None:
    """Print one line on stderr, if there is something to say, and exit."""
    line = " ".join(message.split())
    if line:
        sys.stderr.write(f"mpt: {line}\n")
    sys.exit(code)
