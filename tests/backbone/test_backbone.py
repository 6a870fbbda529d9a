"""Backbone.states and logits beside transformers' own model of the same checkpoint."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForMaskedLM

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.layout import make_layout
from pipeline.backbone.rows import Row, collate
from pipeline.backbone.tokens import ids_of, load_pieces
from pipeline.prompting.template import ClozeTemplate
from tests import toys
from tests.commands import refusal

CPU = torch.device("cpu")
PREMISES = ["a dog runs.", "two men play here and there and sleeps", "the cat"]
HYPOTHESES = ["an animal runs", "no", "a cat is not there!"]


@pytest.fixture(
    scope="module", params=[toys.SPECIALS, toys.OTHER_SPECIALS], ids=["xlm-r", "other ids"]
)
def folder(request, tmp_path_factory):
    made = toys.tokenizer(specials=request.param)
    return toys.backbone(tmp_path_factory.mktemp("model"), made=made, seed=3)


@pytest.fixture(scope="module")
def backbone(folder):
    return load_backbone(folder)


@pytest.fixture(scope="module")
def reference(folder):
    return AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()


def rows_and_batch(folder, prompt_length):
    pieces = load_pieces(folder)
    template = ClozeTemplate(pieces, position="suffix", prompt_length=prompt_length, max_length=64)
    rows = template.rows(PREMISES, HYPOTHESES)
    return rows, collate(rows, pad=pieces.pad, device=CPU)


def everywhere(reference, row, prompt):
    """Return the logits at every position of a row by itself, [T, V]."""
    words = reference.get_input_embeddings().weight
    vectors = torch.stack([words[i] if i >= 0 else prompt[-1 - i] for i in row.ids])
    return reference(inputs_embeds=vectors[None]).logits[0]


@torch.no_grad()
def test_without_prompt_logits_are_those_of_the_masked_language_model(folder, backbone, reference):
    rows, batch = rows_and_batch(folder, 0)
    logits = backbone.logits(backbone.states(batch, torch.zeros(1, 0, backbone.hidden_size)))
    padded, attention = toys.padded(rows, pad=load_pieces(folder).pad)
    whole = reference(input_ids=padded, attention_mask=attention).logits
    read_at = torch.tensor([row.read_at for row in rows])
    torch.testing.assert_close(logits, whole[torch.arange(3), read_at])
    some = torch.tensor([7, 3])
    torch.testing.assert_close(backbone.logits(backbone.states(batch), some), logits[:, some])
    # And each row by itself, without padding.
    for row, row_logits in zip(rows, logits, strict=True):
        alone = reference(input_ids=torch.tensor([row.ids])).logits[0, row.read_at]
        torch.testing.assert_close(row_logits, alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_with_prompt_logits_are_those_over_hand_made_embeddings(folder, backbone, reference):
    rows, batch = rows_and_batch(folder, 3)
    prompt = torch.randn(3, backbone.hidden_size)
    logits = backbone.logits(backbone.states(batch, prompt[None]))
    for row, row_logits in zip(rows, logits, strict=True):
        alone = everywhere(reference, row, prompt)[row.read_at]
        torch.testing.assert_close(row_logits, alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("prompt_length", [0, 3])
def test_several_positions_are_read_row_by_row_in_the_order_given(
    folder, backbone, reference, prompt_length
):
    rows, _ = rows_and_batch(folder, prompt_length)
    # As many positions as rows, which is not one in each.
    read = [(6, 1, 6), rows[1].read_at, (), (), (0,)]
    rows = [replace(row, read_at=at) for row, at in zip([*rows, *rows[:2]], read, strict=True)]
    batch = collate(rows, pad=load_pieces(folder).pad, device=CPU)
    prompt = torch.randn(prompt_length, backbone.hidden_size)
    logits = backbone.logits(backbone.states(batch, prompt[None]))
    expected = [everywhere(reference, row, prompt)[at] for row in rows for at in row.positions]
    torch.testing.assert_close(logits, torch.stack(expected), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_one_position_per_row_is_read_in_the_same_way_however_it_is_written(folder, backbone):
    rows, batch = rows_and_batch(folder, 0)
    tuples = [replace(row, read_at=(row.read_at,)) for row in rows]
    same = collate(tuples, pad=load_pieces(folder).pad, device=CPU)
    assert batch.one_per_row
    assert same.one_per_row
    assert torch.equal(backbone.states(same), backbone.states(batch))


def test_rows_follow_one_another():
    rows = [Row(ids_of([5, -1, 6]), 2, 1), Row(ids_of(range(9)), 0)]
    batch = collate(rows, pad=1, device=CPU)
    assert batch.ids.tolist() == [5, 1, 6, *range(9)]
    assert batch.slots.tolist() == [-1, 0, -1] + [-1] * 9
    assert batch.prompt.tolist() == [1] * 3 + [0] * 9
    assert batch.read_at.tolist() == [2, 3]
    assert batch.layout.blocks == [(1, 9), (1, 3)]


def test_the_longest_input_leaves_out_positions_up_to_the_padding_id(backbone):
    # The toys have 130 position embeddings.
    assert backbone.max_length in (128, 129)

    def encode(length):
        layout = make_layout(torch.tensor([length]), CPU)
        backbone.encode(torch.zeros(length, backbone.hidden_size), layout)

    encode(backbone.max_length)
    with pytest.raises((IndexError, RuntimeError)):
        encode(backbone.max_length + 1)


def test_a_missing_backbone_names_the_stage_that_makes_it(tmp_path):
    assert refusal(load_backbone, tmp_path) == (
        f"{tmp_path}: expected a backbone (stage backbone), found none"
    )
    assert refusal(load_pieces, tmp_path) == (
        f"{tmp_path}: expected a tokenizer (stage backbone), found none"
    )
