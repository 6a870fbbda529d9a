"""What engines share that keep their answers in the journal."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import pandas as pd

from pipeline.errors import InputError
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.checks import has_letters, normalized
from pipeline.translation.engines import Engine
from pipeline.translation.journal import Journal, counting
from pipeline.translation.place import journal_path
from pipeline.translation.sentences import SIDES, Answer, Check, Sentence


class JournalEngine(Engine):
    """Looks sentences up in the journal; a subclass gets the missing answers.

    Args:
        name: of the engine.
        params: the settings.
        version: see Engine.
        longest: characters in a sentence, at most.
        attempts: refusals before a sentence is quarantined.
    """

    def __init__(
        self, name: str, params: Params, *, version: str, longest: int, attempts: int
    ) -> None:
        self.version = version
        self._name, self._source = name, params.languages.source
        self._longest, self._attempts = longest, attempts
        self._journal = Journal(journal_path(), engine=name, version=version, source=self._source)

    @abstractmethod
    def _languages(self) -> Collection[str]:
        """Return the codes of the languages that the engine knows."""

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the pairs whose sentences have letters and are short enough."""
        known = self._languages()
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
            if len(against) >= self._attempts:
                answers[sentence] = Answer(against[-1].answer, against[-1].reason)
        return answers

    @contextmanager
    def _missing(
        self, sentences: Sequence[Sentence], check: Check, progress: Progress
    ) -> Iterator[list[Sentence]]:
        """Lock the journal, and give one sentence for each text and language without an answer."""
        with self._journal.locked(progress):
            # Another process may have answered some of them before the lock was free.
            known = self.known(sentences, check)
            yield list({item.key: item for item in sentences if item not in known}.values())

    def refusals(self, sentences: Sequence[Sentence]) -> dict[str, int]:
        """Return how often answers to these sentences were refused, by reason."""
        return self._journal.reasons(sentences)
