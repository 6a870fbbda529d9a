"""A backbone's own tokenizer, reduced to what templates need: pieces and special tokens.

The text of the test is the same in every cell: `mpt tokens` tokenizes it once, and cells look
it up.
"""

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from tokenizers import Tokenizer

from pipeline.artifacts import read_arrow, read_json, read_notes
from pipeline.backbone.files import TOKENIZED
from pipeline.backbone.ids import Ids, ids_of
from pipeline.errors import InputError
from pipeline.progress import Progress, silent

AT_A_TIME = 4_096
"""Texts that are tokenized between two words of progress."""


@dataclass(frozen=True)
class Frame:
    """The special tokens around one text and around a pair of texts."""

    start: Ids
    between: Ids
    end: Ids


@dataclass(frozen=True)
class KnownTexts:
    """Texts whose pieces are known.

    Attributes:
        places: the number of each text.
        bounds: where the ids of text n begin (at n) and end (at n + 1).
        ids: the ids of all texts, one after another.
    """

    places: dict[str, int] = field(default_factory=dict)
    bounds: Sequence[int] = ()
    ids: Ids = field(default_factory=lambda: ids_of(()))

    def at(self, place: int) -> Ids:
        """Return the ids of the text of this number."""
        return self.ids[self.bounds[place] : self.bounds[place + 1]]


class Pieces:
    """Text -> pieces of a tokenizer, with the special tokens that it puts around texts."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        mask: str | None,
        pad: str | None,
        known: KnownTexts | None = None,
    ) -> None:
        self.mask = _id(tokenizer, mask, "mask_token")
        self.pad = _id(tokenizer, pad, "pad_token")
        # Templates cut and pad, whatever the file says.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._known = known or KnownTexts()

    def of(self, texts: Sequence[str]) -> list[Ids]:
        """Return the pieces of each text on its own, without special tokens.

        What is known is looked up, and the rest tokenized.
        """
        known = self._known
        places = [known.places.get(text, -1) for text in texts]
        rest = [text for text, place in zip(texts, places, strict=True) if place < 0]
        encoded = iter(self._tokenizer.encode_batch_fast(rest, add_special_tokens=False))
        return [ids_of(next(encoded).ids) if place < 0 else known.at(place) for place in places]

    def word(self, text: str) -> Ids:
        """Return the pieces of one literal of a template."""
        return self.of([text])[0]

    def glued(self, text: str) -> Ids:
        """Return the pieces of a literal that follows a word without a space."""
        word, whole = self.word("a"), self.word(f"a{text}")
        return whole[len(word) :] if whole[: len(word)] == word else self.word(text)

    @cached_property
    def frame(self) -> Frame:
        """The special tokens that this tokenizer puts before, between and after texts."""
        encoded = self._tokenizer.encode("a", "b")
        ids, special = ids_of(encoded.ids), encoded.special_tokens_mask
        text = [at for at, flag in enumerate(special) if not flag]
        middle = next(at for at in range(text[0], text[-1]) if special[at])
        after = next(at for at in range(middle, len(ids)) if not special[at])
        return Frame(
            start=ids[: text[0]],
            between=ids[middle:after],
            end=ids[text[-1] + 1 :],
        )


def load_pieces(folder: Path, *, known: Path | None = None) -> Pieces:
    """Load the tokenizer that lies beside a backbone's weights.

    tokenizer.json holds all of it but for which token is the mask and which the padding:
    tokenizer_config.json names these.

    Args:
        folder: the backbone.
        known: texts that it need not tokenize, artifacts.TOKENIZED; none by default.

    A process that runs many cells reads the files once, and again when they have changed.

    Raises:
        InputError: there is none, it lacks a mask or padding token, or what is known was made
            by another.
    """
    files = [folder / "tokenizer.json", folder / "tokenizer_config.json"]
    if not all(file.is_file() for file in files):
        raise InputError(f"{folder}: expected a tokenizer (stage backbone), found none")
    if known and known.is_file():
        files.append(known)
    stamps = [(file.resolve(), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return _load_pieces(folder, known, tuple(stamps))


@lru_cache(maxsize=1)
def _load_pieces(folder: Path, known: Path | None, stamps: tuple[Hashable, ...]) -> Pieces:
    del stamps  # tell when what was read last is still good
    path = folder / "tokenizer.json"
    config = read_json(folder / "tokenizer_config.json")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        # The library raises no other kind.
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: expected a tokenizer, found {reason}") from None
    return Pieces(
        tokenizer,
        mask=_token(config, "mask_token"),
        pad=_token(config, "pad_token"),
        known=read_known(known, folder) if known else None,
    )


def tokenize(pieces: Pieces, texts: Sequence[str], *, progress: Progress = silent) -> pd.DataFrame:
    """Return texts with their ids, the columns of artifacts.TOKENIZED.

    Args:
        pieces: the tokenizer.
        texts: distinct ones.
        progress: told of every few thousand.
    """
    ids: list[Ids] = []
    for start in range(0, len(texts), AT_A_TIME):
        ids += pieces.of(texts[start : start + AT_A_TIME])
        progress("tokenizing", len(ids), len(texts))
    return pd.DataFrame({"text": texts, "ids": pd.Series(ids, dtype=object)})


def notes_of(folder: Path) -> dict[str, str]:
    """Return what tells the tokens of a backbone's tokenizer from another's: its SHA-256."""
    with (folder / "tokenizer.json").open("rb") as file:
        return {"tokenizer": hashlib.file_digest(file, "sha256").hexdigest()}


def read_known(path: Path, folder: Path) -> KnownTexts:
    """Read artifacts.TOKENIZED.

    Args:
        path: the file.
        folder: the backbone whose tokenizer is to have made it.

    Raises:
        InputError: another did, or the file is missing or has another form.
    """
    if read_notes(path) != notes_of(folder):
        raise InputError(
            f"{path}: expected tokens of {folder}/tokenizer.json, found those of another "
            f"tokenizer (stage tokens)"
        )
    table = read_arrow(path, TOKENIZED)
    texts, ids = table["text"].to_pylist(), table["ids"].combine_chunks()
    flat = ids_of(())
    flat.frombytes(ids.values.cast("int64").to_numpy().tobytes())
    return KnownTexts(
        places={text: place for place, text in enumerate(texts)},
        bounds=ids.offsets.to_pylist(),
        ids=flat,
    )


def _id(tokenizer: Tokenizer, token: str | None, name: str) -> int:
    found: int | None = tokenizer.token_to_id(token) if token else None
    if found is None:
        other = f"{token!r}, which is no piece" if token else "none"
        raise InputError(f"data/backbone: expected a tokenizer with a {name}, found {other}")
    return found


def _token(config: dict[str, Any], name: str) -> str | None:
    token = config.get(name)
    # Older files hold the token with its flags.
    return token.get("content") if isinstance(token, dict) else token
