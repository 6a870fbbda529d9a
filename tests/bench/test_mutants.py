"""The faults of bench/mutants.yaml, and how they are judged."""

import ast
import subprocess
import sys

import pytest

from bench import mutants
from bench.mutants import Mutant, read_mutants
from pipeline.errors import RunError
from tests.imports import ROOT

ALL = read_mutants()


def test_there_are_enough_faults_each_with_a_name_of_its_own():
    assert len(ALL) == len({mutant.name for mutant in ALL}) >= 120


@pytest.mark.parametrize("file", sorted({mutant.file for mutant in ALL}))
def test_faults_fit_the_code_as_it_is(file):
    before = (ROOT / file).read_text(encoding="utf-8")
    for mutant in (one for one in ALL if one.file == file):
        after = mutant.mutated(ROOT)
        assert after != before, mutant.name
        if file.endswith(".py"):
            assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(before)), mutant.name
        assert mutant.tests
        for path in mutant.tests:
            assert (ROOT / path.partition("::")[0]).exists(), path


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with a function, a test of it, and a fault that the test notices or not."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "sums.py").write_text("def plus(a, b):\n    return a + b\n")
    (folder / "test_sums.py").write_text("import sums\ndef test(): assert sums.plus(0, 2) == 2\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    name = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *name, "commit", "-qm", "sums"], cwd=folder, check=True)
    monkeypatch.setattr(mutants, "ROOT", folder)
    return folder


def fault(replace, **changes):
    entry = {"name": f"{replace}.", "file": "sums.py", "find": "a + b", "replace": replace}
    return Mutant.model_validate(entry | {"tests": ["test_sums.py"]} | changes)


def report(faults, monkeypatch, capsys):
    monkeypatch.setattr(mutants, "read_mutants", lambda: faults)
    monkeypatch.setattr(sys, "argv", ["bench.mutants", "--jobs", "2"])
    with pytest.raises(SystemExit) as ended:
        mutants.main()
    return ended.value.code, capsys.readouterr().out.splitlines()


def test_the_survivors_are_printed(repository, monkeypatch, capsys):
    before = (repository / "sums.py").read_text()
    faults = [fault("a * b"), fault("b - a"), fault("b + a", survives="It is the same.")]
    assert report(faults, monkeypatch, capsys) == (
        True,
        [
            "3 faults, 1 noticed, 2 not:",
            "- sums.py: b - a. Why is not known.",
            "- sums.py: b + a. It is the same.",
        ],
    )
    assert (repository / "sums.py").read_text() == before


def test_a_survivor_whose_entry_says_why_is_no_failure(monkeypatch, capsys):
    known = fault("b + a", survives="It is the same.")
    monkeypatch.setattr(mutants, "survivors", lambda *_, **__: [known])
    assert report([known], monkeypatch, capsys)[0] is False


def test_tests_that_hang_do_not_pass(repository, monkeypatch):
    monkeypatch.setattr(mutants, "LONGEST", 1)
    (repository / "test_sums.py").write_text("import time\ndef test(): time.sleep(600)\n")
    assert mutants.failure(["test_sums.py"], repository) == "not done after 1 seconds"


def test_without_a_fault_the_tests_must_pass(repository):
    (repository / "test_sums.py").write_text("def test(): assert False\n")
    name = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *name, "commit", "-qam", "fails"], cwd=repository, check=True)
    with pytest.raises(RunError, match=r"to pass without a fault, found .*1 failed"):
        mutants.survivors([fault("a - b")], jobs=1)


@pytest.mark.parametrize("find", ["none", "a"])
def test_a_fault_that_does_not_fit_is_an_error(find, repository):
    with pytest.raises(RunError, match=f"expected once '{find}'"):
        fault("b", find=find).mutated(repository)
