import pytest

from pipeline.params.runs import Piece
from pipeline.prompting.verbalizer import label_word_ids
from tests import toys
from tests.commands import refusal


@pytest.fixture(scope="module")
def pieces():
    return toys.pieces(toys.tokenizer())


def test_words_of_one_piece_in_the_order_of_labels(pieces):
    ids = label_word_ids(pieces, ["yes", "maybe", "no"], place="template.verbalizer")
    assert toys.tokenizer().convert_ids_to_tokens(ids) == ["▁yes", "▁maybe", "▁no"]


def test_a_piece_is_named_as_the_vocabulary_writes_it(pieces):
    words = [Piece(piece="yes"), "maybe", Piece(piece="▁no")]
    ids = label_word_ids(pieces, words, place="template.verbalizer")
    assert toys.tokenizer().convert_ids_to_tokens(ids) == ["yes", "▁maybe", "▁no"]


def test_two_words_of_the_same_piece_are_refused(pieces):
    line = refusal(label_word_ids, pieces, ["yes", "maybe", " yes"], place="template.verbalizer")
    assert line.startswith(
        "template.verbalizer: expected different pieces, found 'yes', 'maybe', ' yes' as ["
    )
