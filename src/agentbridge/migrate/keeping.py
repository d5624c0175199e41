"""What one actor keeps for all workers of a Ray job: the ledger, the budget, and the limits of connections."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import attrs

from ..errors import AgentBridgeError
from ..faults import Fault
from ..pacing import Limits, Pace
from .ledger import Ledger, Turn
from .replaying import Keeper, Summary
from .samples import Answer
from .spending import Budget


class LedgerKeeper:
    """The actor: the one process that writes the ledger. It is never restarted, and no call to it is repeated.

    Its threads claim together, so that the disk is waited for once for all of them.
    """

    def __init__(self, path: str | os.PathLike[str], arm: str, limits: Mapping[str, Limits]) -> None:
        self._path = path
        self._arm = arm
        self._paces = {name: Pace(name, each) for name, each in limits.items()}
        self._held = ExitStack()

    def begin(self, budget: Budget, stop_after: int) -> list[int]:
        """Take the ledger. Returns the conversations in which a call is still to be made.

        Raises:
            ConfigurationError: the ledger cannot be used, or another process replays it.
        """
        self._ledger = self._held.enter_context(Ledger(self._path))
        self._keeper = Keeper(self._ledger, self._arm, budget, stop_after)
        self._held.enter_context(self._keeper.running())
        return list(self._ledger.leads(self._arm))

    def end(self) -> Summary:
        """Let go of the ledger; all workers have ended."""
        with self._held:
            self._keeper.lose()
            return self._keeper.summary()

    def turns(self, lead: int) -> tuple[Turn, ...] | None:
        """The turns of one conversation; None where nothing more is to be sent.

        One worker has it at a time, so what is claimed in it already was claimed by one that ended.
        """
        if self._keeper.stopped:
            return None
        self._keeper.lose(lead)
        return self._ledger.conversation(self._arm, lead)

    def claim(self, turn: Turn) -> bool:
        return self._keeper.claim(turn)

    def session(self, conversation: str) -> str | None:
        return self._keeper.session(conversation)

    def finish(self, turn: Turn, answer: Answer) -> None:
        self._keeper.finish(turn, answer)

    def stop(self, why: str) -> None:
        """Nothing more is to be claimed."""
        self._keeper.stopped = why

    def take(self, connection: str) -> float:
        """Seconds until a request may go, by this process's clock; 0 where one may go now, which is counted."""
        return self._paces[connection].take(time.monotonic())

    def wait(self, connection: str) -> float:
        """The same, and nothing is counted."""
        return self._paces[connection].wait(time.monotonic())

    def heard(self, connection: str, fault: Fault | None, took: float) -> None:
        """What came of a request that was under way for so many seconds."""
        now = time.monotonic()
        self._paces[connection].heard(fault, now, now - took)


def ask(actor: Any, method: str, *arguments: Any) -> Any:
    """What a method of the actor returns, or raises."""
    import ray

    try:
        return ray.get(getattr(actor, method).remote(*arguments))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, AgentBridgeError):
            raise error.cause from None
        raise


class RemoteKeeper:
    """The keeper as a worker sees it: each method asks the actor."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def turns(self, lead: int) -> tuple[Turn, ...] | None:
        found: tuple[Turn, ...] | None = ask(self._actor, "turns", lead)
        return found

    def claim(self, turn: Turn) -> bool:
        return bool(ask(self._actor, "claim", turn))

    def session(self, conversation: str) -> str | None:
        found: str | None = ask(self._actor, "session", conversation)
        return found

    def finish(self, turn: Turn, answer: Answer) -> None:
        ask(self._actor, "finish", turn, answer)


@attrs.frozen
class SharedLimits(Limits):
    """Limits of one connection that all workers keep together, by the actor."""

    actor: Any = None

    def pace(self, connection: str) -> Pace:
        return SharedPace(connection, self)


class SharedPace(Pace):
    """Asks the actor when a request may go. Clocks of machines differ, so only durations are told."""

    limits: SharedLimits

    def wait(self, now: float) -> float:
        return float(ask(self.limits.actor, "wait", self.connection))

    def take(self, now: float) -> float:
        return float(ask(self.limits.actor, "take", self.connection))

    def heard(self, fault: Fault | None, now: float, sent: float) -> None:
        said = fault and Fault(fault.kind, "", retry_after=fault.retry_after)
        ask(self.limits.actor, "heard", self.connection, said, now - sent)
