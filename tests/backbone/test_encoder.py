"""The encoder beside that of transformers: the same numbers, forward and backward."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import (
    AutoModelForMaskedLM,
    CamembertConfig,
    CamembertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from pipeline.backbone.checkpoint import load_model
from pipeline.backbone.layout import make_layout
from pipeline.errors import InputError
from tests.imports import ROOT

FAMILY = {
    "xlm-roberta": (XLMRobertaConfig, XLMRobertaForMaskedLM),
    "roberta": (RobertaConfig, RobertaForMaskedLM),
    "camembert": (CamembertConfig, CamembertForMaskedLM),
}
POCKET = ROOT / "data" / "pocket" / "backbone"
SMALL = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
    "initializer_range": 0.2,
}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def written(folder, kind="xlm-roberta", **changes):
    """Write a random model of a family, biases and norms too, and return its folder."""
    torch.manual_seed(7)
    configuration, model = FAMILY[kind]
    made = model(configuration(**SMALL | changes))
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    made.save_pretrained(folder)
    return folder


def both(folder):
    """Return ours and theirs in double precision, in which an order of sums hardly shows."""
    theirs = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    return load_model(folder).double(), theirs.double()


def batch(model, *, rows=7, width=16, padded=True):
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(5, model.settings.vocab_size, (rows, width), generator=draw)
    lengths = torch.randint(3, width + 1, (rows,), generator=draw) if padded else [width] * rows
    return ids, (torch.arange(width) < torch.as_tensor(lengths)[:, None]).long()


def read(attention):
    """Return a position of each row, all over the shortest one."""
    rows = torch.arange(len(attention))
    return rows, rows % 3


def theirs_at(model, ids, attention):
    words = model.roberta.embeddings.word_embeddings(ids)
    states = model.roberta(inputs_embeds=words, attention_mask=attention).last_hidden_state
    return states[attention.bool()], states[read(attention)]


def ours_everywhere(model, ids, attention):
    layout = make_layout(attention.sum(1), torch.device("cpu"))
    words = model.roberta.embeddings.word_embeddings(ids[attention.bool()])
    states = model.roberta(words, layout)
    return states, states[first(attention) + read(attention)[1]]


def ours_where_read(model, ids, attention):
    layout = make_layout(attention.sum(1), torch.device("cpu"))
    words = model.roberta.embeddings.word_embeddings(ids[attention.bool()])
    states = model.roberta(words, layout, first(attention) + read(attention)[1])
    return None, states


def first(attention):
    """Return each row's first token among all."""
    return attention.sum(1).cumsum(0) - attention.sum(1)


def numbers(model, run, ids, attention):
    """Return states, logits at one position, loss and all gradients of a forward and backward."""
    model.zero_grad()
    torch.manual_seed(3)
    states, where_read = run(model, ids, attention)
    logits = model.lm_head(where_read)
    loss = functional.cross_entropy(logits.float(), torch.arange(len(ids)))
    loss.backward()
    gradients = {name: one.grad for name, one in model.named_parameters(remove_duplicate=False)}
    return {"states": states, "read": where_read, "logits": logits, "loss": loss, **gradients}


def same(ours, theirs, ids, attention, *, run=ours_everywhere, **tolerance):
    found = numbers(ours, run, ids, attention)
    expected = numbers(theirs, theirs_at, ids, attention)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        if name != "states" or value is not None:
            tolerance = tolerance or {"rtol": 1e-5, "atol": 1e-9}
            torch.testing.assert_close(value, expected[name], msg=name, **tolerance)


@pytest.mark.parametrize("run", [ours_everywhere, ours_where_read])
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
def test_pocket_computes_what_transformers_does_forward_and_backward(padded, run):
    ours, theirs = both(POCKET)
    ids, attention = batch(ours, rows=72, width=40, padded=padded)
    same(ours.train(), theirs.train(), ids, attention, run=run)


@pytest.mark.parametrize("run", [ours_everywhere, ours_where_read])
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@pytest.mark.parametrize("kind", FAMILY)
def test_every_family_computes_the_same(kind, padded, run, tmp_path):
    ours, theirs = both(written(tmp_path, kind, **NO_DROPOUT))
    ids, attention = batch(ours, padded=padded)
    same(ours.train(), theirs.train(), ids, attention, run=run)


@pytest.mark.parametrize("kind", FAMILY)
def test_without_padding_the_same_dropout_is_drawn(kind, tmp_path):
    folder = written(tmp_path, kind, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.2)
    ours, theirs = both(folder)
    assert not ours.training
    ids, attention = batch(ours, padded=False)
    evaluated = numbers(ours, ours_everywhere, ids, attention)["loss"]
    same(ours, theirs, ids, attention)
    same(ours.train(), theirs.train(), ids, attention)
    assert not torch.equal(numbers(ours, ours_everywhere, ids, attention)["loss"], evaluated)


def test_dropout_where_tokens_are_read_is_that_of_all_tokens(tmp_path):
    # The draws are others, so what they make is compared by its mean and its spread.
    dropped = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.3}
    ours = load_model(written(tmp_path, **dropped)).train()
    ids, attention = batch(ours, rows=3, width=8)
    draws = {}
    with torch.no_grad():
        for run in (ours_everywhere, ours_where_read):
            torch.manual_seed(11)
            draws[run] = torch.stack([run(ours, ids, attention)[1] for _ in range(2000)])
    mean, expected = (one.mean(0) for one in draws.values())
    spread, expected_spread = (one.std(0) for one in draws.values())
    error = expected_spread / 2000**0.5
    assert ((mean - expected).abs() < 6 * error).all()
    assert (spread / expected_spread - 1).abs().max() < 0.15


@pytest.mark.parametrize("run", [ours_everywhere, ours_where_read])
def test_the_shapes_of_xlm_r_base(run, tmp_path):
    # Twelve heads of 64, wide layers, a long row; vocabulary and depth are cut.
    shapes = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
    kept = {"max_position_embeddings": 514, "type_vocab_size": 1, "initializer_range": 0.02}
    ours, theirs = both(written(tmp_path, vocab_size=500, **NO_DROPOUT, **shapes, **kept))
    ids, attention = batch(ours, rows=4, width=256)
    same(ours.train(), theirs.train(), ids, attention, run=run)


def test_under_autocast_the_numbers_are_those_of_transformers(tmp_path):
    ours, theirs = (one.float() for one in both(written(tmp_path, **NO_DROPOUT)))
    ids, attention = batch(ours)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = numbers(ours, ours_where_read, ids, attention)
        expected = numbers(theirs, theirs_at, ids, attention)
    assert found["logits"].dtype == torch.bfloat16
    for name, value in expected.items():
        if name != "states":
            torch.testing.assert_close(found[name], value, msg=name, rtol=2e-2, atol=5e-3)


@pytest.mark.parametrize("kind", FAMILY)
def test_parameters_stand_in_the_order_of_transformers(kind, tmp_path):
    # The optimizer's groups and the norm of all gradients go by it.
    ours, theirs = both(written(tmp_path, kind))
    for part in ("roberta", "lm_head"):
        names = [
            [name for name, _ in one.get_submodule(part).named_parameters()]
            for one in (ours, theirs)
        ]
        assert names[0] == names[1]


def test_loading_draws_no_random_number(tmp_path):
    folder = written(tmp_path)
    before = torch.get_rng_state()
    load_model(folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_training_does_not_change_the_file(tmp_path):
    folder = written(tmp_path)
    bytes_before = (folder / "model.safetensors").read_bytes()
    model = load_model(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert (folder / "model.safetensors").read_bytes() == bytes_before


def change_weights(folder, change):
    path = folder / "model.safetensors"
    weights = change(load_file(path))
    save_file(weights, path, metadata={"format": "pt"})
    return folder


WORDS = "roberta.embeddings.word_embeddings.weight"
DECODER = "lm_head.decoder.weight"


def renamed(weights, **names):
    turned = {old.replace("__", "."): new for old, new in names.items()}
    return {turned.get(name, name): value for name, value in weights.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: renamed(weights, lm_head__bias="lm_head.decoder.bias"),
        lambda weights: weights | {"lm_head.decoder.bias": weights["lm_head.bias"].clone()},
        lambda weights: weights | {DECODER: weights[WORDS].clone()},
        lambda weights: {DECODER if name == WORDS else name: weights[name] for name in weights},
        lambda weights: weights | {"roberta.pooler.dense.weight": torch.zeros(16, 16)},
        lambda weights: weights | {"roberta.embeddings.position_ids": torch.arange(40)[None]},
        lambda weights: {name: value.half() for name, value in weights.items()},
        lambda weights: weights | {DECODER: weights[WORDS] + 1},
    ],
    ids=[
        "bias as the decoder's",
        "both biases",
        "the decoder's weight too",
        "the decoder's weight alone",
        "a pooler",
        "numbers of positions",
        "half precision",
        "a decoder of its own all the same",
    ],
)
def test_checkpoints_come_in_several_forms(change, tmp_path):
    folder = change_weights(written(tmp_path), change)
    ours, theirs = both(folder)
    assert (ours.lm_head.decoder.weight is ours.roberta.embeddings.word_embeddings.weight) == (
        theirs.lm_head.decoder.weight is theirs.roberta.embeddings.word_embeddings.weight
    )
    assert ours.lm_head.decoder.bias is ours.lm_head.bias
    same(ours, theirs, *batch(ours))


def test_weights_that_are_not_tied_stay_two(tmp_path):
    ours, theirs = both(written(tmp_path, tie_word_embeddings=False))
    assert ours.lm_head.decoder.weight is not ours.roberta.embeddings.word_embeddings.weight
    assert ours.lm_head.decoder.bias is not ours.lm_head.bias
    same(ours, theirs, *batch(ours))


@pytest.mark.parametrize("pad", [0, 3])
def test_positions_start_behind_the_padding_id(pad, tmp_path):
    ours, theirs = both(written(tmp_path, pad_token_id=pad))
    same(ours, theirs, *batch(ours))


def complaint(folder, **changes):
    path = folder / "config.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
    with pytest.raises(InputError) as caught:
        load_model(folder)
    line = str(caught.value)
    assert "\n" not in line
    return line.replace(str(folder), "HERE")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"hidden_act": "relu"}, "HERE/config.json: hidden_act: expected gelu, found 'relu'"),
        ({"is_decoder": True}, "HERE/config.json: is_decoder: expected false, found true"),
        ({"hidden_size": None}, "HERE/config.json: hidden_size: expected this key, found nothing"),
        (
            {"num_attention_heads": 3},
            "HERE/config.json: hidden_size: expected a multiple of num_attention_heads (3), "
            "found 16",
        ),
        (
            {"model_type": "bert", "architectures": ["BertForMaskedLM"]},
            "params.yaml: backbone.path: expected a masked language model of the XLM-R family, "
            "found BertForMaskedLM",
        ),
        (
            {"model_type": "bert", "architectures": None},
            "params.yaml: backbone.path: expected a masked language model of the XLM-R family, "
            "found bert",
        ),
        (
            {"hidden_size": 32},
            "HERE: expected weights that fit config.json, found none for "
            "lm_head.dense.weight, lm_head.dense.bias, lm_head.layer_norm.weight, ...",
        ),
        (
            {"num_hidden_layers": 3},
            "HERE: expected weights that fit config.json, found none for "
            "roberta.encoder.layer.2.attention.self.query.weight, "
            "roberta.encoder.layer.2.attention.self.query.bias, "
            "roberta.encoder.layer.2.attention.self.key.weight, ...",
        ),
    ],
)
def test_what_is_not_supported_is_one_line(changes, line, tmp_path):
    assert complaint(written(tmp_path), **changes) == line


def test_missing_and_broken_weights_are_one_line(tmp_path):
    folder = written(tmp_path / "one")
    (folder / "model.safetensors").write_bytes(b"\xff" * 40)
    start = "HERE/model.safetensors: expected weights as safetensors, found "
    assert complaint(folder).startswith(start)
    (folder / "model.safetensors").unlink()
    assert complaint(folder).startswith(start)


@pytest.mark.parametrize("text", ["[1]", "{"])
def test_a_broken_configuration_is_one_line(text, tmp_path):
    shutil.copytree(POCKET, tmp_path / "broken")
    (tmp_path / "broken" / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json.*: expected "):
        load_model(tmp_path / "broken")
