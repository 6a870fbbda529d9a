"""Workers that ask a server for sentences until none is missing or the server is down."""

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_attempt

from pipeline.errors import InputError, RunError
from pipeline.params.text import Translation
from pipeline.progress import Progress
from pipeline.translation.checks import ERROR_PAGE, NOTHING, is_error_page, is_quota, normalized
from pipeline.translation.journal import Journal, Refusal, counting
from pipeline.translation.outage import Outage
from pipeline.translation.sentences import Check, RefusedError, Sentence
from pipeline.translation.web import (
    TOO_MANY,
    RateLimit,
    ServerFailureError,
    StoppedError,
    Web,
    holds_secret,
)

ECHO = "a key of the request in the answer"

Translate = Callable[[str], str | None]
Connect = Callable[[str, Web], Translate]
"""Makes a translator into a language, which sends its requests through a Web."""


class Workers:
    """Threads that ask for a sentence, check the answer, and write it to the journal.

    Each has its own translators, one per language: an instance that threads share returns the
    texts of other threads. `generator` draws the jitter of waits.
    """

    def __init__(
        self, connect: Connect, journal: Journal, *, check: Check, settings: Translation,
        generator: random.Random,
    ) -> None:  # fmt: skip
        self._connect, self._journal = connect, journal
        self._check, self._settings = check, settings
        self._stop = threading.Event()
        limit = RateLimit(settings.requests_per_second, self._stop)
        self.web = Web(limit, settings.timeout)
        self._outage = Outage(settings, limit, generator)
        # Afterwards the sentence goes to the end of the queue.
        self._tries = Retrying(
            retry=retry_if_exception_type(ServerFailureError),
            stop=lambda state: self._stop.is_set() or stop_after_attempt(5)(state),
            wait=self._outage.wait,
            sleep=sleep_using_event(self._stop),
            reraise=True,
        )
        self._queue: deque[Sentence] = deque()
        self._refusals: dict[tuple[str, str], int] = {}
        self._settled = 0

    def run(self, missing: Sequence[Sentence], progress: Progress) -> str | None:
        """Ask for distinct sentences; return None when all are settled, or why the run stopped."""
        refused = self._journal.refused()
        self._refusals = {
            sentence.key: len(counting(refused.get(sentence.key, ()), sentence, self._check))
            for sentence in missing
        }
        self._queue.extend(missing)
        # If a thread raises, all of them stop and the first error is raised here.
        with ThreadPoolExecutor(self._settings.workers) as threads:
            running = {threads.submit(self._work) for _ in range(self._settings.workers)}
            try:
                while running:
                    ended, running = wait(running, timeout=0.1)
                    progress("translating", self._settled, len(missing))
                    for thread in ended:
                        thread.result()
            finally:
                self._stop.set()
        if not self._outage.is_too_long:
            return None
        self._journal.forgive(self._outage.began)
        return self._outage.verdict()

    def _work(self) -> None:
        translators: dict[str, Translate] = {}
        while not self._stop.is_set():
            try:
                sentence = self._queue.popleft()
            except IndexError:
                return  # a worker that puts a sentence back also takes it again
            if sentence.language not in translators:
                translators[sentence.language] = self._connect(sentence.language, self.web)
            try:
                self._settle(sentence, translators[sentence.language])
            except StoppedError:
                return
            if self._outage.is_too_long:
                self._stop.set()

    def _settle(self, sentence: Sentence, translate: Translate) -> None:
        """Ask for a sentence; accept the answer, queue the sentence again, or quarantine it."""
        try:
            answer = self._tries(self._ask, sentence, translate)
            if reason := self._check(sentence, answer):
                raise RefusedError(reason, answer)
        except RefusedError as refused:
            self._outage.refused(sentence.key, refused.reason)
            refusal = Refusal(refused.reason, refused.answer, counts=True)
        except ServerFailureError as failed:
            if self._stop.is_set():
                return
            refusal = Refusal(f"no answer: {failed.kind}", None, counts=True)
        else:
            self._journal.accept(sentence, answer)
            self._outage.end()
            self._settled += 1
            return
        self._journal.refuse(sentence, refusal)
        self._refusals[sentence.key] += 1
        if self._refusals[sentence.key] < self._settings.attempts:
            self._queue.append(sentence)
        else:
            self._settled += 1

    def _ask(self, sentence: Sentence, translate: Translate) -> str:
        """Send one request; raise ServerFailureError if no answer comes, or an error page."""
        try:
            answer = translate(sentence.text)
        except (StoppedError, RefusedError, InputError, RunError):
            raise
        except Exception as error:
            if found := self.web.lasting(error):
                raise InputError(
                    f"paws15.engine: expected requests that can leave, found {found}"
                ) from None
            kind = self.web.kind_of(error)
        else:
            if not answer:
                raise RefusedError(NOTHING, answer)
            if holds_secret(answer):
                raise RefusedError(ECHO, None)  # nothing of it is kept
            if not is_error_page(answer):
                return normalized(answer)
            kind = TOO_MANY if is_quota(answer) else ERROR_PAGE
        self._journal.refuse(sentence, Refusal(kind, None, counts=False))
        self._outage.failed(kind, asked=self.web.left)
        if self._outage.is_too_long:
            self._stop.set()
        raise ServerFailureError(kind, retry_after=self.web.page.retry_after)
