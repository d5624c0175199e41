"""An AsyncBridge in uvloop, asyncio's loop in C, whose sockets can do less than asyncio's."""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.core import servers

from agentbridge import AsyncBridge, Connection, Invocation, TextDelta, Timeouts
from agentbridge.errors import DeadlineExceededError, TransportError

if sys.platform == "win32":
    pytest.skip("there is no uvloop for Windows", allow_module_level=True)
import uvloop

OK = servers.answer("200 OK", b'{"text": "ok", "chatId": "c-1", "chatMessageId": "m-1"}')
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = b'message:\ndata:{"event":"token","data":"o"}\n\n'


@pytest.fixture(params=["httpx", "httpx2", "aiohttp"])
def library(request):
    return request.param


def in_uvloop(library: str, script: servers.Script, act: Callable[[AsyncBridge], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        connections = {"flowise": Connection("flowise", server.url, "canary-key-7f3a")}
        async with AsyncBridge(connections=connections, transport=library) as bridge:
            return await act(bridge)

    with servers.serving(script) as server:
        return uvloop.run(opened())


def test_many_agents_are_invoked_at_once(library):
    async def act(bridge: AsyncBridge) -> list[str]:
        many = (Invocation(target="flowise:a", text="hi") for _ in range(40))
        return [outcome.result.text async for outcome in bridge.map(many, concurrency=8)]

    assert in_uvloop(library, OK, act) == ["ok"] * 40


def test_a_stream_that_is_left_breaks_its_connection_off(library):
    gone = threading.Event()

    def endless(connection, over):
        connection.sendall(HEAD + b"%x\r\n%b\r\n" % (len(TOKEN), TOKEN) * 1000)
        connection.settimeout(servers.LONGEST)
        if connection.recv(1) == b"":
            gone.set()

    async def act(bridge: AsyncBridge) -> str:
        async with bridge.stream("flowise:a", "hi") as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    return event.text
        return "nothing"

    assert in_uvloop(library, endless, act) == "o"
    assert gone.wait(servers.LONGEST)


def test_the_total_time_bounds_a_call(library):
    async def act(bridge: AsyncBridge) -> None:
        await bridge.invoke("flowise:a", "hi", timeouts=Timeouts(total=0.2))

    with pytest.raises(DeadlineExceededError):
        in_uvloop(library, servers.silence, act)


def test_a_connection_that_is_lost_is_an_error_of_the_tree(library):
    async def act(bridge: AsyncBridge) -> None:
        await bridge.invoke("flowise:a", "hi")

    with pytest.raises(TransportError):
        in_uvloop(library, servers.half_a_body, act)
