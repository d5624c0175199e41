"""What a limited connection sends, by many callers at once, in both worlds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import threading
import warnings
from typing import Any

import attrs
import pytest
from clocks import in_virtual_time
from hypothesis import given, settings, strategies as st
from test_pending import ACCEPTED, RUNNING, Later
from test_sessions import LONG, AsyncGate, Gate, until, waiting
from vendor import Ping, registry

from agentbridge import (
    AsyncBridge,
    Bridge,
    Connection,
    FaultRule,
    HttpResponse,
    Limits,
    Pending,
    Registry,
    RetryPolicy,
    Timeouts,
    errors,
)
from agentbridge.pacing import Pace
from agentbridge.testing import MemoryTransport
from agentbridge_flowise import GetVersion

OK = HttpResponse(200, {}, b'{"text": "hi"}')
BUSY = HttpResponse(429, {"retry-after": "30"}, b'{"message": "slow down"}')
SLOW_DOWN = HttpResponse(429, {}, b'{"message": "slow down"}')
SLOW_DOWN_IN_A_200 = HttpResponse(200, {}, b'{"error": "slow down", "text": ""}')
RULE = FaultRule(path="error", kind="rate_limited", present=True)
ONCE = RetryPolicy(attempts=1)


def limited(transport: Any, limits: Limits, **options: Any) -> dict[str, Any]:
    """Arguments of a Bridge whose only connection has these limits."""
    provider = next(iter(options.get("registry", registry())))
    connections = {"tiny": Connection(provider, "http://tiny.invalid", limits=limits, faults=[RULE])}
    return {"config": {}, "connections": connections, "registry": registry(), "transport": transport, **options}


def memory(open_bridge: Any, answers: list[Any], limits: Limits, **options: Any) -> tuple[Any, MemoryTransport]:
    transport = MemoryTransport(answers)
    probe = open_bridge(config={})
    given = transport.asynchronous() if probe.world == "async" else transport
    return open_bridge(**limited(given, limits, **options)), transport


class Account:
    """A vendor in virtual time, who counts what is under way and when it came."""

    def __init__(self, seconds: float, answers: dict[int, HttpResponse] | None = None) -> None:
        self.came: list[float] = []
        self.said: list[str] = []
        self.under_way = self.most = 0
        self._seconds = seconds
        self._answers = answers or {}

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def send(self, send: Any) -> HttpResponse:
        number = len(self.came)
        self.came.append(self.now())
        self.said.append((send.request.json or {}).get("say", ""))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self.under_way -= 1
        return self._answers.get(number, OK)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None: ...

    def keeps(self, limits: Limits) -> bool:
        """Whether what was counted is within the limits."""
        calls, per = limits.calls or len(self.came), limits.per
        windows = zip(self.came, self.came[calls:], strict=False)
        return self.most <= (limits.in_flight or self.most) and all(early + per <= late for early, late in windows)


# many callers at once


def test_five_hundred_tasks_keep_to_the_limits_as_the_vendor_counts_them():
    account, limits = Account(1.5), Limits(calls=20, per=10.0, in_flight=7)

    async def call_all() -> None:
        async with AsyncBridge(**limited(account, limits, timeouts=Timeouts(answer=None))) as bridge:
            results = await asyncio.gather(*(bridge.invoke("tiny:a", f"{number}") for number in range(500)))
            assert {result.text for result in results} == {"hi"}
            assert waiting(bridge) == 0

    in_virtual_time(call_all())
    assert (len(account.came), account.most) == (500, 7)
    assert account.keeps(limits)
    assert account.said == [f"{number}" for number in range(500)]
    assert account.came[-1] < 500 / 20 * 10  # and no slower than the limits ask for


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_whoever_is_cancelled_gives_its_place_back(calls, in_flight, seed):
    account, limits, luck = Account(0.7), Limits(calls=calls, per=5.0, in_flight=in_flight), random.Random(seed)

    async def call_all() -> int:
        async with AsyncBridge(**limited(account, limits, timeouts=Timeouts(answer=None))) as bridge:
            tasks = [asyncio.create_task(bridge.invoke("tiny:a", f"{number}")) for number in range(40)]
            for task in luck.sample(tasks, 20):
                await asyncio.sleep(luck.random() * 3)
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert waiting(bridge) == 0
            assert (await bridge.invoke("tiny:a", "last")).text == "hi"
        return sum(isinstance(result, BaseException) for result in done)

    assert in_virtual_time(call_all()) <= 20
    assert account.keeps(limits)


class Recorded(Pace):
    """A pace that remembers when it let requests go."""

    def __init__(self, limits: Limits) -> None:
        super().__init__("tiny", limits)
        self.times: list[float] = []

    def take(self, now: float) -> float:
        wait = super().take(now)
        if wait == 0:
            self.times.append(now)
        return wait


class Clock(Gate):
    """Answers at once, in virtual time that many threads may wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._lock, self._seconds = threading.Lock(), 0.0
        self.open.set()

    def now(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._seconds += seconds

    def _enter(self, send: Any) -> None:
        with self._lock:
            super()._enter(send)


def test_fifty_threads_keep_to_the_calls_of_an_interval():
    clock, limits = Clock(), Limits(calls=7, per=10.0)
    with Bridge(**limited(clock, limits)) as bridge:
        pace = bridge._directory.paces["tiny"] = Recorded(limits)
        threads = [threading.Thread(target=bridge.invoke, args=("tiny:a", f"{number}")) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert waiting(bridge) == 0
    assert (len(clock.order), len(pace.times)) == (50, 50)
    assert all(first + 10.0 <= later for first, later in zip(pace.times, pace.times[7:], strict=False))


def test_fifty_threads_are_never_more_in_flight_than_the_limit():
    gate = Gate()
    with Bridge(**limited(gate, Limits(in_flight=4))) as bridge:
        threads = [threading.Thread(target=bridge.invoke, args=("tiny:a", f"{number}")) for number in range(50)]
        for thread in threads:
            thread.start()
        until(lambda: waiting(bridge) == 50 and gate.under_way == 4)
        gate.open.set()
        for thread in threads:
            thread.join(LONG)
        assert waiting(bridge) == 0
    assert (len(gate.order), gate.most) == (50, 4)


def test_event_loops_of_several_threads_share_the_limit():
    gate = Gate()

    class Through:
        """Blocks its own loop only."""

        async def send(self, send: Any) -> Any:
            return await asyncio.to_thread(gate.send, send)

        async def sleep(self, seconds: float) -> None: ...

        async def close(self) -> None: ...

    bridge = AsyncBridge(**limited(Through(), Limits(in_flight=2)))
    threads = [threading.Thread(target=lambda: asyncio.run(bridge.invoke("tiny:a", "x"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: waiting(bridge) == 6 and gate.under_way == 2)
    gate.open.set()
    for thread in threads:
        thread.join(LONG)
    assert (len(gate.order), gate.most, waiting(bridge)) == (6, 2, 0)


def test_sessions_and_limits_together_leave_nobody_waiting_for_ever():
    account, limits = Account(1.0), Limits(calls=5, per=3.0, in_flight=2)

    async def call_all() -> None:
        async with AsyncBridge(**limited(account, limits)) as bridge:
            calls = (bridge.invoke("tiny:a", f"{number}", session_id=f"s-{number % 3}") for number in range(60))
            await asyncio.gather(*calls)
            assert waiting(bridge) == 0

    in_virtual_time(call_all())
    assert account.keeps(limits)


# what counts


def test_every_request_counts_with_retries_and_operations(open_bridge):
    bridge, transport = memory(open_bridge, [HttpResponse(503), OK], Limits(calls=1, per=60.0))
    assert bridge.invoke("tiny:a", "hello").attempts == 2
    bridge.call(Ping())
    assert transport.now() == pytest.approx(120, abs=1)


def test_polls_count_too(open_bridge):
    later = Registry(())
    later.register(Later())
    bridge, transport = memory(open_bridge, [ACCEPTED, RUNNING, OK], Limits(calls=1, per=60.0), registry=later)
    bridge.invoke("tiny:a", "hello")
    assert len(transport.sent) == 3
    assert transport.now() == pytest.approx(120)


def test_two_bridges_and_two_connections_have_limits_of_their_own(open_bridge):
    transport = MemoryTransport([OK])
    for _ in range(2):
        options = limited(transport, Limits(calls=1, per=60.0))
        options["connections"]["other"] = attrs.evolve(options["connections"]["tiny"], base_url="http://other.invalid")
        with Bridge(**options) as bridge:
            bridge.invoke("tiny:a", "hello")
            bridge.invoke("other:a", "hello")
    assert transport.slept == []


# an answer of 429


@pytest.mark.parametrize("stays", [BUSY, attrs.evolve(SLOW_DOWN_IN_A_200, headers={"retry-after": "30"})])
def test_a_429_holds_back_all_calls_for_as_long_as_it_says(stays):
    account = Account(1.0, {1: stays})

    async def call_all() -> None:
        async with AsyncBridge(**limited(account, Limits(in_flight=2), retry=ONCE)) as bridge:
            calls = (bridge.invoke("tiny:a", f"{number}") for number in range(12))
            done = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(one) for one in done if isinstance(one, Exception)] == [errors.RateLimitError]

    in_virtual_time(call_all())
    assert account.came[:2] == [0.0, 0.0]
    assert account.came[2] == 31.0
    assert account.came[3] == 31.0


@pytest.mark.parametrize("stays", [SLOW_DOWN, SLOW_DOWN_IN_A_200], ids=["429", "in a 200"])
def test_a_429_without_a_time_slows_all_calls_down(stays):
    account = Account(0.0, {3: stays})

    async def call_all() -> None:
        async with AsyncBridge(**limited(account, Limits(calls=60, per=60.0), retry=ONCE)) as bridge:
            for number in range(8):
                with contextlib.suppress(errors.RateLimitError):
                    await bridge.invoke("tiny:a", f"{number}")

    in_virtual_time(call_all())
    assert account.came[:4] == [0.0] * 4
    assert account.came[4:] == pytest.approx([1.0, 1.9, 2.71, 3.439])


def test_the_call_that_was_refused_is_retried_after_the_hold_and_counts_its_attempts(open_bridge):
    bridge, transport = memory(open_bridge, [BUSY, OK], Limits(calls=5))
    assert bridge.invoke("tiny:a", "hello").attempts == 2
    assert transport.slept == [30.0]


# waiting is bounded


def test_a_limit_that_leaves_no_room_in_time_is_an_error_at_once_and_loses_no_place(open_bridge):
    bridge, transport = memory(open_bridge, [OK], Limits(calls=2, per=60.0))
    bridge.invoke("tiny:a", "one")
    bridge.invoke("tiny:a", "two")
    for _ in range(3):
        with pytest.raises(errors.DeadlineExceededError, match="limits, 2 calls in 60 s, and is 60 s short") as caught:
            bridge.invoke("tiny:a", "three", timeouts=Timeouts(total=30))
        error = caught.value
        assert (error.may_have_run, error.retryable, error.attempts, error.retry_after) == (False, True, 0, 60.0)
    assert (len(transport.sent), transport.slept) == (2, [])
    assert bridge.invoke("tiny:a", "four").text == "hi"
    assert transport.slept == [60.0]


def test_the_limit_of_an_answer_bounds_waiting_too(open_bridge):
    bridge, transport = memory(open_bridge, [OK], Limits(calls=1, per=60.0))
    bridge.invoke("tiny:a", "one")
    with pytest.raises(errors.DeadlineExceededError, match="is kept to its limits"):
        bridge.invoke("tiny:a", "two", timeouts=Timeouts(answer=30))
    assert transport.slept == []


def test_where_there_is_no_time_for_a_retry_the_vendors_own_error_is_raised(open_bridge):
    bridge, transport = memory(open_bridge, [HttpResponse(503)], Limits(calls=1, per=60.0))
    with pytest.raises(errors.UnavailableError) as caught:
        bridge.invoke("tiny:a", "hello", timeouts=Timeouts(total=30))
    assert (caught.value.attempts, transport.slept) == (1, [])


@pytest.mark.parametrize("bounds", [Timeouts(total=0.2), Timeouts(answer=0.2)], ids=["total", "answer"])
def test_waiting_for_a_place_counts_and_nothing_was_sent(bounds):
    gate = Gate()
    with Bridge(**limited(gate, Limits(in_flight=1))) as bridge:
        thread = threading.Thread(target=bridge.invoke, args=("tiny:a", "first"))
        thread.start()
        until(lambda: gate.under_way == 1)
        with pytest.raises(
            errors.DeadlineExceededError, match="'tiny' still has 1 in flight.* raise in_flight"
        ) as caught:
            bridge.invoke("tiny:a", "late", timeouts=bounds)
        gate.open.set()
        thread.join(LONG)
        assert bridge.invoke("tiny:a", "after").text == "hi"
    assert (caught.value.may_have_run, caught.value.attempts) == (False, 0)
    assert gate.order == ["first", "after"]


def test_those_behind_in_the_line_wait_no_longer_than_they_may():
    account = Account(0.0)

    async def call_all() -> list[float]:
        ended = []
        async with AsyncBridge(**limited(account, Limits(calls=1, per=60.0))) as bridge:

            async def late(total: float) -> None:
                with pytest.raises(errors.DeadlineExceededError, match="kept to its limits"):
                    await bridge.invoke("tiny:a", "late", timeouts=Timeouts(total=total))
                ended.append(account.now())

            await bridge.invoke("tiny:a", "first")
            await asyncio.gather(bridge.invoke("tiny:a", "next"), late(30), late(50), late(90))
            assert waiting(bridge) == 0
        return ended

    assert in_virtual_time(call_all()) == [30.0, 50.0, 60.0]
    assert account.came == [0.0, 60.0]


# places of streams


def with_limits(emulators: Any, limits: Limits) -> dict[str, Any]:
    return {"flowise": attrs.evolve(emulators.connections["flowise"], limits=limits)}


def test_a_stream_holds_its_place_until_it_is_over(emulators):
    with Bridge({}, connections=with_limits(emulators, Limits(in_flight=1))) as bridge:
        with bridge.stream("flowise:ok", "hello there") as events:
            next(events)
            with pytest.raises(errors.ConfigurationError, match="would wait for itself"):
                bridge.invoke("flowise:ok", "nested")
        assert bridge.invoke("flowise:ok", "after").text == "Echo: after"


ASKING = {
    "call": lambda bridge: bridge.call(GetVersion()),
    "poll": lambda bridge: bridge.poll(Pending("poll", "chat-1", connection="flowise", agent="ok")),
    "wait": lambda bridge: bridge.wait(Pending("poll", "chat-1", connection="flowise", agent="ok")),
    "submit": lambda bridge: bridge.submit("flowise:ok", "nested"),
    "stream": lambda bridge: bridge.stream("flowise:ok", "nested").__enter__(),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_whatever_is_asked_takes_a_place(emulators, ask):
    with (
        Bridge({}, connections=with_limits(emulators, Limits(in_flight=1))) as bridge,
        bridge.stream("flowise:ok", "hello there") as events,
    ):
        next(events)
        with pytest.raises(errors.ConfigurationError, match="would wait for itself"):
            ask(bridge)


def test_a_call_inside_of_a_stream_finds_a_place_where_there_is_another(emulators):
    with (
        Bridge({}, connections=with_limits(emulators, Limits(in_flight=2))) as bridge,
        bridge.stream("flowise:ok", "hello there") as events,
    ):
        next(events)
        assert bridge.invoke("flowise:ok", "nested").text == "Echo: nested"


def test_a_stream_that_is_dropped_unfinished_gives_both_its_places_back(emulators):
    with Bridge({}, connections=with_limits(emulators, Limits(in_flight=1))) as bridge:
        stream = bridge.stream("flowise:ok", "hello there", session_id="s-1")
        stream.__enter__()
        assert waiting(bridge) == 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it was never closed, and that may be said
            del stream
            gc.collect()
        assert waiting(bridge) == 0


def test_a_call_that_fails_gives_its_place_back(open_bridge):
    bridge, _ = memory(open_bridge, [HttpResponse(500), OK], Limits(in_flight=1), retry=ONCE)
    with pytest.raises(errors.ProviderError):
        bridge.invoke("tiny:a", "hello")
    assert bridge.invoke("tiny:a", "again").text == "hi"


def test_without_limits_there_is_nothing_to_wait_for():
    async def call_all() -> int:
        gate = AsyncGate()
        options = limited(gate, Limits(calls=1))
        options["connections"]["tiny"] = attrs.evolve(options["connections"]["tiny"], limits=None)
        async with AsyncBridge(**options) as bridge:
            tasks = [asyncio.create_task(bridge.invoke("tiny:a", "x")) for _ in range(100)]
            for _ in range(1000):
                await asyncio.sleep(0)
            assert waiting(bridge) == 0
            gate.go.set()
            await asyncio.gather(*tasks)
        return gate.most

    assert asyncio.run(call_all()) == 100
