"""What both sides do alike, so that only the library differs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.worker import Work

T = TypeVar("T")

QUESTION = "What is the capital of France?"
KEY = "canary-of-the-bench"
WARM = 20  # calls, items or tokens


def check(text: object) -> None:
    """The answer is the one that the server gives."""
    if not isinstance(text, str) or not text.startswith("Hello!"):
        raise AssertionError(f"a wrong answer: {text!r:.200}")


def check_count(found: int, wanted: int) -> None:
    """All of them came."""
    if found != wanted:
        raise AssertionError(f"{found} events instead of {wanted}")


def prediction(base: str, flow: str = "hello") -> str:
    """The URL of a flow."""
    return f"{base}/api/v1/prediction/{flow}"


def repeated(call: Callable[[], object], count: int) -> Work:
    """So many calls, one after the other, warmed up."""

    def do() -> None:
        for _ in range(count):
            check(call())

    for _ in range(min(count, WARM)):
        check(call())
    return Work(count, do)


async def side_by_side(call: Callable[[], Awaitable[object]], count: int, in_flight: int) -> None:
    """So many calls, with so many in flight at any time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for _ in numbers:
            check(await call())

    await asyncio.gather(*(worker() for _ in range(in_flight)))


@contextmanager
def awaited(
    client: AbstractAsyncContextManager[T], use: Callable[[T, int], Awaitable[object]], count: int, warm: int
) -> Iterator[Work]:
    """A slice of asynchronous work, in a loop and with a client that live from slice to slice.

    `use` does so many operations: `warm` before anything is measured, `count` in each slice.
    """
    with asyncio.Runner() as runner:

        async def entered() -> T:
            return await client.__aenter__()

        async def used(number: int) -> Any:
            return await use(value, number)

        async def left() -> None:
            await client.__aexit__(None, None, None)

        value = runner.run(entered())
        runner.run(used(warm))
        yield Work(count, lambda: runner.run(used(count)))
        runner.run(left())


@contextmanager
def big_file(megabytes: int) -> Iterator[Path]:
    """A file of this size that takes no room on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.png"
        with path.open("wb") as file:
            file.truncate(megabytes * 1_000_000)
        yield path
