"""Running `mpt` as a user does, or in this process to save a second; and the lines of errors."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import InputError
from tests.imports import ROOT


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process that runs `mpt`."""
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | changes


def run(
    folder: Path, *arguments: str, stdin: str = "", **changes: str
) -> subprocess.CompletedProcess:
    """Run `mpt` in a folder, in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "stages", *arguments],
        cwd=folder,
        env=environment(**changes),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `mpt` in this folder and process, and return its exit code."""
    from stages.cli import main

    monkeypatch.setattr(sys, "argv", ["mpt", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def only_line(stderr: str) -> str:
    """Return the one line of an error."""
    assert stderr.startswith("mpt: ")
    assert stderr.endswith("\n")
    assert stderr.count("\n") == 1
    return stderr.removeprefix("mpt: ").removesuffix("\n")


def refusal(function: Callable, *arguments: object, **options: object) -> str:
    """Call a function that refuses its input, and return the one line of the error."""
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    line = str(caught.value)
    assert line == " ".join(line.split())
    return line
