import pytest

from pipeline.backbone.tokens import load_pieces
from pipeline.params.runs import LABELS, Piece
from pipeline.prompting.verbalizer import label_word_ids, language_word_ids
from tests import toys
from tests.commands import refusal
from tests.imports import ROOT


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


def read(pieces, split_words="last", **languages):
    """Return the ids of words by language, each given in the order of labels."""
    words = {code: dict(zip(LABELS, row, strict=True)) for code, row in languages.items()}
    return language_word_ids(pieces, words, split_words=split_words, place="here")


YES = ("yes", "maybe", "no")


def shown(pieces, found):
    """Return pieces in place of ids."""
    return {code: [pieces.shown(ids) for ids in by_label] for code, by_label in found.ids.items()}


@pytest.mark.parametrize("split_words", ["last", "refuse"])
def test_words_of_one_piece_by_language_and_label(pieces, split_words):
    german = ("right", Piece(piece="yes"), "wrong")
    found = read(pieces, split_words, en=YES, de=german)
    ids = [label_word_ids(pieces, words, place="here") for words in (YES, german)]
    assert found.table() == ids
    assert list(found.ids.items()) == [("en", [[n] for n in ids[0]]), ("de", [[n] for n in ids[1]])]
    assert found.notes() == {}


@pytest.mark.parametrize("split_words", ["last", "refuse"])
def test_a_word_split_from_the_mark_of_its_beginning_is_the_other_piece(pieces, split_words):
    assert pieces.shown(pieces.word("lay")) == ["▁", "lay"]
    found = read(pieces, split_words, en=("yes", "lay", "no"))
    assert shown(pieces, found) == {"en": [["▁yes"], ["lay"], ["▁no"]]}


def test_of_several_pieces_the_last_stands_for_the_word(pieces):
    found = read(pieces, en=("maybes", "perhaps", "yes no"))
    assert shown(pieces, found) == {"en": [["es"], ["ps"], ["▁no"]]}


def test_several_pieces_may_be_refused_by_language_label_and_pieces(pieces):
    assert refusal(read, pieces, "refuse", en=YES, de=("yes", "maybes", "no")) == (
        "here.de.neutral: expected a word of one piece, found 'maybes', which is ▁m + ay + b + es"
    )


def test_a_label_may_have_several_words_whose_pieces_count_once(pieces):
    found = read(pieces, en=YES, de=(("yes", "right"), ("maybes", "es"), "no"))
    assert shown(pieces, found)["de"] == [["▁yes", "▁right"], ["es"], ["▁no"]]
    with pytest.raises(ValueError, match="expected one word per label, found several in de"):
        found.table()


@pytest.mark.parametrize("split_words", ["last", "refuse"])
@pytest.mark.parametrize(
    ("word", "found"),
    [("<unk>", "<unk>"), ("<mask>", "<mask>"), ("a<unk>b", "▁a + <unk> + ▁ + b"), (" ", "▁"),
     ("▁", "▁"), ("a ", "▁a + ▁")],
)  # fmt: skip
def test_a_word_that_is_no_text_is_refused(pieces, word, found, split_words):
    wanted = {"last": "that the backbone can write", "refuse": "of one piece"}[split_words]
    assert refusal(read, pieces, split_words, en=YES, de=("yes", ("maybe", word), "no")) == (
        f"here.de.neutral: expected a word {wanted}, found {word!r}, which is {found}"
    )


def test_a_piece_that_is_not_there_is_refused_with_its_language(pieces):
    line = refusal(read, pieces, de=("yes", Piece(piece="maybe"), "no"))
    assert line.startswith("here.de.neutral.piece: expected a piece of text in ")


def test_a_language_whose_labels_share_a_piece_is_left_out_and_named(pieces):
    same = ("yes", " yes", Piece(piece="▁yes"))
    found = read(pieces, de=("cats", "maybe", ("no", "dogs")), en=YES, sw=same)
    assert list(found.ids) == ["en"]
    assert found.table() == [label_word_ids(pieces, YES, place="here")]
    assert found.notes() == {
        "label_words_left_out": {
            "de": {"s": ["entailment", "contradiction"]},
            "sw": {"▁yes": list(LABELS)},
        }
    }


def test_without_any_language_left_a_run_is_refused(pieces):
    assert refusal(read, pieces, de=("cats", "maybe", "dogs"), sw=("yes", " yes", "no")) == (
        "here: expected a language whose labels have different pieces, found none "
        "(de: s is entailment and contradiction)"
    )


@pytest.mark.parametrize(
    ("words", "left_out", "refused"),
    [
        ("zhao-schuetze", {"el": {"ί": ["entailment", "neutral"]}},
         "ar.neutral: expected a word of one piece, found 'يمكن', which is ▁ي + م + ك + ن"),
        ("dpa", {"sw": {"io": ["entailment", "contradiction"]}},
         "de.entailment: expected a word of one piece, found 'Ja', which is ▁J + a"),
        ("corrected", {"sw": {"io": ["entailment", "contradiction"]}},
         "de.entailment: expected a word of one piece, found 'Ja', which is ▁J + a"),
    ],
)  # fmt: skip
def test_pocket_splits_words_of_the_lists(words, left_out, refused):
    pocket = load_pieces(ROOT / "data/pocket/backbone")
    found = language_word_ids(pocket, words, split_words="last", place="here")
    assert found.left_out == left_out
    assert len(found.table()) == 14
    line = refusal(language_word_ids, pocket, words, split_words="refuse", place="here")
    assert line == f"here.{refused}"
