"""Retrying as a whole: attempts as a server counts them, one layer, waits within their bounds, one total time."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import servers
from hypothesis import given, settings, strategies as st
from test_pending import Later
from vendor import Tiny, setup

from agentbridge import (
    Bridge,
    Connection,
    Fault,
    FaultKind,
    HttpResponse,
    InvocationError,
    Limits,
    Registry,
    RetryPolicy,
    Timeouts,
    errors,
)
from agentbridge.testing import MemoryTransport
from agentbridge.wire import NoAnswer

SECONDS = st.floats(0, 1e6, allow_nan=False)
FAST = RetryPolicy(attempts=3, first_delay=0)
UNSAFE = RetryPolicy(attempts=3, first_delay=0, retry_unsafe=True)

# what a server does, and how often it is asked: by default, and where what may have run is sent again
KINDS = {
    "400": (servers.answer("400 No"), 1, 1),
    "401": (servers.answer("401 No"), 1, 1),
    "402": (servers.answer("402 No"), 1, 1),
    "404": (servers.answer("404 No"), 1, 1),
    "408": (servers.answer("408 No"), 1, 3),
    "425": (servers.answer("425 No"), 1, 3),
    "429": (servers.answer("429 No"), 3, 3),
    "429 with a date in the past": (
        servers.answer("429 No", b"{}", "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"),
        3,
        3,
    ),
    "429 for too long": (servers.answer("429 No", b"{}", "Retry-After: 3600"), 1, 1),
    "429 with nonsense": (servers.answer("429 No", b"{}", "Retry-After: -1"), 3, 3),
    "500": (servers.answer("500 No"), 1, 1),
    "502": (servers.answer("502 No"), 1, 3),
    "503": (servers.answer("503 No"), 3, 3),
    "503, half of it": (servers.half_an_error, 3, 3),
    "504": (servers.answer("504 No"), 1, 3),
    "529": (servers.answer("529 No"), 1, 3),
    "redirect": (servers.answer("302 Found", b"", "Location: /elsewhere"), 1, 1),
    "no proof": (servers.answer("200 OK", b"{}"), 1, 1),
    "half an answer": (servers.half_a_body, 1, 3),
    "no answer": (servers.hang_up, 1, 3),
    "silence": (servers.silence, 1, 3),
    "silence in the answer": (servers.body_then_silence, 1, 3),
}


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@pytest.mark.parametrize("kind", KINDS)
def test_attempts_are_what_a_server_counts_for_every_failure(open_bridge, kind, unsafe):
    script, *asked = KINDS[kind]
    limits = Timeouts(answer=0.15, idle=0.15)
    with servers.serving(script) as server:
        bridge = open_bridge(**setup(server.url, retry=UNSAFE if unsafe else FAST, timeouts=limits))
        with pytest.raises(InvocationError) as caught:
            bridge.invoke("tiny:a-1", "hello")
    assert (len(server.requests), caught.value.attempts) == (asked[unsafe], asked[unsafe])


def test_a_connection_that_is_refused_is_one_attempt_of_one_layer(open_bridge):
    bridge = open_bridge(**setup("http://127.0.0.1:9", retry=FAST))
    with pytest.raises(errors.ConnectionFailedError) as caught:
        bridge.invoke("tiny:a-1", "hello")
    assert caught.value.attempts == 3


# what decides


CLASSES = [getattr(errors, name) for name in errors.__all__ if issubclass(getattr(errors, name), InvocationError)]


@pytest.mark.parametrize("retryable", [True, False])
@pytest.mark.parametrize("cls", CLASSES)
def test_whether_to_retry_is_data_of_each_error_and_no_fact_of_its_class(cls, retryable):
    error = cls("no", fault=Fault(FaultKind.UNKNOWN, "no", retryable=retryable))
    assert error.retryable is retryable


@pytest.mark.parametrize(("retryable", "asked"), [(True, 3), (False, 1)])
@pytest.mark.parametrize("kind", FaultKind)
def test_the_fault_decides_whatever_its_kind_would_imply(open_bridge, kind, retryable, asked):
    class Saying(Tiny):
        def read(self, response: HttpResponse) -> Any:
            return Fault(kind, "no", retryable=retryable, may_have_run=False)

    saying = Registry(())
    saying.register(Saying())
    transport = MemoryTransport([HttpResponse(200)])
    given = transport.asynchronous() if open_bridge(config={}).world == "async" else transport
    bridge = open_bridge(**{**setup("http://tiny.invalid"), "registry": saying, "transport": given})
    with pytest.raises(InvocationError) as caught:
        bridge.invoke("tiny:a-1", "hello")
    assert (len(transport.sent), caught.value.retryable, caught.value.attempts) == (asked, retryable, asked)


@given(st.integers(1, 60), st.floats(0, 1), SECONDS, SECONDS)
def test_the_wait_is_drawn_from_nothing_up_to_a_bound_that_doubles(attempt, luck, first, most):
    policy = RetryPolicy(attempts=1000, first_delay=first, max_delay=most)
    fault = Fault(FaultKind.UNAVAILABLE, "busy", retryable=True, may_have_run=False)
    bound = policy.delay(fault, attempt=attempt, idempotent=False, luck=1.0)
    drawn = policy.delay(fault, attempt=attempt, idempotent=False, luck=luck)
    assert bound is not None
    assert drawn == luck * bound
    assert bound == most or bound == first * 2.0 ** (attempt - 1)
    assert bound <= most


@given(SECONDS, st.floats(0, 1), SECONDS)
def test_what_the_vendor_asks_for_is_waited_for_whole_or_not_at_all(asked, luck, most):
    fault = Fault(FaultKind.RATE_LIMITED, "slow down", retryable=True, may_have_run=False, retry_after=asked)
    delay = RetryPolicy(max_delay=most).delay(fault, attempt=1, idempotent=False, luck=luck)
    assert delay == (asked if asked <= most else None)


def test_many_clients_that_failed_together_do_not_come_back_together():
    waits = set()
    for _ in range(20):
        transport = MemoryTransport([HttpResponse(503), HttpResponse(200, {}, b'{"text": "hi"}')])
        with Bridge(**setup("http://tiny.invalid", transport=transport)) as bridge:
            bridge.invoke("tiny:a-1", "hello")
        waits.update(transport.slept)
    assert len(waits) == 20
    assert all(0 <= wait <= 0.5 for wait in waits)


# one total time


ANSWERS = st.sampled_from(
    [
        HttpResponse(503), HttpResponse(429), HttpResponse(503, {"retry-after": "7"}), HttpResponse(429, {"retry-after": "4.5"}),
        HttpResponse(202, {}, b'{"run": "r-1"}'), HttpResponse(200, {}, b'{"text": "hi"}'), HttpResponse(502), NoAnswer("connect"),
    ]
)  # fmt: skip


@given(st.lists(ANSWERS, min_size=1, max_size=12), st.floats(0.5, 60), st.integers(1, 3), st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_no_call_takes_longer_than_its_total_time_whatever_it_waits_for(answers, total, calls, attempts):
    transport, later = MemoryTransport(answers), Registry(())
    later.register(Later())
    account = Connection("later", "http://later.invalid", limits=Limits(calls=calls, per=5.0, in_flight=1))
    policy = RetryPolicy(attempts=attempts, first_delay=3)
    options: dict[str, Any] = {"connections": {"later": account}, "registry": later, "transport": transport}
    with Bridge({}, retry=policy, timeouts=Timeouts(total=total), **options) as bridge:
        for _ in range(2):
            began = transport.now()
            with contextlib.suppress(InvocationError):
                bridge.invoke("later:a", "hello", session_id="s-1")
            assert transport.now() <= began + total + 1e-6
            assert all(send.deadline is not None for send in transport.sent)
