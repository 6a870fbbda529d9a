"""The verbalizer of Eq. 2: the pieces that stand for each label, in one language or in many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pipeline.backbone.tokens import Pieces, ids_of
from pipeline.errors import InputError
from pipeline.params.runs import LABELS, Piece, Word
from pipeline.params.strict import shortened, shown
from pipeline.prompting.label_words import LabelWords, SplitWords, words_of


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


@dataclass(frozen=True)
class LanguageWords:
    """The pieces of the label words by language.

    Attributes:
        ids: by language, the distinct ids of each label's words, in the order of the label ids.
        left_out: languages in which labels share a piece: piece, and the labels that share it.
    """

    ids: Mapping[str, Sequence[Sequence[int]]]
    left_out: Mapping[str, Mapping[str, Sequence[str]]]

    def table(self) -> list[list[int]]:
        """Return an id per language and label, [L, C]; raise a ValueError if a label has more."""
        if several := [code for code, row in self.ids.items() if any(len(ids) > 1 for ids in row)]:
            raise ValueError(f"expected one word per label, found several in {several[0]}")
        return [[number for (number,) in row] for row in self.ids.values()]

    def notes(self) -> dict[str, Any]:
        """Return what `Method.notes` says of them: the languages left out, if there are any."""
        return {"label_words_left_out": dict(self.left_out)} if self.left_out else {}


def language_word_ids(
    pieces: Pieces, label_words: LabelWords, *, split_words: SplitWords, place: str
) -> LanguageWords:
    """Return the ids of label words by language.

    Where the mark of a word's beginning is a piece of its own, it does not count. If `split_words`
    is `last`, the last of several pieces stands for the word; with a tokenizer that falls back to
    bytes, it may be a byte. A language in which labels share a piece is left out, because no
    prediction could tell them apart.

    Raises:
        InputError: below the parameter `place`, a word is of several pieces and refused, or has a
            special token such as `<unk>`, a piece is not in the vocabulary, or no language is left.
    """
    ids, left_out = {}, {}
    for code, words in words_of(label_words).items():
        found = {
            label: [
                _word_id(pieces, word, split_words=split_words, place=f"{place}.{code}.{label}")
                for word in several
            ]
            for label, several in words.items()
        }
        if shared := _shared(pieces, found):
            left_out[code] = shared
        else:
            ids[code] = [list(dict.fromkeys(numbers)) for numbers in found.values()]
    if not ids:
        code, shared = next(iter(left_out.items()))
        piece, labels = next(iter(shared.items()))
        raise InputError(
            f"{place}: expected a language whose labels have different pieces, found none "
            f"({code}: {piece} is {' and '.join(labels)})"
        )
    return LanguageWords(ids, left_out)


def _word_id(pieces: Pieces, word: Word, *, split_words: SplitWords, place: str) -> int:
    if isinstance(word, Piece):
        return _piece_id(pieces, word, place=f"{place}.piece")
    ids = pieces.word(word)
    has_special = any(number in pieces.special for number in ids)
    text = ids[1:] if not pieces.text(ids[:1]).strip() else ids  # without a mark by itself
    ends_in_text = bool(pieces.text(text[-1:]).strip())
    if not has_special and ends_in_text and (len(text) == 1 or split_words == "last"):
        return text[-1]
    wanted = "that the backbone can write" if split_words == "last" else "of one piece"
    raise InputError(
        f"{place}: expected a word {wanted}, found {shown(word)}, which is "
        f"{shortened(' + '.join(pieces.shown(ids))) or 'none'}"
    )


def _shared(pieces: Pieces, found: Mapping[str, Sequence[int]]) -> dict[str, list[str]]:
    """Return the pieces that several labels have, and these labels."""
    labels_of = {
        number: [label for label, numbers in found.items() if number in numbers]
        for numbers in found.values()
        for number in numbers
    }
    return {
        pieces.shown(ids_of([number]))[0]: labels
        for number, labels in labels_of.items()
        if len(labels) > 1
    }


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
