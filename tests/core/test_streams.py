"""Streams of both bridges over both libraries, from sockets: events, failures, leaving early, closing."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import servers
import vendor

from agentbridge import AsyncBridge, Bridge, ConfigurationError, RetryPolicy, Timeouts, errors
from agentbridge.events import Completed, Started, TextDelta

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
ONCE = RetryPolicy(attempts=1)


def sse(*pieces: str, end: bool = True):
    def script(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(HEAD)
        for piece in (*pieces, *(["[DONE]"] if end else [])):
            connection.sendall(f"data: {piece}\n\n".encode())
        connection.shutdown(socket.SHUT_RDWR)

    return script


def endless(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"data: first\n\n")
    for _ in servers.ticks(over, 0.01):
        connection.sendall(b"data: more\n\n")
    connection.shutdown(socket.SHUT_RDWR)


def then_silent(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"data: first\n\n")
    over.wait(servers.LONGEST)
    connection.shutdown(socket.SHUT_RDWR)


def flood(connection: socket.socket, over: threading.Event) -> None:
    """One event without end."""
    connection.sendall(HEAD + b"data: first\n\ndata: ")
    for _ in servers.ticks(over, 0):
        connection.sendall(b"x" * 1000)
    connection.shutdown(socket.SHUT_RDWR)


def only_heartbeats(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"data: first\n\n")
    for _ in servers.ticks(over, 0.02):
        connection.sendall(b":heartbeat\n\n")
    connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(params=["httpx", "httpx2", "aiohttp"])
def ask(request, open_bridge):
    """Stream against a script: the events seen, the outcome, and how often the server was asked."""

    def ask(script, *, options=vendor.talking, **settings):
        with servers.serving(script) as server:
            settings = {"retry": RetryPolicy(attempts=3, first_delay=0), "transport": request.param, **settings}
            bridge = open_bridge(**options(server.url, **settings))
            target = "talking:a-1" if options is vendor.talking else "tiny:a-1"
            seen: list = []
            try:
                outcome = bridge.stream(target, "hi", seen=seen)
            except errors.AgentBridgeError as error:
                outcome = error
            return seen, outcome, len(server.requests)

    return ask


def test_events_come_in_order_and_the_result_at_the_end(ask):
    seen, result, asked = ask(sse("Hello", " there"))
    assert seen == [Started(None), TextDelta("Hello"), TextDelta(" there"), Completed(result)]
    assert (result.text, result.synthetic, result.attempts, result.provider, asked) == (
        "Hello there",
        False,
        1,
        "talking",
        1,
    )
    assert result.response.content.startswith(b"data: Hello")


def test_a_vendor_that_does_not_stream_gives_the_same_events_from_its_answer(ask):
    seen, result, _ = ask(servers.answer("200 OK", b'{"text": "whole"}'), options=vendor.setup)
    assert seen == [Started(None), TextDelta("whole"), Completed(result)]
    assert result.synthetic


def test_a_stream_that_is_answered_in_plain_json_is_read_as_such(ask):
    seen, result, _ = ask(servers.answer("200 OK", b'{"text": "whole"}'))
    assert seen == [Started(None), TextDelta("whole"), Completed(result)]
    assert result.synthetic


@pytest.mark.parametrize(
    ("script", "cls", "asked"),
    [
        (servers.answer("503 Busy"), errors.UnavailableError, 3),
        (servers.answer("401 No"), errors.AuthenticationError, 1),
        (servers.answer("200 OK", b"<html>"), errors.MalformedResponseError, 1),
        (servers.hang_up, errors.TransportError, 1),
        (servers.half_a_body, errors.TransportError, 1),
        (sse("!busy before anything", end=False), errors.UnavailableError, 3),
    ],
)
def test_what_fails_before_any_content_is_retried_like_a_call(ask, script, cls, asked):
    _, error, count = ask(script)
    assert (type(error), count, error.attempts) == (cls, asked, asked)


@pytest.mark.parametrize(
    ("script", "cls"),
    [
        (sse("first", "!busy", end=False), errors.UnavailableError),
        (sse("first", end=False), errors.StreamInterruptedError),
        (flood, errors.StreamInterruptedError),
    ],
)
def test_nothing_is_tried_again_once_content_was_handed_out(ask, script, cls):
    seen, error, count = ask(script)
    assert (type(error), count) == (cls, 1)
    assert (error.partial.text, error.may_have_run, error.retryable) == ("first", True, False)
    assert TextDelta("first") in seen
    assert not any(isinstance(event, Completed) for event in seen)


def test_a_stream_of_nothing_is_never_an_empty_success(ask):
    _, error, _ = ask(sse(end=False), retry=ONCE)
    assert type(error) is errors.StreamInterruptedError


@pytest.mark.parametrize(
    ("script", "timeouts", "cls"),
    [
        (then_silent, Timeouts(idle=0.5), errors.ResponseTimeoutError),
        (then_silent, Timeouts(total=1), errors.DeadlineExceededError),
        (endless, Timeouts(total=1), errors.DeadlineExceededError),
        (then_silent, Timeouts(content=0.5), errors.ResponseTimeoutError),
        (only_heartbeats, Timeouts(content=0.5, idle=5), errors.ResponseTimeoutError),
        (servers.silence, Timeouts(answer=0.15), errors.ResponseTimeoutError),
    ],
)
def test_a_stream_that_falls_silent_is_left_in_time_with_the_text_so_far(ask, script, timeouts, cls):
    started = time.monotonic()
    _, error, count = ask(script, timeouts=timeouts)
    assert (type(error), count, error.may_have_run) == (cls, 1, True)
    assert script is servers.silence or error.partial.text.startswith("first")
    assert time.monotonic() - started < 5


def test_heartbeats_count_for_idle(ask):
    def script(connection, over):
        connection.sendall(HEAD)
        for _ in range(6):
            over.wait(0.1)
            connection.sendall(b":heartbeat\n\n")
        connection.sendall(b"data: late\n\ndata: [DONE]\n\n")

    _, result, _ = ask(script, timeouts=Timeouts(idle=0.4))
    assert result.text == "late"


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_leaving_early_closes_the_connection(library):
    gone = threading.Event()

    def script(connection, over):
        try:
            endless(connection, over)
        except OSError:
            gone.set()

    with servers.serving(script) as server, Bridge(**vendor.talking(server.url, transport=library)) as bridge:
        with bridge.stream("talking:a", "hi") as events:
            for event in events:
                if isinstance(event, TextDelta):
                    break
        assert gone.wait(5)
        with pytest.raises(ConfigurationError, match="not at its end"):
            _ = events.result


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_leaving_early_closes_the_connection_of_a_task_too(library):
    gone = threading.Event()

    def script(connection, over):
        try:
            endless(connection, over)
        except OSError:
            gone.set()

    async def leave(url: str) -> None:
        async with AsyncBridge(**vendor.talking(url, transport=library)) as bridge:
            stream = bridge.stream("talking:a", "hi")
            async with stream as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        break
            assert await asyncio.to_thread(gone.wait, 5)

    with servers.serving(script) as server:
        asyncio.run(leave(server.url))


PATIENT = Timeouts(idle=8)
"""Silence ends here at last; who closes a stream must not have to wait for it."""


def test_a_stream_is_closed_from_another_thread():
    started = time.monotonic()
    with servers.serving(then_silent) as server, Bridge(**vendor.talking(server.url, timeouts=PATIENT)) as bridge:
        with bridge.stream("talking:a", "hi") as events:
            closer = threading.Timer(0.1, events.close)
            closer.start()
            with pytest.raises(errors.StreamInterruptedError, match="closed by the caller") as caught:
                list(events)
            closer.join()
        assert caught.value.partial.text == "first"
    assert time.monotonic() - started < 5


def test_a_stream_is_closed_from_another_task():
    async def closed(url: str) -> errors.StreamInterruptedError:
        async with AsyncBridge(**vendor.talking(url, timeouts=PATIENT)) as bridge:
            async with bridge.stream("talking:a", "hi") as events:
                assert isinstance(await anext(events), Started)
                assert await anext(events) == TextDelta("first")
                waiting = asyncio.create_task(anext(events))
                await asyncio.sleep(0)
                await events.close()
                with pytest.raises(errors.StreamInterruptedError, match="closed by the caller") as caught:
                    await waiting
            return caught.value

    started = time.monotonic()
    with servers.serving(then_silent) as server:
        assert asyncio.run(closed(server.url)).partial.text == "first"
    assert time.monotonic() - started < 5


OFTEN = RetryPolicy(attempts=5, first_delay=0.01)


def refusing_after(closed: threading.Event):
    """Says that it is busy, once the stream was closed."""

    def script(connection, over):
        closed.wait(5)
        servers.answer("503 Busy")(connection, over)

    return script


def test_a_stream_that_is_closed_while_it_opens_is_not_tried_again():
    closed = threading.Event()
    with (
        servers.serving(refusing_after(closed)) as server,
        Bridge(**vendor.talking(server.url, retry=OFTEN)) as bridge,
        ThreadPoolExecutor() as threads,
    ):
        stream = bridge.stream("talking:a", "hi")
        entering = threads.submit(stream.__enter__)
        while not server.requests:
            time.sleep(0.01)
        stream.close()
        closed.set()
        assert isinstance(entering.exception(5), errors.TransportError)
        assert len(server.requests) == 1


def test_a_stream_that_another_task_closes_while_it_opens_is_not_tried_again():
    closed = threading.Event()

    async def close_early(url: str) -> None:
        async with AsyncBridge(**vendor.talking(url, retry=OFTEN)) as bridge:
            stream = bridge.stream("talking:a", "hi")
            entering = asyncio.create_task(stream.__aenter__())
            while not server.requests:
                await asyncio.sleep(0.01)
            await stream.close()
            closed.set()
            with pytest.raises(errors.TransportError, match="closed by the caller"):
                await entering

    with servers.serving(refusing_after(closed)) as server:
        asyncio.run(close_early(server.url))
        assert len(server.requests) == 1


def test_a_refusal_is_raised_on_entering_and_not_when_it_is_iterated():
    async def entered(url: str) -> None:
        async with AsyncBridge(**vendor.talking(url, retry=ONCE)) as bridge:
            await bridge.stream("talking:a", "hi").__aenter__()

    with servers.serving(servers.answer("401 No")) as server, Bridge(**vendor.talking(server.url)) as bridge:
        with pytest.raises(errors.AuthenticationError):
            bridge.stream("talking:a", "hi").__enter__()
        with pytest.raises(errors.AuthenticationError):
            asyncio.run(entered(server.url))


@pytest.mark.parametrize("library", ["httpx", "httpx2", "aiohttp"])
def test_a_stream_is_cancelled_with_its_task(library):
    gone = threading.Event()

    def script(connection, over):
        connection.sendall(HEAD + b"data: first\n\n")
        connection.settimeout(5)
        if connection.recv(1) == b"":
            gone.set()

    async def cancelled(url: str) -> None:
        async with AsyncBridge(**vendor.talking(url, transport=library)) as bridge:
            first = asyncio.Event()

            async def read() -> None:
                async with bridge.stream("talking:a", "hi") as events:
                    async for event in events:
                        if isinstance(event, TextDelta):
                            first.set()

            task = asyncio.create_task(read())
            await first.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with servers.serving(script) as server:
        asyncio.run(cancelled(server.url))
        assert gone.wait(5)


def test_a_stream_outside_of_a_with_block_says_how_it_is_used():
    bridge = Bridge(**vendor.talking("http://127.0.0.1:1"))
    with pytest.raises(ConfigurationError, match="with bridge.stream"):
        next(bridge.stream("talking:a", "hi"))


ABANDONED = 200  # twice what the pool of a blocking bridge has room for


class Counting:
    """Counts the connections that stand open."""

    def __init__(self) -> None:
        self.open = 0
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        with self._lock:
            self.open += 1
        try:
            connection.sendall(HEAD + b"data: first\n\n")
            connection.settimeout(10)
            connection.recv(1)
        except OSError:
            pass
        finally:
            with self._lock:
                self.open -= 1

    def settled(self) -> bool:
        end = time.monotonic() + 10
        while self.open and time.monotonic() < end:
            threading.Event().wait(0.01)
        return self.open == 0


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_abandoned_streams_leave_nothing_behind(library):
    counting = Counting()
    with servers.serving(counting) as server, Bridge(**vendor.talking(server.url, transport=library)) as bridge:
        for number in range(ABANDONED):
            with bridge.stream("talking:a", "hi") as events:
                assert isinstance(next(events), Started)
                assert next(events) == TextDelta("first")
            if number % 50 == 49:
                gc.collect()
        assert counting.settled()


@pytest.mark.parametrize("library", ["httpx", "httpx2", "aiohttp"])
def test_abandoned_asynchronous_streams_leave_nothing_behind(library):
    counting = Counting()

    async def abandon(url: str) -> None:
        async with AsyncBridge(**vendor.talking(url, transport=library)) as bridge:
            for number in range(ABANDONED):
                async with bridge.stream("talking:a", "hi") as events:
                    async for event in events:
                        if isinstance(event, TextDelta):
                            break
                if number % 50 == 49:
                    gc.collect()
            for _ in range(20):  # async generators of the library that were collected are closed by the loop
                await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == 1

    with servers.serving(counting) as server:
        asyncio.run(abandon(server.url))
        assert counting.settled()
