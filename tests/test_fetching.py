"""Backbones from a folder and from a Hub on the loopback, and what is refused as one."""

import json
import shutil
import socket

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
from pipeline.params.text import Source
from tests import toys
from tests.commands import only_line, run
from tests.hub_server import Repository, serving

NAME, PINNED, OTHER = "FacebookAI/xlm-roberta-base", "b" * 40, "c" * 40
SIZES = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture
def folder(tmp_path, toy_backbone):
    return shutil.copytree(toy_backbone, tmp_path / "given")


def test_a_folder_becomes_the_four_files(folder, tmp_path):
    facts = fetch_backbone(Source(path=str(folder)), tmp_path / "backbone")
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
        fetch_backbone(Source(path=str(folder)), tmp_path / name)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_pickled_and_half_weights_become_safetensors_in_float32(folder, tmp_path):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    half = {name: value.half() for name, value in weights.items()}
    torch.save(half, folder / "pytorch_model.bin")
    fetch_backbone(Source(path=str(folder)), tmp_path / "backbone")
    ours = load_file(tmp_path / "backbone" / "model.safetensors")
    assert all(torch.equal(ours[name], half[name].float()) for name in half)


def complaint(folder):
    out = folder.parent / "backbone"
    with pytest.raises(InputError) as caught:
        fetch_backbone(Source(path=str(folder)), out)
    assert not out.exists()
    line = str(caught.value)
    assert "\n" not in line
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
def test_a_folder_that_lacks_a_part_is_one_line(missing, line, folder):
    (folder / missing).unlink()
    assert complaint(folder) == f"params.yaml: backbone: HERE: {line}"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_broken_part_is_one_line(name, folder):
    (folder / name).write_text("{}{")
    assert complaint(folder).startswith(
        "params.yaml: backbone: HERE: expected a masked language model with a tokenizer, found "
    )


def test_another_family_is_refused_by_name(folder):
    BertForMaskedLM(BertConfig(vocab_size=500, num_hidden_layers=1, **SIZES)).save_pretrained(
        folder
    )
    assert complaint(folder) == (
        "params.yaml: backbone.path: expected a masked language model of the XLM-R family, "
        "found BertForMaskedLM"
    )


def test_another_architecture_with_such_a_head_is_refused_by_name(folder):
    config = RobertaPreLayerNormConfig(vocab_size=500, num_hidden_layers=1, **SIZES)
    RobertaPreLayerNormForMaskedLM(config).save_pretrained(folder)
    assert complaint(folder) == (
        "params.yaml: backbone.path: expected a masked language model of the XLM-R family, "
        "found RobertaPreLayerNormForMaskedLM"
    )


def test_what_training_does_not_compute_is_refused(folder):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hidden_act": "relu"}))
    line = "params.yaml: backbone: HERE: hidden_act: expected gelu, found 'relu'"
    assert complaint(folder) == line


def test_a_model_that_training_would_compute_otherwise_is_refused(folder, monkeypatch):
    def shifted(self, words, positions):
        return right(self, words, positions + 1)

    right = xlm_roberta.Embeddings.forward
    monkeypatch.setattr(xlm_roberta.Embeddings, "forward", shifted)
    assert complaint(folder).startswith(
        "params.yaml: backbone: HERE: expected a model that training computes as "
        "XLMRobertaForMaskedLM does, found logits that differ by "
    )


def test_a_tokenizer_that_training_would_read_otherwise_is_refused(folder, monkeypatch):
    right = Pieces.of
    monkeypatch.setattr(Pieces, "of", lambda self, texts: right(self, [t.upper() for t in texts]))
    assert complaint(folder) == (
        "params.yaml: backbone: HERE: expected a tokenizer that tokenizer.json holds whole, found "
        "one that TokenizersBackend reads in other pieces"
    )


def test_a_refused_backbone_leaves_the_one_before(folder, tmp_path):
    out = tmp_path / "backbone"
    fetch_backbone(Source(path=str(folder)), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hidden_act": "relu"}))
    with pytest.raises(InputError):
        fetch_backbone(Source(path=str(folder)), out)
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
    path = folder / "tokenizer_config.json"
    values = json.loads(path.read_text())
    del values["mask_token"]
    path.write_text(json.dumps(values))
    assert complaint(folder) == (
        "params.yaml: backbone: HERE: expected a tokenizer with a mask_token, found none"
    )


def test_an_encoder_without_its_head_is_refused_rather_than_given_a_random_one(folder):
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("lm_head")}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert complaint(folder) == (
        "params.yaml: backbone: HERE: expected weights of XLMRobertaForMaskedLM that fit "
        "config.json, found none for lm_head.bias, lm_head.decoder.bias, lm_head.dense.bias, ..."
    )


def test_weights_of_another_size_are_refused_rather_than_replaced_by_random_ones(folder):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hidden_size": 32}))
    assert "expected weights of XLMRobertaForMaskedLM that fit config.json" in complaint(folder)


def hub_backbone(folder):
    """Write what the Hub's XLM-R holds: its own tokenizer class, and weights of others."""
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


def test_of_the_hubs_backbone_only_what_is_used_is_downloaded(tmp_path):
    given = hub_backbone(tmp_path / "given")
    toys.write_params(
        toys.params(backbone={"path": NAME, "revision": PINNED}), tmp_path / "params.yaml"
    )
    with serving(Repository("models", NAME, PINNED, given)) as hub:
        settings = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        ended = run(tmp_path, "backbone", HF_ENDPOINT=hub.url, **settings)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert hub.downloaded == [
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
        assert hub.revisions == {PINNED}
    made = AutoTokenizer.from_pretrained(tmp_path / "data" / "backbone")
    assert made("a dog yes<mask>")["input_ids"] == [0, 7, 8, 4, 9, 2]


def test_a_backbone_that_the_hub_has_not_is_one_line(tmp_path):
    toys.write_params(
        toys.params(backbone={"path": NAME, "revision": OTHER}), tmp_path / "params.yaml"
    )
    settings = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    with serving(Repository("models", NAME, PINNED, tmp_path)) as hub:
        ended = run(tmp_path, "backbone", HF_ENDPOINT=hub.url, **settings)
    assert only_line(ended.stderr) == (
        f"params.yaml: backbone.revision: expected a revision of {NAME} on the Hub, "
        f"found {OTHER}, which it has not"
    )
    assert ended.returncode == 2
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{once.getsockname()[1]}"
    ended = run(tmp_path, "backbone", HF_ENDPOINT=closed, **settings)
    assert only_line(ended.stderr).endswith("found no connection: [Errno 111] Connection refused")
    assert ended.returncode == 1
    assert not (tmp_path / "data").exists()
