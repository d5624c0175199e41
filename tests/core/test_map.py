from __future__ import annotations

import asyncio
import gc
import itertools
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.core import vendor

from agentbridge import AsyncBridge, Bridge, ConfigurationError, HttpResponse, Invocation, Outcome, RetryPolicy
from agentbridge.commands import Send
from agentbridge.errors import NotFoundError, UnknownTargetError

WORLDS = ["sync", "async"]


class Scripted:
    """A transport that answers each text by a function, in both worlds, and counts what is in flight."""

    def __init__(self, answer: Callable[[str], Any] = str) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.in_flight = self.most = self.calls = 0

    def begin(self, send: Send) -> str:
        with self._lock:
            self.in_flight += 1
            self.calls += 1
            self.most = max(self.most, self.in_flight)
        return str(json.loads(b"".join(send.body.pieces()) if send.body.content is None else send.body.content)["say"])

    def end(self, text: str) -> HttpResponse:
        with self._lock:
            self.in_flight -= 1
        said = self._answer(text)
        return said if isinstance(said, HttpResponse) else HttpResponse(200, {}, json.dumps({"text": said}).encode())


class Blocking(Scripted):
    def send(self, send: Send) -> HttpResponse:
        return self.end(self.begin(send))

    def sleep(self, seconds: float) -> None: ...
    def close(self) -> None: ...


class Awaited(Scripted):
    async def send(self, send: Send) -> HttpResponse:
        text = self.begin(send)
        await asyncio.sleep(0)
        return self.end(text)

    async def sleep(self, seconds: float) -> None: ...
    async def close(self) -> None: ...


def asked(count: int) -> Iterator[Invocation]:
    return (Invocation(target="tiny:a", text=f"t{number}") for number in range(count))


def mapped(
    world: str, invocations: Any, answer: Callable[[str], Any] = str, take: int | None = None, **options: Any
) -> tuple[list[Outcome], Scripted]:
    setup = {**vendor.setup("https://vendor.invalid"), "retry": RetryPolicy(attempts=1)}
    if world == "sync":
        blocking = Blocking(answer)
        with Bridge(**setup, transport=blocking) as bridge:
            return list(itertools.islice(bridge.map(invocations, **options), take)), blocking
    awaited = Awaited(answer)

    async def collect() -> list[Outcome]:
        found: list[Outcome] = []
        async with (
            AsyncBridge(**setup, transport=awaited) as bridge,
            aclosing(bridge.map(invocations, **options)) as many,
        ):
            async for outcome in many:
                found.append(outcome)
                if len(found) == take:
                    break
        return found

    return asyncio.run(collect()), awaited


@pytest.mark.parametrize("world", WORLDS)
def test_every_invocation_has_its_outcome(world):
    found, _ = mapped(world, asked(50))
    assert sorted((o.index, o.invocation.text, o.result and o.result.text, o.error) for o in found) == sorted(
        (number, f"t{number}", f"t{number}", None) for number in range(50)
    )


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("concurrency", [1, 3, 40])
def test_ordered_outcomes_come_in_the_order_of_their_invocations(world, concurrency):
    found, transport = mapped(world, asked(60), ordered=True, concurrency=concurrency)
    assert [outcome.index for outcome in found] == list(range(60))
    assert transport.most <= concurrency


@pytest.mark.parametrize("world", WORLDS)
def test_a_failure_is_the_outcome_of_its_own_invocation_alone(world):
    def answer(text: str) -> Any:
        return HttpResponse(404, {}, b'{"message": "no such agent"}') if text == "t3" else text

    invocations = [*asked(5), Invocation(target="nowhere:a", text="x"), "no invocation"]
    found, _ = mapped(world, invocations, answer, ordered=True)
    kinds = [type(outcome.error) for outcome in found]
    assert kinds == [type(None)] * 3 + [NotFoundError, type(None), UnknownTargetError, ConfigurationError]
    assert [outcome.result is None for outcome in found] == [outcome.error is not None for outcome in found]


@pytest.mark.parametrize("world", WORLDS)
def test_an_iterator_without_end_is_read_no_further_than_its_outcomes(world):
    read = itertools.count()

    def endless() -> Iterator[Invocation]:
        while True:
            yield Invocation(target="tiny:a", text=f"t{next(read)}")

    found, _ = mapped(world, endless(), take=20, concurrency=4)
    assert len(found) == 20
    assert next(read) <= 20 + 2 * 4 + 4


@pytest.mark.parametrize("world", WORLDS)
def test_what_the_iterator_raises_is_raised(world):
    def broken() -> Iterator[Invocation]:
        yield from asked(3)
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="the file is gone"):
        mapped(world, broken())


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("nothing", ["text", 7, None])
def test_what_cannot_be_iterated_is_refused(world, nothing):
    with pytest.raises(ConfigurationError, match="map takes an iterable of Invocation values"):
        mapped(world, nothing)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "4", True])
def test_a_concurrency_that_is_none_is_refused(world, concurrency):
    with pytest.raises(ConfigurationError, match="concurrency must be a whole number, 1 or more"):
        mapped(world, asked(1), concurrency=concurrency)


@pytest.mark.parametrize("world", WORLDS)
def test_no_invocations_have_no_outcomes(world):
    assert mapped(world, [])[0] == []


def test_an_asynchronous_generator_is_read_one_at_a_time():
    async def given_later() -> Any:
        for invocation in asked(30):
            await asyncio.sleep(0)
            yield invocation

    found, _ = mapped("async", given_later(), ordered=True)
    assert [outcome.index for outcome in found] == list(range(30))


def test_leaving_early_cancels_the_calls_under_way():
    cancelled: list[str] = []

    class Slow(Awaited):
        async def send(self, send: Send) -> HttpResponse:
            text = self.begin(send)
            if text != "t0":
                try:
                    await asyncio.sleep(600)
                except asyncio.CancelledError:
                    cancelled.append(text)
                    raise
            return self.end(text)

    async def leave() -> set[str]:
        setup = vendor.setup("https://vendor.invalid")
        async with AsyncBridge(**setup, transport=slow) as bridge:
            async with aclosing(bridge.map(asked(100), concurrency=4)) as many:
                async for _ in many:
                    break
            return {task.get_name() for task in asyncio.all_tasks()}

    slow = Slow()
    assert "agentbridge-map" not in asyncio.run(leave())
    assert len(cancelled) == slow.calls - 1 > 0


def few_threads(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """From now on, so many threads can be started and no more."""
    start, left = threading.Thread.start, itertools.count()

    def start_one(thread: threading.Thread) -> None:
        if next(left) >= most:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)


@pytest.mark.parametrize("most", [1, 2])
def test_where_no_more_threads_can_be_started_those_that_run_do_all_the_work(monkeypatch, most):
    few_threads(monkeypatch, most)
    found, _ = mapped("sync", asked(30), ordered=True, concurrency=4)
    assert [outcome.index for outcome in found] == list(range(30))


def test_where_no_thread_can_be_started_at_all_it_is_raised(monkeypatch):
    few_threads(monkeypatch, 0)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        mapped("sync", asked(3))


def test_threads_end_when_nobody_reads_any_more():
    transport = Blocking()
    with Bridge(**vendor.setup("https://vendor.invalid"), transport=transport) as bridge:
        many = bridge.map(asked(10_000), concurrency=4)
        next(many)
        many.close()
        del many
        gc.collect()
        threads = [thread for thread in threading.enumerate() if thread.name == "agentbridge-map"]
        for thread in threads:
            thread.join(10)
        assert [thread for thread in threads if thread.is_alive()] == []
    assert transport.calls < 30


def test_a_few_invocations_start_few_threads():
    started: set[str] = set()

    def answer(text: str) -> str:
        started.add(str(threading.get_ident()))
        return text

    mapped("sync", asked(2), answer, concurrency=500)
    assert len(started) <= 2


def test_workers_know_the_context_of_the_caller():
    name: ContextVar[str] = ContextVar("name")
    name.set("caller")
    found, _ = mapped("sync", asked(8), lambda _: name.get("nobody"))
    assert {outcome.result.text for outcome in found if outcome.result} == {"caller"}


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=15, deadline=None)
@given(count=st.integers(0, 40), concurrency=st.integers(1, 9), ordered=st.booleans())
def test_nothing_is_lost_and_nothing_comes_twice(world, count, concurrency, ordered):
    found, transport = mapped(world, asked(count), concurrency=concurrency, ordered=ordered)
    assert sorted(outcome.index for outcome in found) == list(range(count))
    assert transport.calls == count
    assert transport.most <= concurrency


@pytest.mark.parametrize("world", WORLDS)
def test_memory_does_not_grow_with_the_number_of_invocations(world):
    def most_held(count: int) -> int:
        def read(outcomes: Iterable[Outcome]) -> int:
            return sum(1 for _ in outcomes)

        setup = {**vendor.setup("https://vendor.invalid"), "retry": RetryPolicy(attempts=1)}

        async def read_later() -> None:
            async with AsyncBridge(**setup, transport=Awaited()) as bridge:
                async for _ in bridge.map(asked(count)):
                    pass

        tracemalloc.start()
        if world == "sync":
            with Bridge(**setup, transport=Blocking()) as bridge:
                read(bridge.map(asked(count)))
        else:
            asyncio.run(read_later())
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    most_held(50)  # what is made once
    assert most_held(1500) < most_held(150) + 1_000_000  # kept, the outcomes alone would take five times as much
