import pytest

from pipeline.errors import InputError
from pipeline.prompting.verbalizer import label_word_ids
from tests import toys


@pytest.fixture(scope="module")
def pieces():
    return toys.pieces(toys.tokenizer())


def test_words_of_one_piece_in_the_order_of_labels(pieces):
    ids = label_word_ids(pieces, ["yes", "maybe", "no"], place="template.verbalizer")
    tokens = toys.tokenizer().convert_ids_to_tokens(ids)
    assert tokens == ["▁yes", "▁maybe", "▁no"]


def test_word_of_several_pieces_is_refused_by_name(pieces):
    with pytest.raises(InputError) as error:
        label_word_ids(pieces, ["yes", "perhaps", "no"], place="template.verbalizer")
    assert str(error.value).startswith(
        "template.verbalizer.neutral: expected a word of one piece in the backbone's vocabulary, "
        "found 'perhaps' of "
    )


def test_two_words_of_the_same_piece_are_refused(pieces):
    with pytest.raises(InputError, match="expected different pieces"):
        label_word_ids(pieces, ["yes", "maybe", " yes"], place="template.verbalizer")
