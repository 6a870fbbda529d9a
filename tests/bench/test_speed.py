import ast
import sys

import pandas as pd
import pytest
import torch
from transformers import XLMRobertaConfig

from bench import speed
from bench.contenders import Ours, Peer
from bench.text import read_text
from pipeline.profiles import load_profile
from tests import toys
from tests.imports import ROOT, closure

TINY = XLMRobertaConfig(
    vocab_size=400,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=66,
    type_vocab_size=1,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    initializer_range=0.2,
)
QUICK = ["--updates", "2", "--warmup", "1", "--rounds", "1", "--examples", "8"]


@pytest.fixture(scope="module")
def toy_hub(tmp_path_factory):
    """Toy datasets under the Hub's names."""
    folder = tmp_path_factory.mktemp("hub")
    names = ("facebook/xnli", "google-research-datasets/paws-x")
    for dataset, name in zip(toys.hub(folder), names, strict=True):
        (folder / name).parent.mkdir()
        dataset.rename(folder / name)
    return folder


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(speed.SHAPES, "pocket", TINY)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def call(toy_hub, monkeypatch):
    """Run the command in this process."""

    def call(*arguments):
        command = ["bench.speed", *QUICK, "--shape", "pocket", "--hub", str(toy_hub), *arguments]
        monkeypatch.setattr(sys, "argv", command)
        speed.main()

    return call


@pytest.mark.parametrize("method", ["mpt", "sp"])
def test_contenders_agree_and_all_numbers_are_there(call, tmp_path, capsys, method):
    call("--method", method, "--rounds", "2", "--json", str(tmp_path / "speed.json"))
    frame = pd.read_json(tmp_path / "speed.json")
    assert list(frame.contender) == ["ours", "peer", "peer", "ours"]
    assert list(frame["round"]) == [0, 0, 1, 1]
    assert set(frame["shape"]) == {"pocket"}
    assert (frame[["update_ms", "examples_per_second"]] > 0).all(axis=None)
    ours, peer = (frame[frame.contender == name].set_index("round") for name in ("ours", "peer"))
    assert (ours[["update_ratio", "prediction_ratio"]] == 1).all(axis=None)
    assert list(peer.update_ratio) == pytest.approx(list(ours.update_ms / peer.update_ms))
    rates = peer.examples_per_second / ours.examples_per_second
    assert list(peer.prediction_ratio) == pytest.approx(list(rates))
    assert (peer[["loss_difference", "probability_difference"]] < 1e-4).all(axis=None)
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("ours", "peer", "update_ms", "examples_per_second"))


def test_contenders_that_differ_are_refused(call, monkeypatch, capsys):
    loss = Peer.loss
    monkeypatch.setattr(Peer, "loss", lambda peer, drawn: loss(peer, drawn) + 1)
    with pytest.raises(SystemExit, match="1"):
        call()
    assert "expected losses and probabilities that differ by at most" in capsys.readouterr().err


def test_lack_of_memory_ends_in_one_line(call, monkeypatch, capsys):
    def too_large(*arguments, **settings):
        raise torch.OutOfMemoryError("no room for it")

    monkeypatch.setattr(speed, "measure", too_large)
    with pytest.raises(SystemExit, match="1"):
        call()
    assert capsys.readouterr().err == "error: no room for it\n"


def test_without_the_datasets_it_says_so(call, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        call("--hub", str(tmp_path))
    assert "--hub: expected facebook/xnli/en/train-*.parquet" in capsys.readouterr().err


def test_parallel_pairs_alternate_languages_and_have_text(toy_hub):
    text = read_text(toy_hub, words=["yes"], examples=8)
    assert text.languages.targets == toys.TARGETS
    assert [pair.language for pair in text.training.parallel[:4]] == ["de", "sw", "zh", "de"]
    assert text.training.parallel[1].target_premise == toys.sentences(20, "sw", start=20_000)[1]
    assert list(text.test.language) == [code for code in ("en", *toys.TARGETS) for _ in range(2)]


@pytest.mark.parametrize("command", ["speed", "same_results"])
def test_it_needs_neither_dvc_nor_datasets_nor_accelerate(command):
    for file in closure(ROOT / "bench" / f"{command}.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                packages = {name.partition(".")[0] for name in names}
                assert not packages & {"dvc", "datasets", "accelerate", "deep_translator"}, file


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_an_update_never_waits_for_the_gpu(toy_hub, tmp_path):
    text = read_text(toy_hub, words=["yes", "maybe", "no", ".", "?"], examples=8)
    run = load_profile("paper").run("mpt")
    context = speed.make_context(run, text, TINY, checkpoint=tmp_path)
    ours = Ours(context, checkpoint=tmp_path, threads=1)
    ours.method.train()
    streams = ours.method.streams(text.training, torch.Generator())
    batch = {name: examples[:4] for name, examples in streams.items()}
    ours.update(batch)  # the first one makes the optimizer's moments and loads kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        ours.update(batch)
        with pytest.raises(RuntimeError, match="synchronizing"):
            torch.ones(1, device="cuda").item()
    finally:
        torch.cuda.set_sync_debug_mode("default")
