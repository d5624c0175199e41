"""What an event loop gives: asyncio's, or trio's through anyio, which httpx and httpx2 bring along.

asyncio is imported where there is a loop: it takes as long as pydantic, and who calls blocking has none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

T = TypeVar("T")

_NO_LIMIT: AbstractAsyncContextManager[object] = nullcontext()


def in_asyncio() -> bool:
    """Whether the running event loop is asyncio's."""
    try:
        _asyncio().get_running_loop()
    except RuntimeError:
        return False
    return True


def running_loop() -> Any:
    """The running event loop, as something to compare by identity. Raises RuntimeError where none runs."""
    return _asyncio().get_running_loop() if in_asyncio() else _anyio().lowlevel.current_token().native_token


def is_over(loop: Any) -> bool:
    """Whether this loop will never run again."""
    return loop.is_closed() if isinstance(loop, _asyncio().AbstractEventLoop) else not call_soon(loop, _nothing)


def call_soon(loop: Any, do: Callable[[], object]) -> bool:
    """Have it done in that loop, from any thread; False where the loop is over."""
    schedule = loop.call_soon_threadsafe if isinstance(loop, _asyncio().AbstractEventLoop) else loop.run_sync_soon
    try:
        schedule(do)
    except RuntimeError:
        return False
    return True


def timeout(seconds: float | None) -> AbstractAsyncContextManager[object]:
    """A block that raises TimeoutError after so many seconds; None never does, and costs nothing."""
    if seconds is None:
        return _NO_LIMIT
    return _asyncio().timeout(seconds) if in_asyncio() else _Timeout(_anyio().fail_after(seconds))


async def sleep(seconds: float) -> None:
    """Wait. No seconds let others run."""
    await (_asyncio().sleep if in_asyncio() else _anyio().sleep)(seconds)


def event() -> Any:
    """Something to wait for: `.set()` and `await .wait()`, both in the running loop."""
    return _asyncio().Event() if in_asyncio() else _anyio().Event()


async def in_thread(do: Callable[[], T]) -> T:
    """What `do` hands back, done in a thread while the loop goes on."""
    result: T = await (_asyncio().to_thread if in_asyncio() else _anyio().to_thread.run_sync)(do)
    return result


def whoever_acts() -> object:
    """The task that runs, else the thread."""
    try:
        return _asyncio().current_task() or threading.current_thread()
    except RuntimeError:
        return _task_of_trio() or threading.current_thread()


def _task_of_trio() -> object:
    try:
        return ("task", _anyio().get_current_task().id)
    except Exception:
        return None


def _nothing() -> None:
    """Done to see whether anything is done."""


class _Timeout:
    """anyio's block, entered like asyncio's."""

    def __init__(self, scope: Any) -> None:
        self._scope = scope

    async def __aenter__(self) -> None:
        self._scope.__enter__()

    async def __aexit__(self, *exc: object) -> bool | None:
        handled: bool | None = self._scope.__exit__(*exc)
        return handled


def _asyncio() -> Any:
    import asyncio

    return asyncio


def _anyio() -> Any:
    import anyio.lowlevel
    import anyio.to_thread

    return anyio
