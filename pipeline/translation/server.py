"""The engine that asks a server, whichever it is: sentences through a journal."""

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

import pandas as pd

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.checks import has_letters
from pipeline.translation.files import JOURNAL
from pipeline.translation.journal import Journal
from pipeline.translation.sentences import Answer, Check, Sentence, once
from pipeline.translation.web import beneath
from pipeline.translation.workers import Connect, Workers, standing


@dataclass(frozen=True)
class Server:
    """What an engine's file says of its server.

    Attributes:
        name: the engine's.
        module: deep-translator's module that speaks with it.
        connect: makes a translator into a language.
        longest: characters of a sentence, at most.
    """

    name: str
    module: str
    connect: Connect
    longest: int


class ServerEngine:
    """Has sentences translated by a server, and remembers each of them; see Engine."""

    def __init__(self, server: Server, params: Params) -> None:
        self._server, self._source = server, params.languages.source
        self._settings = params.paws15.translation
        url = self._settings.url
        self.version = f"deep-translator {version('deep-translator')}" + (f", {url}" if url else "")
        self._journal = Journal(
            JOURNAL, engine=server.name, version=self.version, source=self._source
        )

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the pairs with letters in both sentences, and not too many; see Engine.usable."""
        for code in languages:
            if self._server.name not in LANGUAGES[code].codes:
                known = [one for one, row in LANGUAGES.items() if self._server.name in row.codes]
                raise InputError(
                    f"params.yaml: paws15.languages: expected languages that engine "
                    f"{self._server.name} knows ({', '.join(known)}), found {code!r}"
                )
        for side in ("premise", "hypothesis"):
            fits = pool[side].str.len() < self._server.longest
            pool = pool[fits & pool[side].map(has_letters)]
        return pool

    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Look sentences up in the journal; see Engine.known.

        Every text is checked once more, since the bounds in params.yaml may have changed: an
        accepted one may be refused now, and a refused one that passes now is asked for again.
        """
        accepted, refused = self._journal.accepted(), self._journal.refused()
        found = {}
        for sentence in sentences:
            if sentence.key in accepted:
                text, at = accepted[sentence.key]
                found[sentence] = Answer(text, check(sentence, text), at)
                continue
            against = standing(refused.get(sentence.key, ()), sentence, check)
            if len(against) >= self._settings.attempts:
                found[sentence] = Answer(against[-1].answer, against[-1].reason)
        return found

    def ask(self, sentences: Sequence[Sentence], check: Check, progress: Progress) -> str | None:
        """Ask the server for sentences; see Engine.ask."""
        workers = Workers(
            self._server.connect,
            self._journal,
            check=check,
            settings=self._settings,
            generator=random.Random(),
        )
        with ExitStack() as working:
            working.enter_context(self._journal.at_work())
            # Another process may have answered them while this one was reading.
            known = self.known(sentences, check)
            missing = once(one for one in sentences if one not in known)
            module = import_module(self._server.module)
            working.enter_context(beneath(module, workers.web))
            return workers.run(missing, progress)

    def refusals(self, sentences: Sequence[Sentence]) -> dict[str, int]:
        """Return how often an answer was refused, by reason; see Engine.refusals."""
        return self._journal.reasons(sentences)
