"""All stages on toy data, in one process, as DVC would call them."""

import contextlib
import json
import os
import pty
import subprocess
import sys

import pandas as pd
import pytest
from safetensors.torch import load_file

from pipeline.artifacts import read_notes, read_table, write_table
from pipeline.backbone.files import TOKENIZED, TOKENS
from pipeline.errors import InputError
from pipeline.prompting.forms import every_form
from stages.backbone import backbone
from stages.corpora import corpora
from stages.fewshot import fewshot
from stages.paws15 import paws15
from stages.report import report
from stages.tables import tables
from stages.tokens import tokens
from stages.train import train
from tests import toys
from tests.commands import call, only_line
from tests.imports import ROOT

RUNS = ("ft", "sp", "pct", "mpt")
OUTS = ("predictions.parquet", "metrics.json", "history.csv", "prompt.safetensors")


@pytest.fixture
def prepared(project):
    corpora()
    backbone()
    tokens()
    fewshot(shots=1)
    paws15()
    return project


def test_every_stage_leaves_what_the_next_one_reads(prepared, capsys):
    toys.write_params(toys.params(grid__shots=[1]), prepared / "params.yaml")
    (prepared / "data/paper").symlink_to(ROOT / "data/paper")
    for run in RUNS:
        for seed in (1, 2):
            train(run, shots=1, seed=seed)
            folder = prepared / f"data/runs/{run}/k1/s{seed}"
            assert {path.name for path in folder.iterdir()} == set(OUTS)
            assert (prepared / f"data/circumstances/{run}/k1/s{seed}.json").is_file()
            predictions = pd.read_parquet(folder / "predictions.parquet")
            assert len(predictions) == 12 * 4
            metrics = json.loads((folder / "metrics.json").read_text())
            right = (predictions.label == predictions.predicted).groupby(predictions.language)
            by_language = right.mean() * 100
            for code in ("en", "sw"):
                assert metrics["accuracy"][code] == pytest.approx(by_language[code])
            assert metrics["accuracy"]["avg"] == pytest.approx(by_language.mean())
    prompts = load_file(prepared / "data/runs/mpt/k1/s1/prompt.safetensors")
    assert {name: tuple(one.shape) for name, one in prompts.items()} == {
        "source": (4, 16),
        "target": (4, 16),
    }
    assert load_file(prepared / "data/runs/ft/k1/s1/prompt.safetensors") == {}
    tables()
    table = pd.read_csv(prepared / "results/table1.csv")
    assert list(table.method) == list(RUNS)
    tables(show=True)
    assert "results/table1.md" in capsys.readouterr().out
    report()
    assert "Swahili" in (prepared / "results/report.html").read_text(encoding="utf-8")


def test_the_same_cell_in_two_processes_gives_the_same_bytes(prepared):
    written = []
    for _ in range(2):
        call = [sys.executable, "-m", "stages", "train", "mpt", "--shots", "1", "--seed", "1"]
        subprocess.run(call, check=True, capture_output=True, env=environment())
        folder = prepared / "data/runs/mpt/k1/s1"
        written.append({name: (folder / name).read_bytes() for name in OUTS})
    assert written[0] == written[1]


def test_a_cell_is_the_same_whatever_the_tokens_know(prepared):
    path, folder = TOKENS / "test.parquet", prepared / "data/runs/mpt/k1/s1"
    written, whole = [], read_table(path, TOKENIZED)
    for known in (len(whole), len(whole) // 2, 0):
        write_table(whole[:known], path, TOKENIZED, notes=read_notes(path))
        train("mpt", shots=1, seed=1)
        written.append({name: (folder / name).read_bytes() for name in OUTS})
    assert written[0] == written[1] == written[2]


def test_tokens_of_another_tokenizer_end_with_2_and_one_line(prepared, monkeypatch, capsys):
    path = TOKENS / "test.parquet"
    write_table(read_table(path, TOKENIZED), path, TOKENIZED, notes={"tokenizer": "another"})
    capsys.readouterr()
    assert call(monkeypatch, "train", "mpt", "--shots", "1", "--seed", "1") == 2
    assert only_line(capsys.readouterr().err) == (
        "data/tokens/test.parquet: expected tokens of data/backbone/tokenizer.json, found those "
        "of another tokenizer (stage tokens)"
    )
    assert not (prepared / "data/runs").exists()


def test_tokens_hold_the_test_text_once_and_the_same_bytes_twice(prepared, capsys):
    path = TOKENS / "test.parquet"
    before = path.read_bytes()
    tokens()
    assert path.read_bytes() == before
    test = pd.read_parquet("data/corpora/test.parquet")
    found = read_table(path, TOKENIZED)
    assert set(found.text) == set(every_form([*test.premise, *test.hypothesis]))
    numbers = f"{len(found):,} texts, {found.ids.map(len).sum():,} tokens"
    assert capsys.readouterr().out.splitlines()[-1] == f"data/tokens/test.parquet: {numbers}"


def test_tokens_are_made_without_torch(prepared):
    code = "import sys; from stages.tokens import tokens; tokens(); print('torch' in sys.modules)"
    call = [sys.executable, "-c", code]
    ended = subprocess.run(call, check=False, capture_output=True, text=True, env=environment())
    assert ended.stdout.splitlines()[-1:] == ["False"], ended.stderr


def test_a_cell_starts_without_what_it_does_not_use(prepared):
    slow = ("transformers", "torch._dynamo", "torch._inductor", "sympy", "scipy", "datasets")
    code = (
        f"import sys; from stages.train import train\n"
        f"for run in {RUNS}: train(run, shots=1, seed=1)\n"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    call = [sys.executable, "-c", code]
    ended = subprocess.run(call, check=False, capture_output=True, text=True, env=environment())
    assert ended.stdout.splitlines()[-1:] == ["[]"], ended.stderr


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}


def test_a_collapsed_run_says_so(prepared, capsys):
    train("ft", shots=1, seed=1)
    assert "is not above chance" in capsys.readouterr().err


def test_progress_is_quiet_where_stderr_is_no_terminal(prepared, capsys):
    train("sp", shots=1, seed=1)
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("warning: ") for line in lines)


def test_a_terminal_sees_bars_with_loss_and_rate(prepared):
    call = [sys.executable, "-m", "stages", "train", "mpt", "--shots", "1", "--seed", "1"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=theirs, env=environment()) as run:
        os.close(theirs)
        said = b""
        # Linux ends a terminal that nobody holds any more with an error.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 4096):
                said += part
    os.close(ours)
    assert run.returncode == 0, said.decode()
    text = said.decode()
    for word in ("training", "predicting", "loss ", "/s"):
        assert word in text, word


def test_each_seed_may_have_its_own_split(prepared):
    toys.write_params(toys.params(fewshot__per_seed=True), prepared / "params.yaml")
    fewshot(shots=1)
    split = pd.read_parquet("data/fewshot/k1.parquet")
    assert set(split.split) == {"train@1", "dev@1", "train@2", "dev@2"}
    one, two = (set(split[split.split == f"train@{seed}"].pair_id) for seed in (1, 2))
    assert one != two
    train("sp", shots=1, seed=2)
    with pytest.raises(InputError, match="expected a train split for seed 3"):
        train("sp", shots=1, seed=3)


def test_a_cell_without_its_split_names_the_file(prepared):
    with pytest.raises(InputError, match=r"data/fewshot/k2\.parquet: expected the output"):
        train("sp", shots=2, seed=1)
    assert not (prepared / "data/runs").exists()


def test_a_mistake_in_a_methods_block_shows_before_anything_is_read(project):
    toys.write_params(toys.params(methods__mpt__alpha=1.5), project / "params.yaml")
    with pytest.raises(InputError, match=r"methods\.mpt\.alpha: expected at most 1, found 1\.5"):
        train("mpt", shots=1, seed=1)
