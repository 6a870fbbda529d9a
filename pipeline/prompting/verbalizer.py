"""The verbalizer of Eq. 2: the piece of the vocabulary that stands for each label."""

from collections.abc import Sequence
from difflib import get_close_matches

from pipeline.backbone.tokens import Pieces, ids_of
from pipeline.errors import InputError
from pipeline.params.runs import LABELS, Piece, Word
from pipeline.params.strict import shortened, shown


def label_word_ids(pieces: Pieces, words: Sequence[Word], *, place: str) -> list[int]:
    """Return the id of each label word; the words are in the order of the label ids.

    Raises:
        InputError: at the parameter `place`, a word is not one piece of text, so one mask cannot
            hold it, a piece is not in the vocabulary, or two words are the same piece.
    """
    word_ids = []
    for label, word in zip(LABELS, words, strict=True):
        if isinstance(word, Piece):
            word_ids.append(_piece_id(pieces, word, place=f"{place}.{label}.piece"))
            continue
        ids = pieces.word(word)
        if len(ids) != 1:
            found = f"{shown(word)}, which is {shortened(' + '.join(pieces.shown(ids))) or 'none'}"
            if near := _nearby(word, pieces):
                found += f" (of one piece: {near})"
        elif not pieces.text(ids).strip():
            found = f"{shown(word)}, which is {pieces.shown(ids)[0]}"
        else:
            word_ids.append(ids[0])
            continue
        raise InputError(
            f"{place}.{label}: expected a word of one piece in the backbone's vocabulary, "
            f"found {found}"
        )
    if len(set(word_ids)) < len(word_ids):
        found = ", ".join(map(repr, words))
        raise InputError(f"{place}: expected different pieces, found {found} as {word_ids}")
    return word_ids


def _piece_id(pieces: Pieces, word: Piece, *, place: str) -> int:
    number = pieces.id_of(word.piece)
    if number is None or not pieces.text(ids_of([number])).strip():
        why = "there is no such piece" if number is None else "which stands for no text"
        raise InputError(
            f"{place}: expected a piece of text in the backbone's vocabulary, found "
            f"{word.piece!r} ({why})"
        )
    return number


def _nearby(word: str, pieces: Pieces) -> str:
    """Return the most similar word of one piece, or nothing if none is similar."""
    start = word.strip()[:1].casefold()
    candidates = [other for other in pieces.words() if other[:1].casefold() == start]
    return next(iter(get_close_matches(word, candidates, n=1)), "")
