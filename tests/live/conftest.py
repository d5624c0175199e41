"""Tests against a real Flowise. `make test-live` starts it; $LIVE_FLOWISE names the file that says where it is.

Without that variable nothing here is collected, so that `pytest` alone needs no server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from agentbridge import AgentBridgeError, Connection, Operation, Pending, Result
from agentbridge.events import TextDelta
from agentbridge.wire import HttpRequest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from live_table import Table  # noqa: E402

collect_ignore_glob = [] if "LIVE_FLOWISE" in os.environ else ["test_*.py"]
_LONG = 30.0  # seconds after which what a test waits for will not come


@attrs.frozen
class Server:
    """Where the real server is, and its flows by name."""

    base_url: str
    version: str
    api_key: str
    other_api_key: str
    flows: dict[str, str]


@attrs.frozen
class Stored(Operation[list[dict[str, Any]]]):
    """The messages that the server has stored of a session, newest first: what it knows whatever a client saw."""

    provider = "flowise"
    flow: str
    session_id: str

    def build_request(self, call: Any) -> HttpRequest:
        return HttpRequest(
            "GET",
            f"{call.base_url}/api/v1/chatmessage/{self.flow}?sessionId={self.session_id}&order=DESC",
            auth={"Authorization": f"Bearer {call.api_key}"},
        )

    def read(self, response: Any) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = response.json()
        return messages


class Live:
    """A bridge of one world on the real server. Flows go by their names; what came of each call is noted."""

    def __init__(self, both: Any, server: Server, note: Callable[[str], None]) -> None:
        self.world = both.world
        self._both = both
        self._server = server
        self._note = note

    def invoke(self, flow: str, *arguments: Any, **fields: Any) -> Result:
        return self._noted(self._both.invoke, self._target(flow), *arguments, **fields)

    def stream(self, flow: str, *arguments: Any, **fields: Any) -> Result:
        return self._noted(self._both.stream, self._target(flow), *arguments, **fields)

    def submit(self, flow: str, *arguments: Any, **fields: Any) -> Pending:
        return self._noted(self._both.submit, self._target(flow), *arguments, **fields)

    def poll(self, pending: Pending, **settings: Any) -> Result | Pending:
        return self._noted(self._both.poll, pending, **settings)

    def wait(self, pending: Pending, **settings: Any) -> Result:
        return self._noted(self._both.wait, pending, **settings)

    def recover(self, lost: Pending | AgentBridgeError, **settings: Any) -> Result | Pending:
        return self._noted(self._both.recover, lost, **settings)

    def resume(self, paused: Result, decision: str, **fields: Any) -> Result:
        return self._noted(self._both.resume, paused, decision, **fields)

    def stream_resumed(self, paused: Result, decision: str, **fields: Any) -> Result:
        return self._noted(self._both.stream_resumed, paused, decision, **fields)

    def call(self, operation: Operation[Any]) -> Any:
        return self._noted(self._both.call, operation)

    def leave(self, flow: str, *arguments: Any, **fields: Any) -> list[Any]:
        """Stream until the first piece of text, then leave; the events so far."""
        seen: list[Any] = []

        def blocking() -> None:
            with self._both.bridge.stream(self._target(flow), *arguments, **fields) as stream:
                seen.extend(_until_text(stream))

        async def awaiting() -> None:
            async with self._both.bridge.stream(self._target(flow), *arguments, **fields) as stream:
                async for event in stream:
                    seen.append(event)
                    if isinstance(event, TextDelta):
                        return

        self._run(blocking, awaiting)
        self._note("left")
        return seen

    def together(self, *calls: tuple[str, str, dict[str, Any]]) -> list[tuple[list[Any], Result]]:
        """Open all streams, then take one event of each in turn; the events and the Result of each."""
        streams = [self._both.bridge.stream(self._target(flow), text, **fields) for flow, text, fields in calls]
        seen: list[list[Any]] = [[] for _ in streams]
        waiting = dict(enumerate(streams))

        def blocking() -> None:
            with contextlib.ExitStack() as stack:
                for stream in streams:
                    stack.enter_context(stream)
                while waiting:
                    for index, stream in list(waiting.items()):
                        event = next(stream, None)
                        seen[index].append(event) if event is not None else waiting.pop(index)

        async def awaiting() -> None:
            async with contextlib.AsyncExitStack() as stack:
                for stream in streams:
                    await stack.enter_async_context(stream)
                while waiting:
                    for index, stream in list(waiting.items()):
                        event = await anext(stream, None)
                        seen[index].append(event) if event is not None else waiting.pop(index)

        self._run(blocking, awaiting)
        for stream in streams:
            self._note(said(stream.result))
        return [(events, stream.result) for events, stream in zip(seen, streams, strict=True)]

    def at_once(self, *calls: tuple[str, str, dict[str, Any]]) -> list[Result]:
        """Call from as many threads or tasks at the same time; the Results in the order of the calls."""

        def blocking() -> list[Result]:
            with ThreadPoolExecutor(len(calls)) as pool:
                asked = [
                    pool.submit(self._both.bridge.invoke, self._target(flow), text, **fields)
                    for flow, text, fields in calls
                ]
                return [future.result() for future in asked]

        async def awaiting() -> list[Result]:
            asked = [self._both.bridge.invoke(self._target(flow), text, **fields) for flow, text, fields in calls]
            return await asyncio.gather(*asked)

        results: list[Result] = self._run(blocking, awaiting)
        for result in results:
            self._note(said(result))
        return results

    def stored(self, flow: str, session_id: str, *, at_least: int = 1) -> list[str]:
        """What the server has stored of a session, oldest first, once there is as much as that."""
        until = time.monotonic() + _LONG
        messages: list[dict[str, Any]] = []
        while len(messages) < at_least:
            assert time.monotonic() < until, f"only {messages} was stored of {session_id}"
            messages = self._both.call(Stored(self._server.flows[flow], session_id))
        return [message["content"] for message in reversed(messages)]

    def _target(self, flow: str) -> str:
        return f"flowise:{self._server.flows.get(flow, flow)}"

    def _run(self, blocking: Callable[[], Any], awaiting: Callable[[], Any]) -> Any:
        return self._both._run(blocking if self.world == "sync" else awaiting)

    def _noted(self, ask: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
        try:
            value = ask(*arguments, **fields)
        except AgentBridgeError as error:
            status = getattr(error, "status", None)
            self._note(type(error).__name__ + (f" (HTTP {status})" if status else ""))
            raise
        self._note(said(value))
        return value


def said(result: Any) -> str:
    if not isinstance(result, (Result, Pending)):
        return "done"
    if isinstance(result, Pending):
        return "pending"
    if result.status == "waiting_for_input":
        return "paused"
    return "answer" if result.text.strip() else "empty answer"


def _until_text(stream: Any) -> Iterator[Any]:
    for event in stream:
        yield event
        if isinstance(event, TextDelta):
            return


@pytest.fixture(scope="session")
def server() -> Server:
    return Server(**json.loads(Path(os.environ["LIVE_FLOWISE"]).read_text()))


@pytest.fixture
def connect(open_bridge: Any, server: Server, request: pytest.FixtureRequest) -> Callable[..., Live]:
    """Makes bridges on the real server; the account may be another one, options are the bridge's."""

    def make(api_key: str | None = server.api_key, base_url: str = server.base_url, **options: Any) -> Live:
        both = open_bridge(connections={"flowise": Connection("flowise", base_url, api_key)}, **options)
        return Live(both, server, lambda outcome: request.node.user_properties.append(("outcome", outcome)))

    return make


@pytest.fixture
def live(connect: Callable[..., Live]) -> Live:
    return connect()


def pytest_configure(config: pytest.Config) -> None:
    if "LIVE_FLOWISE" in os.environ:
        config.pluginmanager.register(Table(HERE))
