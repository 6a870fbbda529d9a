"""A program that warm workers call: `toy OUT` writes what it finds, and leaves a mess behind."""

import importlib
import os
import random
import signal
import sys
from pathlib import Path


def main() -> None:
    (out,) = sys.argv[1:]
    if told("fail", out):
        sys.stderr.write("toy: no luck today\n")
        sys.exit(1)
    if told("raise", out):
        raise MemoryError("no room for 3 GiB")
    if told("die", out):
        os.kill(os.getpid(), signal.SIGKILL)
    import torch

    if told("hoard", out):
        torch.empty(2**44)
    sys.path.insert(0, str(Path.cwd()))
    part = importlib.import_module(f"part_{Path.cwd().parent.name}")
    deterministic = torch.are_deterministic_algorithms_enabled()
    state = (part.TEXT, "MESS" in os.environ, deterministic, torch.get_num_threads())
    with Path("told/pids").open("a") as file:
        file.write(f"{os.getpid()}\n")
    sys.stdout.write(f"{out} {state}\n")
    Path(out).write_text(f"{state}\n")
    os.environ["MESS"] = "1"
    os.chdir("/")
    random.seed(1)
    torch.manual_seed(1)
    torch.rand(10)
    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(True)


def told(word: str, out: str) -> bool:
    """Return whether the test wants this of the cell with an out."""
    return Path(f"told/{word}-{Path(out).stem}").exists()
