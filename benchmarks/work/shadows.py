"""What shadow mode adds to the thread that calls the primary. The candidate's own calls are made in others."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agentbridge import Agent, Binding, Bridge, Result
from agentbridge.migrate import Shadow
from benchmarks.worker import Work

from .common import QUESTION
from .ours import connections

_AGENT = Agent(on={"flowise": Binding(agent="hello")})
_PRIMARY = "support@flowise"


class Known(Bridge):
    """A bridge that has its answer already: what a call costs through it is what stands around the call."""

    known: Result

    def invoke(self, *_: Any, **__: Any) -> Result:
        """The answer, as it was."""
        return self.known


@contextmanager
def added(base: str, count: int, sample: float) -> Iterator[Work]:
    """The CPU of the caller's thread that a shadow adds to a call, in per cent of what the call costs it."""
    options: dict[str, Any] = {"config": {}, "connections": connections(base), "agents": {"support": _AGENT}}
    with Bridge(**options) as bridge, Known(**options) as known:
        known.known = bridge.invoke(_PRIMARY, QUESTION)
        with Shadow(known, _PRIMARY, _PRIMARY, sample=sample, on_pair=id, candidate_bridge=bridge) as shadow:
            sessions = itertools.count()

            def calls(invoke: Callable[..., Result], *said: str) -> float:
                began = time.thread_time()
                for _ in range(count):
                    invoke(*said, session_id=f"s-{next(sessions)}")
                return time.thread_time() - began

            def do() -> dict[str, float]:
                call = calls(bridge.invoke, _PRIMARY, QUESTION)
                return {
                    "added": 100 * (calls(shadow.invoke, QUESTION) - calls(known.invoke, _PRIMARY, QUESTION)) / call
                }

            do()
            yield Work(count, do)
