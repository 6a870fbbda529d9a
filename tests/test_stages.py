"""All stages on toy data, called as DVC would call them."""

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
from pipeline.backbone.files import TOKENIZED, tokens_path
from pipeline.params.runs import read_params
from pipeline.prompting.forms import every_form
from pipeline.training.method import Method
from stages.fewshot import fewshot
from stages.report import report
from stages.tables import tables
from stages.tokens import tokens
from stages.train import train
from tests import toys
from tests.commands import environment, refusal, run
from tests.imports import ROOT

METHODS = toys.method_names()
OUTS = ("predictions.parquet", "metrics.json", "history.csv", "prompt.safetensors")
CELL = ("train", "mpt", "--shots", "1", "--seed", "1")
TEST_TOKENS = tokens_path("base")


def outs(folder, method="mpt", seed=1):
    """Return the bytes of a cell's files by name."""
    cell = folder / f"data/runs/{method}/k1/s{seed}"
    return {path.name: path.read_bytes() for path in cell.iterdir()}


def test_every_stage_writes_what_the_next_one_reads(prepared, capsys):
    toys.write_params(toys.params(grid__shots=[1]), prepared / "params.yaml")
    (prepared / "data/paper").symlink_to(ROOT / "data/paper")
    for method in METHODS:
        for seed in (1, 2):
            train(method, shots=1, seed=seed)
            assert outs(prepared, method, seed).keys() == set(OUTS)
            assert (prepared / f"data/circumstances/{method}/k1/s{seed}.json").is_file()
    cell = prepared / "data/runs/mpt/k1/s1"
    predictions = pd.read_parquet(cell / "predictions.parquet")
    assert len(predictions) == 12 * 4
    right = (predictions.label == predictions.predicted).groupby(predictions.language).mean() * 100
    accuracy = json.loads((cell / "metrics.json").read_text())["accuracy"]
    assert accuracy == pytest.approx({**right, "avg": right.mean()})
    prompts = load_file(cell / "prompt.safetensors")
    shapes = {name: prompt.shape for name, prompt in prompts.items()}
    assert shapes == {"source": (4, 16), "target": (4, 16)}
    assert load_file(prepared / "data/runs/ft/k1/s1/prompt.safetensors") == {}
    tables()
    assert list(pd.read_csv(prepared / "results/table1.csv").method) == METHODS
    tables(show=True)
    assert "results/table1.md" in capsys.readouterr().out
    report()
    assert "Swahili" in (prepared / "results/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "ft_authors",
        "sp_authors",
        "dp_authors",
        "mp_authors",
        "pct_authors",
        "up_authors",
        "dpa_authors",
        "softmv_authors",
    ],
)
def test_a_baseline_as_in_its_authors_code_is_trained_without_a_block(prepared, name, capsys):
    entry = read_params(ROOT / "profiles/paper.yaml")["methods"][name] | {"max_length": 64}
    if name == "pct_authors":  # the toy has no piece "may"
        entry["verbalizer"]["neutral"]["piece"] = "aybe"
    toys.write_params(toys.params(**{f"methods__{name}": entry}), prepared / "params.yaml")
    train(name, shots=1, seed=1)
    settings = json.loads(outs(prepared, name)["metrics.json"])["settings"]
    assert settings == settings | entry
    if name == "pct_authors":
        predicted = pd.read_parquet(prepared / f"data/runs/{name}/k1/s1/predictions.parquet")
        assert -1 in set(predicted.predicted)


def test_a_methods_notes_are_the_end_of_the_metrics_and_change_nothing_else(prepared, monkeypatch):
    train("sp", shots=1, seed=1)
    without = outs(prepared, "sp")
    assert list(json.loads(without["metrics.json"]))[-1] == "settings"
    notes = {"label_words_left_out": {"el": {"ί": ["entailment", "neutral"]}}}
    monkeypatch.setattr(Method, "notes", lambda self: notes)
    train("sp", shots=1, seed=1)
    with_notes = outs(prepared, "sp")
    metrics = json.loads(with_notes.pop("metrics.json"))
    assert list(metrics.items())[-1] == ("notes", notes)
    before = json.loads(without.pop("metrics.json"))
    assert before == {key: value for key, value in metrics.items() if key != "notes"}
    assert with_notes == without


def test_the_same_cell_in_another_process_gives_the_same_bytes(prepared):
    train("mpt", shots=1, seed=1)
    here = outs(prepared)
    assert run(prepared, *CELL).returncode == 0
    assert outs(prepared) == here


def test_a_cell_is_the_same_whichever_texts_are_already_tokenized(prepared):
    written, whole = [], read_table(TEST_TOKENS, TOKENIZED)
    for known in (len(whole), len(whole) // 2, 0):
        write_table(whole[:known], TEST_TOKENS, TOKENIZED, notes=read_notes(TEST_TOKENS))
        train("mpt", shots=1, seed=1)
        written.append(outs(prepared))
    assert written[0] == written[1] == written[2]


def test_tokens_of_another_tokenizer_are_refused_and_nothing_is_written(prepared):
    whole = read_table(TEST_TOKENS, TOKENIZED)
    write_table(whole, TEST_TOKENS, TOKENIZED, notes={"tokenizer": "another"})
    assert refusal(train, "mpt", shots=1, seed=1) == (
        "data/tokens/base.parquet: expected tokens of data/backbones/base/tokenizer.json, found "
        "those of another tokenizer (stage tokens)"
    )
    assert not (prepared / "data/runs").exists()


def test_tokens_hold_each_test_text_once_and_are_the_same_bytes_twice(prepared, capsys):
    before = TEST_TOKENS.read_bytes()
    tokens()
    assert TEST_TOKENS.read_bytes() == before
    test = pd.read_parquet("data/corpora/test.parquet")
    table = read_table(TEST_TOKENS, TOKENIZED)
    assert set(table.text) == set(every_form([*test.premise, *test.hypothesis], space=""))
    numbers = f"{len(table):,} texts, {table.ids.map(len).sum():,} tokens"
    assert capsys.readouterr().out == f"data/tokens/base.parquet: {numbers}\n"


TRAIN = f"from stages.train import train\nfor name in {METHODS}: train(name, shots=1, seed=1)"


@pytest.mark.parametrize(
    ("code", "slow"),
    [
        ("from stages.tokens import tokens; tokens()", ["torch"]),
        (TRAIN, ["transformers", "torch._dynamo", "torch._inductor", "sympy", "scipy", "datasets"]),
    ],
    ids=["tokens", "train"],
)
def test_a_stage_imports_no_slow_package_that_it_does_not_use(code, slow, prepared):
    code += f"\nimport sys; print([name for name in {slow} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment(HF_HUB_OFFLINE="1")
    )
    assert ended.stdout.splitlines()[-1:] == ["[]"], ended.stderr


def test_a_collapsed_cell_is_reported_and_progress_needs_a_terminal(prepared, capsys):
    train("ft", shots=1, seed=1)
    lines = capsys.readouterr().err.splitlines()
    assert "is not above chance" in lines[0]
    assert all(line.startswith("warning: data/runs/ft/k1/s1: the ") for line in lines)


def test_a_terminal_shows_bars_with_loss_and_rate(prepared):
    command = [sys.executable, "-m", "stages", *CELL]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment()
    ) as process:
        os.close(theirs)
        printed = b""
        # Linux ends a terminal that no process holds any more with an error.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 4096):
                printed += part
    os.close(ours)
    assert process.returncode == 0, printed.decode()
    for word in ("training", "predicting", "loss ", "/s"):
        assert word in printed.decode(), word


def test_each_seed_may_have_its_own_split(prepared):
    toys.write_params(toys.params(fewshot__per_seed=True), prepared / "params.yaml")
    fewshot(shots=1)
    split = pd.read_parquet("data/fewshot/k1.parquet")
    assert set(split.split) == {"train@1", "dev@1", "train@2", "dev@2"}
    first, second = (set(split[split.split == f"train@{seed}"].pair_id) for seed in (1, 2))
    assert first != second
    train("sp", shots=1, seed=2)
    assert "expected a train split for seed 3" in refusal(train, "sp", shots=1, seed=3)


@pytest.mark.parametrize("targets", [["de", "sw"], ["sw", "de", "zh"], ["de", "sw", "zh", "fr"]])
def test_a_test_file_of_other_languages_is_refused(targets, prepared):
    toys.write_params(toys.params(languages__targets=targets), prepared / "params.yaml")
    assert refusal(train, "sp", shots=1, seed=1) == (
        "data/corpora/test.parquet: expected the languages of params.yaml, "
        f"en, {', '.join(targets)}, found en, de, sw, zh (stage corpora)"
    )
    assert not (prepared / "data/runs").exists()


def test_a_mistake_in_an_entry_of_methods_is_reported_before_any_file_is_read(project):
    toys.write_params(toys.params(methods__mpt__alpha=1.5), project / "params.yaml")
    line = refusal(train, "mpt", shots=1, seed=1)
    assert line == "params.yaml: methods.mpt.alpha: expected at most 1, found 1.5"
