"""Many calls through `AsyncBridge.map`, over a transport that answers from memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentbridge import AsyncBridge, HttpResponse, Invocation
from benchmarks.server import HELLO
from benchmarks.worker import Work

from .common import QUESTION, WARM, awaited, check, check_count
from .ours import connections

_IN_FLIGHT = 16


class _AtOnce:
    """Answers in the next turn of the loop."""

    async def send(self, _: object) -> HttpResponse:
        await asyncio.sleep(0)
        return HttpResponse(200, {"content-type": "application/json"}, HELLO)

    async def sleep(self, seconds: float) -> None:
        """Nobody waits."""

    async def close(self) -> None:
        """Nothing is open."""


def _invocations(count: int) -> Iterator[Invocation]:
    for _ in range(count):
        yield Invocation(target="flowise:hello", text=QUESTION)


@contextmanager
def mapped(count: int) -> Iterator[Work]:
    """By `map`."""

    async def use(bridge: Any, number: int) -> None:
        found = 0
        async for outcome in bridge.map(_invocations(number), concurrency=_IN_FLIGHT):
            if outcome.error is not None:
                raise outcome.error
            check(outcome.result.text)
            found += 1
        check_count(found, number)

    with awaited(_bridge(), use, count, warm=WARM) as work:
        yield work


@contextmanager
def by_hand(count: int) -> Iterator[Work]:
    """By as many tasks that share one iterator: what `map` is measured against."""

    async def use(bridge: AsyncBridge, number: int) -> None:
        calls = _invocations(number)

        async def worker() -> None:
            for invocation in calls:
                check((await bridge.invoke(invocation)).text)

        await asyncio.gather(*(worker() for _ in range(_IN_FLIGHT)))

    with awaited(_bridge(), use, count, warm=WARM) as work:
        yield work


def _bridge() -> AsyncBridge:
    return AsyncBridge(config={}, connections=connections("http://vendor.invalid"), transport=_AtOnce())
