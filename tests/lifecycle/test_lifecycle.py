"""Bridges that are opened, closed, forgotten and used from odd places."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.core import servers

from agentbridge import AsyncBridge, Bridge, ConfigurationError, Connection, Timeouts

LIBRARIES = ["httpx", "httpx2"]
ASYNCHRONOUS = [*LIBRARIES, "aiohttp"]
OK = servers.answer("200 OK", b'{"text": "ok", "chatId": "c-1", "chatMessageId": "m-1"}')
TOKEN = b'message:\ndata:{"event":"token","data":"a"}\n\n'


def setup(url: str, library: str = "httpx") -> dict[str, object]:
    return {"connections": {"flowise": Connection("flowise", url, "canary-key-7f3a")}, "transport": library}


def endless(connection, over):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + TOKEN)
    over.wait(20)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_bridge_that_is_forgotten_open_closes_its_connections(library):
    gone = threading.Event()

    def script(connection, over):
        OK(connection, over)
        connection.settimeout(10)
        if connection.recv(1) == b"":
            gone.set()

    with servers.serving(script) as server:
        bridge = Bridge(**setup(server.url, library))
        bridge.invoke("flowise:a", "hi")
        del bridge
        gc.collect()
        assert gone.wait(10)


def test_a_bridge_that_is_forgotten_is_collected():
    with servers.serving(OK) as server:
        bridge = Bridge(**setup(server.url))
        bridge.invoke("flowise:a", "hi", session_id="s")
        known = weakref.ref(bridge)
        del bridge
        gc.collect()
    assert known() is None


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_two_event_loops_in_a_row_use_one_bridge(library):
    with servers.serving(OK) as server:
        bridge = AsyncBridge(**setup(server.url, library))

        async def ask() -> str:
            return (await bridge.invoke("flowise:a", "hi")).text

        async def stream_synthetic() -> str:
            async with bridge.stream("flowise:a", "hi") as events:
                async for _ in events:
                    pass
            return events.result.text

        assert [asyncio.run(ask()), asyncio.run(stream_synthetic()), asyncio.run(ask())] == ["ok"] * 3
        asyncio.run(bridge.close())


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_event_loops_in_many_threads_use_one_bridge(library):
    with servers.serving(OK) as server:
        bridge = AsyncBridge(**setup(server.url, library))

        async def ask() -> list[str]:
            return [
                result.text for result in await asyncio.gather(*(bridge.invoke("flowise:a", "hi") for _ in range(3)))
            ]

        with ThreadPoolExecutor(4) as pool:
            texts = [future.result() for future in [pool.submit(asyncio.run, ask()) for _ in range(8)]]
        asyncio.run(bridge.close())
    assert texts == [["ok"] * 3] * 8


def test_the_blocking_bridge_works_inside_a_running_event_loop_as_in_a_notebook():
    with servers.serving(OK) as server:

        async def cell() -> str:
            with Bridge(**setup(server.url)) as bridge:
                return bridge.invoke("flowise:a", "hi").text

        assert asyncio.run(cell()) == "ok"


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_stream_that_is_dropped_in_the_middle_closes_its_connection_when_it_is_collected(library):
    gone = threading.Event()

    def script(connection, over):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + TOKEN)
        connection.settimeout(10)
        if connection.recv(1) == b"":
            gone.set()

    with servers.serving(script) as server, Bridge(**setup(server.url, library)) as bridge:
        stream = bridge.stream("flowise:a", "hi")
        next(stream.__enter__())
        del stream
        gc.collect()
        assert gone.wait(10)


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_streams_that_are_dropped_give_their_places_in_the_pool_back(library, monkeypatch):
    monkeypatch.setattr(f"agentbridge.transport.{library.rstrip('2')}.ROOM", 100)

    async def drop_and_ask(url: str) -> str:
        async with AsyncBridge(**setup(url, library)) as bridge:
            for _ in range(120):  # more than a pool has places
                stream = bridge.stream("flowise:a", "stream")
                await anext(await stream.__aenter__())
                del stream
            gc.collect()
            return (await bridge.invoke("flowise:a", "hi", timeouts=Timeouts(total=20))).text

    def script(connection, over):
        if b'"stream"' in server.requests.pop():
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + TOKEN)
            connection.settimeout(10)
            connection.recv(1)
        else:
            OK(connection, over)

    with servers.serving(script) as server:
        assert asyncio.run(drop_and_ask(server.url)) == "ok"


def test_a_stream_can_be_closed_twice_and_not_be_used_afterwards():
    with servers.serving(endless) as server, Bridge(**setup(server.url)) as bridge:
        with bridge.stream("flowise:a", "hi") as events:
            next(events)
            events.close()
            events.close()
        assert list(events) == []
        with pytest.raises(ConfigurationError, match="not at its end"):
            _ = events.result


def test_a_stream_that_was_never_entered_says_how():
    with servers.serving(OK) as server, Bridge(**setup(server.url)) as bridge:
        with pytest.raises(ConfigurationError, match="with bridge.stream"):
            next(bridge.stream("flowise:a", "hi"))
        assert server.requests == []


def test_an_async_bridge_is_closed_twice_and_says_so_when_it_is_used():
    async def closed() -> None:
        bridge = AsyncBridge({})
        await bridge.close()
        await bridge.close()
        with pytest.raises(ConfigurationError, match="is closed"):
            await bridge.invoke("flowise:a", "hi")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWISE_BASE_URL", "http://127.0.0.1:9")
        asyncio.run(closed())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_a_forked_child_uses_an_async_bridge_of_its_parent(library):
    program = """
import asyncio, os, sys
from agentbridge import AsyncBridge, Connection
bridge = AsyncBridge(connections={"flowise": Connection("flowise", sys.argv[1])}, transport=sys.argv[2])
async def ask():
    return (await bridge.invoke("flowise:a", "hi")).text
asyncio.run(ask())
child = os.fork()
if child == 0:
    os._exit(0 if asyncio.run(ask()) == "ok" else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    with servers.serving(OK) as server:
        ended = subprocess.run(
            [sys.executable, "-c", program, server.url, library], capture_output=True, timeout=60, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("library", ASYNCHRONOUS)
def test_a_program_that_never_closes_its_bridges_ends_quietly(library):
    program = """
import asyncio, sys
from agentbridge import AsyncBridge, Bridge, Connection
setup = {"connections": {"flowise": Connection("flowise", sys.argv[1])}}
blocking, awaiting = Bridge(**setup), AsyncBridge(**setup, transport=sys.argv[2])
blocking.invoke("flowise:a", "hi")
async def ask():
    await awaiting.invoke("flowise:a", "hi")
asyncio.run(ask())
"""
    with servers.serving(OK) as server:
        command = [sys.executable, "-W", "error", "-c", program, server.url, library]
        ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_bridge_is_entered_in_its_own_world_only():
    async def entered() -> None:
        async with Bridge({}):
            pass

    with pytest.raises(ConfigurationError, match="an AsyncBridge is entered by 'async with'"), AsyncBridge({}):
        pass
    with pytest.raises(ConfigurationError, match="a Bridge is entered by 'with'"):
        asyncio.run(entered())


def test_a_closed_bridge_says_so_when_it_is_shown_or_entered():
    with Bridge({}) as bridge:
        assert repr(bridge) == "<Bridge: no connections>"
    assert repr(bridge) == "<Bridge, closed: no connections>"
    with pytest.raises(ConfigurationError, match="this Bridge is closed; make a new one"), bridge:
        pass


def test_a_closed_async_bridge_is_not_entered_again():
    async def again() -> None:
        async with AsyncBridge({}) as bridge:
            pass
        async with bridge:
            pass

    with pytest.raises(ConfigurationError, match="this AsyncBridge is closed; make a new one"):
        asyncio.run(again())
