"""Workers that ask a server for sentences until none is missing, or the server is ill."""

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_attempt

from pipeline.errors import InputError, RunError
from pipeline.params.text import Translation
from pipeline.progress import Progress
from pipeline.translation.checks import LENGTH, NOTHING, is_error_page, is_quota
from pipeline.translation.failures import TOO_MANY, RefusedError, ServerFailureError, failure
from pipeline.translation.journal import Journal, Refusal
from pipeline.translation.outage import Outage
from pipeline.translation.pace import Pace, StoppedError
from pipeline.translation.sentences import Check, Sentence
from pipeline.translation.web import Web

Translate = Callable[[str], str | None]
Connect = Callable[[str, Web], Translate]
"""Makes a translator into a language that sends its requests through a Web."""

TRIES = 5
"""Requests for a sentence that the server fails at, before another sentence has its turn."""


def standing(refusals: Sequence[Refusal], sentence: Sentence, check: Check) -> list[Refusal]:
    """Return the refusals that count towards a sentence's quarantine.

    The bounds of lengths are parameters: a text that was too long and passes now does not count.
    """
    return [
        one
        for one in refusals
        if one.counts
        and not (one.reason == LENGTH and one.answer and check(sentence, one.answer) is None)
    ]


class Workers:
    """Ask, check, write down, ask for the next: `settings.workers` threads do it at once.

    Each worker has translators of its own, one a language: an instance that threads share
    returns the texts of other threads.

    Args:
        connect: makes a translator.
        journal: where answers are kept.
        check: refuses translations.
        settings: pace and patience.
        generator: of the jitter of waits.
    """

    def __init__(
        self,
        connect: Connect,
        journal: Journal,
        *,
        check: Check,
        settings: Translation,
        generator: random.Random,
    ) -> None:
        self._connect, self._journal, self._check = connect, journal, check
        self._settings = settings
        self._stop = threading.Event()
        pace = Pace(settings.requests_per_second, self._stop)
        self.web = Web(pace, settings.timeout)
        self._outage = Outage(settings, pace, generator)
        self._queue: deque[Sentence] = deque()
        self._refusals: dict[tuple[str, str], int] = {}
        self._settled = 0

    def run(self, missing: Sequence[Sentence], progress: Progress) -> str | None:
        """Ask for sentences; return None when each is settled, or why the run stopped.

        Args:
            missing: the sentences, none of them twice in a language.
            progress: told of every sentence that is accepted or quarantined.
        """
        refused = self._journal.refused()
        self._refusals = {
            one.key: len(standing(refused.get(one.key, ()), one, self._check)) for one in missing
        }
        self._queue.extend(missing)
        # A thread ends where it raises: all of them stop, and the first error is raised here.
        with ThreadPoolExecutor(self._settings.workers) as threads:
            running = {threads.submit(self._work) for _ in range(self._settings.workers)}
            try:
                while running:
                    done, running = wait(running, timeout=0.1)
                    progress("translating", self._settled, len(missing))
                    for one in done:
                        one.result()
            finally:
                self._stop.set()
        if not self._outage.is_too_long:
            return None
        self._journal.forgive(self._outage.refusals)
        return self._outage.verdict()

    def _work(self) -> None:
        translators: dict[str, Translate] = {}
        while not self._stop.is_set():
            try:
                sentence = self._queue.popleft()
            except IndexError:
                return  # whoever puts a sentence back asks for it
            if sentence.language not in translators:
                translators[sentence.language] = self._connect(sentence.language, self.web)
            try:
                self._settle(sentence, translators[sentence.language])
            except StoppedError:
                return
            if self._outage.is_too_long:
                self._stop.set()

    def _settle(self, sentence: Sentence, translate: Translate) -> None:
        """Have one sentence accepted, put back for later, or quarantined."""
        answer: str | None = None
        try:
            answer = self._answer(sentence, translate)
            reason = self._check(sentence, answer or "")
            if reason:
                raise RefusedError(reason, answer)
        except RefusedError as refused:
            answer, reason = refused.answer, refused.reason
            self._outage.refused(sentence.key, reason)
        except ServerFailureError as failed:
            if self._stop.is_set():
                return
            reason = f"no answer: {failed.kind}"
        if answer and not reason:
            self._journal.accept(sentence, answer)
            self._outage.end()
            self._settled += 1
        else:
            self._put_back(sentence, Refusal(reason or NOTHING, answer, counts=True))

    def _put_back(self, sentence: Sentence, refusal: Refusal) -> None:
        """Have a sentence asked for again when the others are done, unless it is quarantined."""
        self._outage.noted(self._journal.refuse(sentence, refusal))
        self._refusals[sentence.key] += 1
        if self._refusals[sentence.key] < self._settings.attempts:
            self._queue.append(sentence)
        else:
            self._settled += 1

    def _answer(self, sentence: Sentence, translate: Translate) -> str | None:
        """Return what the server says, once it does not fail."""
        tries = Retrying(
            retry=retry_if_exception_type(ServerFailureError),
            stop=lambda state: self._stop.is_set() or stop_after_attempt(TRIES)(state),
            wait=self._outage.wait,
            sleep=sleep_using_event(self._stop),
            reraise=True,
        )
        return tries(self._ask, sentence, translate)

    def _ask(self, sentence: Sentence, translate: Translate) -> str | None:
        """Send one request.

        Raises:
            ServerFailureError: no answer came, or a server's complaint in place of one.
        """
        try:
            answer = translate(sentence.text)
            if answer and is_error_page(answer):
                kind = TOO_MANY if is_quota(answer) else "error page"
                raise ServerFailureError(kind, retry_after=self.web.page.retry_after)
        except (StoppedError, RefusedError, InputError, RunError):
            raise
        except Exception as error:
            failed = (
                error if isinstance(error, ServerFailureError) else failure(error, self.web.page)
            )
            self._journal.refuse(sentence, Refusal(failed.kind, None, counts=False))
            self._outage.failed(failed.kind, asked=self.web.left)
            if self._outage.is_too_long:
                self._stop.set()
            raise failed from None
        return answer
