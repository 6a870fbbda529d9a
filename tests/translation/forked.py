"""`mpt paws15` in a process of its own, forked from one that has its imports ready."""

import multiprocessing
import os
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "pipeline.translation.draw",
        "pipeline.translation.engines.google",
        "stages.cli",
    ]
)


def start(folder: Path) -> BaseProcess:
    """Start it in a folder."""
    process = CONTEXT.Process(target=_paws15, args=(folder,))
    process.start()
    return process


def _paws15(folder: Path) -> None:
    from stages.cli import main

    os.chdir(folder)
    sys.argv = ["mpt", "paws15"]
    main()
