"""An exact deadline for blocking calls.

httpx limits each read, not their sum, so a vendor that drips a byte a second would never time out, neither in the
body nor in the headers. Below httpx each socket read asks for its own limit; here it gets the smaller of that and the
time left. (In the asynchronous world `asyncio.timeout` does this.)
"""

from __future__ import annotations

import time
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("agentbridge_deadline", default=None)


class until:  # noqa: N801 (read as a word: `with until(deadline)`)
    """Every socket operation of this thread inside the block ends at the deadline (monotonic seconds)."""

    __slots__ = ("_at", "_token")

    def __init__(self, deadline: float | None) -> None:
        self._at = deadline

    def __enter__(self) -> None:
        self._token = _deadline.set(self._at)

    def __exit__(self, *exc: object) -> None:
        _deadline.reset(self._token)


def in_time(timeout: float | None, expired: type[Exception]) -> float | None:
    """The smaller of a limit and the time left. Raises `expired` where there is none left."""
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise expired("deadline")
    return left if timeout is None else min(timeout, left)
