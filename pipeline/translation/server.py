"""The engine for translation servers: it remembers every answer in the journal."""

import random
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from importlib.metadata import version

from pipeline.languages import LANGUAGES
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.remembered import JournalEngine
from pipeline.translation.sentences import Check, Sentence
from pipeline.translation.web import Web, routed_through
from pipeline.translation.workers import Translate, Workers


class ServerEngine(JournalEngine):
    """Has a server translate sentences.

    Args:
        name: of the engine, and of the module of deep-translator that talks to the server.
        params: the settings.
        connect: makes a translator, from the source and target languages by the engine's own
            codes and the Web that its requests go through.
        longest: characters in a sentence, at most.
    """

    asks_again = True

    def __init__(
        self, name: str, params: Params, *, connect: Callable[[str, str, Web], Translate],
        longest: int,
    ) -> None:  # fmt: skip
        self._connect, self._settings = connect, params.paws15.translation
        url = self._settings.url
        super().__init__(
            name,
            params,
            version=f"deep-translator {version('deep-translator')}" + (f", {url}" if url else ""),
            longest=longest,
            attempts=self._settings.attempts,
        )

    def _languages(self) -> Collection[str]:
        return [code for code, row in LANGUAGES.items() if self._name in row.codes]

    def ask(self, sentences: Sequence[Sentence], check: Check, progress: Progress) -> str | None:
        """Ask the server for sentences, once per text and language; see Engine.ask."""

        def connect(language: str, web: Web) -> Translate:
            source, target = (LANGUAGES[c].codes[self._name] for c in (self._source, language))
            return self._connect(source, target, web)

        def told(step: str, done: int, total: int, note: str = "") -> None:
            progress(step, len(sentences) - total + done, len(sentences), note)

        workers = Workers(
            connect, self._journal, check=check, settings=self._settings, generator=random.Random()
        )
        module = import_module(f"deep_translator.{self._name}")
        with (
            self._missing(sentences, check, progress) as missing,
            routed_through(workers.web, module),
        ):
            return workers.run(missing, told)
