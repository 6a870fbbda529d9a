import json
import unicodedata

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForMaskedLM, AutoTokenizer

from pipeline.pocket.alignment import SIMILARITY, align_embeddings
from pipeline.pocket.build import build_backbone
from pipeline.pocket.grammar import Phrase
from pipeline.pocket.tokenizer import build_tokenizer


@pytest.fixture(scope="module")
def tokenizer(pocket):
    return AutoTokenizer.from_pretrained(str(pocket / "backbone"))


@pytest.fixture(scope="module")
def model(pocket):
    return AutoModelForMaskedLM.from_pretrained(str(pocket / "backbone"), dtype=torch.float32)


def test_tokenizer_is_the_one_that_the_sources_make(pocket, sources):
    shipped = json.loads((pocket / "backbone" / "tokenizer.json").read_text(encoding="utf-8"))
    assert json.loads(build_tokenizer(sources.grammar).backend_tokenizer.to_str()) == shipped


def test_specials(tokenizer):
    assert tokenizer.is_fast
    names = ("bos", "eos", "cls", "sep", "pad", "mask", "unk")
    assert all(getattr(tokenizer, f"{name}_token_id") is not None for name in names)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("yes", "no")["input_ids"])
    assert pieces == ["<s>", "▁yes", "</s>", "</s>", "▁no", "</s>"]


@pytest.mark.parametrize("word", ["yes", "maybe", "no", "right", "wrong", ".", "?", ":"])
def test_literals_are_single_pieces(tokenizer, word):
    assert tokenizer.tokenize(word) == [f"▁{word}"]


def test_concepts_are_mostly_whole(tokenizer, sources):
    for language in sources.grammar.languages:
        for one in sources.grammar.lexicon.concepts:
            phrase = sources.grammar.phrase(Phrase(one.name), language, feminine=one.feminine)
            pieces = [piece for piece in tokenizer.tokenize(phrase) if piece != "▁"]
            assert len(pieces) == len(phrase.split())


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁<>")))
def test_any_text_is_read_and_given_back(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    read = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    expected = " ".join(unicodedata.normalize("NFC", text).split())
    assert " ".join(read.split()) == expected


def test_a_template_keeps_its_mask(tokenizer):
    ids = tokenizer("The man buys . The man sells ? <mask> .")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids)[-4:] == ["▁?", "<mask>", "▁.", "</s>"]


def test_model_takes_at_least_128_tokens(model, tokenizer):
    assert model.config.model_type == "xlm-roberta"
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert model.config.vocab_size == len(tokenizer)
    ids = torch.full((1, tokenizer.model_max_length), 10)
    with torch.no_grad():
        assert model(ids).logits.isfinite().all()
    assert tokenizer.model_max_length >= 128


def test_embeddings_are_tied_and_files_small(model, pocket):
    assert model.lm_head.decoder.weight is model.get_input_embeddings().weight
    assert (pocket / "backbone" / "model.safetensors").stat().st_size <= 8_000_000
    assert sum(p.stat().st_size for p in pocket.rglob("*") if p.is_file()) <= 8_000_000


def test_alignment_is_graded(sources):
    tokenizer = build_tokenizer(sources.grammar)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(len(tokenizer), 128, generator=generator)
    aligned = align_embeddings(start, sources.grammar, tokenizer, generator)
    english = tokenizer.convert_tokens_to_ids("▁quickly")
    assert torch.equal(aligned[english], start[english])
    for piece, closeness in (("▁schnell", "near"), ("快速地", "far"), ("▁haraka", "low")):
        other = aligned[tokenizer.convert_tokens_to_ids(piece)]
        cosine = torch.cosine_similarity(other, start[english], dim=0)
        assert cosine == pytest.approx(SIMILARITY[closeness], abs=0.25)


def test_backbone_is_rebuilt(sources, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.pocket.pretraining.STEPS", (1, 1, 1, 1, 1))
    monkeypatch.setattr("pipeline.pocket.pretraining.CHUNK", 1)
    seen = []
    build_backbone(sources, tmp_path, lambda *step: seen.append(step[:3]))
    assert [done for _, done, steps in seen if done == steps] == [1, 1, 1, 1, 1]
    assert (
        AutoModelForMaskedLM.from_pretrained(str(tmp_path / "backbone")).config.hidden_size == 128
    )
    assert [path.name for path in tmp_path.iterdir()] == ["backbone"]
