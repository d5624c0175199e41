"""An AsyncBridge in trio: the same promises, over the libraries that run there."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from tests.core import servers

from agentbridge import AsyncBridge, ConfigurationError, Connection, Invocation, Timeouts
from agentbridge.errors import DeadlineExceededError

LIBRARIES = ["httpx", "httpx2"]
BODY = b'{"text": "ok", "chatId": "c-1", "chatMessageId": "m-1"}'
OK = servers.answer("200 OK", BODY)
EVENTS = [
    b'{"event":"token","data":"o"}',
    b'{"event":"token","data":"k"}',
    b'{"event":"metadata","data":{"chatId":"c-1","chatMessageId":"m-1"}}',
    b'{"event":"end","data":"[DONE]"}',
]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def streamed(connection, over):
    connection.sendall(HEAD + b"".join(b"message:\ndata:" + event + b"\n\n" for event in EVENTS))
    connection.close()


def in_trio(script: servers.Script, act: Callable[[AsyncBridge], Awaitable[Any]], library: str = "httpx") -> Any:
    async def opened() -> Any:
        connections = {"flowise": Connection("flowise", server.url, "canary-key-7f3a")}
        async with AsyncBridge(connections=connections, transport=library) as bridge:
            return await act(bridge)

    with servers.serving(script) as server:
        return trio.run(opened)


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_agent_is_invoked_in_trio(library):
    async def act(bridge: AsyncBridge) -> str:
        return (await bridge.invoke("flowise:a", "hi")).text

    assert in_trio(OK, act, library) == "ok"


# trio warns of generators inside of httpx, which does not close those that it nests when a stream is left before its end
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("library", LIBRARIES)
def test_an_answer_streams_in_trio(library):
    async def act(bridge: AsyncBridge) -> tuple[int, str]:
        async with bridge.stream("flowise:a", "hi") as events:
            count = len([event async for event in events])
        return count, events.result.text

    count, text = in_trio(streamed, act, library)
    assert (count >= len(EVENTS), text) == (True, "ok")


def test_the_total_time_bounds_a_call_in_trio():
    async def act(bridge: AsyncBridge) -> None:
        await bridge.invoke("flowise:a", "hi", timeouts=Timeouts(total=0.2))

    with pytest.raises(DeadlineExceededError):
        in_trio(servers.silence, act)


def test_tasks_of_trio_take_turns_on_a_session():
    lock, most = threading.Lock(), [0, 0]

    def script(connection, over):
        with lock:
            most[0] += 1
            most[1] = max(most)
        OK(connection, over)
        with lock:
            most[0] -= 1

    async def act(bridge: AsyncBridge) -> list[str]:
        texts: list[str] = []

        async def ask() -> None:
            texts.append((await bridge.invoke("flowise:a", "hi", session_id="s")).text)

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(ask)
        return texts

    assert in_trio(script, act) == ["ok"] * 10
    assert most[1] == 1


def test_a_cancelled_call_closes_its_connection_in_trio():
    gone = threading.Event()

    def script(connection, over):
        connection.settimeout(10)
        if connection.recv(1) == b"":
            gone.set()

    async def act(bridge: AsyncBridge) -> bool:
        with trio.move_on_after(0.2) as scope:
            await bridge.invoke("flowise:a", "hi")
        return scope.cancelled_caught

    assert in_trio(script, act) is True
    assert gone.wait(10)


def test_one_bridge_serves_one_loop_of_trio_after_the_other():
    with servers.serving(OK) as server:
        bridge = AsyncBridge(connections={"flowise": Connection("flowise", server.url)})

        async def ask() -> str:
            return (await bridge.invoke("flowise:a", "hi")).text

        assert [trio.run(ask), trio.run(ask)] == ["ok", "ok"]
        trio.run(bridge.close)


def test_what_needs_asyncio_says_so_in_trio():
    async def act(bridge: AsyncBridge) -> None:
        bridge.map([Invocation(target="flowise:a", text="hi")])

    with pytest.raises(ConfigurationError, match="in trio, call invoke in a nursery"):
        in_trio(OK, act)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_call_that_would_wait_for_itself_is_told_so_in_trio():
    async def act(bridge: AsyncBridge) -> None:
        async with bridge.stream("flowise:a", "hi", session_id="s-1") as events:
            await anext(events)
            with pytest.raises(ConfigurationError, match="would wait for itself"):
                await bridge.invoke("flowise:a", "nested", session_id="s-1", timeouts=Timeouts(total=5))

    in_trio(streamed, act)
