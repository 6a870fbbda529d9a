"""The commands that the documents show run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from tests.commands import environment
from tests.imports import ROOT
from tests.test_docs import DOCUMENTS

pytestmark = pytest.mark.slow

SHELLS = ("console", "bash", "sh")
PROGRAMS = {"bash", "cd", "git", "make", "pre-commit", "python", "rm", "sh", "source", "sshfs"}
PROGRAMS |= {script.name for script in entry_points(group="console_scripts")}
"""A piece of code in a text is a command if it has two words or more and begins with one of these.
Every line of a block in the language of a shell is a command."""

EXPORT = "mpt export mpt --shots 16 --seed 11"
FILLED = {
    "mpt profile NAME": "mpt profile pocket_full",
    "mpt --debug ...": "mpt --debug plan",
    "mpt export": EXPORT,
    "mpt export RUN --shots K --seed S": EXPORT,
    "mpt predict": "mpt predict mpt --shots 16 --seed 11 --premise a --hypothesis b --language de",
    "mpt predict MODEL FILE": f"{EXPORT} --to MODEL && mpt predict MODEL data/corpora/test.parquet",
}
"""Commands with a placeholder, and what is run instead."""

NEEDS = {
    "the package index, and minutes": (
        "make repro",
        "make test",
        "make check",
        "pip install -c constraints.txt -e '.[ray]'",
        "pip install pre-commit",
        "pre-commit install && pre-commit install --hook-type pre-push",
        "pip download --dest build/wheels --only-binary :all: --python-version 3.12 pydantic "
        "ruamel.yaml",
        "pip install --no-index --find-links build/wheels --target build/site pydantic ruamel.yaml",
    ),
    "the environment of make": ("source .venv/bin/activate",),
    "a cluster or several machines (tests/cluster/ has one)": (
        "mpt repro --address head:6379",
        "mpt repro --address HOST:PORT",
        "ray start --head --port 6379",
        "ray start --address head:6379",
        "ray symmetric-run --address 127.0.0.1:6379 --min-nodes 1 --num-cpus=2 -- mpt repro "
        "--address auto",
        "sshfs head:/data/mpt /data/mpt",
        "#!/bin/bash",
    ),
    "a GPU": ("mpt repro --jobs 4 --gpus-per-cell 0.25",),
    "minutes (tests/bench/ and tests/pocket/ run them on little data)": (
        "PYTHONPATH=build/site python -m bench.speed --hub HUB",
        "python -m bench.speed --hub HUB",
        "python -m bench.speed",
        "python -m bench.same_results --runs ft sp pct mpt --seeds 11 12 13",
        "python -m bench.translation --latency MS --workers N",
        "python -m bench.speed --profile real_text --backbone ../shared/backbones/me5-mlm "
        "--precision bfloat16 --updates 7 --warmup 1 --rounds 3 --examples 1000",
        "python -m bench.real_text",
        "python -m bench.alignment",
        "mpt pocket",
        "mpt pocket --measure",
        "python -m bench.predict FOLDER PAIRS",
    ),
    "half an hour or more (tests/bench/ runs mutants on little code)": (
        "python -m bench.mutants",
        "python -m bench.mutants --only",
        "pytest -m campaign",
        'pytest -m campaign tests/campaign/test_runs.py -k "killed and dvc"',
        'pytest -m campaign tests/campaign/test_runs.py -k "killed and mpt"',
        "pytest -m campaign tests/campaign/test_writers.py -k kill",
        "pytest -m campaign tests/campaign/test_writers.py -k full",
        "pytest -m campaign tests/campaign/test_runs.py -k full",
    ),
    "an exported model (tests/export/ and tests/inference/ have some)": (
        'mpt predict data/exported/mpt/k16/s11 --language sw --premise "Mtoto amelala." '
        '--hypothesis "Mtoto yuko macho."',
        "mpt predict data/exported/mpt/k16/s11 pairs.csv --to answers.csv",
    ),
    "the Hub": ("hf upload NAME/mpt-k16 data/exported/mpt/k16/s11",),
    "real text and an hour (tests/real/)": ("mpt profile real_text && mpt repro",),
    "nothing, since these tests are running": (
        "pytest tests/methods/test_contract.py",
        "pytest tests/test_architecture.py",
        "pytest tests/translation/test_overnight.py",
        "pytest tests/translation/test_nllb.py -k killed",
        "pytest tests/cluster/test_kills.py",
        "pytest tests/cluster/test_driver.py",
        "pytest tests/test_damage.py",
        "pytest tests/test_values.py tests/evaluation/test_cell_files.py",
        "pytest tests/test_guard.py",
    ),
    "other words: it only names a program": (
        "mypy --strict",
        "python -X importtime",
        "python -m stages",
        "ray start",
        "ray stop",
        "ray symmetric-run",
    ),
}
"""What the commands need that are not run here."""
LISTED = {command for commands in NEEDS.values() for command in commands}


def commands(text: str) -> Iterator[str]:
    """Return the commands that a document shows."""
    for match in re.finditer(r"```(.*?)\n(.*?)```|`([^`\n]+)`", text, re.DOTALL):
        language, block, code = match.groups()
        if code:
            words = re.sub(r"^(\w+=\S* )+", "", code).split()
            if len(words) > 1 and words[0] in PROGRAMS:
                yield code
        elif language not in SHELLS:
            assert language in {"python", "yaml"}, f"a block in {language or 'no language'}"
        elif block.startswith("#!"):  # a script, under the name of its first line
            yield block.splitlines()[0]
        else:
            lines = re.sub(r"(^|\s+)#.*|\\\n", "", block, flags=re.MULTILINE).splitlines()
            yield from filter(None, map(str.strip, lines))


DOCUMENTED = dict.fromkeys(
    command
    for path in [*DOCUMENTS, ROOT / "data/pocket/README.md"]
    for command in commands(path.read_text(encoding="utf-8"))
)


def shell(command: str, folder: Path) -> subprocess.CompletedProcess:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=environment(PATH=path, PYTHONPATH=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )


SMALL = [
    "languages.targets=[de]",
    "paws15.pairs=24",
    "paws15.extended=48",
    "grid.runs=[sp,mpt]",
    "grid.seeds=[11]",
    "ablations.runs=[]",
    "sweeps.runs=[]",
    "matched.runs=[sp]",
    "matched.shots=[4,16]",
    "matched.seeds=[11]",
    "~comparison.table2.no-consistency",
    "~comparison.table2.no-external-data",
    "~comparison.table2.no-translator",
    "training.epochs=1",
]
"""Changes of the shipped parameters, so that everything runs in seconds."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the project, with fewer cells, in which everything has run once."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("pipeline", "stages", "profiles", "data/paper", "data/pocket"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore", ".gitignore", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    apply_overrides(folder / "params.yaml", SMALL)
    who = "-c user.name=Nobody -c user.email=nobody@example.org"
    done = shell(
        f"git init -q && dvc init -q && mpt repro && git add . && git {who} commit -q -m all",
        folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize("command", [one for one in DOCUMENTED if one not in LISTED])
def test_a_documented_command_runs(command, finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "project", symlinks=True)
    done = shell(FILLED.get(command, command), folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_lists_have_only_documented_commands():
    assert (LISTED | FILLED.keys()) - DOCUMENTED.keys() == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`mpt plan` or `A=1 dvc status`, `mpt`", ["mpt plan", "A=1 dvc status"]),
        ("```bash\nmpt x     # why\n\nnew a \\\n  b\n```", ["mpt x", "new a   b"]),
        ("```console\n# why\ncd a\n```\n```python\nmpt(1)\n```", ["cd a"]),
    ],
)
def test_commands_are_found_in_blocks_and_in_the_text(text, found):
    assert list(commands(text)) == found
