"""How long a failing server is left alone, and how fast a healthy one is asked."""

import random
import threading
import time

import pytest
from tenacity import Future, RetryCallState, Retrying

from pipeline.params.text import Translation
from pipeline.translation.journal import now
from pipeline.translation.outage import Outage
from pipeline.translation.web import RateLimit, ServerFailureError, StoppedError

SETTINGS = Translation(give_up_after=3, wait=1.0, wait_too_many=60.0)


@pytest.fixture
def outage():
    return Outage(SETTINGS, RateLimit(1000, threading.Event()), random.Random(1))


def state(kind, attempt, retry_after=0.0):
    made = RetryCallState(Retrying(), None, (), {})
    made.attempt_number = attempt
    made.outcome = Future.construct(
        attempt, ServerFailureError(kind, retry_after=retry_after), has_exception=True
    )
    return made


@pytest.mark.parametrize(("kind", "first"), [("timed out", 1), ("too many requests", 60)])
@pytest.mark.parametrize("attempt", [1, 2, 3, 6, 20])
def test_waits_double_with_jitter_and_are_long_for_too_many_requests(kind, first, attempt, outage):
    waits = {outage.wait(state(kind, attempt)) for _ in range(50)}
    middle = first * 2 ** min(attempt - 1, 5)
    assert len(waits) > 40
    assert all(0.5 * middle <= wait <= min(1.5 * middle, 3600) for wait in waits)


def test_a_server_may_ask_for_a_wait_of_up_to_an_hour(outage):
    assert outage.wait(state("server error", 1, retry_after=33)) == 33
    assert outage.wait(state("server error", 1, retry_after=10**9)) == 3600


def test_failures_of_other_workers_lengthen_the_wait(outage):
    for _ in range(3):
        outage.failed("timed out", asked=time.monotonic())
    assert outage.wait(state("timed out", 1)) >= 2.0


def test_requests_that_were_under_way_together_count_once(outage):
    asked = time.monotonic()
    for _ in range(8):
        outage.failed("no connection", asked=asked)
    assert not outage.is_too_long
    for _ in range(2):
        outage.failed("no connection", asked=time.monotonic())
    assert outage.is_too_long
    assert outage.verdict().startswith(
        "stopped, failures in a row: 3 (no connection); run it again in 15 minutes, after "
    )


def test_an_accepted_sentence_ends_the_row(outage):
    for number in range(2):
        outage.refused(("de", str(number)), "no text")
    before = now()
    assert outage.began < before
    outage.end()
    assert outage.began > before
    outage.refused(("de", "2"), "no text")
    assert not outage.is_too_long


def test_a_sentence_refused_again_and_again_is_no_outage(outage):
    for _ in range(10):
        outage.refused(("de", "1"), "wrong script")
    assert not outage.is_too_long


def test_the_first_request_waits_too_and_the_others_follow_evenly():
    began, limit = time.monotonic(), RateLimit(20, threading.Event())
    left = []
    for _ in range(4):
        limit.wait()
        left.append(time.monotonic() - began)
    assert all(at >= 0.05 * (number + 1) for number, at in enumerate(left))


def test_nothing_leaves_after_the_stop():
    stop = threading.Event()
    limit = RateLimit(1000, stop)
    limit.hold(3600)
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(StoppedError):
        limit.wait()
