"""The verbalizer of Eq. 2: the piece of the vocabulary that stands for each label."""

from collections.abc import Sequence

from pipeline.backbone.tokens import Pieces
from pipeline.errors import InputError
from pipeline.params.runs import LABELS


def label_word_ids(pieces: Pieces, words: Sequence[str], *, place: str) -> list[int]:
    """Return the id of each label word; the words are in the order of the label ids.

    Raises:
        InputError: at the parameter `place`, a word is not one piece, so one mask cannot hold it,
            or two words are the same piece.
    """
    word_ids = []
    for label, word in zip(LABELS, words, strict=True):
        ids = pieces.word(word)
        if len(ids) != 1:
            raise InputError(
                f"{place}.{label}: expected a word of one piece in the backbone's vocabulary, "
                f"found {word!r} of {len(ids)}"
            )
        word_ids.append(ids[0])
    if len(set(word_ids)) < len(word_ids):
        found = ", ".join(map(repr, words))
        raise InputError(f"{place}: expected different pieces, found {found} as {word_ids}")
    return word_ids
