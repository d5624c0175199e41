"""So many at a time on a session or an account: first come, first served, across threads, tasks and event loops."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextvars import ContextVar

from ..errors import ConfigurationError
from . import loops

_OWN_WAIT = (
    "this call would wait for itself: it is made while a stream of the same session is open, or as many streams as the"
    " limits of the connection allow. Finish the stream first; serialize_sessions=False or a higher in_flight turn"
    " the waiting off"
)
_TICKS = 20  # of an event loop, in which a stream that was just dropped closes itself


class Turns:
    """The queues of a bridge, one for each session and each limited connection in use. Their first ones act."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a place that is collected leaves in the middle of anything
        self._queues: dict[Hashable, deque[Place]] = {}

    def join(self, place: Place) -> bool:
        """Queue up; True if it is this place's turn at once."""
        with self._lock:
            queue = self._queues.setdefault(place.key, deque())
            queue.append(place)
            return len(queue) <= place.room

    def leave(self, place: Place) -> None:
        """Leave the queue, and call the next one that can hear it, where it was this place's turn."""
        with self._lock:
            queue = self._queues.get(place.key, deque())
            if place not in queue:
                return
            acted, last = queue.index(place) < place.room, place.room - 1
            queue.remove(place)
            while acted and len(queue) > last and not queue[last].call():
                del queue[last]
            if not queue:
                self._queues.pop(place.key, None)


class Place:
    """A place in one queue, of whose first `room` places all act. It is left once, from any thread."""

    def __init__(self, turns: Turns, room: int = 1) -> None:
        self._turns = turns
        self.room = room
        self.key: Hashable = None
        self.call: Callable[[], bool] = lambda: True
        self._owner: object = None
        self._taken = False

    def wait(self, key: Hashable, seconds: float | None) -> bool:
        """Wait for the turn, blocking; False where it did not come in time, or the place was left meanwhile."""
        called = threading.Event()

        def call() -> bool:
            called.set()
            return True

        self._check_other(key)
        return self._join(key, call) or (called.wait(seconds) and self._taken)

    async def await_turn(self, key: Hashable, seconds: float | None) -> bool:
        """Wait for the turn in the running event loop."""
        loop, called = loops.running_loop(), loops.event()

        def call() -> bool:
            return loops.call_soon(loop, called.set)  # False: that loop is over, and with it whoever waited in it

        for _ in range(_TICKS):
            if not self._is_mine(key):
                break
            await loops.sleep(0)
        self._check_other(key)
        if self._join(key, call):
            return True
        try:
            async with loops.timeout(seconds):
                await called.wait()
        except TimeoutError:
            return False
        return self._taken

    def leave(self) -> None:
        """Let the next one act. Whoever waits at this place waits no more."""
        taken, self._taken = self._taken, False
        if taken:
            self._turns.leave(self)
            self.call()

    def _join(self, key: Hashable, call: Callable[[], bool]) -> bool:
        self.key, self.call, self._owner, self._taken = (os.getpid(), key), call, loops.whoever_acts(), True
        _MINE.set((*(place for place in _MINE.get() if place._taken), self))  # noqa: SLF001 (of this class)
        return self._turns.join(self)

    def _is_mine(self, key: Hashable) -> bool:
        """Whether this very thread or task holds all there is already, and would wait for itself for ever."""
        held = (os.getpid(), key)  # a forked child does not wait for its parent's threads
        mine = sum(
            place._taken and place.key == held and place._turns is self._turns and place._owner == loops.whoever_acts()  # noqa: SLF001
            for place in _MINE.get()
        )
        return mine >= self.room

    def _check_other(self, key: Hashable) -> None:
        if self._is_mine(key):
            raise ConfigurationError(_OWN_WAIT)


class Held:
    """The places of one exchange by their keys. They may be left from any thread."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._places: dict[Hashable, Place] = {}

    def place(self, key: Hashable, room: int) -> Place:
        """A new place, to wait at."""
        place = self._places[key] = Place(self._turns, room)
        return place

    def leave(self, key: Hashable = None) -> None:
        """Leave the place of this key; without one all of them, the last one first."""
        for each in [key] if key is not None else reversed(list(self._places)):
            place = self._places.pop(each, None)
            if place is not None:
                place.leave()


_MINE: ContextVar[tuple[Place, ...]] = ContextVar("agentbridge_places", default=())
"""The places that this context took."""
