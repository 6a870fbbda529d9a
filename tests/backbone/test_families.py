"""Backbones of many classes, through all that methods ask of them."""

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM, AutoTokenizer

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.rows import Row, collate
from pipeline.backbone.tokens import ids_of, load_pieces
from pipeline.export.check import _is_one_text
from pipeline.hub.backbone import fetch_backbone
from pipeline.inference.model import load_exported
from pipeline.inference.prediction import judge
from pipeline.params.runs import Piece
from pipeline.params.text import BackboneSource
from pipeline.prompting.label_words import LISTS
from pipeline.prompting.template import ClozeTemplate, GluedTemplate, PairTemplate
from pipeline.prompting.verbalizer import label_word_ids, language_word_ids
from pipeline.training.loop import fit
from pipeline.training.prediction import predict
from tests import families, toys
from tests.commands import refusal
from tests.export import models
from tests.methods.test_contract import made

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
CPU = torch.device("cpu")
POSITIONS = ("prefix", "midfix", "suffix", "endfix")
PREMISES = ["a dog runs.", "two men play here and there and sleeps", "the cat"]
HYPOTHESES = ["an animal runs", "no", "a cat is not there!"]


@pytest.fixture(scope="module", params=families.FAMILIES)
def folder(request, tmp_path_factory):
    """A family's backbone as `mpt backbone` writes it."""
    place = tmp_path_factory.mktemp(request.param)
    source = families.write(request.param, place / "given", seed=3)
    fetch_backbone(BackboneSource(path=str(source)), place / "backbone")
    return place / "backbone"


def kind_of(folder):
    return json.loads((folder / "config.json").read_text())["model_type"]


@pytest.fixture(scope="module")
def reference(folder):
    return AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()


def everywhere(reference, ids, types=None):
    """Return the logits at every position of a row by itself, [T, V]."""
    more = {"token_type_ids": torch.tensor([types])} if types else {}
    return reference(input_ids=torch.tensor([list(ids)]), **more).logits[0]


@torch.no_grad()
def test_of_one_and_two_texts_every_position_is_that_of_transformers(folder, reference):
    backbone, pieces = load_backbone(folder), load_pieces(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [(one,) for one in PREMISES] + list(zip(PREMISES, HYPOTHESES, strict=True))
    encoded = [tokenizer(*one, return_token_type_ids=True) for one in texts]
    frame = pieces.frame
    ids = [frame.start + pieces.of(one)[0] + frame.end for one in texts[:3]]
    ids += [row.ids for row in PairTemplate(pieces, max_length=64).rows(PREMISES, HYPOTHESES)]
    assert [list(one) for one in ids] == [one["input_ids"] for one in encoded]
    typed = kind_of(folder) in {"bert", "rembert"}
    assert (backbone.separator is not None) == typed
    assert any(1 in one["token_type_ids"] for one in encoded) == (
        kind_of(folder) not in {"modernbert", "eurobert", "xlm-roberta-xl"}
    )
    rows = [Row(one, read_at=tuple(range(len(one)))) for one in ids]
    logits = backbone.logits(backbone.states(collate(rows, pad=pieces.pad, device=CPU)))
    expected = [everywhere(reference, one, encoded[at]["token_type_ids"] if typed else None)
                for at, one in enumerate(ids)]  # fmt: skip
    torch.testing.assert_close(logits, torch.cat(expected), **CLOSE)
    few = torch.tensor([9, 4])
    states = backbone.states(collate(rows, pad=pieces.pad, device=CPU))
    torch.testing.assert_close(backbone.logits(states, few), logits[:, few], **CLOSE)


@torch.no_grad()
def test_padding_changes_nothing_wherever_the_mask_is(folder):
    backbone, pieces = load_backbone(folder), load_pieces(folder)
    before, after = (GluedTemplate(pieces, language=code, max_length=90) for code in ("ar", "de"))
    rows = [*before.rows(PREMISES, HYPOTHESES), *after.rows(PREMISES, HYPOTHESES)]
    rows += after.rows(["a dog runs " * 9], ["the cat " * 9])
    assert all(row.ids[row.read_at] == pieces.mask for row in rows)
    states = backbone.states(collate(rows, pad=pieces.pad, device=CPU))
    alone = [backbone.states(collate([row], pad=pieces.pad, device=CPU)) for row in rows]
    torch.testing.assert_close(states, torch.cat(alone), **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("position", POSITIONS)
def test_every_slot_of_a_soft_prompt_reads_its_own_vector(folder, position):
    backbone, pieces = load_backbone(folder), load_pieces(folder)
    template = ClozeTemplate(pieces, position=position, prompt_length=3, max_length=64)
    batch = collate(template.rows(PREMISES, HYPOTHESES), pad=pieces.pad, device=CPU)
    prompts = torch.randn(1, 3, backbone.embedding_size)
    states = backbone.states(batch, prompts)
    for slot in range(3):
        changed = prompts.clone()
        changed[0, slot] += torch.randn(backbone.embedding_size)
        apart = (backbone.states(batch, changed) - states).abs().amax(-1)
        assert (apart > 1e-4).all(), slot


@torch.no_grad()
def test_a_soft_prompt_of_words_is_those_words(folder):
    """Vectors come before whatever the class does to the embeddings of words."""
    backbone, pieces = load_backbone(folder), load_pieces(folder)
    ids = pieces.frame.start + pieces.word("a dog runs") + pieces.frame.end
    slots = [*ids[:2], -1, -2, *ids[4:]]
    rows = Row(ids, read_at=1), Row(ids_of(slots), read_at=1)
    batches = [collate([row], pad=pieces.pad, device=CPU) for row in rows]
    prompts = backbone.words.weight[None, list(ids[2:4])]
    words, slotted = backbone.states(batches[0]), backbone.states(batches[1], prompts)
    torch.testing.assert_close(slotted, words, **CLOSE)


def test_the_longest_input_is_the_longest_that_the_class_takes(folder):
    backbone, pieces = load_backbone(folder), load_pieces(folder)

    def states(length):
        rows = [Row(ids_of([9] * one), read_at=0) for one in (length, length - 1)]
        return backbone.states(collate(rows, pad=pieces.pad, device=CPU))

    assert states(backbone.max_length).isfinite().all()
    if kind_of(folder) not in {"modernbert", "eurobert", "deberta-v2"}:  # no learned positions
        with pytest.raises((IndexError, RuntimeError)):
            states(backbone.max_length + 1)


@pytest.mark.parametrize("split_words", ["last", "refuse"])
def test_label_words_are_pieces_that_begin_a_word(folder, split_words):
    pieces = load_pieces(folder)
    ids = label_word_ids(pieces, ("yes", "maybe", "no"), place="here")
    marks = {"▁yes", "Ġyes", "yes"}
    shown = pieces.shown(ids_of(ids))
    assert shown[0] in marks
    assert pieces.text(ids_of(ids)).split() == ["yes", "maybe", "no"]
    named = tuple(Piece(piece=one) for one in shown)
    assert label_word_ids(pieces, named, place="here") == ids
    words = {"en": {"entailment": ("yes",), "neutral": ("maybe", "dog"), "contradiction": ("no",)}}
    several = language_word_ids(pieces, words, split_words=split_words, place="here")
    assert several.ids["en"][0] == ids[:1]
    assert len(several.ids["en"][1]) == 2


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_label_words_are_read(folder, name):
    found = language_word_ids(load_pieces(folder), name, split_words="last", place="here")
    assert {*found.ids, *found.left_out} == LISTS[name].keys()


@pytest.mark.parametrize("name", toys.method_names())
def test_each_method_trains_two_updates_and_predicts(folder, name):
    method = made(folder, name, training__epochs=1, training__epoch=2)
    before = {key: one.clone() for key, one in method.named_parameters() if one.requires_grad}
    generator = torch.Generator().manual_seed(0)
    dev = models.examples()[:6]
    history = fit(method, toys.training_text(), dev, generator=generator)
    assert history.epochs.updates.tolist() == ([2] if before else [0])
    assert history.epochs.loss.notna().all()
    own = [key for key, one in method.named_parameters() if not torch.equal(one, before[key])]
    assert len(own) > len(before) / 2
    probabilities = np.array(models.probabilities(predict(method, models.examples())))
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("name", ["sp", "mpt"])
def test_an_exported_model_with_a_soft_prompt_predicts_the_same(
    folder, name, position, tmp_path, monkeypatch
):
    exported_as_trained(folder, name, tmp_path, monkeypatch, template__position=position)


@pytest.mark.parametrize("name", [one for one in toys.method_names() if one not in {"sp", "mpt"}])
def test_an_exported_model_predicts_the_same_and_is_one_text(folder, name, tmp_path, monkeypatch):
    if name == "ft" and kind_of(folder) in {"distilbert", "modernbert", "eurobert"}:
        method = made(folder, name)
        line = refusal(models.write, tmp_path / "out", method, folder, monkeypatch)
        assert line.startswith("params.yaml: methods.ft: expected a backbone whose class in ")
        assert line.endswith(f"to export ft, found {kind_of(folder)}")
        return
    exported_as_trained(folder, name, tmp_path, monkeypatch)


def exported_as_trained(folder, name, tmp_path, monkeypatch, **changes):
    """Compare a trained method with its export, and its templates with their text as a whole."""
    method = models.trained(folder, name, **changes)
    predictions = models.write(tmp_path / "out", method, folder, monkeypatch)
    model = load_exported(tmp_path / "out")
    frame = models.examples()
    pairs = list(zip(frame.premise, frame.hypothesis, strict=True))
    languages = frame.language.tolist()
    judged = judge(model, pairs, languages)
    expected = models.probabilities(predictions)
    np.testing.assert_allclose(judged.probabilities.numpy(), expected, rtol=0, atol=1e-5)
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    plain = [("a dog runs", "the cat sleeps"), ("two men.", "an animal")]
    assert all(
        _is_one_text(model, tokenizer, pair, code) for pair in plain for code in ("en", "de")
    )


def test_plain_transformers_gives_the_probabilities_of_the_exported_model(tmp_path, monkeypatch):
    """With token types, tokens of a soft prompt, and classifiers that are a pooler elsewhere."""
    folders, expected = {}, {}
    for kind in families.FAMILIES:
        source = families.write(kind, tmp_path / kind / "given", seed=3)
        backbone = tmp_path / kind / "backbone"
        fetch_backbone(BackboneSource(path=str(source)), backbone)
        for name in ("pct", "mpt", "ft"):
            method = models.trained(backbone, name)
            if name == "ft" and kind in {"distilbert", "modernbert", "eurobert"}:
                continue
            out = tmp_path / f"{kind}_{name}"
            expected[out.name] = models.write(out, method, backbone, monkeypatch)
            folders[out.name] = out
    answers = models.answers_alone(folders, 64)
    assert answers.keys() == expected.keys()
    for name, found in answers.items():
        right = np.array(models.probabilities(expected[name]))
        # With an odd number of pieces for a pair, the tokenizer cuts one elsewhere than `longer`.
        same = (
            ~models.examples().premise.str.startswith(" ") if name.endswith("_ft") else slice(None)
        )
        np.testing.assert_allclose(
            np.array(found)[same], right[same], rtol=0, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("tied", [False, True])
def test_tokens_of_a_prompt_are_never_the_likeliest_piece_of_a_head_without_biases(
    tied, tmp_path, monkeypatch
):
    source = families.write("eurobert", tmp_path / "given", tie_word_embeddings=tied)
    fetch_backbone(BackboneSource(path=str(source)), tmp_path / "backbone")
    method = models.trained(tmp_path / "backbone", "sp", template__predict_over="vocabulary")
    if tied:
        line = refusal(models.write, tmp_path / "out", method, tmp_path / "backbone", monkeypatch)
        assert line.startswith("data/backbones: expected a head with weights or biases of its own")
        return
    predictions = models.write(tmp_path / "out", method, tmp_path / "backbone", monkeypatch)
    frame = models.examples()
    pairs = list(zip(frame.premise, frame.hypothesis, strict=True))
    judged = judge(load_exported(tmp_path / "out"), pairs, frame.language.tolist())
    assert judged.predicted.tolist() == predictions.predicted.tolist()
    assert -1 in judged.predicted.tolist()
