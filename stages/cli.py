"""The console script `mpt`: its commands, and how it ends when something is wrong."""

import gc
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import InputError, RunError
from stages.backbone import backbone
from stages.check import check
from stages.corpora import corpora
from stages.declared import declared
from stages.export import export
from stages.fewshot import fewshot
from stages.guard import guarded
from stages.inputs import inputs
from stages.paws15 import paws15
from stages.plan import plan
from stages.pocket import pocket
from stages.predict import predict
from stages.process import open_streams, prepare_environment, show_warnings
from stages.profile import profile
from stages.report import report
from stages.repro import repro
from stages.tables import tables
from stages.tokens import tokens
from stages.train import train
from stages.translations import translations
from stages.unlabelled import unlabelled
from stages.updates import updates

ROOT = Path(__file__).resolve().parent.parent
"""The copy of the project whose code runs."""
INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 plus the signal's number, as in shells."""

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
STAGES: tuple[Callable[..., None], ...] = (
    inputs, check, corpora, backbone, tokens, fewshot, translations, paws15, unlabelled, declared,
    updates, train, tables, report,
)  # fmt: skip
COMMANDS: tuple[Callable[..., None], ...] = (
    *map(guarded, STAGES), export, predict, plan, repro, profile, pocket,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


@app.callback()
def options(
    *, debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False
) -> None:
    """Few-shot cross-lingual NLI with prompts: the stages of dvc.yaml, and commands beside them."""
    del debug  # main() removes it before parsing, so that it may be anywhere on the line
    prepare_environment()
    show_warnings()


def main() -> None:
    """Run a command; exit with 0 if done, 1 if it failed, 2 for wrong input, 130 on Ctrl-C."""
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
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
    except OSError as error:
        if debug:
            traceback.print_exc()
        fail(f"{error.filename or type(error).__name__}: {error.strerror or error}", code=1)
    except Exception as error:
        if debug:
            traceback.print_exc()
        fail(f"{type(error).__name__}: {error} (mpt --debug shows where)", code=1)
    if code == INTERRUPTED:  # Typer turns a KeyboardInterrupt into this code
        fail("interrupted", code=INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def script() -> None:
    """Run main() as a process that starts and ends quickly.

    The garbage collector would scan the objects of torch and transformers a hundred times while
    they are imported, and the interpreter would tear their modules down at the end: two seconds
    per cell, for hundreds of cells.
    """
    gc.set_threshold(200_000, 20, 20)
    code: object = 0
    output = open_streams()
    try:
        run_the_code_here()
        main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    if output.error:
        sys.stderr.write(f"mpt: stdout: {output.error}\n")
        code = code or 1
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def run_the_code_here() -> None:
    """Start again with the code of the current folder if that is another copy of the project.

    An environment belongs to one clone, but DVC hashes the files of the folder in which it runs:
    another clone, a git worktree, or the folder of a queued or temporary experiment.
    """
    here = Path.cwd().resolve()
    if here == ROOT or not all((here / name).is_file() for name in ("dvc.yaml", "stages/cli.py")):
        return
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if paths[0] == str(here):
        fail(f"{here}: expected to run the code of this folder, found that of {ROOT}", code=2)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here), *filter(None, paths)])
    os.execv(sys.executable, [sys.executable, "-m", "stages", *sys.argv[1:]])


def fail(message: str, *, code: int) -> None:
    """Print a message on stderr as one line, unless it is empty, and exit."""
    line = " ".join(message.split())
    if line:
        sys.stderr.write(f"mpt: {line}\n")
    sys.exit(code)
