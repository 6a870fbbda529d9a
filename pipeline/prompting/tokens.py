"""A backbone's own tokenizer, reduced to what templates need: pieces and special tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Frame:
    """The special tokens around one text and around a pair of texts."""

    start: tuple[int, ...]
    between: tuple[int, ...]
    end: tuple[int, ...]


class Pieces:
    """Text -> pieces of a tokenizer, with its special tokens found by asking it."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        for name in ("mask_token", "pad_token"):
            if getattr(tokenizer, name) is None:
                raise InputError(f"data/backbone: expected a tokenizer with a {name}, found none")
        self._tokenizer = tokenizer
        self.mask: int = tokenizer.mask_token_id
        self.pad: int = tokenizer.pad_token_id

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of each text on its own, without special tokens."""
        if not texts:
            return []
        encoded = self._tokenizer(list(texts), add_special_tokens=False, verbose=False)
        pieces: list[list[int]] = encoded["input_ids"]
        return pieces

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
        encoded = self._tokenizer("a", "b", return_special_tokens_mask=True)
        ids, special = encoded["input_ids"], encoded["special_tokens_mask"]
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

    Raises:
        InputError: there is none, or it lacks a mask or padding token.
    """
    from transformers import AutoTokenizer

    if not (folder / "tokenizer_config.json").is_file():
        raise InputError(f"{folder}: expected a tokenizer (stage backbone), found none")
    return Pieces(AutoTokenizer.from_pretrained(folder, local_files_only=True))
