"""The XLM-R family beside transformers: the same numbers, forward and backward."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoConfig, AutoModelForMaskedLM

from pipeline.backbone import attention as attention_file
from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.layout import make_layout
from tests.commands import refusal
from tests.imports import ROOT

FAMILY = ("xlm-roberta", "roberta", "camembert")
POCKET = ROOT / "data" / "pocket" / "backbone"
SMALL = {
    "vocab_size": 60, "hidden_size": 16, "intermediate_size": 40, "max_position_embeddings": 40,
    "num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2,
}  # fmt: skip
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def written(folder, kind="xlm-roberta", **changes):
    """Write a model whose weights, biases and norms are all random, and return its folder."""
    torch.manual_seed(7)
    made = AutoModelForMaskedLM.from_config(AutoConfig.for_model(kind, **SMALL | changes))
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    made.save_pretrained(folder)
    return folder


def both(folder):
    """Return ours and theirs in double precision, which hides the order of sums."""
    theirs = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    return load_backbone(folder).double(), theirs.double()


def batch(model, *, rows=7, width=16, padded=True):
    """Return token ids and an attention mask, [B, T] each."""
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(5, model.words.num_embeddings, (rows, width), generator=draw)
    lengths = torch.randint(3, width + 1, (rows,), generator=draw) if padded else [width] * rows
    return ids, (torch.arange(width) < torch.as_tensor(lengths)[:, None]).long()


def read_at(attention):
    """Return a position to read in each row, within the shortest one."""
    return torch.arange(len(attention)) % 3


def packed(attention):
    """Return the index of each row's position to read among all tokens."""
    lengths = attention.sum(1)
    return lengths.cumsum(0) - lengths + read_at(attention)


# Each returns the states of all tokens, or None, and those that are read.


def theirs_at(model, ids, attention):
    words = model.get_input_embeddings()(ids)
    states = model.base_model(inputs_embeds=words, attention_mask=attention).last_hidden_state
    return states[attention.bool()], states[torch.arange(len(ids)), read_at(attention)]


def ours_everywhere(model, ids, attention):
    layout = make_layout(attention.sum(1), torch.device("cpu"))
    states = model.encode(model.words(ids[attention.bool()]), layout)
    return states, states[packed(attention)]


def ours_where_read(model, ids, attention):
    layout = make_layout(attention.sum(1), torch.device("cpu"))
    return None, model.encode(model.words(ids[attention.bool()]), layout, packed(attention))


def numbers(model, run, ids, attention):
    """Return states, logits at one position, loss and all gradients of a forward and backward."""
    model.zero_grad()
    torch.manual_seed(3)
    states, read = run(model, ids, attention)
    logits = model.lm_head(read)
    loss = functional.cross_entropy(logits.float(), torch.arange(len(ids)))
    loss.backward()
    weights = model.named_parameters(remove_duplicate=False)
    gradients = {name: weight.grad for name, weight in weights}
    return {"states": states, "read": read, "logits": logits, "loss": loss, **gradients}


OURS = (ours_everywhere, ours_where_read)


def same(ours, theirs, ids, attention, *, runs=OURS, rtol=1e-5, atol=1e-9):
    expected = numbers(theirs, theirs_at, ids, attention)
    for run in runs:
        actual = numbers(ours, run, ids, attention)
        assert actual.keys() == expected.keys()
        for name, value in actual.items():
            if value is not None:
                torch.testing.assert_close(value, expected[name], msg=name, rtol=rtol, atol=atol)


full_and_padded = pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])


@full_and_padded
def test_pocket_computes_what_transformers_does_forward_and_backward(padded):
    ours, theirs = both(POCKET)
    same(ours.train(), theirs.train(), *batch(ours, rows=36, width=40, padded=padded))


@full_and_padded
@pytest.mark.parametrize("kind", FAMILY)
def test_every_model_type_computes_the_same(kind, padded, tmp_path):
    ours, theirs = both(written(tmp_path, kind, **NO_DROPOUT))
    same(ours.train(), theirs.train(), *batch(ours, padded=padded))


@pytest.mark.parametrize("kind", FAMILY)
def test_without_padding_dropout_is_in_the_same_places(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(attention_file, "drop", functional.dropout)  # draws as transformers does
    folder = written(tmp_path, kind, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.2)
    ours, theirs = both(folder)
    assert not ours.training
    ids, attention = batch(ours, padded=False)
    evaluated = numbers(ours, ours_everywhere, ids, attention)["loss"]
    same(ours, theirs, ids, attention)
    # Where only some tokens are read, fewer numbers are drawn.
    same(ours.train(), theirs.train(), ids, attention, runs=(ours_everywhere,))
    assert not torch.equal(numbers(ours, ours_everywhere, ids, attention)["loss"], evaluated)


def test_dropout_where_tokens_are_read_is_that_of_all_tokens(tmp_path):
    # The random draws differ, so their effects are compared by mean and spread.
    dropped = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.3}
    ours = load_backbone(written(tmp_path, **dropped)).train()
    ids, attention = (tensor.repeat(2000, 1) for tensor in batch(ours, rows=3, width=8))
    draws = []
    with torch.no_grad():
        for run in OURS:
            torch.manual_seed(11)
            draws.append(run(ours, ids, attention)[1].view(2000, 3, -1))
    mean, expected = (drawn.mean(0) for drawn in draws)
    spread, expected_spread = (drawn.std(0) for drawn in draws)
    error = expected_spread / 2000**0.5
    assert ((mean - expected).abs() < 6 * error).all()
    assert (spread / expected_spread - 1).abs().max() < 0.15


def test_the_shapes_of_xlm_r_base(tmp_path):
    # Twelve heads of 64, wide layers, a long row; vocabulary and depth are cut.
    shapes = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
    kept = {"max_position_embeddings": 514, "type_vocab_size": 1, "initializer_range": 0.02}
    ours, theirs = both(written(tmp_path, vocab_size=500, **NO_DROPOUT, **shapes, **kept))
    same(ours.train(), theirs.train(), *batch(ours, rows=2, width=160))


def test_under_autocast_the_numbers_are_those_of_transformers(tmp_path):
    ours, theirs = (model.float() for model in both(written(tmp_path, **NO_DROPOUT)))
    ids, attention = batch(ours)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert numbers(ours, ours_where_read, ids, attention)["logits"].dtype == torch.bfloat16
        same(ours, theirs, ids, attention, runs=(ours_where_read,), rtol=2e-2, atol=1.5e-2)


@pytest.mark.parametrize("kind", FAMILY)
def test_parameters_have_the_names_and_the_order_of_transformers(kind, tmp_path):
    # The optimizer's groups and the norm of all gradients follow this order.
    ours, theirs = both(written(tmp_path, kind))
    for part in ("roberta", "lm_head"):
        parts = ours.get_submodule(part), theirs.get_submodule(part)
        names, expected = ([name for name, _ in model.named_parameters()] for model in parts)
        assert names == expected


def test_loading_draws_no_random_number(tmp_path):
    folder = written(tmp_path)
    before = torch.get_rng_state()
    load_backbone(folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_training_does_not_change_the_file(tmp_path):
    folder = written(tmp_path)
    before = (folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        for parameter in load_backbone(folder).parameters():
            parameter.add_(1)
    assert (folder / "model.safetensors").read_bytes() == before


WORDS = "roberta.embeddings.word_embeddings.weight"
POSITIONS = "roberta.embeddings.position_ids"
DECODER, DECODER_BIAS, BIAS = "lm_head.decoder.weight", "lm_head.decoder.bias", "lm_head.bias"


def renamed(weights, old, new):
    return {new if name == old else name: value for name, value in weights.items()}


FORMS = {
    "bias as the decoder's": lambda weights: renamed(weights, BIAS, DECODER_BIAS),
    "both biases": lambda weights: weights | {DECODER_BIAS: weights[BIAS].clone()},
    "the decoder's weight too": lambda weights: weights | {DECODER: weights[WORDS].clone()},
    "only the decoder's weight": lambda weights: renamed(weights, WORDS, DECODER),
    "a pooler": lambda weights: weights | {"roberta.pooler.dense.weight": torch.zeros(16, 16)},
    "position numbers": lambda weights: weights | {POSITIONS: torch.arange(40)[None]},
    "half precision": lambda weights: {name: value.half() for name, value in weights.items()},
    "a different decoder": lambda weights: weights | {DECODER: weights[WORDS] + 1},
}


@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS.keys())
def test_checkpoints_come_in_several_forms(change, tmp_path):
    path = written(tmp_path) / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    ours, theirs = both(tmp_path)
    assert (ours.lm_head.decoder.weight is ours.words.weight) == (
        theirs.lm_head.decoder.weight is theirs.get_input_embeddings().weight
    )
    assert ours.lm_head.decoder.bias is ours.lm_head.bias
    same(ours, theirs, *batch(ours))


def test_weights_that_are_not_tied_stay_two(tmp_path):
    ours, theirs = both(written(tmp_path, tie_word_embeddings=False))
    assert ours.lm_head.decoder.weight is not ours.words.weight
    assert ours.lm_head.decoder.bias is not ours.lm_head.bias
    same(ours, theirs, *batch(ours))


@pytest.mark.parametrize("pad", [0, 3])
def test_positions_start_after_the_padding_id(pad, tmp_path):
    ours, theirs = both(written(tmp_path, pad_token_id=pad))
    same(ours, theirs, *batch(ours))


XLM_R = (
    "HERE/config.json: expected a masked language model of the XLM-R family "
    "(model_type xlm-roberta, roberta, camembert in config.json), found"
)


def complaint(folder, **changes):
    path = folder / "config.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
    return refusal(load_backbone, folder).replace(str(folder), "HERE")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"hidden_act": "relu"}, "HERE/config.json: hidden_act: expected gelu, found 'relu'"),
        ({"is_decoder": True}, "HERE/config.json: is_decoder: expected false, found true"),
        ({"hidden_size": None}, "HERE/config.json: hidden_size: expected this key, found nothing"),
        ({"num_attention_heads": 3},
         "HERE/config.json: hidden_size: expected a multiple of num_attention_heads (3), found 16"),
        ({"model_type": "bert"}, f"{XLM_R} 'bert'"),
        ({"model_type": None}, f"{XLM_R} nothing"),
        ({"hidden_size": 32},
         "HERE: expected weights that fit config.json, found none for "
         "roberta.embeddings.word_embeddings.weight, "
         "roberta.embeddings.token_type_embeddings.weight, "
         "roberta.embeddings.LayerNorm.weight, ..."),
        ({"num_hidden_layers": 3},
         "HERE: expected weights that fit config.json, found none for "
         "roberta.encoder.layer.2.attention.self.query.weight, "
         "roberta.encoder.layer.2.attention.self.query.bias, "
         "roberta.encoder.layer.2.attention.self.key.weight, ..."),
    ],
)  # fmt: skip
def test_an_unsupported_model_is_refused_in_one_line(changes, line, tmp_path):
    assert complaint(written(tmp_path), **changes) == line


def test_missing_and_broken_weights_are_one_line(tmp_path):
    folder = written(tmp_path)
    (folder / "model.safetensors").write_bytes(b"\xff" * 40)
    start = "HERE/model.safetensors: expected weights as safetensors, found "
    assert complaint(folder).startswith(start)
    (folder / "model.safetensors").unlink()
    assert complaint(folder).startswith(start)


@pytest.mark.parametrize("text", ["[1]", "{"])
def test_a_broken_configuration_is_one_line(text, tmp_path):
    folder = shutil.copytree(POCKET, tmp_path / "broken")
    (folder / "config.json").write_text(text)
    assert refusal(load_backbone, folder).startswith(f"{folder}/config.json")
