"""`mpt predict` beside transformers' own pipeline, and its peak memory on more rows.

    python -m bench.predict FOLDER PAIRS

FOLDER is an export of ft; PAIRS is a Parquet file with premise and hypothesis, whose rows are
repeated. Each runs in a process of its own; its time includes start, imports and files.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.errors import RunError
from stages.terminal import say
from tests.commands import environment

TOLERANCE = 1e-4
"""The largest difference of a probability."""

PIPELINE = """
import sys
import pandas as pd
from transformers import pipeline
folder, pairs, written, batch = sys.argv[1:]
rows = pd.read_parquet(pairs)
inputs = [{"text": a, "text_pair": b} for a, b in zip(rows.premise, rows.hypothesis)]
classifier = pipeline("text-classification", model=folder, top_k=None)
answers = classifier(inputs, batch_size=int(batch), truncation=True)
named = [{f"p_{one['label']}": one["score"] for one in answer} for answer in answers]
pd.DataFrame(named).to_parquet(written)
"""


class Measured(NamedTuple):
    """The time and peak memory of a process."""

    seconds: float
    mib: int


def measured(*arguments: str) -> Measured:
    """Run Python with these arguments in its own process.

    Raises:
        RunError: it fails.
    """
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment(**THREADS))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RunError(f"{' '.join(arguments[-4:])}: expected it to end well, found {status}")
    return Measured(time.perf_counter() - started, usage.ru_maxrss // 1024)


THREADS = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))}
"""As many for both, since `mpt` on its own would predict a small model in one per batch."""


def repeated(pairs: Path, rows: int, written: Path) -> Path:
    """Write as many rows as asked for, repeating those of a file."""
    frame = pd.read_parquet(pairs)[["premise", "hypothesis"]]
    times = -(-rows // len(frame))
    pd.concat([frame] * times).head(rows).to_parquet(written, index=False)
    return written


def run(folder: Path, pairs: Path, *, rows: int, many: int, batch: int) -> dict[str, Measured]:
    """Measure both on `rows` rows, and ours on `many`.

    Raises:
        RunError: one fails, or the probabilities differ.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        few = str(repeated(pairs, rows, place / "few.parquet"))
        more = str(repeated(pairs, many, place / "more.parquet"))
        ours, theirs = str(place / "ours.parquet"), str(place / "theirs.parquet")
        command = ("-m", "stages", "predict", str(folder))
        found = {
            "ours": measured(*command, few, "--to", ours),
            "pipeline": measured("-c", PIPELINE, str(folder), few, theirs, str(batch)),
        }
        one, other = pd.read_parquet(ours), pd.read_parquet(theirs)
        apart = float((one[sorted(other)] - other[sorted(other)]).abs().max().max())
        if not apart < TOLERANCE:
            raise RunError(f"bench.predict: expected the same probabilities, found {apart:.2g}")
        return found | {"ours, more": measured(*command, more, "--to", ours)}


def main() -> None:
    """Print times, their ratio, and peak memory."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("pairs", type=Path)
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--many", type=int, default=100_000)
    options.add_argument("--batch", type=int, default=32, help="of the pipeline")
    chosen = options.parse_args()
    found = run(chosen.folder, chosen.pairs, rows=chosen.rows, many=chosen.many, batch=chosen.batch)
    counts = {"ours": chosen.rows, "pipeline": chosen.rows, "ours, more": chosen.many}
    for name, one in found.items():
        say(f"{name}: {counts[name]:,} rows, {one.seconds:.1f} s, peak {one.mib:,} MiB")
    say(f"ours / pipeline: {found['ours'].seconds / found['pipeline'].seconds:.2f}")


if __name__ == "__main__":
    main()
