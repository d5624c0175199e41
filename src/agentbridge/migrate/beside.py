"""Work that is done beside production: bounded, in the order of each conversation, and never a caller's trouble."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import attrs

from .samples import Answer

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_LINGER = 5.0  # seconds that a worker waits for more before it ends
_REMEMBERED = 10_000  # conversations


class Recent(Generic[K, V]):
    """A mapping that forgets what was longest not asked for, so that its memory is bounded. Not safe across threads."""

    def __init__(self, room: int = _REMEMBERED) -> None:
        self._room = room
        self._held: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What is known of a key; None where nothing is."""
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key]

    def put(self, key: K, value: V) -> None:
        """Know this of a key."""
        self._held[key] = value
        self._held.move_to_end(key)
        if len(self._held) > self._room:
            self._held.popitem(last=False)

    def forget(self, key: K) -> None:
        """Know nothing of a key."""
        self._held.pop(key, None)


class Backlog(Generic[T]):
    """What waits, by lanes: in each lane one after the other, and no more than `room` in all. No lock, no thread."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._lanes: dict[Hashable, deque[T]] = {}
        self._ready: deque[Hashable] = deque()
        self.waiting = 0
        self.busy = 0

    @property
    def ready(self) -> int:
        """How many could be taken now."""
        return len(self._ready)

    def put(self, lane: Hashable, item: T) -> bool:
        """Let it wait in its lane; False where there is no room."""
        if self.waiting >= self._room:
            return False
        self.waiting += 1
        if lane in self._lanes:
            self._lanes[lane].append(item)
        else:
            self._lanes[lane] = deque([item])
            self._ready.append(lane)
        return True

    def take(self) -> tuple[Hashable, T]:
        """The next one and its lane, which gives no other before `done`. Raises IndexError where none is ready."""
        lane = self._ready.popleft()
        self.waiting -= 1
        self.busy += 1
        return lane, self._lanes[lane].popleft()

    def done(self, lane: Hashable) -> None:
        """What was taken from this lane is over."""
        self.busy -= 1
        if self._lanes[lane]:
            self._ready.append(lane)
        else:
            del self._lanes[lane]

    def drop(self, lane: Hashable) -> int:
        """Let nothing wait any more in a lane of which one is taken. Returns how many did."""
        left = len(self._lanes[lane])
        self._lanes[lane].clear()
        self.waiting -= left
        return left

    def clear(self) -> int:
        """Let nothing wait any more. Returns how many did."""
        left, self.waiting = self.waiting, 0
        self._ready.clear()
        for waiting in self._lanes.values():
            waiting.clear()
        return left


@attrs.frozen(kw_only=True)
class ShadowStats:
    """What a shadow did in this process.

    `seen` counts the calls of the primary, `sampled` those that were to be shadowed. Of these `dropped` were never sent
    to the candidate, since there was no room, an earlier turn was lost, or it was closed; `failed` were, and got no
    answer or lost it; `under_way` wait or are being answered.
    """

    seen: int = 0
    sampled: int = 0
    dropped: int = 0
    failed: int = 0
    under_way: int = 0


class Beside(Generic[T]):
    """Threads that work on what they are offered, started when they are needed; offering never waits for them.

    A conversation that lost a turn is not gone on with: the candidate would not know what the primary knows. `work`
    gives the answer that came.
    """

    def __init__(self, work: Callable[[T], Answer], *, room: int, workers: int) -> None:
        self._work = work
        self._limit = workers
        self._news = threading.Condition()
        self._backlog: Backlog[T] = Backlog(room)
        self._lost: Recent[Hashable, bool] = Recent()
        self._workers = self._idle = 0
        self._seen = self._sampled = self._dropped = self._failed = 0
        self._closed = False

    @property
    def stats(self) -> ShadowStats:
        """What was done so far."""
        with self._news:
            under_way = self._backlog.waiting + self._backlog.busy
            counts = {"dropped": self._dropped, "failed": self._failed, "under_way": under_way}
            return ShadowStats(seen=self._seen, sampled=self._sampled, **counts)

    def pass_over(self) -> None:
        """Count a call that is not sampled."""
        with self._news:
            self._seen += 1

    def offer(self, conversation: Hashable, item: T) -> None:
        """Have it worked on where there is room. None is a conversation of its own."""
        with self._news:
            self._seen += 1
            self._sampled += 1
            lane = object() if conversation is None else conversation
            if self._closed or self._lost.get(lane) or not self._backlog.put(lane, item):
                self._dropped += 1
                self._lose(conversation)
            elif self._backlog.ready > self._idle and self._workers < self._limit:
                self._hire()
            else:
                self._news.notify()

    def close(self, wait: float) -> None:
        """Take no more, and wait so many seconds for what is there; what still waits then is dropped."""
        with self._news:
            self._closed = True
            self._news.notify_all()
            self._news.wait_for(lambda: not self._backlog.waiting and not self._backlog.busy, wait)
            self._dropped += self._backlog.clear()

    def _hire(self) -> None:
        self._workers += 1
        try:
            threading.Thread(target=self._serve, name="agentbridge-shadow", daemon=True).start()
        except RuntimeError:  # no more threads here, or the interpreter is ending
            self._workers -= 1

    def _serve(self) -> None:
        while (taken := self._take()) is not None:
            lane, item = taken
            self._end(lane, self._worked(item))

    def _take(self) -> tuple[Hashable, T] | None:
        with self._news:
            self._idle += 1
            self._news.wait_for(lambda: self._backlog.ready or self._closed, _LINGER)
            self._idle -= 1
            if self._backlog.ready:
                return self._backlog.take()
            self._workers -= 1
            return None

    def _worked(self, item: T) -> Answer | None:
        try:
            return self._work(item)
        except BaseException:  # nothing that goes wrong here is production's trouble
            return None

    def _end(self, lane: Hashable, answer: Answer | None) -> None:
        with self._news:
            self._failed += answer is None or not answer.ok
            if answer is None or answer.standing != "final":
                self._dropped += self._backlog.drop(lane)
                self._lose(lane)
            self._backlog.done(lane)
            if self._closed:
                self._news.notify_all()

    def _lose(self, lane: Hashable) -> None:
        if isinstance(lane, str):
            self._lost.put(lane, True)
