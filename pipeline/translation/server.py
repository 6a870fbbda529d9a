"""The engine for translation servers: it remembers every answer in the journal."""

import random
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version

import pandas as pd

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.checks import has_letters, normalized
from pipeline.translation.engines import Engine
from pipeline.translation.journal import Journal
from pipeline.translation.place import journal_path
from pipeline.translation.sentences import SIDES, Answer, Check, Sentence
from pipeline.translation.web import Web, routed_through
from pipeline.translation.workers import Translate, Workers, counting


class ServerEngine(Engine):
    """Has a server translate sentences.

    Args:
        name: of the engine, and of the module of deep-translator that talks to the server.
        params: the settings.
        connect: makes a translator, from the source and target languages by the engine's own
            codes and the Web that its requests go through.
        longest: characters in a sentence, at most.
    """

    def __init__(
        self, name: str, params: Params, *, connect: Callable[[str, str, Web], Translate],
        longest: int,
    ) -> None:  # fmt: skip
        self._name, self._source = name, params.languages.source
        self._connect, self._longest = connect, longest
        self._settings = params.paws15.translation
        url = self._settings.url
        self.version = f"deep-translator {version('deep-translator')}" + (f", {url}" if url else "")
        self._journal = Journal(
            journal_path(), engine=name, version=self.version, source=self._source
        )

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the pairs whose sentences have letters and are short enough."""
        known = [code for code, row in LANGUAGES.items() if self._name in row.codes]
        for code in languages:
            if code not in known:
                raise InputError(
                    f"params.yaml: paws15.languages: expected languages that engine "
                    f"{self._name} knows ({', '.join(known)}), found {code!r}"
                )
        for side in SIDES:
            fits = pool[side].str.len() < self._longest
            pool = pool[fits & pool[side].map(has_letters)]
        return pool

    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Look sentences up in the journal; see Engine.known.

        Every text is checked again, because the length bounds in params.yaml may have changed:
        an accepted text may be refused now, and a refused one that passes is asked for again.
        """
        accepted, refused = self._journal.accepted(), self._journal.refused()
        answers = {}
        for sentence in sentences:
            if sentence.key in accepted:
                text, at = accepted[sentence.key]
                text = normalized(text)  # an earlier version kept it as it came
                answers[sentence] = Answer(text, check(sentence, text), at)
                continue
            against = counting(refused.get(sentence.key, ()), sentence, check)
            if len(against) >= self._settings.attempts:
                answers[sentence] = Answer(against[-1].answer, against[-1].reason)
        return answers

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
        with self._journal.locked(progress), routed_through(workers.web, module):
            # Another process may have answered some of them before the lock was free.
            known = self.known(sentences, check)
            missing = {item.key: item for item in sentences if item not in known}
            return workers.run(list(missing.values()), told)

    def refusals(self, sentences: Sequence[Sentence]) -> dict[str, int]:
        """Return how often answers to these sentences were refused, by reason."""
        return self._journal.reasons(sentences)
