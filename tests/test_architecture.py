"""The rules of docs/design.md that a machine can hold."""

import ast
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.imports import ROOT, closure, imported, says_nothing

STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
METHODS = sorted((ROOT / "pipeline" / "methods").glob("[a-z]*.py"))
FILES = sorted([*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "stages").glob("*.py")])


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_deps(stage: str) -> set[str]:
    """Return the files of code that a stage depends on; a folder is all that is in it."""
    found = set()
    for dep in STAGES[stage]["deps"]:
        if dep.startswith(("pipeline/", "stages/")):
            found |= {name(path) for path in (ROOT / dep).rglob("*") if counts(path)} or {dep}
    return found


def counts(path: Path) -> bool:
    """Return whether a file makes a difference to what imports the folder that it is in."""
    if path.suffix == ".py":
        return not says_nothing(path)
    return path.is_file() and path.suffix != ".pyc"


PACKAGE_DATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]["package-data"]


def read_beside(modules: set[Path]) -> set[Path]:
    """Return the files that packages of these modules bring along and read: templates and such."""
    found = set()
    for package, patterns in PACKAGE_DATA.items():
        folder = Path(*package.split("."))
        if any(module.parent == folder for module in modules):
            found |= {one for pattern in patterns for one in (ROOT / folder).glob(pattern)}
    return {one.relative_to(ROOT) for one in found}


def command(stage: str) -> Path:
    word = STAGES[stage]["cmd"].split()[1]
    return ROOT / "stages" / f"{word}.py"


CELLS = ("train", "ablate", "sweep")
PAIRS = ("paws15", "paws15_extended")
ENGINES = sorted((ROOT / "pipeline" / "corpora" / "engines").glob("[a-z]*.py"))


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {*CELLS, *PAIRS}))
def test_a_stage_depends_on_exactly_what_its_command_imports(stage):
    modules = closure(command(stage))
    assert code_deps(stage) == {str(path) for path in modules | read_beside(modules)}


def test_every_file_of_a_package_that_is_no_code_is_declared_and_a_dependency():
    beside = {
        path.relative_to(ROOT)
        for path in (ROOT / "pipeline").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "egg-info" not in str(path)
    }
    declared = read_beside({path.relative_to(ROOT) for path in FILES})
    assert beside == declared
    assert {str(path) for path in declared} <= code_deps("report")


@pytest.mark.parametrize("stage", PAIRS)
def test_the_pairs_depend_on_exactly_what_their_command_and_the_engines_import(stage):
    needed = {str(path) for path in closure(command(stage))}
    for path in ENGINES:
        own = {str(one) for one in closure(path)} - {name(path)}
        assert not own & {name(one) for one in ENGINES}, path
        needed |= own
    assert code_deps(stage) == needed | {"pipeline/corpora/engines/${paws15.engine}.py"}


def test_more_pairs_are_made_as_the_fewer_are():
    fewer, more = (STAGES[stage] for stage in PAIRS)
    for key in ("params", "deps"):
        assert fewer[key] == more[key]
    assert more["cmd"] == f"{fewer['cmd']} --extended"
    assert not set(fewer["outs"]) & set(more["outs"])


def test_stages_that_read_a_dataset_depend_on_those_of_the_repository():
    datasets = {"datasets", "datasets.xnli", "datasets.paws_x"}
    reading = {
        stage
        for stage in STAGES
        if datasets & set(STAGES[stage].get("params", [])) and "pipeline/hub.py" in code_deps(stage)
    }
    assert reading == {"corpora", "translations", *PAIRS}
    for stage in reading:
        assert "data/pocket/hub" in STAGES[stage]["deps"]


def test_a_cell_depends_on_exactly_what_training_and_the_methods_import():
    needed = {str(path) for path in closure(command("train"))}
    for path in METHODS:
        own = {str(one) for one in closure(path)} - {name(path)}
        assert not own & {name(one) for one in METHODS if one.stem != "base"}, path
        needed |= own
    assert code_deps("train") == needed | {"pipeline/methods/${item.run}.py"}
    usual = {one for one in code_deps("train") if not one.startswith("pipeline/methods/")}
    for stage in ("ablate", "sweep"):
        in_methods = {name(path) for path in (ROOT / "pipeline" / "methods").glob("*.py")}
        assert code_deps(stage) == usual | in_methods


def test_cells_of_all_matrices_are_made_and_kept_alike():
    for key in ("cmd", "params", "outs"):
        assert STAGES["train"][key] == STAGES["ablate"][key] == STAGES["sweep"][key]


LAYERS = (
    ("stages/",),
    ("pipeline/methods/", "pipeline/training/", "pipeline/evaluation/", "pipeline/pocket/",
     "pipeline/profiles.py", "pipeline/fetching.py", "pipeline/cluster/"),
    ("pipeline/prompting/", "pipeline/corpora/"),
    ("pipeline/artifacts.py", "pipeline/hub.py"),
    ("pipeline/config/",),
    ("pipeline/languages.py", "pipeline/errors.py", "pipeline/progress.py"),
)  # fmt: skip


def layer(path: Path) -> int:
    for number, prefixes in enumerate(LAYERS):
        if name(path).startswith(prefixes):
            return number
    return len(LAYERS)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_run_one_way(path):
    for other in imported(path):
        if name(other) != "pipeline/__init__.py":
            assert layer(path) <= layer(other), f"{name(path)} imports {name(other)}"


@pytest.mark.parametrize("folder", ["corpora", "evaluation"])
def test_text_and_tables_never_import_torch(folder):
    for path in (ROOT / "pipeline" / folder).rglob("*.py"):
        for one in closure(path):
            text = (ROOT / one).read_text(encoding="utf-8")
            assert "import torch" not in text, one
            assert "import transformers" not in text, one


def test_only_the_cluster_knows_the_insides_of_dvc_and_ray():
    for path in FILES:
        if not name(path).startswith("pipeline/cluster/"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    words = [alias.name for alias in node.names]
                    words += [getattr(node, "module", None) or ""]
                    assert not {word.partition(".")[0] for word in words} & {"dvc", "ray"}, path


def test_a_method_never_imports_another():
    for path in METHODS:
        others = {one for one in METHODS if one.stem != "base"} - {path}
        assert not closure(path) & {one.relative_to(ROOT) for one in others}


@pytest.mark.parametrize("path", sorted((ROOT / "pipeline" / "training").glob("*.py")), ids=name)
def test_training_and_prediction_name_no_method(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = {
        node.value if isinstance(node, ast.Constant) else node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.Name)
    }
    assert not words & {one.stem for one in METHODS if one.stem != "base"}
    assert not imported(path) & {one for one in METHODS if one.stem != "base"}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_stages_talks_to_the_terminal(path):
    if name(path).startswith("stages/"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "input"}, name(path)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            talks = node.value.id == "sys" and node.attr in {"stdout", "stderr"}
            assert not talks, name(path)


def test_the_pipeline_knows_nothing_of_pocket():
    for path in FILES:
        if "pocket" not in name(path) and name(path) != "stages/cli.py":
            text = path.read_text(encoding="utf-8").lower()
            code = [line for line in text.splitlines() if "data/pocket" in line]
            assert "pipeline.pocket" not in text, name(path)
            assert not code, name(path)


def test_training_needs_neither_dvc_nor_datasets_nor_transformers():
    needed = set().union(*(closure(path) for path in [command("train"), *METHODS]))
    for one in needed:
        for node in ast.walk(ast.parse((ROOT / one).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                found = {part.split(".")[0] for part in names}
                assert not found & {"dvc", "datasets", "transformers"}, one
