import ast
import io
import json
from functools import partial
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bench import speed, trials
from bench.contenders import CONTENDERS, Ours, Task
from bench.measuring import Memory
from bench.peer import Peer
from bench.roofline import flops
from bench.shapes import SHAPES, write_weights
from bench.text import Folded, read_text, train_tokenizer
from pipeline.backbone.encoder import Settings
from pipeline.backbone.ids import ids_of
from pipeline.backbone.rows import Row, collate
from pipeline.errors import InputError, RunError
from pipeline.profiles import load_profile
from tests import toys
from tests.imports import ROOT, closure

TINY = Settings(
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
QUICK = ["--updates", "2", "--warmup", "1", "--rounds", "1", "--examples", "8", "--shape", "pocket"]
WORDS = ("yes", "maybe", "no", "right", "wrong", ".", "?")


@pytest.fixture(scope="module")
def toy_hub(tmp_path_factory):
    """Toy datasets under the Hub's names."""
    folder = tmp_path_factory.mktemp("hub")
    names = ("facebook/xnli", "google-research-datasets/paws-x")
    for made, name in zip(toys.hub(folder), names, strict=True):
        (folder / name).parent.mkdir()
        made.rename(folder / name)
    return folder


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(SHAPES, "pocket", TINY)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def task(toy_hub, tmp_path):
    """What contenders of mpt are given, and the text."""
    text = read_text(toy_hub, train_tokenizer(toy_hub, WORDS), examples=8)
    write_weights(TINY, tmp_path)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = trials.fitted(load_profile("paper").run("mpt"), device, TINY, batch_size=4)
    pieces = Folded(text.tokenizer, size=TINY.vocab_size)
    return Task(run, text.languages, pieces, tmp_path, device), text


def chosen(hub: Path, *more: str):
    return speed.parsed([*QUICK, "--hub", str(hub), *more])


@pytest.mark.parametrize("method", ["mpt", "sp"])
def test_contenders_agree_and_all_numbers_are_there(toy_hub, method):
    asked = chosen(toy_hub, "--method", method, "--rounds", "2")
    found = json.loads(json.dumps(speed.run(asked)))
    shape = found["shapes"]["pocket"]
    assert set(shape["contenders"]) == set(shape["ratios"]) == {"ours", "dynamic", "padded"}
    assert shape["ratios"]["ours"] == {"update": 1.0, "prediction": 1.0}
    for one in shape["contenders"].values():
        assert one["update_ms"] > 0
        assert one["examples_a_second"] > 0
        assert len(one["update_ms_by_round"]) == shape["rounds"] == 2
    assert shape["differences"]["loss"] < 1e-4
    assert shape["differences"]["probability"] < 1e-4
    assert shape["roofline"]["milliseconds"] * shape["ours_over_floor"] == pytest.approx(
        shape["contenders"]["ours"]["update_ms"]
    )
    tokens = shape["tokens_an_update"]
    assert tokens["real"] < tokens["dynamic"] < tokens["padded"]
    assert ("pairs target" in shape["tokens_a_row"]) == (method == "mpt")
    shown = io.StringIO()
    speed.show(found, Console(file=shown, width=100))
    assert all(name in shown.getvalue() for name in CONTENDERS)


def test_contenders_that_differ_are_refused(toy_hub, monkeypatch):
    monkeypatch.setitem(CONTENDERS, "padded", partial(Peer, padded=True, seed=2))
    with pytest.raises(RunError, match="expected contenders that agree"):
        speed.run(chosen(toy_hub))


def test_a_contender_that_lacks_memory_is_left_out(toy_hub, monkeypatch):
    def too_large(task):
        raise torch.OutOfMemoryError

    monkeypatch.setitem(CONTENDERS, "padded", too_large)
    found = speed.run(chosen(toy_hub))
    assert set(found["shapes"]["pocket"]["contenders"]) == {"ours", "dynamic"}
    shown = io.StringIO()
    speed.show(found, Console(file=shown, width=100))
    assert "lacks memory" in shown.getvalue()


def test_without_the_datasets_it_says_so(tmp_path):
    with pytest.raises(InputError, match="--hub: expected a folder with facebook/xnli"):
        speed.run(chosen(tmp_path))


def test_it_needs_neither_dvc_nor_datasets_nor_accelerate():
    for one in closure(ROOT / "bench" / "speed.py"):
        for node in ast.walk(ast.parse((ROOT / one).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                packages = {name.partition(".")[0] for name in names}
                assert not packages & {"dvc", "datasets", "accelerate", "deep_translator"}, one


def test_the_peak_is_what_was_held_above_the_start():
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the system does not tell")
    memory = Memory(torch.device("cpu"))
    held = torch.ones(16 * 2**20)
    del held
    assert 60 < memory.peak() < 80
    assert memory.peak() < 20


def test_the_floor_counts_the_products_that_are_made(task):
    backbone = task[0].context().backbone
    rows = [Row(ids_of(range(5, 13)), read_at=3)] * 5
    batch = collate(rows, pad=1, device=torch.device("cpu"))
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):
        backbone.logits(backbone.states(batch)).sum().backward()
    assert counted.get_total_flops() == flops(TINY, [8] * 5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_an_update_never_waits_for_the_gpu(task):
    given, text = task
    ours = Ours(given)
    ours.module.train()
    streams = ours.module.streams(text.training, torch.Generator())
    batch = {name: examples[:4] for name, examples in streams.items()}
    ours.update(batch)  # the first one makes the optimizer's moments and loads kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        ours.update(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
