"""A backbone's own tokenizer, reduced to what templates need: pieces and special tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from pipeline.artifacts import read_json
from pipeline.errors import InputError


@dataclass(frozen=True)
class Frame:
    """The special tokens around one text and around a pair of texts."""

    start: tuple[int, ...]
    between: tuple[int, ...]
    end: tuple[int, ...]


class Pieces:
    """Text -> pieces of a tokenizer, with the special tokens that it puts around texts."""

    def __init__(self, tokenizer: Tokenizer, *, mask: str | None, pad: str | None) -> None:
        self.mask = _id(tokenizer, mask, "mask_token")
        self.pad = _id(tokenizer, pad, "pad_token")
        # Templates cut and pad, whatever the file says.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of each text on its own, without special tokens."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [one.ids for one in encoded]

    def word(self, text: str) -> tuple[int, ...]:
        """Return the pieces of one literal of a template."""
        return tuple(self.of([text])[0])

    def glued(self, text: str) -> tuple[int, ...]:
        """Return the pieces of a literal that follows a word without a space."""
        word, whole = self.word("a"), self.word(f"a{text}")
        return whole[len(word) :] if whole[: len(word)] == word else self.word(text)

    @cached_property
    def frame(self) -> Frame:
        """The special tokens that this tokenizer puts before, between and after texts."""
        encoded = self._tokenizer.encode("a", "b")
        ids, special = encoded.ids, encoded.special_tokens_mask
        text = [at for at, flag in enumerate(special) if not flag]
        middle = next(at for at in range(text[0], text[-1]) if special[at])
        after = next(at for at in range(middle, len(ids)) if not special[at])
        return Frame(
            start=tuple(ids[: text[0]]),
            between=tuple(ids[middle:after]),
            end=tuple(ids[text[-1] + 1 :]),
        )


def load_pieces(folder: Path) -> Pieces:
    """Load the tokenizer that lies beside a backbone's weights.

    tokenizer.json holds all of it but for which token is the mask and which the padding:
    tokenizer_config.json names these.

    Raises:
        InputError: there is none, or it lacks a mask or padding token.
    """
    path = folder / "tokenizer.json"
    if not (folder / "tokenizer_config.json").is_file() or not path.is_file():
        raise InputError(f"{folder}: expected a tokenizer (stage backbone), found none")
    config = read_json(folder / "tokenizer_config.json")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        # The library raises no other kind.
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: expected a tokenizer, found {reason}") from None
    return Pieces(tokenizer, mask=_token(config, "mask_token"), pad=_token(config, "pad_token"))


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
