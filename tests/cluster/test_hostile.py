"""Values of params.yaml that would run in DVC's shell, or name a folder elsewhere."""

import re
import shlex
import shutil
import subprocess

import pytest
from dvc.repo import Repo

from tests import toys
from tests.commands import call, only_line
from tests.imports import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HOSTILE = ["4; touch x", "4 && touch x", "$(touch x)", "`touch x`", "../../zz", "4\ntouch x"]


@pytest.fixture
def real(project):
    """The toy project as a repository with the real dvc.yaml."""
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, project)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    with Repo.init(str(project)):
        pass
    return project


def write(project, key, value):
    grid = {"runs": ["sp"], "shots": [1], "seeds": [1]} | {key: [value]}
    toys.write_params(toys.params(grid=grid), project / "params.yaml")


@pytest.mark.parametrize("command", ["plan", "repro", "check"])
@pytest.mark.parametrize("key", ["shots", "seeds", "runs"])
@pytest.mark.parametrize("value", HOSTILE)
def test_they_are_refused_before_dvc_does_anything(  # noqa: PLR0917
    command, key, value, real, monkeypatch, capsys
):
    write(real, key, value)
    before = sorted(real.rglob("*"))
    assert call(monkeypatch, command) == 2
    assert only_line(capsys.readouterr().err).startswith(f"params.yaml: grid.{key}")
    outside = [path for path in sorted(real.rglob("*")) if ".dvc/tmp" not in str(path)]
    assert outside == [path for path in before if ".dvc/tmp" not in str(path)]


@pytest.mark.parametrize("value", HOSTILE[:4])
def test_to_the_shell_of_dvc_they_are_one_word(value, real):
    write(real, "shots", value)
    with Repo(str(real)) as repo:
        commands = [stage.cmd for stage in repo.index.stages if "mpt train" in stage.cmd]
    assert commands
    for command in commands:
        assert shlex.split(command) == ["mpt", "train", "sp", "--shots", value, "--seed", "1"]


def test_every_value_in_a_command_of_dvc_is_quoted():
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    commands = re.findall(r"cmd: (.*)", text)
    assert any("${" in command for command in commands)
    for command in commands:
        assert "${" not in re.sub(r"'\$\{[\w.]+\}'", "", command)


def test_parameters_nested_too_deeply_are_one_line(real, monkeypatch, capsys):
    (real / "params.yaml").write_text("a: " + "[" * 3000 + "]" * 3000)
    for command in ("plan", "repro", "check", "tables"):
        assert call(monkeypatch, command) == 2
        line = only_line(capsys.readouterr().err)
        assert line == "params.yaml: expected YAML, found values nested too deeply"
