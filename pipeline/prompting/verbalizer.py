"""Eq. 2: which piece of the vocabulary stands for which label."""

from collections.abc import Sequence

from pipeline.backbone.tokens import Pieces
from pipeline.errors import InputError
from pipeline.params.runs import LABELS


def label_word_ids(pieces: Pieces, words: Sequence[str], *, place: str) -> list[int]:
    """Return the id of each label word.

    Args:
        pieces: the backbone's tokenizer.
        words: C words in the order of the label ids.
        place: the parameter that holds them, for the message.

    Raises:
        InputError: a word is more than one piece, so that one mask cannot hold it, or two
            words are the same piece.
    """
    ids = []
    for label, word in zip(LABELS, words, strict=True):
        found = pieces.word(word)
        if len(found) != 1:
            raise InputError(
                f"{place}.{label}: expected a word of one piece in the backbone's vocabulary, "
                f"found {word!r} of {len(found)}"
            )
        ids.append(found[0])
    if len(set(ids)) < len(ids):
        raise InputError(f"{place}: expected different pieces, found {', '.join(words)} as {ids}")
    return ids
