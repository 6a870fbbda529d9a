import pytest
import torch
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM

from pipeline.backbone.backbone import Backbone, load_backbone
from pipeline.backbone.ids import ids_of
from pipeline.backbone.layout import make_layout
from pipeline.backbone.rows import Row, collate
from pipeline.backbone.tokens import load_pieces
from pipeline.errors import InputError
from pipeline.prompting.template import ClozeTemplate
from tests import toys

PREMISES = ["a dog runs.", "two men play here and there and sleeps", "the cat"]
HYPOTHESES = ["an animal runs", "no", "a cat is not there!"]


@pytest.fixture(scope="module", params=[None, toys.OTHER_SPECIALS], ids=["xlm-r", "other ids"])
def folder(request, tmp_path_factory):
    made = toys.tokenizer(specials=request.param) if request.param else None
    return toys.backbone(tmp_path_factory.mktemp("model"), made=made, seed=3)


@pytest.fixture(scope="module")
def backbone(folder):
    return load_backbone(folder).eval()


@pytest.fixture(scope="module")
def reference(folder):
    return AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()


def rows_and_batch(folder, prompt_length):
    pieces = load_pieces(folder)
    template = ClozeTemplate(pieces, position="suffix", prompt_length=prompt_length, max_length=64)
    rows = template.rows(PREMISES, HYPOTHESES)
    return rows, collate(rows, pad=pieces.pad, device=torch.device("cpu"))


@torch.no_grad()
def test_without_prompt_logits_are_those_of_the_masked_language_model(folder, backbone, reference):
    rows, batch = rows_and_batch(folder, 0)
    found = backbone.logits(backbone.states(batch, torch.zeros(1, 0, backbone.hidden_size)))
    padded, attention = toys.padded(rows, pad=load_pieces(folder).pad)
    whole = reference(input_ids=padded, attention_mask=attention).logits
    # The whole head at every position, of which ours is the mask's row.
    read_at = torch.tensor([row.read_at for row in rows])
    torch.testing.assert_close(found, whole[torch.arange(3), read_at])
    some = torch.tensor([7, 3])
    torch.testing.assert_close(backbone.logits(backbone.states(batch), some), found[:, some])
    # And each row alone, without padding.
    for row, logits in zip(rows, found, strict=True):
        alone = reference(input_ids=torch.tensor([row.ids])).logits[0, row.read_at]
        torch.testing.assert_close(logits, alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_with_prompt_logits_are_those_over_hand_made_embeddings(folder, backbone, reference):
    rows, batch = rows_and_batch(folder, 3)
    prompt = torch.randn(3, backbone.hidden_size)
    found = backbone.logits(backbone.states(batch, prompt[None]))
    for row, logits in zip(rows, found, strict=True):
        words = reference.get_input_embeddings().weight
        vectors = [words[one] if one >= 0 else prompt[-1 - one] for one in row.ids]
        alone = reference(inputs_embeds=torch.stack(vectors)[None]).logits[0, row.read_at]
        torch.testing.assert_close(logits, alone, atol=1e-5, rtol=1e-5)


def test_rows_follow_one_another():
    rows = [Row(ids_of([5, -1, 6]), 2, 1), Row(ids_of(range(9)), 0)]
    batch = collate(rows, pad=1, device=torch.device("cpu"))
    assert batch.ids.tolist() == [5, 1, 6, *range(9)]
    assert batch.slots.tolist() == [-1, 0, -1] + [-1] * 9
    assert batch.prompt.tolist() == [1] * 3 + [0] * 9
    assert batch.read_at.tolist() == [2, 3]
    assert batch.layout.is_token.shape == (2, 16)


def test_positions_leave_room_for_the_padding_id(backbone):
    # 130 rows of position embeddings, of which those up to the padding id are no position.
    assert backbone.max_length in (128, 129)

    def run(length):
        layout = make_layout(torch.tensor([length]), torch.device("cpu"))
        backbone.encoder(torch.zeros(length, backbone.hidden_size), layout)

    run(backbone.max_length)
    with pytest.raises((IndexError, RuntimeError)):
        run(backbone.max_length + 1)


def test_other_families_are_refused():
    config = BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9
    )
    with pytest.raises(InputError, match="XLM-R family, found BertForMaskedLM"):
        Backbone(BertForMaskedLM(config))


def test_missing_backbone_says_which_stage_makes_it(tmp_path):
    with pytest.raises(InputError, match="expected a backbone"):
        load_backbone(tmp_path)
    with pytest.raises(InputError, match="expected a tokenizer"):
        load_pieces(tmp_path)
