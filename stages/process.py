"""The process of a command: its streams, and the variables of its environment."""

import fcntl
import io
import logging
import os
import re
import sys
from typing import Any

from pipeline.errors import InputError
from stages.terminal import warn

THREADS = "OMP_NUM_THREADS"

KERNELS = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64", "LRU_CACHE_CAPACITY": "16"}
"""How many compiled kernels a process keeps.

oneDNN compiles one for each shape, and nearly every batch of text has others: a thousand of them,
its default, are a gigabyte (docs/performance.md). It reads the number when it compiles the first.
"""


class Output(io.FileIO):
    """A stream that drops what it cannot write, so that the work goes on."""

    error = ""
    """Why something was dropped, unless only the reader had left."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401
        """Write bytes; return how many were written or dropped."""
        try:
            return super().write(data)
        except BrokenPipeError:
            pass
        except OSError as error:
            self.error = error.strerror or str(error)
        return len(memoryview(data))


def open_streams() -> Output:
    """Make stdout and stderr take any text, even if they are closed; return what is under stdout.

    The next file that is opened would otherwise take the place of a closed stream.
    """
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
        if not _allows(descriptor, mode):
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
            os.set_inheritable(descriptor, True)
    stdout, stderr = (Output(descriptor, "w", closefd=False) for descriptor in (1, 2))
    sys.stdout = _text(stdout, sys.stdout, errors="replace")
    sys.stderr = _text(stderr, sys.stderr, errors="backslashreplace")
    return stdout


def _allows(descriptor: int, mode: int) -> bool:
    try:
        found = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError:
        return False
    return found in {mode, os.O_RDWR}


def _text(output: Output, before: Any, *, errors: str) -> io.TextIOWrapper:  # noqa: ANN401
    buffer = io.BufferedWriter(output)
    if before is None:  # closed
        return io.TextIOWrapper(buffer, "utf-8", errors)
    by_line = before.line_buffering or before.write_through
    return io.TextIOWrapper(buffer, before.encoding, errors, line_buffering=by_line)


class Warnings(logging.Handler):
    """Prints what the library warns of."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a warning."""
        warn(record.getMessage())


def show_warnings() -> None:
    """Print the warnings of the library; further calls change nothing."""
    logger = logging.getLogger("pipeline")
    if not logger.handlers:
        logger.addHandler(Warnings())
        logger.propagate = False


def prepare_environment() -> None:
    """Set KERNELS if they are not set; reduce OMP_NUM_THREADS to one number, or remove it if empty.

    OpenMP also allows a list (4,2), whose first number counts outside of nested regions.

    Raises:
        InputError: a variable has a value with which the libraries do not work.
    """
    if sys.flags.optimize > 1:
        raise InputError("PYTHONOPTIMIZE: expected at most 1 (libraries read docstrings), found 2")
    found = os.environ.pop(THREADS, "").strip()
    if not re.fullmatch(r"(0*[1-9][0-9]*\s*(,\s*0*[1-9][0-9]*\s*)*)?", found):
        raise InputError(f"{THREADS}: expected a number of threads, at least 1, found {found!r}")
    if found:
        os.environ[THREADS] = found.partition(",")[0].strip()
    for name, number in KERNELS.items():
        os.environ.setdefault(name, number)
