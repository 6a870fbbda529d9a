"""Backbones of other classes through the stages, and checkpoints that cannot be one."""

import json
import re

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    DebertaV2ForMaskedLM,
)

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.files import BACKBONES, tokens_path
from pipeline.backbone.tokens import load_pieces
from pipeline.hub.backbone import fetch_backbone
from pipeline.params.text import BackboneSource
from pipeline.prompting.template import ClozeTemplate
from tests import families, toys
from tests.commands import call, only_line, refusal

BASE = BACKBONES / "base"
TRAIN = ("--shots", "1", "--seed", "1")
SHORT = {"training__epochs": 1, "training__epoch": 2, "training__selection": "last"}


def use(project, folder, **changes):
    """Write params.yaml with a backbone and short runs."""
    choice = {"path": str(folder)} | changes.pop("backbone", {})
    values = toys.params(backbone=choice, **SHORT | changes)
    toys.write_params(values, project / "params.yaml")
    return values


def passes(monkeypatch, *commands):
    for command in commands:
        assert call(monkeypatch, *command.split()) == 0, command


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_another_class_goes_the_whole_way(kind, project, monkeypatch, capsys):
    use(project, families.write(kind, project / "given"))
    passes(monkeypatch, "check", "corpora", "backbone", "tokens", "fewshot", "paws15")
    assert json.loads((project / "data/backbones/base.json").read_text())["path"].endswith("given")
    pieces = load_pieces(BASE, known=tokens_path("base"))
    template = ClozeTemplate(pieces, position="suffix", prompt_length=2, max_length=64)
    test = pd.read_parquet("data/corpora/test.parquet")
    read = {form(one) for form, part in zip(template.forms, (test.premise, test.hypothesis),
                                            strict=True) for one in part}  # fmt: skip
    assert read <= set(pd.read_parquet(tokens_path("base")).text)
    for run in ("ft", "pct", "mpt"):
        assert call(monkeypatch, "train", run, *TRAIN) == 0
        made = pd.read_parquet(f"data/runs/{run}/k1/s1/predictions.parquet")
        assert len(made) == 48
    passes(monkeypatch, "export mpt --shots 1 --seed 1 --to out")
    (project / "pairs.csv").write_text("premise,hypothesis,language\na dog runs,a cat,de\n")
    passes(monkeypatch, "predict out pairs.csv --to labels.csv")
    assert len(pd.read_csv("labels.csv")) == 1
    capsys.readouterr()
    code = call(monkeypatch, "export", "ft", *TRAIN, "--to", "other")
    assert code == (0 if kind == "bert" else 2)
    if code:
        assert only_line(capsys.readouterr().err).endswith(f"to export ft, found {kind}")


def test_cells_of_another_implementation_are_refused(prepared, monkeypatch, capsys):
    use(prepared, "hub/backbone", backbone={"implementation": "transformers"})
    assert call(monkeypatch, "train", "sp", *TRAIN) == 2
    line = only_line(capsys.readouterr().err)
    assert line == (
        "data/backbones/base: expected backbone.implementation transformers as in params.yaml, "
        "found one made with None (stage backbone)"
    )
    passes(monkeypatch, "backbone")
    assert call(monkeypatch, "train", "sp", *TRAIN) == 0


def complaint(folder, **choices):
    out = folder.parent / "backbone"
    line = refusal(fetch_backbone, BackboneSource(path=str(folder), **choices), out)
    assert not out.exists()
    return line.replace(str(folder), "HERE")


TINY_BART = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 8,
    "decoder_ffn_dim": 8, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
}  # fmt: skip
CLASS = "a class that computes from embeddings of text, found"
MODEL = "a model that training computes as"
DIFFER = "does, found logits that differ by #"


@pytest.mark.parametrize(
    ("kind", "more", "line"),
    [
        ("xmod", {"languages": ["en_XX"]},
         f"{CLASS} XmodForMaskedLM, which wants the language of each row"),
        ("bart", TINY_BART,
         f"{CLASS} BartForConditionalGeneration, which wants the input of a decoder"),
        ("ernie", {"is_decoder": True},
         f"{CLASS} ErnieForMaskedLM, which reads only what stands before a token (is_decoder)"),
        ("esmc", {}, f"{CLASS} EsmcForMaskedLM, which takes no embeddings (inputs_embeds)"),
        ("esm", {}, f"{MODEL} EsmForMaskedLM {DIFFER} (from embeddings in place of ids)"),
        ("yoso", {}, f"{MODEL} YosoForMaskedLM {DIFFER} (with padding)"),
    ],
)  # fmt: skip
def test_a_class_that_cannot_be_a_backbone_is_refused_with_the_reason(kind, more, line, tmp_path):
    folder = families.write("bert", tmp_path / "given")
    options = families.SMALL | more | {"vocab_size": 500, "pad_token_id": 0}
    model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(kind, **options))
    model.save_pretrained(folder)
    found = re.sub(r"differ by \S+", "differ by #", complaint(folder))
    assert found == f"params.yaml: backbone: HERE: expected {line}"


def headless(folder, kind="bert"):
    """Write a family's encoder with its tokenizer, as LaBSE and E5 have it."""
    families.write(kind, folder)
    AutoModel.from_pretrained(folder).save_pretrained(folder)
    return folder


def old_head(folder):
    """Write a DeBERTa whose head has the names that its authors gave it."""
    families.write("deberta-v2", folder, legacy=False)
    config = json.loads((folder / "config.json").read_text())
    assert config.pop("legacy") is False
    (folder / "config.json").write_text(json.dumps(config))
    return folder


ALONE = "; its head would start at random, without which only ft works (head: none)"


@pytest.mark.parametrize("implementation", ["own", "transformers"])
def test_a_checkpoint_without_a_head_is_refused_by_the_names_of_its_weights(
    implementation, tmp_path
):
    own = implementation == "own"
    folder = headless(tmp_path / "given", "bert") if not own else tmp_path / "given"
    if own:
        toys.backbone(folder)
        AutoModel.from_pretrained(folder).save_pretrained(folder)
    line = complaint(folder, implementation=implementation)
    names = "lm_head.bias, lm_head.decoder.bias, lm_head.dense.bias, ..." if own else (
        "cls.predictions.bias, cls.predictions.decoder.bias, "
        "cls.predictions.transform.LayerNorm.bias, ..."
    )  # fmt: skip
    assert f"found none for {names}{ALONE}" in line


def test_a_head_under_other_names_is_refused_and_both_are_named(tmp_path):
    line = complaint(old_head(tmp_path / "given"))
    assert "expected weights of DebertaV2ForMaskedLM that fit config.json, found none for " in line
    assert "cls.predictions.bias" in line
    assert line.endswith(
        f"{ALONE}; not read: lm_predictions.lm_head.LayerNorm.bias, "
        "lm_predictions.lm_head.LayerNorm.weight, lm_predictions.lm_head.bias, ..."
    )


def test_a_head_that_the_configuration_names_is_read(tmp_path):
    folder = families.write("deberta-v2", tmp_path / "given", legacy=False)
    fetch_backbone(BackboneSource(path=str(folder)), tmp_path / "backbone")
    assert load_backbone(tmp_path / "backbone").has_head
    assert isinstance(AutoModelForMaskedLM.from_pretrained(folder), DebertaV2ForMaskedLM)


@pytest.mark.parametrize("kind", ["bert", "own"])
def test_without_a_head_ft_works_and_every_other_run_is_refused(kind, project, monkeypatch, capsys):
    folder = project / "given"
    if kind == "own":
        toys.backbone(folder)
        AutoModel.from_pretrained(folder).save_pretrained(folder)
    else:
        headless(folder)
    values = use(project, folder, backbone={"head": "none"})
    assert call(monkeypatch, "check") == 2
    assert only_line(capsys.readouterr().err) == (
        "params.yaml: methods.untrained: expected only methods without label words (such as ft) "
        "on a backbone with head: none, found untrained"
    )
    values |= {"methods": {"ft": {"method": "ft"}, "mpt": {"method": "ft"}},
               "comparison": {"reference": "ft", "baseline": "ft", "table2": {}}}  # fmt: skip
    values["grid"]["runs"] = ["ft"]
    del values["methods"]["mpt"]
    toys.write_params(values, project / "params.yaml")
    passes(monkeypatch, "check", "corpora", "backbone", "tokens", "fewshot", "paws15")
    weights = load_file("data/backbones/base/model.safetensors")
    assert not [name for name in weights if name.startswith(("cls", "lm_head"))]
    assert not load_backbone(BASE).has_head
    before = (BASE / "model.safetensors").read_bytes()
    passes(monkeypatch, "backbone")
    assert (BASE / "model.safetensors").read_bytes() == before
    assert call(monkeypatch, "train", "ft", *TRAIN) == 0


def test_an_encoder_that_lacks_a_part_is_refused_also_without_a_head(tmp_path):
    folder = headless(tmp_path / "given")
    path = folder / "model.safetensors"
    weights = load_file(path)
    name = "encoder.layer.1.output.dense.weight"
    save_file({k: v for k, v in weights.items() if k != name}, path, metadata={"format": "pt"})
    line = complaint(folder, head="none")
    assert f"bert.{name}" in line
    assert "at random" not in line
