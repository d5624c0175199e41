"""Calls of one session run one after the other, in both worlds; everything else runs side by side."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from vendor import Tiny, setup

from agentbridge import (
    SHARED,
    AsyncBridge,
    Bridge,
    Connection,
    HttpResponse,
    Registry,
    RetryPolicy,
    Timeouts,
    errors,
)
from agentbridge.events import Completed
from agentbridge.transport.turns import Place
from agentbridge.wire import NoAnswer

OK = HttpResponse(200, {}, b'{"text": "hi"}')
LONG = 10.0  # seconds after which a test gives up


class Gate:
    """A transport whose answers wait until the test lets them go; it knows what is under way, and in which order."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.under_way = 0
        self.most = 0
        self.open = threading.Event()
        self.arrived = threading.Semaphore(0)

    def send(self, send: Any) -> Any:
        self._enter(send)
        answer = OK if self.open.wait(LONG) else NoAnswer("timeout")
        self.under_way -= 1
        return answer

    def sleep(self, seconds: float) -> None: ...

    def close(self) -> None: ...

    def _enter(self, send: Any) -> None:
        self.order.append(send.request.json["say"])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.arrived.release()


class AsyncGate(Gate):
    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def send(self, send: Any) -> Any:  # type: ignore[override]
        self._enter(send)
        await self.go.wait()
        self.under_way -= 1
        return OK

    async def sleep(self, seconds: float) -> None: ...  # type: ignore[override]

    async def close(self) -> None: ...  # type: ignore[override]


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    for _ in range(int(LONG / 0.01)):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


def waiting(bridge: Any) -> int:
    """How many calls stand in the queues of a bridge, the one that runs included."""
    return sum(len(queue) for queue in bridge._turns._queues.values())


def calls(count: int, **fields: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [("tiny:a-1", f"call {number}", {"session_id": "s-1", **fields}) for number in range(count)]


def in_threads(bridge: Bridge, asked: list[tuple[str, str, dict[str, Any]]]) -> list[threading.Thread]:
    """One thread a call, each queued before the next one starts."""
    threads = []
    for number, (target, text, fields) in enumerate(asked, 1):
        thread = threading.Thread(target=lambda t=target, x=text, f=fields: bridge.invoke(t, x, **f))
        thread.start()
        threads.append(thread)
        until(lambda number=number: waiting(bridge) >= number)
    return threads


def test_threads_that_share_a_session_take_turns_in_the_order_in_which_they_came():
    gate = Gate()
    with Bridge(**setup("http://tiny.invalid", transport=gate)) as bridge:
        threads = in_threads(bridge, calls(4))
        assert gate.order == ["call 0"]
        gate.open.set()
        for thread in threads:
            thread.join(LONG)
    assert gate.order == ["call 0", "call 1", "call 2", "call 3"]
    assert gate.most == 1
    assert waiting(bridge) == 0


async def _in_tasks(asked: list[tuple[str, str, dict[str, Any]]], expected: int, **options: Any) -> AsyncGate:
    """Start all calls as tasks, let them go once as many are under way as can be, and wait for all."""
    gate = AsyncGate()
    async with AsyncBridge(**setup("http://tiny.invalid", transport=gate, **options)) as bridge:
        tasks = [asyncio.create_task(bridge.invoke(target, text, **fields)) for target, text, fields in asked]
        for _ in range(1000):
            await asyncio.sleep(0)
        assert gate.under_way == expected
        gate.go.set()
        await asyncio.gather(*tasks)
        assert waiting(bridge) == 0
    return gate


def test_tasks_that_share_a_session_take_turns_in_the_order_in_which_they_came():
    gate = asyncio.run(_in_tasks(calls(4), expected=1))
    assert gate.order == ["call 0", "call 1", "call 2", "call 3"]
    assert gate.most == 1


OTHERS = {
    "another session": [*calls(1), ("tiny:a-1", "x", {"session_id": "s-2"})],
    "another agent": [*calls(1), ("tiny:a-2", "x", {"session_id": "s-1"})],
    "no session": [("tiny:a-1", "x", {}), ("tiny:a-1", "y", {})],
}


@pytest.mark.parametrize("asked", OTHERS.values(), ids=OTHERS)
def test_calls_that_share_no_session_run_side_by_side(asked):
    assert asyncio.run(_in_tasks(asked, expected=2)).most == 2


def test_taking_turns_can_be_turned_off():
    assert asyncio.run(_in_tasks(calls(3), expected=3, serialize_sessions=False)).most == 3


def test_taking_turns_can_be_turned_off_for_threads():
    gate = Gate()
    with Bridge(**setup("http://tiny.invalid", transport=gate, serialize_sessions=False)) as bridge:
        threads = [threading.Thread(target=bridge.invoke, args=call[:2], kwargs=call[2]) for call in calls(3)]
        for thread in threads:
            thread.start()
        until(lambda: gate.under_way == 3)
        gate.open.set()
        for thread in threads:
            thread.join(LONG)


@pytest.mark.parametrize("limits", [Timeouts(total=0.2), Timeouts(answer=0.2)], ids=["total", "answer"])
def test_waiting_for_a_turn_counts_and_nothing_was_sent(limits):
    gate = Gate()
    with Bridge(**setup("http://tiny.invalid", transport=gate)) as bridge:
        threads = in_threads(bridge, calls(1))
        with pytest.raises(errors.DeadlineExceededError, match="another call of the same session still runs") as caught:
            bridge.invoke("tiny:a-1", "too late", session_id="s-1", timeouts=limits)
        gate.open.set()
        threads[0].join(LONG)
        assert bridge.invoke("tiny:a-1", "again", session_id="s-1").text == "hi"
    assert (caught.value.may_have_run, caught.value.attempts, caught.value.retryable) == (False, 0, True)
    assert gate.order == ["call 0", "again"]


def test_waiting_for_a_turn_counts_for_tasks_too():
    async def late() -> errors.DeadlineExceededError:
        gate = AsyncGate()
        async with AsyncBridge(**setup("http://tiny.invalid", transport=gate)) as bridge:
            first = asyncio.create_task(bridge.invoke("tiny:a-1", "first", session_id="s-1"))
            await asyncio.sleep(0)
            with pytest.raises(errors.DeadlineExceededError) as caught:
                await bridge.invoke("tiny:a-1", "late", session_id="s-1", timeouts=Timeouts(total=0.05))
            gate.go.set()
            await first
            assert waiting(bridge) == 0
        return caught.value

    assert asyncio.run(late()).may_have_run is False


def test_a_task_that_is_cancelled_while_it_waits_leaves_the_queue():
    async def cancelled() -> list[str]:
        gate = AsyncGate()
        async with AsyncBridge(**setup("http://tiny.invalid", transport=gate)) as bridge:
            tasks = [asyncio.create_task(bridge.invoke("tiny:a-1", f"{n}", session_id="s-1")) for n in range(3)]
            for _ in range(10):
                await asyncio.sleep(0)
            tasks[1].cancel()
            gate.go.set()
            assert (await asyncio.gather(*tasks, return_exceptions=True))[2].text == "hi"
            assert waiting(bridge) == 0
        return gate.order

    assert asyncio.run(cancelled()) == ["0", "2"]


def test_a_call_that_fails_lets_the_next_one_go(open_bridge):
    class Failing(Gate):
        def send(self, send: Any) -> Any:
            return NoAnswer("connect")

    class AsyncFailing(Gate):
        async def send(self, send: Any) -> Any:
            return NoAnswer("connect")

        async def close(self) -> None: ...

    probe = open_bridge(**setup("http://tiny.invalid"))
    transport = AsyncFailing() if probe.world == "async" else Failing()
    bridge = open_bridge(**setup("http://tiny.invalid", transport=transport, retry=RetryPolicy(attempts=1)))
    for _ in range(2):
        with pytest.raises(errors.ConnectionFailedError):
            bridge.invoke("tiny:a-1", "hello", session_id="s-1")


def test_event_loops_of_several_threads_share_the_queues_of_one_bridge():
    gate = Gate()
    bridge = AsyncBridge(**setup("http://tiny.invalid", transport=gate))

    class Through:
        """Blocks its own loop only."""

        async def send(self, send: Any) -> Any:
            return await asyncio.to_thread(gate.send, send)

        async def sleep(self, seconds: float) -> None: ...

        async def close(self) -> None: ...

    bridge._given = Through()

    def call(text: str) -> None:
        asyncio.run(bridge.invoke("tiny:a-1", text, session_id="s-1"))

    threads = [threading.Thread(target=call, args=(f"{number}",)) for number in range(3)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        until(lambda number=number: waiting(bridge) >= number)
    assert gate.under_way == 1
    gate.open.set()
    for thread in threads:
        thread.join(LONG)
    assert (gate.order, gate.most) == (["0", "1", "2"], 1)


# streams hold their session while they are open


def test_a_call_inside_of_a_stream_of_its_session_is_told_that_it_would_wait_for_itself(emulators):
    with Bridge({}, connections=emulators.connections) as bridge:
        with bridge.stream("flowise:ok", "hello there", session_id="s-1") as events:
            next(events)
            with pytest.raises(errors.ConfigurationError, match="would wait for itself"):
                bridge.invoke("flowise:ok", "nested", session_id="s-1")
            assert bridge.invoke("flowise:ok", "other", session_id="s-2").text == "Echo: other"
        assert bridge.invoke("flowise:ok", "after", session_id="s-1").text == "Echo: after"


def test_a_task_inside_of_a_stream_of_its_session_is_told_so_too(emulators):
    async def nested() -> None:
        async with AsyncBridge({}, connections=emulators.connections) as bridge:
            async with bridge.stream("flowise:ok", "hello there", session_id="s-1") as events:
                await anext(events)
                with pytest.raises(errors.ConfigurationError, match="would wait for itself"):
                    await bridge.invoke("flowise:ok", "nested", session_id="s-1")
            assert (await bridge.invoke("flowise:ok", "after", session_id="s-1")).text == "Echo: after"

    asyncio.run(nested())


def test_a_task_that_was_made_inside_of_a_stream_waits_for_its_end(emulators):
    async def beside() -> str:
        async with AsyncBridge({}, connections=emulators.connections) as bridge:
            async with bridge.stream("flowise:ok", "hello there", session_id="s-1") as events:
                await anext(events)
                later = asyncio.create_task(bridge.invoke("flowise:ok", "later", session_id="s-1"))
                await asyncio.sleep(0)
            return (await later).text

    assert asyncio.run(beside()) == "Echo: later"


def test_a_stream_that_was_abandoned_in_a_generator_is_waited_for_while_it_closes(emulators):
    async def abandoned() -> str:
        async with AsyncBridge({}, connections=emulators.connections) as bridge:

            async def said():
                async with bridge.stream("flowise:ok", "hello there", session_id="s-1") as events:
                    async for event in events:
                        yield event

            async for _ in said():
                break
            return (await bridge.invoke("flowise:ok", "next", session_id="s-1")).text

    assert asyncio.run(abandoned()) == "Echo: next"


def test_a_run_that_is_over_holds_its_session_no_longer(emulators):
    with (
        Bridge({}, connections=emulators.connections) as bridge,
        bridge.stream("flowise:ok", "hello there", session_id="s-1") as events,
    ):
        for event in events:
            if isinstance(event, Completed):
                assert bridge.invoke("flowise:ok", "next", session_id="s-1").text == "Echo: next"


def test_a_stream_that_is_dropped_unfinished_holds_its_session_no_longer(emulators):
    with Bridge({}, connections=emulators.connections) as bridge:
        stream = bridge.stream("flowise:ok", "hello there", session_id="s-1")
        stream.__enter__()
        assert waiting(bridge) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it was never closed, and that may be said
            del stream
            gc.collect()
        assert bridge.invoke("flowise:ok", "next", session_id="s-1").text == "Echo: next"


def test_closing_a_stream_that_waits_for_its_turn_wakes_it():
    gate = Gate()
    with Bridge(**setup("http://tiny.invalid", transport=gate)) as bridge:
        threads = in_threads(bridge, calls(1))
        stream, ended = bridge.stream("tiny:a-1", "late", session_id="s-1"), threading.Event()

        def enter() -> None:
            with pytest.raises(errors.DeadlineExceededError):
                stream.__enter__()
            ended.set()

        thread = threading.Thread(target=enter)
        thread.start()
        until(lambda: waiting(bridge) == 2)
        stream.close()
        assert ended.wait(LONG)
        gate.open.set()
        threads[0].join(LONG)
        thread.join(LONG)
    assert gate.order == ["call 0"]


def test_many_who_wait_in_a_loop_that_is_over_block_nobody():
    gate = Gate()
    bridge = AsyncBridge(**setup("http://tiny.invalid", transport=gate))
    turns = bridge._turns
    loop = asyncio.new_event_loop()
    first = Place(turns)
    assert first.wait(("tiny", "a-1", "s-1"), 0)

    async def queue() -> None:
        for _ in range(2000):
            task = asyncio.ensure_future(Place(turns).await_turn(("tiny", "a-1", "s-1"), None))
            abandoned.append(task)
        for _ in range(100):
            await asyncio.sleep(0)

    abandoned: list[Any] = []
    loop.run_until_complete(queue())
    loop.close()
    first.leave()
    assert turns._queues == {}
    for task in abandoned:
        task._log_destroy_pending = False


def test_a_stream_that_was_iterated_to_its_end_holds_its_session_no_longer(emulators):
    with (
        Bridge({}, connections=emulators.connections) as bridge,
        bridge.stream("flowise:ok", "hello there", session_id="s-1") as events,
    ):
        list(events)
        assert bridge.invoke("flowise:ok", "next", session_id="s-1").text == "Echo: next"


def test_a_stream_that_is_left_early_lets_the_next_call_go(open_bridge, emulators):
    bridge = open_bridge(config={}, connections=emulators.connections)
    if bridge.world == "async":

        async def leave() -> str:
            async with bridge.bridge.stream("flowise:ok", "hello there", session_id="s-1") as events:
                await anext(events)
            return (await bridge.bridge.invoke("flowise:ok", "next", session_id="s-1")).text

        assert bridge._runner.run(leave()) == "Echo: next"
    else:
        with bridge.bridge.stream("flowise:ok", "hello there", session_id="s-1") as events:
            next(events)
        assert bridge.invoke("flowise:ok", "next", session_id="s-1").text == "Echo: next"


def test_a_minted_session_is_nobody_elses_and_waits_for_nobody():
    class Minting(Tiny):
        name = "minting"
        shares_default_session = True

    registry = Registry(())
    registry.register(Minting())
    with Bridge({}, connections={"minting": Connection("minting")}, registry=registry) as bridge:
        planned = bridge._plan("minting:a-1", "hello", {})
        shared = bridge._plan("minting:a-1", "hello", {"session_id": SHARED})
    assert planned.plan.asked.session_id is not None
    assert planned.plan.turn is None
    assert shared.plan.turn is not None


class Forgetful:
    """A vendor that makes a session when it is asked for the first time, and is slow about it."""

    def __init__(self) -> None:
        self.histories: dict[str, list[str]] = {}
        self._both = threading.Barrier(2)

    def send(self, send: Any) -> HttpResponse:
        history = self.histories.get(send.request.json["session"], [])
        with contextlib.suppress(threading.BrokenBarrierError):
            self._both.wait(0.2)
        return self._remembered(send, history)

    def sleep(self, seconds: float) -> None: ...

    def close(self) -> None: ...

    def _remembered(self, send: Any, history: list[str]) -> HttpResponse:
        self.histories[send.request.json["session"]] = [*history, send.request.json["say"]]
        return OK


class AsyncForgetful(Forgetful):
    async def send(self, send: Any) -> HttpResponse:  # type: ignore[override]
        history = self.histories.get(send.request.json["session"], [])
        for _ in range(100):
            await asyncio.sleep(0)
        return self._remembered(send, history)

    async def sleep(self, seconds: float) -> None: ...  # type: ignore[override]

    async def close(self) -> None: ...  # type: ignore[override]


def test_the_first_two_calls_of_a_session_do_not_split_it_for_threads():
    forgetful = Forgetful()
    with Bridge(**setup("http://tiny.invalid", transport=forgetful)) as bridge:
        threads = [
            threading.Thread(target=lambda text=text: bridge.invoke("tiny:a-1", text, session_id="new"))
            for text in ("one", "two")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
    assert sorted(forgetful.histories["new"]) == ["one", "two"]


def test_the_first_two_calls_of_a_session_do_not_split_it_for_tasks():
    forgetful = AsyncForgetful()

    async def both() -> None:
        async with AsyncBridge(**setup("http://tiny.invalid", transport=forgetful)) as bridge:
            await asyncio.gather(*(bridge.invoke("tiny:a-1", text, session_id="new") for text in ("one", "two")))

    asyncio.run(both())
    assert forgetful.histories["new"] == ["one", "two"]
