"""agentbridge over a real socket, used the obvious way."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from agentbridge import AsyncBridge, Bridge, Connection, RetryPolicy, TextDelta
from benchmarks.worker import Work

from .common import KEY, QUESTION, WARM, awaited, check_count, repeated, side_by_side
from .memory import answered_from_memory


def connections(base: str, **more: Any) -> dict[str, Connection]:
    """The fake vendor's account."""
    return {"flowise": Connection(provider="flowise", base_url=base, api_key=KEY, **more)}


@contextmanager
def sync_calls(base: str, count: int) -> Iterator[Work]:
    """Calls one after the other on a connection that is kept."""
    with Bridge(config={}, connections=connections(base)) as bridge:
        yield repeated(lambda: bridge.invoke("flowise:hello", QUESTION).text, count)


@contextmanager
def from_memory(base: str, count: int) -> Iterator[Work]:
    """The same without I/O, as users get it: a Bridge with a client of its own."""
    with answered_from_memory(), Bridge(config={}, connections=connections(base)) as bridge:
        yield repeated(lambda: bridge.invoke("flowise:hello", QUESTION).text, count)


@contextmanager
def async_calls(base: str, count: int, in_flight: int, transport: str = "httpx") -> Iterator[Work]:
    """Calls with so many in flight."""

    async def use(bridge: AsyncBridge, number: int) -> None:
        async def call() -> object:
            return (await bridge.invoke("flowise:hello", QUESTION)).text

        await side_by_side(call, number, in_flight)

    with awaited(
        AsyncBridge(config={}, connections=connections(base), transport=transport), use, count, warm=count
    ) as work:
        yield work


@contextmanager
def sync_stream(base: str, tokens: int) -> Iterator[Work]:
    """One stream of tokens, as typed events."""

    def do(number: int) -> None:
        with bridge.stream(f"flowise:tokens-{number}", QUESTION) as events:
            check_count(sum(isinstance(event, TextDelta) for event in events), number)

    with Bridge(config={}, connections=connections(base)) as bridge:
        do(WARM)
        yield Work(tokens, lambda: do(tokens))


@contextmanager
def async_stream(base: str, tokens: int, transport: str = "httpx") -> Iterator[Work]:
    """The same in an event loop."""

    async def use(bridge: AsyncBridge, number: int) -> None:
        found = 0
        async with bridge.stream(f"flowise:tokens-{number}", QUESTION) as events:
            async for event in events:
                found += isinstance(event, TextDelta)
        check_count(found, number)

    with awaited(
        AsyncBridge(config={}, connections=connections(base), transport=transport), use, tokens, warm=WARM
    ) as work:
        yield work


@contextmanager
def further_bridge(base: str, count: int) -> Iterator[Work]:
    """A Bridge for each call, on a connection for each call."""

    def call() -> object:
        with Bridge(config={}, connections=connections(base)) as bridge:
            return bridge.invoke("flowise:goodbye", QUESTION).text

    yield repeated(call, count)


@contextmanager
def same_bridge(base: str, count: int) -> Iterator[Work]:
    """One Bridge, and a connection for each call: what a further Bridge is measured against."""
    with Bridge(config={}, connections=connections(base)) as bridge:
        yield repeated(lambda: bridge.invoke("flowise:goodbye", QUESTION).text, count)


@contextmanager
def requests_sent(base: str, count: int, in_flight: int, transport: str = "httpx") -> Iterator[Work]:
    """What arrives at a vendor that refuses some calls: requests beyond calls and retries, connections beyond the window."""
    often = RetryPolicy(attempts=20, first_delay=0.001)

    async def calls() -> None:
        async with AsyncBridge(config={}, connections=connections(base), retry=often, transport=transport) as bridge:

            async def call() -> object:
                return (await bridge.invoke("flowise:busy", QUESTION)).text

            await side_by_side(call, count, in_flight)

    def do() -> Mapping[str, float]:
        before = _stats(base)
        asyncio.run(calls())
        seen = {name: value - before[name] for name, value in _stats(base).items()}
        return {
            "requests": abs(seen["requests"] - count - seen["refused"]),
            "connections": max(0, seen["connections"] - in_flight),
        }

    yield Work(count, do)


def _stats(base: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{base}/stats") as answer:  # noqa: S310 (the vendor of this run)
        counts: dict[str, int] = json.load(answer)
        return counts
