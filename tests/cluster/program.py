"""A program that warm workers call: `toy OUT` writes what it finds, and leaves a mess."""

import importlib
import os
import random
import signal
import sys
from pathlib import Path


def main() -> None:
    out, *rest = sys.argv[1:]
    if "fail" in rest:
        sys.stderr.write("toy: no luck today\n")
        sys.exit(1)
    if "raise" in rest:
        raise MemoryError("no room for 3 GiB")
    import torch

    if told("hoard", out):
        torch.empty(2**44)
    if told("die", out):
        os.kill(os.getpid(), signal.SIGKILL)
    sys.path.insert(0, str(Path.cwd()))
    part = importlib.import_module(f"part_{Path.cwd().parent.name}")
    deterministic = torch.are_deterministic_algorithms_enabled()
    found = (part.TEXT, "MESS" in os.environ, deterministic, torch.get_num_threads())
    with Path("told/pids").open("a") as file:
        file.write(f"{os.getpid()}\n")
    sys.stdout.write(f"{out} {found}\n")
    Path(out).write_text(f"{found}\n")
    os.environ["MESS"] = "1"
    os.chdir("/")
    random.seed(1)
    torch.manual_seed(1)
    torch.rand(10)
    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(True)


def told(word: str, out: str) -> bool:
    """Return whether the cell of an out is to do something, as a file DVC does not see says."""
    return Path(f"told/{word}-{Path(out).stem}").exists()
