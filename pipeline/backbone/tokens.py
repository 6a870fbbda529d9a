"""A backbone's own tokenizer, reduced to what templates need: pieces and special tokens.

The test text is the same in every cell: `mpt tokens` tokenizes it once, and cells look it up.
"""

from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pandas as pd
from tokenizers import Tokenizer

from pipeline.artifacts import read_arrow, read_notes, read_object
from pipeline.backbone.files import TOKENIZED
from pipeline.errors import InputError
from pipeline.files import note, reading, sha256
from pipeline.progress import Progress, silent

Ids: TypeAlias = "array[int]"
"""Token ids as in torch's int64: quick to cut and join, and torch reads them without a copy."""

CHUNK = 4_096
"""Texts to tokenize between two reports of progress."""


def ids_of(numbers: Iterable[int]) -> Ids:
    """Return numbers as token ids."""
    return array("q", numbers)


class Frame(NamedTuple):
    """The special tokens before, between and after texts."""

    start: Ids
    between: Ids
    end: Ids


class Pieces:
    """Text -> pieces of a tokenizer, and the special tokens that it puts around texts.

    The ids of `known` texts are looked up.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        mask: str | Mapping[str, Any] | None,
        pad: str | Mapping[str, Any] | None,
        known: Mapping[str, Ids] | None = None,
    ) -> None:
        self.mask = _id(tokenizer, mask, "mask_token")
        self.pad = _id(tokenizer, pad, "pad_token")
        # Templates cut and batches pad, whatever the tokenizer's file asks for.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._known = known or {}

    def of(self, texts: Sequence[str]) -> list[Ids]:
        """Return the pieces of each text, without special tokens."""
        pieces = [self._known.get(text) for text in texts]
        unknown = [text for text, ids in zip(texts, pieces, strict=True) if ids is None]
        encoded = iter(self._tokenizer.encode_batch_fast(unknown, add_special_tokens=False))
        return [ids_of(next(encoded).ids) if ids is None else ids for ids in pieces]

    @cached_property
    def space(self) -> str:
        """What makes the first word of a text begin as the others do: a space, or nothing.

        Some vocabularies mark the words that follow a space, and so not the first one (RoBERTa's,
        Gemma's, Llama's); others mark every word (XLM-R's) or no word (WordPiece).
        """
        marked, alone = self.of([" a", "a"])
        return " " if marked != alone else ""

    def word(self, text: str) -> Ids:
        """Return the pieces of one literal of a template, which begins a word within the row."""
        return self.of([self.space + text if text else text])[0]

    def glued(self, text: str) -> Ids:
        """Return the pieces of a literal that follows a word without a space."""
        word, whole = self.of(["a", f"a{text}"])
        return whole[len(word) :] if whole[: len(word)] == word else self.word(text)

    def text(self, ids: Ids) -> str:
        """Return the text that pieces stand for; special tokens stand for none."""
        return str(self._tokenizer.decode(list(ids)))

    def shown(self, ids: Ids) -> list[str]:
        """Return pieces as the vocabulary writes them."""
        return [str(self._tokenizer.id_to_token(number)) for number in ids]

    def id_of(self, piece: str) -> int | None:
        """Return the id of a piece, given as the vocabulary writes it, or None."""
        number: int | None = self._tokenizer.token_to_id(piece)
        return number

    @cached_property
    def special(self) -> frozenset[int]:
        """The ids of special tokens, `<unk>` among them."""
        added = self._tokenizer.get_added_tokens_decoder()
        return frozenset(number for number, token in added.items() if token.special)

    def words(self) -> Iterator[str]:
        """Return every text that is one piece of the vocabulary where a word begins."""
        ids = [[number] for number in range(self._tokenizer.get_vocab_size())]
        texts = {text.strip() for text in self._tokenizer.decode_batch(ids)}
        return (text for text in sorted(texts) if len(self.word(text)) == 1)

    @cached_property
    def frame(self) -> Frame:
        """The special tokens before, between and after texts; an InputError if there are none."""
        encoded = self._tokenizer.encode("a", "b")
        ids, special = ids_of(encoded.ids), encoded.special_tokens_mask
        if 1 not in special[special.index(0) : -1]:
            raise InputError(
                f"data/backbones: expected a tokenizer that puts special tokens around two texts, "
                f"found {' '.join(self.shown(ids))}"
            )
        text = [position for position, flag in enumerate(special) if not flag]
        middle = special.index(1, text[0])
        after = special.index(0, middle)
        return Frame(start=ids[: text[0]], between=ids[middle:after], end=ids[text[-1] + 1 :])


def load_pieces(folder: Path, *, known: Path | None = None) -> Pieces:
    """Load the tokenizer in a backbone's folder, and the texts in `known`, a TOKENIZED file.

    A process that runs many cells reads the files once, and again after they have changed.

    Raises:
        InputError: there is no tokenizer, it lacks a mask or padding token, or another one made
            the known texts.
    """
    files = [folder / "tokenizer.json", folder / "tokenizer_config.json"]
    if not all(file.exists() for file in files):
        raise InputError(f"{folder}: expected a tokenizer (stage backbone), found none")
    if known and known.exists():
        files.append(known)
    note(files)
    stamps = [(file.resolve(), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return _load_pieces(folder, known, tuple(stamps))


@lru_cache(maxsize=1)
def _load_pieces(folder: Path, known: Path | None, stamps: tuple[Hashable, ...]) -> Pieces:
    del stamps  # part of the cache's key
    path = folder / "tokenizer.json"
    config = read_object(folder / "tokenizer_config.json")
    with reading(path, "a tokenizer"):
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:
            # The library raises no narrower class.
            reason = str(error).partition("\n")[0]
            raise InputError(f"{path}: expected a tokenizer, found {reason}") from None
    mask, pad = config.get("mask_token"), config.get("pad_token")
    return Pieces(tokenizer, mask=mask, pad=pad, known=read_known(known, folder) if known else None)


def tokenize(pieces: Pieces, texts: Sequence[str], *, progress: Progress = silent) -> pd.DataFrame:
    """Return distinct texts with their ids, the columns of TOKENIZED."""
    ids: list[Ids] = []
    for start in range(0, len(texts), CHUNK):
        ids += pieces.of(texts[start : start + CHUNK])
        progress("tokenizing", len(ids), len(texts))
    return pd.DataFrame({"text": texts, "ids": pd.Series(ids, dtype=object)})


def notes_of(folder: Path) -> dict[str, str]:
    """Return the note of a TOKENIZED file: the SHA-256 of the backbone's tokenizer.json."""
    return {"tokenizer": sha256(folder / "tokenizer.json")}


def read_known(path: Path, folder: Path) -> dict[str, Ids]:
    """Read the texts and ids of a TOKENIZED file, made by the tokenizer of the backbone `folder`.

    Raises:
        InputError: the file is missing, has another form or comes from another tokenizer.
    """
    if read_notes(path) != notes_of(folder):
        raise InputError(
            f"{path}: expected tokens of {folder}/tokenizer.json, found those of another "
            f"tokenizer (stage tokens)"
        )
    table = read_arrow(path, TOKENIZED)
    texts, ids = table["text"].to_pylist(), table["ids"].combine_chunks()
    all_ids, bounds = ids_of(()), ids.offsets.to_pylist()
    all_ids.frombytes(ids.values.cast("int64").to_numpy().tobytes())
    return {
        text: all_ids[start:end] for text, (start, end) in zip(texts, pairwise(bounds), strict=True)
    }


def _id(tokenizer: Tokenizer, token: str | Mapping[str, Any] | None, name: str) -> int:
    if isinstance(token, Mapping):  # older files hold the token together with its flags
        token = token.get("content")
    number: int | None = tokenizer.token_to_id(token) if token else None
    if number is None:
        lacking = f"{token!r}, which is not in its vocabulary" if token else "none"
        raise InputError(f"data/backbones: expected a tokenizer with a {name}, found {lacking}")
    return number
