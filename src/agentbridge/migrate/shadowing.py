"""What a shadow does beside production: ask the candidate, and keep what came of it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

import attrs

from ..bindings import Agent
from ..errors import AgentBridgeError
from ..model import Invocation, Result
from .beside import Recent
from .canonical import retarget
from .ledger import CANDIDATE, Ledger, Turn
from .samples import Answer, Pair, Sample

T = TypeVar("T")

OnPair: TypeAlias = Callable[[Pair], object]
Ask: TypeAlias = Callable[..., Result]


@attrs.frozen(kw_only=True)
class Job:
    """What production asked and was answered, and the settings of that call that change what an answer is."""

    sample: Sample
    settings: Mapping[str, Any]


class Kept(Protocol):
    """Where pairs and the candidate's sessions are kept."""

    def claim(self, sample: Sample) -> Turn | None:
        """Take a sample in before it is sent; None where it is not to be sent."""

    def session(self, conversation: str) -> str | None:
        """The candidate's session of a conversation; None before there is one."""

    def finish(self, turn: Turn, answer: Answer) -> None:
        """Write down what came of it."""


class InLedger:
    """Pairs in a ledger, in the arm of the candidate: claimed before they are sent, as a replay does it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def claim(self, sample: Sample) -> Turn | None:
        self._ledger.add([sample])
        position = self._ledger.position(sample.id)
        return Turn(position=position, sample=sample) if self._ledger.claim(CANDIDATE, position) else None

    def session(self, conversation: str) -> str | None:
        return self._ledger.session(CANDIDATE, conversation)

    def finish(self, turn: Turn, answer: Answer) -> None:
        self._ledger.finish(CANDIDATE, turn, answer)


class InMemory:
    """Sessions of this process alone; the pairs are somebody else's business."""

    def __init__(self) -> None:
        self._sessions: Recent[str, str] = Recent()
        self._lock = threading.Lock()

    def claim(self, sample: Sample) -> Turn | None:
        return Turn(position=0, sample=sample)

    def session(self, conversation: str) -> str | None:
        with self._lock:
            return self._sessions.get(conversation)

    def finish(self, turn: Turn, answer: Answer) -> None:
        old, new = turn.sample.conversation, answer.result.session_id if answer.result is not None else None
        with self._lock:
            if old is not None and new is not None and self._sessions.get(old) is None:
                self._sessions.put(old, new)


def kept_in(ledger: Ledger | None) -> Kept:
    """The ledger, or without one the memory of this process."""
    return InMemory() if ledger is None else InLedger(ledger)


@attrs.frozen(kw_only=True)
class Asker:
    """Asks the candidate what production asked the primary, in a session of its own, and keeps both answers."""

    ask: Ask
    candidate: str
    agents: Mapping[str, Agent]
    kept: Kept
    on_pair: OnPair | None

    def __call__(self, job: Job) -> Answer:
        """What the candidate answered. Raises where that could not be kept."""
        turn = self.kept.claim(job.sample)
        if turn is None:
            return Answer(outcome="Unknown", standing="unknown")
        began = time.monotonic()
        answer = self._answer(job)
        answer = attrs.evolve(answer, elapsed=answer.elapsed or time.monotonic() - began)
        self.kept.finish(turn, answer)
        if self.on_pair is not None:
            self.on_pair(Pair(sample=job.sample, candidate=answer))
        return answer

    def _answer(self, job: Job) -> Answer:
        try:
            return Answer.of(self.ask(self._said(job.sample), **job.settings))
        except AgentBridgeError as error:
            return Answer.of(error)

    def _said(self, sample: Sample) -> Invocation:
        session = None if sample.conversation is None else self.kept.session(sample.conversation)
        return attrs.evolve(retarget(sample.invocation, self.candidate, self.agents), session_id=session)


class LoopThread:
    """An event loop in a thread of its own, started when it is first needed: production's loop has nothing to do with it."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_over = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What it hands back, done in that loop while this thread waits. Raises what it raises."""
        with self._lock:
            if self._is_over:
                work.close()
                raise asyncio.CancelledError
            done = asyncio.run_coroutine_threadsafe(work, self._running())
        return done.result()

    def stop(self, wait: float = 0.0) -> None:
        """Cancel what is under way and end the thread; do not wait for that longer than so many seconds."""
        if self._process != os.getpid():  # a parent's thread is not here
            return
        with self._lock:
            if self._loop is not None and not self._is_over:
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._is_over = True
        if self._thread is not None:
            self._thread.join(wait)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_run, args=(self._loop,), name="agentbridge-shadow-loop", daemon=True
            )
            self._thread.start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.get_loop().run_forever()
