"""One run at a time on a session: first come, first served, across threads, tasks and event loops."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextvars import ContextVar

from ..errors import ConfigurationError

_OWN_WAIT = (
    "this call would wait for itself: it is made while a stream of the same session is open."
    " Finish the stream first, or turn waiting off with serialize_sessions=False"
)


class Turns:
    """The queues of a bridge, one for each session that is in use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[Hashable, deque[Place]] = {}

    def join(self, place: Place) -> bool:
        """Queue up; True if it is this place's turn at once."""
        with self._lock:
            queue = self._queues.setdefault(place.key, deque())
            queue.append(place)
            return queue[0] is place

    def leave(self, place: Place) -> None:
        """Leave the queue, and call the next one where it was this place's turn."""
        with self._lock:
            queue = self._queues.get(place.key, deque())
            first = bool(queue) and queue[0] is place
            if place in queue:
                queue.remove(place)
            if not queue:
                self._queues.pop(place.key, None)
            following = queue[0] if first and queue else None
        if following is not None:
            following.call()


class Place:
    """One exchange's place in the queue of its session. It is left once, from any thread."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.key: Hashable = None
        self.call: Callable[[], None] = lambda: None
        self._taken = False

    def wait(self, key: Hashable, seconds: float | None) -> bool:
        """Wait for the turn, blocking; False where it did not come in time."""
        called = threading.Event()
        return self._join(key, called.set) or called.wait(seconds)

    async def await_turn(self, key: Hashable, seconds: float | None) -> bool:
        """Wait for the turn in the running event loop."""
        loop, called = asyncio.get_running_loop(), asyncio.Event()

        def call() -> None:
            try:
                loop.call_soon_threadsafe(called.set)
            except RuntimeError:  # that loop is over, and with it whoever waited in it
                self.leave()

        if self._join(key, call):
            return True
        try:
            async with asyncio.timeout(seconds):
                await called.wait()
        except TimeoutError:
            return False
        return True

    def leave(self) -> None:
        """Let the next one act."""
        taken, self._taken = self._taken, False
        if taken:
            self._turns.leave(self)

    def _join(self, key: Hashable, call: Callable[[], None]) -> bool:
        self.key, self.call = (os.getpid(), key), call  # a forked child does not wait for its parent's threads
        mine = [place for place in _MINE.get() if place._taken]  # noqa: SLF001 (of this class)
        if any(place.key == self.key and place._turns is self._turns for place in mine):  # noqa: SLF001
            raise ConfigurationError(_OWN_WAIT)
        self._taken = True
        _MINE.set((*mine, self))
        return self._turns.join(self)


_MINE: ContextVar[tuple[Place, ...]] = ContextVar("agentbridge_places", default=())
"""The places of this thread or task: one that waited for its own would wait for ever."""
