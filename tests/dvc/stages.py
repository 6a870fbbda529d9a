"""The stages of dvc.yaml as commands, in a toy project in which all of them have run."""

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
from dvc.repo import Repo

from tests.dvc.parameters import parameters

BESIDE = {"data/runs": "data/circumstances"}
"""What makes nothing stale, by what it belongs to: how long a cell took."""


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml; its parameters are None if it depends on params.yaml as a whole."""

    name: str
    command: list[str]
    files: list[str]
    parameters: list[str] | None
    outs: list[str]

    def declares(self, dotted: str) -> bool:
        """Whether an edit of this key makes the stage stale."""
        key = dotted.replace("__", ".")
        return self.parameters is None or any(
            f"{key}.".startswith(f"{one}.") for one in self.parameters
        )


def read_stages(folder: Path) -> Iterator[Stage]:
    """Yield the stages, each after those whose outs it needs."""
    with Repo(str(folder)) as repo:
        for stage in nx.dfs_postorder_nodes(repo.index.graph):
            files, keys = [], []
            for dep in stage.deps:
                if hasattr(dep, "params"):
                    keys += dep.params
                elif not str(dep.def_path).startswith(("pipeline", "stages")):
                    files += filter(None, [str(dep.def_path), BESIDE.get(str(dep.def_path))])
            outs = [str(out.def_path) for out in stage.outs]
            whole = "params.yaml" in files or stage.name == "inputs"
            yield Stage(
                stage.name or "", shlex.split(stage.cmd)[1:], files, None if whole else keys, outs
            )


def contents(folder: Path, paths: list[str]) -> dict[str, bytes]:
    """Return the files at and below the paths."""
    found = [file for path in paths for file in (folder / path, *(folder / path).rglob("*"))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found if file.is_file()}


def behind(files: list[str], source: Path) -> list[str]:
    """Return the files on which a stage depends through those of data/declared/.

    Where a backbone comes from makes nothing stale, since another place may have the same weights.
    """
    parts = [json.loads((source / one).read_bytes()) for one in files if "declared/" in one]
    hashed = [name for part in parts for name in part["sha256"] if name.startswith("data/")]
    return hashed + [f"data/backbones/{part['backbone']}.json" for part in parts]


def copy(paths: list[str], source: Path, folder: Path) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if (source / path).is_dir():
            shutil.copytree(source / path, folder / path, dirs_exist_ok=True)
        else:
            shutil.copy(source / path, folder / path)


def here(**changes: object) -> dict:
    sources = {
        "datasets__xnli__path": "../hub/xnli",
        "datasets__paws_x__path": "../hub/paws-x",
        "backbone__path": "../hub/backbone",
        "fewshot__per_seed": True,
    }
    return parameters(**(sources | changes))
