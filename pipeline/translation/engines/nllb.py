"""A sequence-to-sequence model of the Hub or a folder, such as NLLB-200, on this machine.

Its translations depend only on the model, the settings, `transformers` and the machine.
"""

import hashlib
from collections.abc import Collection, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError
from pipeline.files import sha256
from pipeline.hub.files import fetch, fetch_model
from pipeline.hub.names import MODEL_KEY, TRANSLATOR, model_files, translation_model
from pipeline.params.text import Source, Translation
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.checks import ENDLESS, normalized
from pipeline.translation.journal import Refusal
from pipeline.translation.remembered import JournalEngine
from pipeline.translation.sentences import Check, Sentence

if TYPE_CHECKING:
    # It imports torch and transformers, which no other engine needs.
    from pipeline.translation.seq2seq import Tokens

LONGEST = 1000
"""Characters in a sentence, at most: not more tokens than any such model has positions."""


class ModelEngine(JournalEngine):
    """Has a model translate sentences, in batches of one language.

    A sentence is refused at once, because the model would give the same answer again.
    """

    def __init__(self, params: Params) -> None:
        self._settings = params.paws15.translation
        self._model = translation_model(params.paws15)
        self._place = f"params.yaml: {MODEL_KEY}: {self._model.path}"
        super().__init__(
            "nllb", params, version=_version(self._model, self._settings), longest=LONGEST,
            attempts=1,
        )  # fmt: skip

    @cached_property
    def _tokens(self) -> "Tokens":
        from pipeline.translation.seq2seq import Tokens

        folder = fetch(self._model, TRANSLATOR, kind="model", key=MODEL_KEY)
        return Tokens(folder, place=self._place)

    def _languages(self) -> Collection[str]:
        if self._source not in self._tokens.languages:
            raise InputError(
                f"{self._place}: expected a model that knows the source language "
                f"{self._source}, found only {', '.join(self._tokens.languages)}"
            )
        return [code for code in self._tokens.languages if code != self._source]

    def ask(self, sentences: Sequence[Sentence], check: Check, progress: Progress) -> str | None:
        """Translate sentences, once per text and language; see Engine.ask.

        The journal keeps each batch as a whole. Who begins again after some batches makes the
        same ones, so the texts are the same as without an interruption.
        """
        from pipeline.translation.seq2seq import Seq2Seq

        with self._missing(sentences, check, progress) as missing:
            folder = fetch_model(self._model, TRANSLATOR, key=MODEL_KEY)
            model = Seq2Seq(folder, self._tokens, self._settings, place=self._place)
            done = len(sentences) - len(missing)
            for language in sorted({sentence.language for sentence in missing}):
                ours = [sentence for sentence in missing if sentence.language == language]
                texts = [sentence.text for sentence in ours]
                ids = self._tokens.ids(texts, source=self._source, target=language)
                for numbers in model.batches(ids):
                    found = model.translate([ids[number] for number in numbers], target=language)
                    batch = [ours[number] for number in numbers]
                    self._journal.settle(
                        (sentence, _settled(sentence, normalized(text), check, ended=ended))
                        for sentence, (text, ended) in zip(batch, found, strict=True)
                    )
                    done += len(batch)
                    progress("translating", done, len(sentences))
        return None


def _settled(sentence: Sentence, text: str, check: Check, *, ended: bool) -> str | Refusal:
    reason = check(sentence, text) if ended else ENDLESS
    return Refusal(reason, text, counts=True) if reason else text


def _version(model: Source, settings: Translation) -> str:
    """Return what the translations depend on besides the text and the machine."""
    search = "greedy" if settings.beams == 1 else f"{settings.beams} beams"
    parts = f"transformers {version('transformers')}", search, settings.precision
    if not model.is_folder:
        return ", ".join([f"{model.path}@{model.revision}", *parts])
    folder = Path(model.path).resolve()
    return ", ".join([f"{folder.name}, SHA-256 {_sha256(folder, model)}", *parts])


def _sha256(folder: Path, model: Source) -> str:
    """Return a hash of the names and contents of the files that are read of a model."""
    patterns, whole = model_files(model, TRANSLATOR), hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        whole.update(f"{path.name} {sha256(path)} ".encode())
    return whole.hexdigest()


def build(params: Params) -> ModelEngine:
    """Return the engine, or raise InputError without a model that can be pinned."""
    return ModelEngine(params)
