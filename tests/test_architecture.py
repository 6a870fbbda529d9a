"""The rules of docs/design.md that a machine can hold."""

import ast
import re
import shutil
import subprocess
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.imports import ROOT, closure, imported, says_nothing

STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
METHODS = sorted((ROOT / "pipeline/methods").glob("[a-z]*.py"))
ENGINES = sorted((ROOT / "pipeline/translation/engines").glob("[a-z]*.py"))
FILES = sorted([*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "stages").glob("*.py")])
CELLS = ("train", "ablate", "sweep", "match")
"""The stages that train cells."""
OF_A_RUN = dict.fromkeys(CELLS, "${item.run}") | {"updates": "${comparison.reference}"}
"""The run on whose method, backbone and tokens a stage depends, through data/declared/."""
SPEECH = {Path("pipeline/errors.py"), Path("pipeline/progress.py"), Path("stages/terminal.py")}
"""What only speaks to people: no stage depends on it."""


MODELS = Path("pipeline/translation/seq2seq.py")
"""The models of engine nllb, the only part of translation that needs torch."""

GENERAL = Path("pipeline/backbone/masked_lm.py")
"""The backbones of transformers, which only they import (tests/backbone/test_masked_lm.py)."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room(path: Path) -> str:
    """Return the room of a file, a folder or a file of pipeline/, or the folder beside it."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] == "pipeline" else f"{parts[0]}"


def command(stage: str) -> Path:
    return ROOT / "stages" / f"{STAGES[stage]['cmd'].split()[1]}.py"


def code_deps(stage: str) -> set[str]:
    return {dep for dep in STAGES[stage]["deps"] if dep.startswith(("pipeline/", "stages/"))}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def modules_imported(path: Path) -> set[str]:
    """Return the top-level packages that a file imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


# What a stage makes and depends on.


def test_git_ignores_what_stages_make_and_has_none_of_it(tmp_path):
    """DVC refuses to run a stage whose out is in git."""
    outs = [re.sub(r"\$\{.*?\}", "1", out) for stage in STAGES.values() for out in stage["outs"]]
    within = {f"{out}/file" for out in outs}
    shutil.copy(ROOT / ".gitignore", tmp_path)

    def listed(folder, *arguments):
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()

    listed(tmp_path, "init", "-q")
    assert within - set(listed(tmp_path, "check-ignore", *within)) == set()
    assert listed(ROOT, "ls-files", *outs) == []


@pytest.mark.parametrize("stage", sorted(set(STAGES) - set(CELLS)))
def test_a_stage_depends_on_its_command_and_the_rooms_that_it_imports(stage):
    files = closure(command(stage))
    if Path("pipeline/translation/engines/__init__.py") in files:
        files = files.union(*map(closure, ENGINES))
    of_methods = {path.relative_to(ROOT) for path in METHODS}
    if Path("pipeline/training/registry.py") in files:
        files = files.union(*map(closure, METHODS)) - (of_methods if stage in OF_A_RUN else set())
    if stage == "declared":  # it reads them
        files |= of_methods
    files -= SPEECH
    rooms = {room(ROOT / file) for file in files if file.parts[0] == "pipeline"}
    assert code_deps(stage) == rooms | {name(command(stage))}


@pytest.mark.parametrize("stage", CELLS)
def test_a_cell_depends_on_exactly_the_files_that_training_and_its_method_import(stage):
    needed = closure(command("train"))
    for path in METHODS:
        needed |= closure(path) - {path.relative_to(ROOT)}
    needed = {str(path) for path in needed - SPEECH}
    files = set()
    for dep in code_deps(stage):
        inside = [path for path in (ROOT / dep).rglob("*.py") if not says_nothing(path)]
        files |= {name(path) for path in inside} or {dep}
    assert files == needed


@pytest.mark.parametrize("stage", OF_A_RUN)
def test_a_stage_of_a_run_depends_on_no_backbone_but_through_the_file_of_its_run(stage):
    deps = STAGES[stage]["deps"]
    assert f"data/declared/{OF_A_RUN[stage]}.json" in deps
    assert not [dep for dep in deps if dep.startswith(("data/backbones", "data/tokens"))]


def test_cells_of_all_blocks_are_made_and_kept_alike():
    for key in ("cmd", "params", "outs"):
        assert len({str(STAGES[stage][key]) for stage in CELLS if stage != "match"}) == 1
    train, match = STAGES["train"], STAGES["match"]
    assert match["cmd"] == f"{train['cmd']} --matched"
    assert match["params"] == train["params"]
    assert match["outs"] == [out.replace("item.run}", "item.run}_matched") for out in train["outs"]]
    assert len(train["outs"]) == 1


@pytest.mark.parametrize("path", sorted(SPEECH), ids=str)
def test_what_no_stage_depends_on_gives_nothing_back_that_could_go_into_a_file(path):
    for node in parsed(ROOT / path).body:
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None
            assert ast.unparse(node.returns) in {"None", "Iterator[Progress]"}, node.name
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base) for base in node.bases}
            assert bases <= {"ValueError", "RuntimeError", "Protocol"}, node.name


def test_more_pairs_are_made_as_the_fewer_are():
    fewer, more = STAGES["paws15"], STAGES["paws15_extended"]
    assert fewer["params"] == more["params"]
    assert fewer["deps"] == more["deps"]
    assert more["cmd"] == f"{fewer['cmd']} --extended"
    assert not set(fewer["outs"]) & set(more["outs"])


def test_every_file_of_a_package_that_is_no_code_is_declared():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {
        path
        for package, patterns in data["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    beside = {
        path
        for path in (ROOT / "pipeline").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert beside == declared


# Who may import whom.


def rooms_of_the_design() -> dict[str, set[str]]:
    """Read the table of rooms in docs/design.md: a room, and the rooms that it imports."""
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    table, rooms = text.partition("## Rooms")[2].partition("\n## ")[0], {}
    for places, imports in re.findall(r"^\| (`[^|]+) \|[^|]*\|([^|]*)\|$", table, re.MULTILINE):
        place = re.findall(r"`([^`]+?)/?`", places)[0]
        rooms[place] = set(re.findall(r"[a-z]+", imports))
    return rooms


def imports_by_room() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in [*FILES, *(ROOT / "bench").glob("*.py")]:
        others = {room(other) for other in imported(path)} - {room(path), "pipeline/__init__.py"}
        short = {other.removeprefix("pipeline/").removesuffix(".py") for other in others}
        found.setdefault(room(path), set()).update(short)
    return {place: others for place, others in found.items() if place != "pipeline/__init__.py"}


def test_rooms_import_what_the_design_says_and_nothing_else():
    assert imports_by_room() == rooms_of_the_design()


def test_imports_run_one_way():
    graph = {place.removeprefix("pipeline/").removesuffix(".py"): others
             for place, others in imports_by_room().items()}  # fmt: skip
    assert list(TopologicalSorter(graph).static_order())


def test_a_room_has_no_circle_inside():
    graph = {
        name(path): {name(other) for other in imported(path) if other.name != "__init__.py"}
        for path in FILES
    }
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize(
    ("rooms", "packages"),
    [
        (("corpora", "translation", "evaluation", "report", "params"), {"torch", "transformers"}),
        (("cells", "training", "methods", "prompting", "backbone"), {"dvc", "ray", "datasets"}),
    ],
    ids=["text and tables", "cells"],
)
def test_rooms_do_without_heavy_packages(rooms, packages):
    for place in rooms:
        for path in (ROOT / "pipeline" / place).rglob("*.py"):
            for file in closure(path) - {MODELS}:
                assert not modules_imported(ROOT / file) & packages, (path, file)


def test_our_own_encoder_does_without_the_general_implementation():
    """It is imported where it is needed, not with the file."""
    for path in FILES:
        if ROOT / GENERAL in imported(path):
            body = [node for node in parsed(path).body if isinstance(node, ast.ImportFrom)]
            assert "pipeline.backbone.masked_lm" not in {node.module for node in body}, path


def test_only_engine_nllb_knows_the_models_that_translate():
    knowing = {file.relative_to(ROOT) for file in FILES if ROOT / MODELS in imported(file)}
    assert knowing == {Path("pipeline/translation/engines/nllb.py")}


def test_training_needs_neither_dvc_nor_datasets_nor_transformers():
    for file in set().union(*(closure(path) for path in [command("train"), *METHODS])) - {GENERAL}:
        heavy = {"dvc", "ray", "datasets", "transformers", "scipy"}
        assert not modules_imported(ROOT / file) & heavy, file


def test_only_the_cluster_knows_the_insides_of_dvc_and_ray():
    for path in FILES:
        if room(path) != "pipeline/cluster":
            assert not modules_imported(path) & {"dvc", "ray"}, path


def test_a_method_never_imports_another():
    for path in METHODS:
        assert not closure(path) & {other.relative_to(ROOT) for other in METHODS if other != path}


# Functions that open a file, and the packages that find one.
READER = re.compile(r"(?:open|read|scan|load(?!_state_dict)|from_pretrained|from_?file)(?:_\w+)?")
FINDERS = {"glob", "io", "os", "pathlib", "pickle", "shutil", "subprocess"}


def undeclared_reading(file: ast.Module) -> list[str]:
    """Return the imports and calls of a method's file that may read what no run declares.

    A file or folder is read as `read(self.inputs["name"])`, `read(self.inputs["name"] / "file")`
    or `self.inputs["name"].read_text()`.
    """
    found = []
    for node in ast.walk(file):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.partition(".")[0] in FINDERS]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in FINDERS:
            found.append(str(node.module))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            on, called = (None, node.func.id) if isinstance(node.func, ast.Name) else (
                node.func.value, node.func.attr)  # fmt: skip
            places = [*filter(None, [on]), *node.args[:1], *(word.value for word in node.keywords)]
            if READER.fullmatch(called) and not any(map(is_declared, places)):
                found.append(ast.unparse(node))
    return found


def is_declared(place: ast.expr) -> bool:
    """Return whether an expression is a declared input, or a file in one."""
    if isinstance(place, ast.BinOp) and isinstance(place.op, ast.Div):
        place = place.left
    holder = place.value if isinstance(place, ast.Subscript) else None
    return isinstance(holder, ast.Attribute) and holder.attr == "inputs"


ADDED = sorted((ROOT / "tests/methods/added").glob("*.py"))


@pytest.mark.parametrize("path", [*METHODS, *ADDED], ids=name)
def test_a_method_reads_only_declared_inputs(path):
    """Otherwise DVC would not see an edit of the file."""
    assert undeclared_reading(parsed(path)) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("pd.read_parquet('data/corpora/dev.parquet')", True),
        ("read_table(CORPORA / 'dev.parquet', EXAMPLES)", True),
        ("load_backbone(folder)", True),
        ("AutoModel.from_pretrained(self.settings.teacher)", True),
        ("with open('words.txt') as file: ...", True),
        ("place.read_text()", True),
        ("np.load(file=place)", True),
        ("import os.path", True),
        ("from pathlib import Path", True),
        ("pd.read_parquet(self.inputs['unlabelled'])", False),
        ("load_backbone(context.inputs['teacher'])", False),
        ("open(self.inputs['dictionary'] / 'en-de.txt')", False),
        ("self.inputs['dictionary'].read_text(encoding='utf-8')", False),
        ("self.load_state_dict(weights)", False),
        ("self.pieces.of(['a dog'])", False),
    ],
)
def test_reading_what_is_not_declared_is_seen(code, found):
    assert bool(undeclared_reading(ast.parse(code))) == found


@pytest.mark.parametrize("path", sorted((ROOT / "pipeline/training").glob("*.py")), ids=name)
def test_training_names_no_method(path):
    words = {
        node.value if isinstance(node, ast.Constant) else node.id
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant | ast.Name)
    }
    assert not words & {method.stem for method in METHODS}
    assert not imported(path) & set(METHODS)


@pytest.mark.parametrize("path", [f for f in FILES if room(f) != "stages"], ids=name)
def test_only_stages_talk_to_the_terminal(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "input"}, name(path)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in {("sys", "stdout"), ("sys", "stderr")}


def test_the_pipeline_knows_nothing_of_pocket():
    for path in FILES:
        if "pocket" not in name(path) and name(path) != "stages/cli.py":
            text = path.read_text(encoding="utf-8").lower()
            assert "pipeline.pocket" not in text, name(path)
            assert "data/pocket" not in text, name(path)


def test_a_checkout_with_other_line_ends_has_the_same_bytes(tmp_path):
    """Otherwise every hash in dvc.lock would be out of step on Windows."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    for name in (".gitattributes", "params.yaml", "data/pocket/lexicon.csv", "constraints.txt",
                 "data/pocket/hub/xnli/en/test-00000-of-00001.parquet"):  # fmt: skip
        shutil.copy(ROOT / name, here)

    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=here, check=True, capture_output=True)

    who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
    git("init", "-q")
    git("add", ".")
    git(*who, "commit", "-q", "-m", "start")
    git("clone", "-q", "-c", "core.autocrlf=true", str(here), str(there))
    for path in filter(Path.is_file, here.iterdir()):
        assert (there / path.name).read_bytes() == path.read_bytes(), path.name
