"""Trained toys as exported folders, and plain transformers in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch

from pipeline.corpora.files import EXAMPLES
from pipeline.export import folder as export_folder
from pipeline.export.retraining import PROBABILITIES
from pipeline.export.snippets import CLASSIFICATION, cloze
from pipeline.training.loop import fit
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from tests import toys

LONG = "a dog runs and two men play " * 12


def examples() -> pd.DataFrame:
    """Return pairs in every language, some of odd marks, some longer than the maximum length."""
    pairs = [
        ("a dog runs.", "the cat sleeps!"),
        ("two men", "not a dog ?!"),
        (f"{LONG}.", "an animal"),
        ("the cat", LONG),
        (f" {LONG}", f"{LONG} ! "),
        ("...", "yes?"),
    ]
    values = [
        (language, f"test-{number}", *pair, number % 3)
        for language in ("en", *toys.TARGETS)
        for number, pair in enumerate(pairs)
    ]
    return pd.DataFrame(values, columns=EXAMPLES.schema.names)


def trained(backbone: Path, name: str, **changes: object):
    """Return a toy method after a few updates, in evaluation mode."""
    torch.manual_seed(0)
    method = build(toys.context(backbone, name, **changes))
    generator = torch.Generator().manual_seed(0)
    if method.run.training.epochs:
        fit(method, toys.training_text(), examples()[:6], generator=generator)
    return method.eval()


def write(folder: Path, method, backbone: Path, monkeypatch, *, dtype: str = "float32"):
    """Export a method to a new folder; return what it predicts for the examples, [N, C]."""
    folder.mkdir()
    export_folder.write_model(folder, method, backbone=backbone, dtype=dtype)
    return predict(method, examples())


def snippet(folder: Path, max_length: int) -> str:
    """Return the card's code for a folder."""
    nli = json.loads((folder / "nli.json").read_text(encoding="utf-8"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    separator = config.get("mpt", {}).get("separator")
    code = cloze(separator) if nli["kind"] == "cloze" else CLASSIFICATION
    return code.replace("MAX_LENGTH", str(max_length)).replace('"."', repr(str(folder)))


ALONE = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pipeline", "stages", "tests"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refusing())
"""


def alone(folder: Path, code: str) -> str:
    """Run code in a fresh process without the project's packages; return what it prints."""
    environment = {key: one for key, one in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE + code],
        cwd=folder,
        env=environment | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers_alone(folders: dict[str, Path], max_length: int) -> dict[str, list[list[float]]]:
    """Return the probabilities that the cards' code gives for the examples, by name of a folder."""
    place = next(iter(folders.values())).parent
    rows = examples()[["premise", "hypothesis", "language"]].to_numpy().tolist()
    snippets = {name: snippet(folder, max_length) for name, folder in folders.items()}
    (place / "work.json").write_text(json.dumps({"rows": rows, "snippets": snippets}))
    printed = alone(
        place,
        """
import json
work, answers = json.load(open("work.json")), {}
for name, code in work["snippets"].items():
    names = {}
    exec(code, names)
    answers[name] = [list(names["probabilities"](*row).values()) for row in work["rows"]]
print(json.dumps(answers))
""",
    )
    return json.loads(printed.splitlines()[-1])


def probabilities(predictions: pd.DataFrame) -> list[list[float]]:
    """Return the probabilities of predictions."""
    return predictions[PROBABILITIES].to_numpy().tolist()
