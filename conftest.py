"""For all tests: nothing leaves the loopback interface, and every behaviour runs through both bridges."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

for _name in list(os.environ):  # a developer's own keys and proxies are none of the tests' business
    if _name.startswith(
        ("AGENTBRIDGE_", "FLUXPROMPT_", "PROMPTITUDE_", "FLOWGENT_", "FLOWISE_")
    ) or _name.lower().endswith("_proxy"):
        del os.environ[_name]

hypothesis.settings.register_profile("gate", max_examples=40, deadline=None, database=None)
hypothesis.settings.register_profile("thorough", max_examples=500, deadline=None)
hypothesis.settings.load_profile("thorough" if os.environ.get("THOROUGH") else "gate")

_outside: list[str] = []


def _is_loopback(host: object) -> bool:
    try:
        return host in {None, "", "localhost", "testserver"} or ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        inside = not isinstance(address, tuple) or _is_loopback(address[0])
    elif event == "socket.getaddrinfo":
        address = arguments[0]
        inside = _is_loopback(address.decode() if isinstance(address, bytes) else address)
    else:
        return
    if not inside:
        _outside.append(f"{event} {address!r}")
        raise RuntimeError(f"a test tried to leave the loopback interface: {event} {address!r}")


sys.addaudithook(_guard)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A Bridge has no transport over aiohttp."""
    items[:] = [item for item in items if not {"sync", "aiohttp"} <= _words(item)]


def _words(item: pytest.Item) -> set[str]:
    spec = getattr(item, "callspec", None)
    return {value for value in spec.params.values() if isinstance(value, str)} if spec is not None else set()


def pytest_collection_finish() -> None:
    """Ten thousand tests stay until the end, so no collection of garbage needs to look at them again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run, also where a test swallowed the guard's exception."""
    if _outside:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        sys.stderr.write(f"\nattempts to leave the loopback interface: {_outside}\n")


async def _awaited(ask: Callable[[], Any]) -> Any:
    return await ask()


class Both:
    """A Bridge or an AsyncBridge behind the same blocking methods, so that one test serves both worlds."""

    def __init__(self, world: str, **options: Any) -> None:
        from agentbridge import AsyncBridge, Bridge

        self.world = world
        self._open = True
        self._runner = asyncio.Runner() if world == "async" else None
        self.bridge: Any = AsyncBridge(**options) if world == "async" else Bridge(**options)

    def invoke(self, *arguments: Any, **fields: Any) -> Any:
        return self._run(lambda: self.bridge.invoke(*arguments, **fields))

    def call(self, *arguments: Any, **fields: Any) -> Any:
        return self._run(lambda: self.bridge.call(*arguments, **fields))

    def submit(self, *arguments: Any, **fields: Any) -> Any:
        return self._run(lambda: self.bridge.submit(*arguments, **fields))

    def wait(self, *arguments: Any, **fields: Any) -> Any:
        return self._run(lambda: self.bridge.wait(*arguments, **fields))

    def poll(self, *arguments: Any, **fields: Any) -> Any:
        return self._run(lambda: self.bridge.poll(*arguments, **fields))

    def recover(self, *arguments: Any, **fields: Any) -> Any:
        return self._run(lambda: self.bridge.recover(*arguments, **fields))

    def resume(self, *arguments: Any, **fields: Any) -> Any:
        return self._run(lambda: self.bridge.resume(*arguments, **fields))

    def stream(self, *arguments: Any, seen: list[Any], **fields: Any) -> Any:
        """Iterate a stream to its end; the events go into `seen`, the Result comes back."""
        return self._iterated(lambda: self.bridge.stream(*arguments, **fields), seen)

    def stream_resumed(self, *arguments: Any, seen: list[Any], **fields: Any) -> Any:
        """The same for a run that is continued."""
        return self._iterated(lambda: self.bridge.resume(*arguments, stream=True, **fields), seen)

    def _iterated(self, opened: Callable[[], Any], seen: list[Any]) -> Any:
        if self._runner is None:
            with opened() as stream:
                seen.extend(stream)
            return stream.result

        async def iterate() -> Any:
            async with opened() as stream:
                async for event in stream:
                    seen.append(event)  # noqa: PERF401 (what came before a failure counts)
            return stream.result

        return self._runner.run(iterate())

    def prepare(self, *arguments: Any, **fields: Any) -> Any:
        return self.bridge.prepare(*arguments, **fields)

    def close(self) -> None:
        self._run(self.bridge.close)
        if self._runner is not None and self._open:
            self._runner.close()
        self._open = False

    def _run(self, ask: Callable[[], Any]) -> Any:
        if self._runner is None:
            return ask()
        if not self._open:
            return asyncio.run(_awaited(ask))
        return self._runner.run(_awaited(ask))


@pytest.fixture(params=["sync", "async"])
def open_bridge(request: pytest.FixtureRequest) -> Iterator[Callable[..., Both]]:
    """Makes bridges of one world; the test runs once in each. They are closed at the end."""
    opened: list[Both] = []

    def make(**options: Any) -> Both:
        opened.append(Both(request.param, **options))
        return opened[-1]

    yield make
    for bridge in opened:
        bridge.close()


@pytest.fixture(scope="session")
def emulators() -> Iterator[Any]:
    """All vendors' emulators, served on a free loopback port: `.connections` and `.emulators` by provider."""
    from agentbridge.emulator.serving import serve

    with serve() as served:
        yield served
