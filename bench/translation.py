"""Time of 1,000 sentences through `mpt paws15`, beside a plain loop over deep-translator.

    python -m bench.translation --latency 200 --workers 8

The server is another process on the loopback; the rate limit is lifted. Every kind of run starts
from an empty journal, in a process of its own, and its time is that of the whole command.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.commands import environment
from tests.translation import projects

SERVER = """
import sys, time
from tests.translation_server import serving
with serving(latency=float(sys.argv[1])) as server:
    print(server.url, flush=True)
    time.sleep(3600)
"""
LOOP = """
import sys
import pandas as pd
from deep_translator import GoogleTranslator, constants
from pipeline.languages import LANGUAGES
constants.BASE_URLS["GOOGLE_TRANSLATE"] = sys.argv[1]
codes = [row.codes["google"] for row in LANGUAGES.values() if row.code != "en"]
pool = pd.read_parquet("data/corpora/pairs_en.parquet")
for number, row in enumerate(pool.itertuples()):
    translator = GoogleTranslator("en", codes[number % 14])
    translator.translate(row.premise), translator.translate(row.hypothesis)
"""


def seconds(command: list[str], folder: Path) -> float:
    """Return how long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the time of the stage, or of the loop where there are no workers."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--latency", type=float, default=0, help="of the server, in ms")
    options.add_argument("--workers", type=int, default=1, help="0 for the plain loop")
    chosen = options.parse_args()
    call = [sys.executable, "-c", SERVER, str(chosen.latency / 1000)]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(call, env=environment(), stdout=subprocess.PIPE, text=True) as server,
    ):
        url, folder = server.stdout.readline().strip(), Path(name)
        projects.write(
            folder, projects.english(500), pairs=500, url=url, workers=max(1, chosen.workers),
            requests_per_second=1_000_000,
        )  # fmt: skip
        stage, loop = ["-m", "stages", "paws15"], ["-c", LOOP, url]
        taken = seconds([sys.executable, *(stage if chosen.workers else loop)], folder)
        server.kill()
    kind = f"{chosen.workers} workers" if chosen.workers else "plain loop"
    sys.stdout.write(f"{chosen.latency:.0f} ms, {kind}: {taken:.1f} s\n")


if __name__ == "__main__":
    main()
