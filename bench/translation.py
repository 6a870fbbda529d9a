"""Time for 1,000 sentences through `mpt paws15`, beside a plain loop over deep-translator.

    python -m bench.translation --latency 200 --workers 8

The server is a process on the loopback, and the rate limit is lifted. Every run starts with an
empty journal, in a process of its own; its time includes start and imports.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stages.terminal import say
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


def main() -> None:
    """Print the time of the stage, or of the loop without workers."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--latency", type=float, default=0, help="of the server, in ms")
    options.add_argument("--workers", type=int, default=1, help="0 for the plain loop")
    chosen = options.parse_args()
    serve = [sys.executable, "-c", SERVER, str(chosen.latency / 1000)]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(serve, env=environment(), stdout=subprocess.PIPE, text=True) as server,
    ):
        url, folder = server.stdout.readline().strip(), Path(name)
        settings = {"url": url, "workers": max(1, chosen.workers), "requests_per_second": 1_000_000}
        projects.write(folder, projects.english(500), pairs=500, **settings)
        command = ["-m", "stages", "paws15"] if chosen.workers else ["-c", LOOP, url]
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env=environment(),
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - started
        server.kill()
    kind = f"{chosen.workers} workers" if chosen.workers else "plain loop"
    say(f"{chosen.latency:.0f} ms, {kind}: {seconds:.1f} s")


if __name__ == "__main__":
    main()
