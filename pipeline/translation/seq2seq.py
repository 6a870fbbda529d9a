"""A sequence-to-sequence model of `transformers` that translates batches of sentences.

Families of models are told the languages in different ways. The tokens of a model show which:

- NLLB-200: the source language's token (`eng_Latn`) comes with each sentence, and the answer begins
  with the target language's;
- M2M-100: the same, with `__en__`;
- MADLAD: each sentence begins with the target language's token (`<2de>`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

from pipeline.errors import InputError, RunError
from pipeline.files import refusing
from pipeline.languages import LANGUAGES, Language
from pipeline.params.text import Translation

Batch = list[int]
"""Numbers of sentences that are translated together."""


@dataclass(frozen=True)
class Family:
    """How a family of models is told the languages.

    Attributes:
        token: the token of a language.
        source: what its tokenizer calls a source language; None if the sentence does not name it.
    """

    token: Callable[[Language], str]
    source: Callable[[Language], str] | None


def _flores(row: Language) -> str:
    return row.codes.get("nllb", "")


FAMILIES = (
    Family(_flores, _flores),
    Family(lambda row: f"__{row.code}__", lambda row: row.code),
    Family(lambda row: f"<2{row.code}>", None),
)


class Tokens:
    """The tokenizer of a model, and how it names languages.

    `languages` are the codes of the languages that the model knows. `place` is named in errors.

    Raises:
        InputError: there is no tokenizer that can be read, or it has no token of any language.
    """

    def __init__(self, folder: Path, *, place: str) -> None:
        self._place = place
        with reading(place):
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        known = {
            family: [code for code, row in LANGUAGES.items() if self._id(family.token(row))]
            for family in FAMILIES
        }
        self._family, self.languages = max(known.items(), key=lambda item: len(item[1]))
        if not self.languages:
            raise InputError(
                f"{place}: expected a model with tokens of languages, as those of NLLB-200 "
                f"(deu_Latn), M2M-100 (__de__) or MADLAD (<2de>), found none"
            )

    def _id(self, token: str) -> int | None:
        """Return the id of a token, or None if the tokenizer lacks it."""
        found = self.tokenizer.convert_tokens_to_ids(token) if token else None
        return None if found == self.tokenizer.unk_token_id else found

    def ids(self, texts: Sequence[str], *, source: str, target: str) -> list[list[int]]:
        """Return the token ids of sentences that are to be translated, without padding."""
        family, row = self._family, LANGUAGES[target]
        if family.source:
            self.tokenizer.src_lang = family.source(LANGUAGES[source])
        else:
            texts = [f"{family.token(row)} {text}" for text in texts]
        found: list[list[int]] = self.tokenizer(list(texts))["input_ids"]
        if not family.source and any(self._id(family.token(row)) not in ids[:2] for ids in found):
            raise InputError(
                f"{self._place}: expected a tokenizer that keeps {family.token(row)} whole, found "
                f"one that splits it"
            )
        return found

    def first(self, target: str) -> int | None:
        """Return the id with which the answer begins, or None if the model chooses it."""
        return self._id(self._family.token(LANGUAGES[target])) if self._family.source else None


class Seq2Seq:
    """A model that translates.

    Raises:
        InputError: the folder has no such model, or weights that do not fit it.
    """

    def __init__(self, folder: Path, tokens: Tokens, settings: Translation, *, place: str) -> None:
        self._tokens, self._settings = tokens, settings
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        with reading(place):
            model, report = AutoModelForSeq2SeqLM.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False,
                dtype=getattr(torch, settings.precision), ignore_mismatched_sizes=True,
                output_loading_info=True,
            )  # fmt: skip
        # transformers fills both with random numbers, and only warns about it.
        unfit = sorted(report["missing_keys"])
        unfit += sorted(name for name, *_ in report["mismatched_keys"])
        if unfit:
            raise InputError(
                f"{place}: expected weights of {type(model).__name__} that fit config.json, "
                f"found none for {unfit[0]}"
            )
        self.model: Any = model.eval().to(self._device)

    def batches(self, ids: Sequence[Sequence[int]]) -> Iterator[Batch]:
        """Group sentences, the longest first, so that batch_tokens bounds the memory of each.

        A batch does not depend on those before it: who begins again after some of them makes the
        same ones. A sentence longer than the bound is a batch of its own.
        """
        order = sorted(range(len(ids)), key=lambda number: (-len(ids[number]), ids[number]))
        while order:
            longest = len(ids[order[0]]) * self._settings.beams
            rows = max(1, self._settings.batch_tokens // longest)
            yield order[:rows]
            order = order[rows:]

    @torch.inference_mode()
    def translate(self, ids: Sequence[Sequence[int]], *, target: str) -> list[tuple[str, bool]]:
        """Translate a batch of sentences; return each text, and whether it came to an end.

        A text ends after twice its source's tokens at the latest, and 32 more. No number is drawn.

        Raises:
            RunError: the memory does not suffice.
        """
        tokenizer, longest = self._tokens.tokenizer, max(map(len, ids))
        first = self._tokens.first(target)
        batch = tokenizer.pad({"input_ids": [*map(list, ids)]}, return_tensors="pt")
        generation = GenerationConfig.from_dict(
            self.model.generation_config.to_dict()
            | {
                "do_sample": False, "num_beams": self._settings.beams, "num_return_sequences": 1,
                "max_length": None, "max_new_tokens": 2 * longest + 32,
                "forced_bos_token_id": first, "forced_eos_token_id": None,
                "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
            }
        )  # fmt: skip
        try:
            found = self.model.generate(
                **batch.to(self._device), generation_config=generation
            )  # [B, T]
        except torch.OutOfMemoryError:
            raise RunError(
                f"{len(ids)} sentences of up to {longest} tokens do not fit into the GPU's memory; "
                f"lower paws15.translation.batch_tokens ({self._settings.batch_tokens})"
            ) from None
        # Before the text are the decoder's first token, for some the one that ends, and `first`.
        found = found[:, 1 if first is None else 2 :]
        ended = (found == tokenizer.eos_token_id).any(dim=1).tolist()
        texts = tokenizer.batch_decode(found, skip_special_tokens=True)
        return list(zip(texts, ended, strict=True))


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Load with transformers without its messages; its errors become one line."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with refusing(place, expected="a sequence-to-sequence model with a tokenizer"):
        yield
