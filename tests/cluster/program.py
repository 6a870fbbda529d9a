"""A program that warm workers call: `toy OUT` writes what it finds, and leaves a mess."""

import importlib
import os
import random
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
