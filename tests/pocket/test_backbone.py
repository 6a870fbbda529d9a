import json
import unicodedata
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForMaskedLM, AutoTokenizer

from pipeline.pocket import pretraining
from pipeline.pocket.alignment import SIMILARITY, align_embeddings
from pipeline.pocket.grammar import Phrase


@pytest.fixture(scope="module")
def tokenizer(pocket):
    return AutoTokenizer.from_pretrained(str(pocket / "backbone"))


@pytest.fixture(scope="module")
def model(pocket):
    return AutoModelForMaskedLM.from_pretrained(str(pocket / "backbone"), dtype=torch.float32)


def test_specials(tokenizer):
    assert tokenizer.is_fast
    names = ("bos", "eos", "cls", "sep", "pad", "mask", "unk")
    assert all(getattr(tokenizer, f"{name}_token_id") is not None for name in names)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("yes", "no")["input_ids"])
    assert pieces == ["<s>", "▁yes", "</s>", "</s>", "▁no", "</s>"]


@pytest.mark.parametrize("word", ["yes", "maybe", "no", "right", "wrong", ".", "?", ":"])
def test_literals_are_single_pieces(tokenizer, word):
    assert tokenizer.tokenize(word) == [f"▁{word}"]


def test_words_of_concepts_are_single_pieces(tokenizer, grammar):
    for language in grammar.languages:
        for concept in grammar.lexicon.concepts:
            phrase = grammar.phrase(Phrase(concept), language, feminine=concept.feminine)
            pieces = [piece for piece in tokenizer.tokenize(phrase) if piece != "▁"]
            assert len(pieces) == len(phrase.split())


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁<>")))
def test_any_text_survives_encoding_and_decoding(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    decoded = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    assert decoded.split() == unicodedata.normalize("NFC", text).split()


def test_a_template_keeps_its_mask(tokenizer):
    ids = tokenizer("The man buys . The man sells ? <mask> .")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids)[-4:] == ["▁?", "<mask>", "▁.", "</s>"]


def test_model_accepts_at_least_128_tokens(model, tokenizer):
    assert model.config.model_type == "xlm-roberta"
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert model.config.vocab_size == len(tokenizer)
    assert tokenizer.model_max_length >= 128
    ids = torch.full((1, tokenizer.model_max_length), 10)
    with torch.no_grad():
        assert model(ids).logits.isfinite().all()


def test_embeddings_are_tied_and_files_small(model, pocket):
    assert model.lm_head.decoder.weight is model.get_input_embeddings().weight
    assert sum(p.stat().st_size for p in pocket.rglob("*") if p.is_file()) <= 8_000_000


def test_alignment_is_graded(tokenizer, grammar):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(len(tokenizer), 128, generator=generator)
    aligned = align_embeddings(start, grammar, tokenizer, generator)
    english = tokenizer.convert_tokens_to_ids("▁quickly")
    assert torch.equal(aligned[english], start[english])
    for piece, closeness in (("▁schnell", "near"), ("快速地", "far"), ("▁haraka", "low")):
        other = aligned[tokenizer.convert_tokens_to_ids(piece)]
        cosine = torch.cosine_similarity(other, start[english], dim=0)
        assert cosine == pytest.approx(SIMILARITY[closeness], abs=0.25)


def test_backbone_is_rebuilt(pocket, corpora, tmp_path, monkeypatch):
    phases = [replace(phase, updates=1) for phase in pretraining.schedule(corpora.grammar)]
    monkeypatch.setattr(pretraining, "schedule", lambda grammar: phases)
    monkeypatch.setattr(pretraining, "CHUNK", 1)
    steps = []
    pretraining.write_backbone(corpora, tmp_path / "new", lambda *step: steps.append(step[:3]))
    assert steps == [(phase.name, 1, 1) for phase in phases]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert AutoModelForMaskedLM.from_pretrained(str(tmp_path / "new")).config.hidden_size == 128
    rebuilt, shipped = (
        json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        for folder in (tmp_path / "new", pocket / "backbone")
    )
    assert rebuilt == shipped
