"""Many calls at once: workers that take from one iterator. Memory is bounded, and no failure stops the others.

A worker takes a permit before it takes an invocation, and the permit comes back when the outcome is handed out. So
nobody runs ahead of whoever reads, and what waits to be read, or for its turn, is bounded too.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Generic, TypeAlias, TypeVar, cast

import attrs

from .amounts import count
from .errors import AgentBridgeError, ConfigurationError
from .model import Invocation, Outcome, Result
from .transport.loops import in_asyncio

Invoke: TypeAlias = Callable[[Invocation], Result]
AsyncInvoke: TypeAlias = Callable[[Invocation], Awaitable[Result]]

T = TypeVar("T")
R = TypeVar("R")

_END = object()
_AHEAD = 2  # outcomes for each worker that may wait to be read


@attrs.frozen
class _Broken:
    """What came instead of an outcome: the caller's iterator, or a bug, raised."""

    error: BaseException


@attrs.frozen
class _Ended:
    """A worker has."""


class _Ordered:
    """Hands outcomes out in the order of their invocations; those that came early are held."""

    def __init__(self, ordered: bool) -> None:
        self._ordered = ordered
        self._next = 0
        self._early: dict[int, Outcome] = {}

    def ready(self, outcome: Outcome) -> Sequence[Outcome]:
        """Those whose turn it is, now that this one is there."""
        if not self._ordered:
            return (outcome,)
        self._early[outcome.index] = outcome
        first = self._next
        while self._next in self._early:
            self._next += 1
        return [self._early.pop(index) for index in range(first, self._next)]


def mapped(invoke: Invoke, invocations: Iterable[Invocation], concurrency: int, ordered: bool) -> Generator[Outcome]:
    """The outcome of each invocation, by threads. Raises what `invocations` raises."""
    work = partial(_outcome, invoke)
    return Threads(work, iterated(invocations), count("concurrency", concurrency)).done(_Ordered(ordered).ready)


def _at_once(done: R) -> Sequence[R]:
    return (done,)


class Threads(Generic[T, R]):
    """The workers of one batch. Each that finds work starts the next, as long as there are fewer than allowed."""

    def __init__(self, work: Callable[[int, T], R], items: Iterator[T], concurrency: int) -> None:
        self._work_on = work
        self._numbered = enumerate(items)
        self._limit = concurrency
        self._lock = threading.Lock()
        self._workers = 0
        self._is_over = False
        self._permits: SimpleQueue[None] = SimpleQueue()
        self._done: SimpleQueue[R | _Broken | _Ended] = SimpleQueue()

    def done(self, ready: Callable[[R], Sequence[R]] = _at_once) -> Generator[R]:
        """What came of each item, as it comes; `ready` may hold some back. Raises what the items raise, and the work."""
        for _ in range(self._limit * _AHEAD):
            self._permits.put(None)
        with self._lock:
            self._hire()
        try:
            while self._workers:
                done = self._done.get()
                if isinstance(done, _Ended):
                    with self._lock:
                        self._workers -= 1
                elif isinstance(done, _Broken):
                    raise done.error
                else:
                    for one in ready(done):
                        yield one
                        self._permits.put(None)
        finally:
            self._is_over = True
            self._permits.put(None)  # wakes one who waits, and that one the next

    def _hire(self) -> None:
        if self._workers < self._limit:
            self._workers += 1
            run = contextvars.copy_context().run
            try:
                threading.Thread(target=run, args=(self._work,), name="agentbridge-map", daemon=True).start()
            except RuntimeError:  # no more threads here: those that run do the work
                self._workers -= 1
                if not self._workers:
                    raise

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            self._done.put(self._worked(*taken))
        self._permits.put(None)
        self._done.put(_Ended())

    def _worked(self, number: int, item: T) -> R | _Broken:
        try:
            return self._work_on(number, item)
        except BaseException as error:
            return _Broken(error)

    def _take(self) -> tuple[int, T] | None:
        self._permits.get()
        with self._lock:
            if self._is_over:
                return None
            try:
                taken = next(self._numbered)
            except StopIteration:
                self._is_over = True
                return None
            except BaseException as error:
                self._is_over = True
                self._done.put(_Broken(error))
                return None
            self._hire()
            return taken


def _outcome(invoke: Invoke, index: int, invocation: Invocation) -> Outcome:
    try:
        return Outcome(index, invocation, result=invoke(_invocation(invocation)))
    except AgentBridgeError as error:
        return Outcome(index, invocation, error=error)


def amapped(
    invoke: AsyncInvoke,
    invocations: Iterable[Invocation] | AsyncIterable[Invocation],
    concurrency: int,
    ordered: bool,
) -> AsyncGenerator[Outcome]:
    """The same by tasks of the running event loop. Leaving early cancels what is under way."""
    if not in_asyncio():
        raise ConfigurationError("map works by the tasks of asyncio; in trio, call invoke in a nursery of yours")
    return _Tasks(invoke, Source(invocations), count("concurrency", concurrency)).outcomes(_Ordered(ordered))


class _Tasks:
    """The same for an event loop."""

    def __init__(self, invoke: AsyncInvoke, source: Source, concurrency: int) -> None:
        self._invoke = invoke
        self._source = source
        self._limit = concurrency
        self._working = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._permits = asyncio.Semaphore(concurrency * _AHEAD)
        self._done: deque[Outcome | _Broken] = deque()
        self._news = asyncio.Event()

    async def outcomes(self, order: _Ordered) -> AsyncGenerator[Outcome]:
        self._hire()
        try:
            while self._working or self._done:
                if not self._done:
                    self._news.clear()
                    await self._news.wait()
                    continue
                done = self._done.popleft()
                if isinstance(done, _Broken):
                    raise done.error
                for outcome in order.ready(done):
                    yield outcome
                    self._permits.release()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hire(self) -> None:
        if len(self._tasks) < self._limit:
            self._working += 1
            self._tasks.append(asyncio.create_task(self._work(), name="agentbridge-map"))

    async def _work(self) -> None:
        try:
            while True:
                await self._permits.acquire()
                if (taken := await self._source.take()) is None:
                    return
                self._hire()
                index, invocation = taken
                try:  # here, and not in a coroutine of its own, which each turn of the loop would go through
                    outcome = Outcome(index, invocation, result=await self._invoke(_invocation(invocation)))
                except AgentBridgeError as error:
                    outcome = Outcome(index, invocation, error=error)
                self._done.append(outcome)
                self._news.set()
        except Exception as error:
            self._done.append(_Broken(error))
        finally:
            self._working -= 1
            self._permits.release()
            self._news.set()


class Source:
    """Numbers what an iterable of either world gives, one at a time."""

    def __init__(self, invocations: Iterable[Invocation] | AsyncIterable[Invocation]) -> None:
        self._later = aiter(invocations) if isinstance(invocations, AsyncIterable) else None
        self._now = iter(()) if isinstance(invocations, AsyncIterable) else iterated(invocations)
        self._numbers = itertools.count()
        self._turn = asyncio.Lock()

    async def take(self) -> tuple[int, Invocation] | None:
        """The next one and its number; None at the end."""
        if self._later is None:
            invocation = next(self._now, _END)
        else:
            async with self._turn:  # an asynchronous generator serves one at a time
                invocation = await anext(self._later, _END)
        return None if invocation is _END else (next(self._numbers), cast("Invocation", invocation))


def iterated(invocations: Iterable[Invocation]) -> Iterator[Invocation]:
    """An iterator of the caller's invocations.

    Raises:
        ConfigurationError: there is nothing to iterate.
    """
    if isinstance(invocations, (str, Invocation)) or not isinstance(invocations, Iterable):
        raise ConfigurationError(f"map takes an iterable of Invocation values, not {type(invocations).__name__}")
    return iter(invocations)


def _invocation(given: object) -> Invocation:
    if isinstance(given, Invocation):
        return given
    raise ConfigurationError(f"map takes Invocation values, not {type(given).__name__}")
