"""What the documents name exists."""

import ast
import re

import pytest
from ruamel.yaml import YAML

from tests.imports import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def names_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize(("document", "at_least"), [("paper.md", 11), ("methods.md", 7)])
def test_equations_point_at_code_that_exists(document, at_least):
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    found = re.findall(r"`(pipeline/[\w/]+\.py):(\w+)`", text)
    assert len(found) >= at_least
    for file, name in found:
        assert name in names_in(ROOT / file), f"{file}:{name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_named_exist(path):
    text = path.read_text(encoding="utf-8")
    for file in re.findall(
        r"`((?:pipeline|stages|tests|profiles|docs|data/pocket)/[\w./-]+)`", text
    ):
        if "NAME" not in file and "plain" not in file:
            assert (ROOT / file).exists(), f"{path.name} names {file}"
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (path.parent / target).exists(), f"{path.name} links {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_named_exist(path):
    files = {file.stem for file in (ROOT / "stages").glob("[a-z]*.py")}
    commands = files - {"cli", "process", "repro_view", "terminal"}
    text = path.read_text(encoding="utf-8")
    for command in re.findall(r"`mpt (\w+)", text):
        assert command in commands, f"{path.name} names mpt {command}"


def test_the_design_names_every_stage():
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    for stage in stages:
        assert re.search(rf"^\| {stage} ", text, re.MULTILINE), stage
