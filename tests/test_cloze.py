"""The probe of a backbone's head."""

import pytest
import torch
from safetensors.torch import save_file

from pipeline.backbone.checkpoint import Form, load_backbone, write_form
from pipeline.backbone.rows import collate
from pipeline.backbone.tokens import load_pieces
from pipeline.hub.cloze import SENTENCES, _masked, probe
from tests import toys
from tests.commands import call

TEXTS = [text for some in SENTENCES.values() for text in some]
CPU = torch.device("cpu")


@pytest.fixture
def knowing():
    """A tokenizer whose vocabulary knows the sentences and the toys' text."""
    plain = [text.replace("[", "").replace("]", "") for text in TEXTS]
    return toys.tokenizer(text=" ".join([*plain, toys.TEXT]), size=3000)


@pytest.fixture
def folder(knowing, tmp_path):
    """A backbone with random weights, and so with a head that says nothing."""
    return toys.backbone(tmp_path / "given", made=knowing)


def learned(folder):
    """Train a backbone on the masked sentences until it knows them, and write it."""
    backbone, pieces = load_backbone(folder), load_pieces(folder)
    masked = list(filter(None, (_masked(pieces, text) for text in TEXTS)))
    batch = collate([row for row, _ in masked], pad=pieces.pad, device=CPU)
    words = torch.tensor([word for _, word in masked])
    optimizer = torch.optim.Adam(backbone.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(backbone.logits(backbone.states(batch)), words).backward()
        optimizer.step()
    weights = {name: one.detach() for name, one in backbone.named_parameters()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_random_head_ranks_words_alike_at_every_mask(folder):
    found = probe(folder)
    assert found.sentences > 20
    assert found.says_nothing
    assert 0.5 < found.rank / found.elsewhere < 1.5


def test_a_head_that_reads_the_sentence_does_not(folder):
    found = probe(learned(folder))
    assert found.rank < 3
    assert not found.says_nothing


def test_the_masked_word_is_no_longer_in_its_row(folder):
    pieces = load_pieces(folder)
    row, word = _masked(pieces, "The child goes to school [with] her brother.")
    (whole,) = pieces.of(["The child goes to school with her brother."])
    frame = pieces.frame
    assert pieces.shown([word]) == ["▁with"]
    assert row.ids[row.read_at] == pieces.mask
    put_back = row.ids[:]
    put_back[row.read_at] = word
    assert put_back == frame.start + whole + frame.end


@pytest.mark.parametrize(
    "text",
    [
        "The child [qxwz] her brother.",  # of several pieces
        "qq xx zz [with] ww qq jj xx.",  # spelled in letters
        "The child goes with her brother [with] her.",  # the word occurs twice
    ],
)
def test_a_sentence_that_the_vocabulary_lacks_is_left_out(text, folder):
    assert _masked(load_pieces(folder), text) is None


def test_a_vocabulary_of_other_languages_is_not_judged(toy_backbone):
    assert probe(toy_backbone) is None


def test_without_a_head_there_is_nothing_to_judge(folder):
    write_form(folder, Form(head=False))
    assert probe(folder) is None


def test_every_sentence_has_one_word_to_mask():
    assert all(text.count("[") == text.count("]") == 1 for text in TEXTS)
    assert len(set(TEXTS)) == len(TEXTS)


@pytest.mark.parametrize("says_nothing", [True, False])
def test_the_command_says_the_ranks_and_warns_of_a_head_that_says_nothing(
    says_nothing, project, knowing, monkeypatch, capsys
):
    given = toys.backbone(project / "given", made=knowing)
    if not says_nothing:
        learned(given)
    values = toys.params(backbone={"path": str(given)})
    toys.write_params(values, project / "params.yaml")
    capsys.readouterr()
    for command in ("check", "backbone"):
        assert call(monkeypatch, command) == 0
    out, err = capsys.readouterr()
    assert "sentences: mean rank " in out
    assert ("the head says nothing of masked words" in err) == says_nothing
    assert err.count("\n") == says_nothing
