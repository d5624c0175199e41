"""Samples sent to a candidate, by a ledger: what is claimed before it is sent is never sent twice unasked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import attrs

from ..amounts import count
from ..bridge import Bridge
from ..errors import AgentBridgeError
from ..mapping import Threads
from ..model import Invocation
from .canonical import connection_of, retarget
from .ledger import CANDIDATE, Counts, Ledger, Turn
from .samples import Answer, Sample
from .sessions import Treatment, checked, treated
from .spending import Budget, Spending
from .targets import check_side_effects, check_target

OnAnswer = Callable[[Turn, Answer], object]
INTERRUPTED = "it was interrupted"
_HOLDING = ("claimed", "unknown")  # a turn of which nobody knows what came, or not yet


@attrs.frozen(kw_only=True)
class Summary:
    """What one run of a replay did, and how far the ledger is.

    `made` counts the calls of this run, `lost` those of unknown outcome that an earlier process left, `seconds` is how
    long it took. `stopped` says why it ended before all was done; None where nothing is left but what a human decides.
    """

    arm: str
    made: int
    lost: int
    seconds: float
    counts: Counts
    stopped: str | None = None


def replay(
    ledger: Ledger,
    bridge: Bridge,
    to: str,
    *,
    arm: str = CANDIDATE,
    sessions: Treatment = "mapped",
    concurrency: int = 16,
    budget: Budget | None = None,
    stop_after: int = 10,
    allow_side_effects: bool = False,
    on_answer: OnAnswer | None = None,
) -> Summary:
    """Make every call of the ledger that is still to be made in this arm, and write down what came of it.

    `to` is a connection, which has the same portable agents, or a whole target. Turns of one conversation go one after
    the other; one whose outcome is unknown holds those after it back. It stops by itself where `stop_after` calls in
    a row got no answer. Limits of the connection are the bridge's. `on_answer` is told of each, in a worker's
    thread.

    Raises:
        ConfigurationError: the arguments are wrong, another process replays this ledger, or an agent has side effects
            and `allow_side_effects` is not set.
    """
    keeper = Keeper(ledger, arm, budget or Budget(), stop_after, on_answer)
    caller = Caller(bridge, to, checked(sessions), keeper)
    check(bridge, to, ledger.targets(), allow_side_effects=allow_side_effects)
    return _run(keeper, caller, count("concurrency", concurrency))


def _run(keeper: Keeper, caller: Caller, concurrency: int) -> Summary:
    def converse(_: int, turns: tuple[Turn, ...]) -> None:
        caller.converse(turns)

    with keeper.running():
        try:
            for _ in Threads(converse, keeper.conversations(), concurrency).done():
                if keeper.stopped:
                    break
        except KeyboardInterrupt:
            keeper.stopped = INTERRUPTED
        except BaseException:
            keeper.stopped = "it failed"
            raise
        finally:
            caller.settle()
    return keeper.summary()


def check(bridge: Bridge, to: str, targets: Iterable[str], *, allow_side_effects: bool) -> None:
    """Raises ConfigurationError where what was sent to these targets cannot be sent there, or not be repeated."""
    for target in targets:
        said = retarget(Invocation(target=target, text="-"), to, bridge.agents)
        check_target(bridge, said.target)
        if not allow_side_effects:
            check_side_effects(bridge, said.target, "a replay would repeat them")


class Keeping(Protocol):
    """What a Caller asks before it sends, and tells after it."""

    def claim(self, turn: Turn) -> bool: ...
    def session(self, conversation: str) -> str | None: ...
    def finish(self, turn: Turn, answer: Answer) -> None: ...


class Keeper:
    """What all that call in one run share: the ledger, what may be spent, and whether to go on. Safe across threads."""

    def __init__(
        self, ledger: Ledger, arm: str, budget: Budget, stop_after: int, on_answer: OnAnswer | None = None
    ) -> None:
        self._ledger = ledger
        self._arm = arm
        self._on_answer = on_answer
        counts = ledger.counts(arm)
        self._began = time.monotonic()
        self._spending = Spending(budget, counts.sends, counts.credits or 0.0, self._began)
        self._stop_after = count("stop_after", stop_after)
        self._missed = 0
        self._made = 0
        self._lost = 0
        self._lock = threading.Lock()
        self.stopped: str | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """No other process replays meanwhile, and what an earlier one left claimed is unknown.

        Raises:
            ConfigurationError: another process replays this ledger.
        """
        with self._ledger.alone():
            self._lost = self._ledger.begin(self._arm)
            yield

    def conversations(self) -> Iterator[tuple[Turn, ...]]:
        """Those in which a call is still to be made."""
        return self._ledger.conversations(self._arm)

    def lose(self, lead: int | None = None) -> None:
        """Who made the calls of this conversation ended, or all did: what they had claimed is unknown."""
        lost = self._ledger.begin(self._arm, lead)
        with self._lock:
            self._lost += lost

    def claim(self, turn: Turn) -> bool:
        """Write down that a call is about to be sent; False where it is not to be sent."""
        if self.stopped:
            return False
        if over := self._spending.take(time.monotonic()):
            self.stopped = over
            return False
        if self._ledger.claim(self._arm, turn.position):
            return True
        self._spending.give_back()
        return False

    def session(self, conversation: str) -> str | None:
        """The new vendor's session of a conversation; None before it gave one."""
        return self._ledger.session(self._arm, conversation)

    def finish(self, turn: Turn, answer: Answer) -> None:
        """Write down what came of a claimed call."""
        self._ledger.finish(self._arm, turn, answer)
        self._spending.add(answer.credits)
        with self._lock:
            self._made += 1
            self._missed = 0 if answer.standing == "final" else self._missed + 1
            if self._missed >= self._stop_after and not self.stopped:
                self.stopped = f"{self._missed} calls in a row got no answer; the last one: {answer.message}"
        if self._on_answer is not None:
            self._on_answer(turn, answer)

    def summary(self) -> Summary:
        """What this run did until now."""
        return Summary(
            arm=self._arm,
            made=self._made,
            lost=self._lost,
            seconds=time.monotonic() - self._began,
            counts=self._ledger.counts(self._arm),
            stopped=self.stopped,
        )


class Caller:
    """Makes the calls of conversations over one bridge, and asks the keeper before each."""

    def __init__(self, bridge: Bridge, to: str, sessions: Treatment, keeper: Keeping) -> None:
        self._bridge = bridge
        self._agents = bridge.agents
        self._to = to
        self._sessions = sessions
        self._keeper = keeper
        self._under_way = 0
        self._quiet = threading.Condition()

    def settle(self) -> None:
        """Wait for the calls under way: they are paid for. Who interrupts this too leaves them unknown."""
        with self._quiet:
            self._quiet.wait_for(lambda: self._under_way == 0)

    def converse(self, turns: tuple[Turn, ...]) -> None:
        """Make the calls of one conversation that are still to be made, one after the other."""
        for place, turn in enumerate(turns):
            if turn.state in _HOLDING or (turn.is_open and not self._sent(turn, turns[:place])):
                return

    def _sent(self, turn: Turn, earlier: tuple[Turn, ...]) -> bool:
        """Make one call; False where the conversation cannot go on after it."""
        with self._quiet:
            self._under_way += 1
        try:
            if not self._keeper.claim(turn):
                return False
            began = time.monotonic()
            answer = self._asked(turn, earlier)
            answer = attrs.evolve(answer, elapsed=answer.elapsed or time.monotonic() - began)
            self._keeper.finish(turn, answer)
        finally:
            with self._quiet:
                self._under_way -= 1
                self._quiet.notify_all()
        return answer.standing == "final"

    def _asked(self, turn: Turn, earlier: tuple[Turn, ...]) -> Answer:
        try:
            return Answer.of(self._bridge.invoke(self._invocation(turn, earlier)))
        except AgentBridgeError as error:
            return Answer.of(error)

    def _invocation(self, turn: Turn, earlier: tuple[Turn, ...]) -> Invocation:
        said = self._retargeted(turn.sample).invocation
        conversation = turn.sample.conversation
        return treated(
            said,
            self._sessions,
            earlier=[self._retargeted(one.sample) for one in earlier] if self._sessions == "inline-history" else (),
            new_session=lambda: conversation and self._keeper.session(conversation),
            accepts=self._accepts(said.target),
        )

    def _retargeted(self, sample: Sample) -> Sample:
        return attrs.evolve(sample, invocation=retarget(sample.invocation, self._to, self._agents))

    def _accepts(self, target: str) -> frozenset[str]:
        connection = self._bridge.connections[connection_of(target, self._agents)]
        return self._bridge.providers[connection.provider].accepts
