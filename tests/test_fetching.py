"""Backbones from a folder and from a Hub on the loopback, and what is refused."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    RobertaPreLayerNormConfig,
    RobertaPreLayerNormForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from pipeline.backbone import xlm_roberta
from pipeline.backbone.tokens import Pieces
from pipeline.errors import InputError
from pipeline.hub.backbone import FILES, fetch_backbone
from pipeline.params.text import BackboneSource
from tests import toys
from tests.commands import call, only_line, refusal, run
from tests.hub_server import Repository, closed_port, serving

NAME, PINNED, OTHER = "FacebookAI/xlm-roberta-base", "b" * 40, "c" * 40
SIZES = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture
def folder(tmp_path, toy_backbone):
    return shutil.copytree(toy_backbone, tmp_path / "given")


def test_a_folder_becomes_the_four_files(folder, tmp_path):
    facts = fetch_backbone(BackboneSource(path=str(folder)), tmp_path / "backbone")
    assert sorted(path.name for path in (tmp_path / "backbone").iterdir()) == sorted(FILES)
    assert facts == (
        "XLMRobertaForMaskedLM, 0.01 M parameters, hidden size 16, 388 pieces, 128 positions"
    )
    ours = load_file(tmp_path / "backbone" / "model.safetensors")
    theirs = load_file(folder / "model.safetensors")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_the_same_backbone_gives_the_same_bytes(folder, tmp_path):
    for name in ("a", "b"):
        fetch_backbone(BackboneSource(path=str(folder)), tmp_path / name)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_pickled_and_half_weights_become_safetensors_in_float32(folder, tmp_path):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    half = {name: value.half() for name, value in weights.items()}
    torch.save(half, folder / "pytorch_model.bin")
    fetch_backbone(BackboneSource(path=str(folder)), tmp_path / "backbone")
    ours = load_file(tmp_path / "backbone" / "model.safetensors")
    assert all(torch.equal(ours[name], half[name].float()) for name in half)


def edit(path, **changes):
    """Change keys of a JSON file; None removes one."""
    values = json.loads(path.read_text()) | changes
    kept = {key: value for key, value in values.items() if value is not None}
    path.write_text(json.dumps(kept))


def complaint(folder, **choices):
    out = folder.parent / "backbone"
    line = refusal(fetch_backbone, BackboneSource(path=str(folder), **choices), out)
    assert not out.exists()
    return line.replace(str(folder), "HERE")


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("config.json", "expected a backbone with a config.json, found none"),
        ("tokenizer.json", "expected a tokenizer (tokenizer.json), found none"),
        (
            "model.safetensors",
            "expected a masked language model with a tokenizer, found OSError: Error no file named "
            "model.safetensors, or pytorch_model.bin, found in directory HERE.",
        ),
    ],
)
def test_a_folder_that_lacks_a_part_is_refused(missing, line, folder):
    (folder / missing).unlink()
    assert complaint(folder) == f"params.yaml: backbone: HERE: {line}"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_broken_part_is_refused(name, folder):
    (folder / name).write_text("{}{")
    assert complaint(folder).startswith(
        "params.yaml: backbone: HERE: expected a masked language model with a tokenizer, found "
    )


@pytest.mark.parametrize(
    ("kind", "config", "model"),
    [
        ("bert", BertConfig, BertForMaskedLM),
        ("roberta-prelayernorm", RobertaPreLayerNormConfig, RobertaPreLayerNormForMaskedLM),
    ],
)
def test_another_family_than_that_of_our_own_encoder_is_refused_for_it(kind, config, model, folder):
    model(config(vocab_size=500, num_hidden_layers=1, **SIZES)).save_pretrained(folder)
    assert complaint(folder, implementation="own") == (
        "params.yaml: backbone: HERE: expected a masked language model of the XLM-R family "
        f"(model_type xlm-roberta, roberta, camembert in config.json), found {kind!r}"
    )


CODE = """
from pathlib import Path
Path("ran").touch()
class Some: ...
"""


@pytest.mark.parametrize("model_type", ["mystery", "xlm-roberta"])
def test_code_of_a_backbone_is_never_run_and_nobody_is_asked(model_type, folder, project):
    """transformers would ask "run the custom code? [y/N]"."""
    (folder / "code.py").write_text(CODE)
    classes = {f"Auto{name}": "code.Some" for name in ("Config", "ModelForMaskedLM")}
    for name, more in (
        ("config.json", {"model_type": model_type, "auto_map": classes}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["code.Some", None]}}),
    ):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | more))
    toys.write_params(toys.params(backbone={"path": str(folder)}), project / "params.yaml")
    for command in ("check", "backbone"):
        done = run(project, command, stdin="y\n" * 9)
        assert "[y/N]" not in done.stdout
        if model_type == "mystery":
            assert done.returncode == 2
            assert "expected a masked language model" in only_line(done.stderr)
        else:  # the library has code of its own
            assert done.returncode == 0
    assert not list(project.rglob("ran"))


def test_settings_that_training_does_not_support_are_refused(folder):
    edit(folder / "config.json", hidden_act="relu")
    line = "params.yaml: backbone: HERE: hidden_act: expected gelu, found 'relu'"
    assert complaint(folder) == line


def test_a_model_that_training_would_compute_differently_is_refused(folder, monkeypatch):
    def shifted(self, words, positions):
        return right(self, words, positions + 1)

    right = xlm_roberta.Embeddings.forward
    monkeypatch.setattr(xlm_roberta.Embeddings, "forward", shifted)
    assert complaint(folder).startswith(
        "params.yaml: backbone: HERE: expected a model that training computes as "
        "XLMRobertaForMaskedLM does, found logits that differ by "
    )


def test_a_tokenizer_that_training_would_read_differently_is_refused(folder, monkeypatch):
    right = Pieces.of
    monkeypatch.setattr(Pieces, "of", lambda self, texts: right(self, [t.upper() for t in texts]))
    assert complaint(folder) == (
        "params.yaml: backbone: HERE: expected a tokenizer that tokenizer.json describes "
        "completely, found one whose pieces differ from those of TokenizersBackend"
    )


def test_a_refused_backbone_leaves_the_previous_one(folder, tmp_path):
    out = tmp_path / "backbone"
    fetch_backbone(BackboneSource(path=str(folder)), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    edit(folder / "config.json", hidden_act="relu")
    with pytest.raises(InputError):
        fetch_backbone(BackboneSource(path=str(folder)), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backbone", "given"]


def test_a_model_that_fills_no_masks_is_refused(folder):
    made = GPT2Config(vocab_size=500, n_embd=16, n_layer=1, n_head=2)
    made.bos_token_id = made.eos_token_id = 0
    GPT2LMHeadModel(made).save_pretrained(folder)
    assert "found ValueError: Unrecognized configuration class" in complaint(folder)


def test_a_tokenizer_larger_than_the_models_vocabulary_is_refused(folder):
    made = XLMRobertaConfig(vocab_size=100, num_hidden_layers=1, **SIZES)
    XLMRobertaForMaskedLM(made).save_pretrained(folder)
    size = len(AutoTokenizer.from_pretrained(folder))
    assert complaint(folder) == (
        f"params.yaml: backbone: HERE: expected a tokenizer of at most 100 pieces as in the "
        f"model, found {size}"
    )


def test_a_tokenizer_without_a_mask_is_refused(folder):
    edit(folder / "tokenizer_config.json", mask_token=None)
    assert complaint(folder) == (
        "params.yaml: backbone: HERE: expected a tokenizer with a mask_token, found none"
    )


def test_a_tokenizer_that_separates_no_texts_is_refused(folder):
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"post_processor": None}))
    assert complaint(folder) == (
        "params.yaml: backbone: HERE: expected a tokenizer that puts special tokens around two "
        "texts, found ▁a ▁ b"
    )


def test_an_encoder_without_its_head_is_refused_rather_than_given_a_random_one(folder):
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("lm_head")}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert complaint(folder) == (
        "params.yaml: backbone: HERE: expected weights of XLMRobertaForMaskedLM that fit "
        "config.json, found none for lm_head.bias, lm_head.decoder.bias, lm_head.dense.bias, ...; "
        "its head would start at random, without which only ft works (head: none)"
    )


def test_weights_of_another_size_are_refused_rather_than_replaced_by_random_ones(folder):
    edit(folder / "config.json", hidden_size=32)
    assert "expected weights of XLMRobertaForMaskedLM that fit config.json" in complaint(folder)


def hub_backbone(folder):
    """Write a backbone like XLM-R's on the Hub, with weights for other frameworks."""
    words = ["yes", "maybe", "no", "a", "dog"]
    pieces = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>")]
    pieces += [(f"▁{word}", -1.0) for word in words] + [("<mask>", 0.0)]
    made = Tokenizer(models.Unigram(pieces, unk_id=3))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    config = XLMRobertaConfig(vocab_size=len(pieces), num_hidden_layers=1, **SIZES)
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    (folder / "onnx").mkdir()
    for other in ("pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "README.md"):
        (folder / other).write_text("not to be downloaded")
    return folder


@pytest.fixture
def on_hub(tmp_path, monkeypatch):
    """Write params.yaml with a revision of the Hub's backbone, in a working folder."""
    monkeypatch.chdir(tmp_path)

    def write(revision):
        values = toys.params(backbone={"path": NAME, "revision": revision})
        toys.write_params(values, tmp_path / "params.yaml")

    return write


def test_only_the_needed_files_of_the_hubs_backbone_are_downloaded(
    on_hub, tmp_path, monkeypatch, capfd
):
    on_hub(PINNED)
    given = hub_backbone(tmp_path / "given")
    capfd.readouterr()
    with serving(Repository("models", NAME, PINNED, given)) as hub:
        hub.use(monkeypatch, tmp_path / "cache")
        assert call(monkeypatch, "backbone") == 0
        assert hub.downloaded == sorted(FILES)
        assert hub.revisions == {PINNED}
    assert capfd.readouterr().err == ""
    made = AutoTokenizer.from_pretrained(tmp_path / "data/backbones/base")
    assert made("a dog yes<mask>")["input_ids"] == [0, 7, 8, 4, 9, 2]


def test_the_commit_of_a_branch_is_recorded_with_what_was_made_of_it(on_hub, tmp_path, monkeypatch):
    on_hub("main")
    given = hub_backbone(tmp_path / "given")
    source = tmp_path / "data/backbones/base.json"
    for commit in (PINNED, OTHER):
        with serving(Repository("models", NAME, commit, given)) as hub:
            hub.use(monkeypatch, tmp_path / "cache")
            assert call(monkeypatch, "backbone") == 0
        facts = json.loads(source.read_text())
        assert set(facts.pop("sha256")) == set(FILES)
        chosen = {"implementation": None, "head": None}
        assert facts == {"path": NAME, "revision": "main", "commit": commit} | chosen


@pytest.mark.parametrize("commit", [PINNED, ""])
def test_a_cell_names_the_commit_of_its_backbone(commit, prepared, monkeypatch):
    source = prepared / "data/backbones/base.json"
    facts = json.loads(source.read_text()) | ({"commit": commit} if commit else {})
    source.write_text(json.dumps(facts))
    assert call(monkeypatch, "train", "sp", "--shots", "1", "--seed", "3") == 0
    metrics = json.loads((prepared / "data/runs/sp/k1/s3/metrics.json").read_text())
    assert metrics.get("backbone", {}).get("commit", "") == commit


def test_a_backbone_that_the_hub_lacks_is_refused(on_hub, tmp_path, monkeypatch, capsys):
    on_hub(OTHER)
    with serving(Repository("models", NAME, PINNED, tmp_path)) as hub:
        hub.use(monkeypatch, tmp_path / "cache")
        assert call(monkeypatch, "backbone") == 2
        assert only_line(capsys.readouterr().err) == (
            f"params.yaml: backbone.revision: expected a revision of {NAME} on the Hub, "
            f"found {OTHER}, which it lacks"
        )
        hub.use(monkeypatch, tmp_path / "cache", url=closed_port())
        assert call(monkeypatch, "backbone") == 1
    line = only_line(capsys.readouterr().err)
    assert line.endswith("found no connection: [Errno 111] Connection refused")
    assert not (tmp_path / "data").exists()
