"""How `mpt` ends: exit codes, one line on stderr, nothing half-written."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests import toys
from tests.commands import call, only_line, run
from tests.imports import ROOT

TRAIN = ("train", "mpt", "--shots", "1", "--seed", "1")


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "hub" not in path.parts
    }


def break_last_language(project):
    path = project / "hub" / "xnli" / "zh" / "test-00000-of-00001.parquet"
    toys.write_parquet(pd.read_parquet(path).assign(label=-1), path)


def test_a_command_that_succeeds_exits_with_0(project, monkeypatch, capsys):
    assert call(monkeypatch, "corpora") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines() == [
        "hub/xnli: train 36 and dev 30 in en, test 48 in 4 languages",
        "hub/paws-x: 20 of 20 pairs usable",
    ]
    written = {path.stem for path in (project / "data" / "corpora").iterdir()}
    assert written == {"dev", "manifest", "pairs_en", "test", "train"}


def test_a_cut_test_set_is_said(project, monkeypatch, capsys):
    toys.write_params(toys.params(datasets__xnli__rows=5), project / "params.yaml")
    assert call(monkeypatch, "corpora") == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "hub/xnli: train 36 and dev 30 in en, test 20 in 4 languages (5 of each)"
    )


def test_wrong_input_exits_with_2_and_writes_nothing(project, monkeypatch, capsys):
    break_last_language(project)
    before = files(project)
    assert call(monkeypatch, "corpora") == 2
    printed = capsys.readouterr()
    assert only_line(printed.err) == (
        "hub/xnli: zh/test, row 0: expected label 0, 1 or 2 (entailment, neutral, contradiction), "
        "found -1"
    )
    assert printed.out == ""
    assert files(project) == before


def test_wrong_input_leaves_the_files_of_an_earlier_call(prepared, monkeypatch):
    before = files(prepared)
    break_last_language(prepared)
    assert call(monkeypatch, "corpora") == 2
    assert call(monkeypatch, "fewshot", "--shots", "13") == 2
    assert files(prepared) == before


def test_a_failure_exits_with_1(project, monkeypatch, capsys):
    values = toys.params(datasets__xnli__path="nobody/nothing")
    toys.write_params(values, project / "params.yaml")
    assert call(monkeypatch, "corpora") == 1  # tests/conftest.py switches the network off
    assert only_line(capsys.readouterr().err) == (
        "datasets.xnli: expected nobody/nothing on the Hugging Face Hub (there is no such "
        "folder), found the network switched off (HF_HUB_OFFLINE)"
    )


def test_an_unforeseen_error_exits_with_1_and_one_line(project, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.params.whole.load_params", lambda: 1 / 0)
    assert call(monkeypatch, "corpora") == 1
    line = only_line(capsys.readouterr().err)
    assert re.fullmatch(r"ZeroDivisionError: .* \(mpt --debug shows where\)", line)


def test_an_error_of_the_disk_exits_with_1_and_names_the_file(project, monkeypatch, capsys):
    (project / "data").write_text("a file where a folder should be")
    assert call(monkeypatch, "corpora") == 1
    assert only_line(capsys.readouterr().err) == "data: cannot be written: File exists"

    def read():
        Path("/proc/self/mem").read_bytes()

    monkeypatch.setattr("pipeline.params.whole.load_params", read)
    assert call(monkeypatch, "corpora") == 1
    assert only_line(capsys.readouterr().err) == "OSError: Input/output error"


def test_ctrl_c_exits_with_130_and_one_line(project, monkeypatch, capsys):
    def press():
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.params.whole.load_params", press)
    assert call(monkeypatch, "corpora") == 130
    assert only_line(capsys.readouterr().err) == "interrupted"


@pytest.mark.parametrize("arguments", [("--debug", "corpora"), ("corpora", "--debug")])
def test_debug_shows_the_traceback_and_keeps_the_exit_code(arguments, project, monkeypatch, capsys):
    break_last_language(project)
    assert call(monkeypatch, *arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert any('xnli.py", line' in line for line in lines)
    assert lines[-1].startswith("mpt: hub/xnli: zh/test, row 0: expected label")
    (project / "data").rmdir()
    (project / "data").write_text("a file where a folder should be")
    toys.hub(project / "hub")
    assert call(monkeypatch, *arguments) == 1
    assert capsys.readouterr().err.startswith("Traceback")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nope"], "No such command 'nope'."),
        (["corpora", "--nope"], "No such option: --nope"),
        (["--nope"], "No such option: --nope"),
        (["train", "mpt"], "Missing option '--shots'."),
        (["fewshot", "--shots", "four"], "Invalid value for '--shots': "),
        (["fewshot", "--shots", "0"], "Invalid value for '--shots': "),
        (["train", "mpt", "--shots", "1", "--seed", "-1"], "Invalid value for '--seed': "),
        (["corpora", "more"], "Got unexpected extra argument"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_with_2_and_one_line(
    arguments, line, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *arguments) == 2
    printed = capsys.readouterr()
    assert only_line(printed.err).startswith(line)
    assert printed.out == ""


FIRST_INPUT = {
    ("tokens",): "data/corpora/test.parquet",
    ("fewshot", "--shots", "1"): "data/corpora/train.parquet",
    ("translations", "--shots", "1"): "data/fewshot/k1.parquet",
    ("paws15",): "data/corpora/test.parquet",
    ("paws15", "--extended"): "data/corpora/test.parquet",
    TRAIN: "data/corpora/test.parquet",
}
"""Commands, and the first output of an earlier stage that each reads."""


@pytest.mark.parametrize(
    "arguments", [*FIRST_INPUT, ("inputs",), ("corpora",), ("backbone",), ("tables",)], ids=" ".join
)
def test_every_stage_without_params_exits_with_2_and_the_same_line(
    arguments, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *arguments) == 2
    line = only_line(capsys.readouterr().err)
    if arguments != ("tokens",):  # which reads no parameters
        assert line == "params.yaml: expected the parameters in this folder, found no such file"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "file"), FIRST_INPUT.items(), ids=map(" ".join, FIRST_INPUT))
def test_a_stage_before_its_time_names_the_missing_file(
    arguments, file, project, monkeypatch, capsys
):
    assert call(monkeypatch, *arguments) == 2
    assert only_line(capsys.readouterr().err) == (
        f"{file}: expected the output of an earlier stage, found no such file"
    )


def test_mpt_without_arguments_shows_its_commands_and_no_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch) == 2
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "corpora" in printed.out


def test_help_lists_the_stages_of_the_pipeline(monkeypatch, capsys):
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    commands = {stage["cmd"].split()[1] for stage in stages.values()}
    assert call(monkeypatch, "--help") == 0
    printed = capsys.readouterr().out
    assert [command for command in commands if f" {command} " not in printed] == []


def test_python_m_stages_is_mpt(tmp_path):
    ended = run(tmp_path, "profile", "nope")
    assert ended.returncode == 2
    assert only_line(ended.stderr) == "profiles: expected a folder of profiles here, found none"
    assert ended.stdout == ""


def test_the_console_script_is_the_same_function():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '\nmpt = "stages.cli:script"\n' in text


def test_commands_start_without_the_heavy_libraries():
    slow = ("torch", "transformers", "pandas", "datasets")
    code = f"import sys, stages.cli; print([m for m in {slow} if m in sys.modules])"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout == "[]\n"
