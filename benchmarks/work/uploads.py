"""A big file in an invocation, which goes out as base64 inside of the JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from agentbridge import AsyncBridge, Bridge, File, Invocation
from benchmarks.worker import Work

from .common import QUESTION, big_file, check
from .ours import connections

_LARGE = {"fileSizeLimit": None}


def _invocation(path: Path) -> Invocation:
    return Invocation(
        target="flowise:hello", text=QUESTION, files=(File("big.png", path=path, media_type="image/png"),)
    )


@contextmanager
def sync(base: str, megabytes: int) -> Iterator[Work]:
    """In a blocking call."""
    with big_file(megabytes) as path, Bridge(config={}, connections=connections(base, options=_LARGE)) as bridge:
        check(bridge.invoke("flowise:hello", QUESTION).text)
        yield Work(1, lambda: check(bridge.invoke(_invocation(path)).text))


@contextmanager
def asynchronous(base: str, megabytes: int, transport: str = "httpx") -> Iterator[Work]:
    """In an event loop, whose longest turn is `stall`, in milliseconds of CPU: so a busy machine is not blamed on us."""

    async def upload() -> float:
        async with AsyncBridge(config={}, connections=connections(base, options=_LARGE), transport=transport) as bridge:
            check((await bridge.invoke("flowise:hello", QUESTION)).text)
            watch = asyncio.create_task(_longest_turn(turns := [0.0]))
            check((await bridge.invoke(_invocation(path))).text)
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            return turns[0] * 1000

    def do() -> Mapping[str, float]:
        return {"stall": asyncio.run(upload())}

    with big_file(megabytes) as path:
        yield Work(1, do)


async def _longest_turn(longest: list[float]) -> None:
    """Come by in every turn of the loop, and keep what the longest one cost."""
    before = time.thread_time()
    while True:
        await asyncio.sleep(0)
        now = time.thread_time()
        longest[0] = max(longest[0], now - before)
        before = now
