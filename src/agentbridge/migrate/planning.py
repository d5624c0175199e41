"""What a move to another vendor would do to each field of each call. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from ..base import BridgeBase
from ..errors import AgentBridgeError
from ..model import Invocation
from ..planning.prepared import Prepared
from .canonical import agent_of, connection_of, portable_name, retarget
from .fates import How, Place, fates, missing, proven
from .samples import Sample, given
from .sessions import Treatment, checked, treated
from .targets import unfilled

_SESSION = "NEW-SESSION"
"""Stands for the session that the candidate names in its first answer."""

_SHOWN = 5


@attrs.frozen(kw_only=True)
class FieldPlan:
    """What becomes of one field of one agent's calls, and in how many. `detail` says into what, `remedy` what to do."""

    agent: str
    field: str
    how: How
    count: int
    detail: str = ""
    remedy: str = ""


@attrs.frozen(kw_only=True)
class MissingValue:
    """What the new binding has a place for and `count` calls do not say; `samples` are the first of them, by id."""

    agent: str
    what: str
    count: int
    samples: tuple[str, ...]


@attrs.frozen(kw_only=True)
class MovePlan:
    """What a move would do. `calls` can be made, of `samples` in all; `conversations` have more than one turn.

    `credits` is what the calls cost at the candidate, None where that is not known. `unfilled` names keys of a drafted
    binding that wait for somebody. `notes` say how sessions and history are treated.
    """

    to: str
    sessions: Treatment
    samples: int
    calls: int
    conversations: int
    fields: tuple[FieldPlan, ...]
    missing: tuple[MissingValue, ...] = ()
    unfilled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    credits: float | None = None

    @property
    def ok(self) -> bool:
        """Whether every call can be made."""
        return self.calls == self.samples and not self.unfilled

    def to_dict(self) -> dict[str, Any]:
        """This plan as plain JSON values."""
        return {"ok": self.ok, **attrs.asdict(self)}

    def to_text(self) -> str:
        """This plan as plain text, a table of the fields first."""
        from .planned_text import as_text

        return as_text(self)


def plan(
    samples: Iterable[Sample],
    bridge: BridgeBase,
    to: str,
    *,
    sessions: Treatment = "mapped",
    credits_per_call: float | None = None,
) -> MovePlan:
    """Say of every field what a replay `to` this connection or target would do to it, without sending anything.

    Every call is prepared by the bridge as it would be sent; what that refuses is impossible. Credits are calls times
    `credits_per_call`, or times what the candidate's own calls among the samples cost on average.

    Raises:
        ConfigurationError: the treatment of sessions is no known one.
    """
    counting = _Counting(to, checked(sessions))
    for one in _prepared(samples, bridge, to, counting.sessions):
        counting.add(one)
    return counting.plan(credits_per_call)


def requests(
    samples: Iterable[Sample], bridge: BridgeBase, to: str, *, sessions: Treatment = "mapped"
) -> Iterator[tuple[Sample, str]]:
    """Each sample and the request that it would be, as curl, secrets masked; for one that cannot be made, why, as a comment.

    Sessions that the candidate has still to name stand as NEW-SESSION.
    """
    for one in _prepared(samples, bridge, to, checked(sessions)):
        if one.prepared is not None:
            yield one.sample, one.prepared.curl()
        else:
            yield one.sample, f"# {' '.join(str(one.error).split())}"


@attrs.frozen(kw_only=True)
class _Tried:
    """One sample as it would be sent, or the error that it would be; `said` is the portable call."""

    sample: Sample
    agent: str
    said: Invocation
    place: Place | None = None
    prepared: Prepared | None = None
    error: AgentBridgeError | None = None


def _prepared(samples: Iterable[Sample], bridge: BridgeBase, to: str, sessions: Treatment) -> Iterator[_Tried]:
    begun: set[str] = set()
    earlier: dict[str, list[Sample]] = {}
    for sample in given(samples):
        name = sample.conversation
        yield _try(sample, earlier.get(name, []) if name else [], bridge, to, sessions, is_later=name in begun)
        if name is not None:
            begun.add(name)
            if sessions == "inline-history":
                earlier.setdefault(name, []).append(_moved(sample, bridge, to))


def _moved(sample: Sample, bridge: BridgeBase, to: str) -> Sample:
    """A turn as those after it quote it."""
    try:
        return attrs.evolve(sample, invocation=retarget(sample.invocation, to, bridge.agents))
    except AgentBridgeError:
        return sample


def _try(
    sample: Sample, earlier: list[Sample], bridge: BridgeBase, to: str, sessions: Treatment, *, is_later: bool
) -> _Tried:
    agents, target = bridge.agents, sample.invocation.target
    found = agent_of(target, agents)
    agent = found[0] if found is not None else target
    try:
        moved = retarget(sample.invocation, to, agents)
        place = _place(moved.target, bridge)
    except AgentBridgeError as error:
        return _Tried(sample=sample, agent=agent, said=sample.invocation, error=error)
    said = attrs.evolve(moved, callback_url=sample.invocation.callback_url)
    tried = _Tried(sample=sample, agent=agent, said=said, place=place)
    name = _SESSION if is_later and "session_id" in place.accepts else None
    sent = treated(moved, sessions, earlier=earlier, new_session=lambda: name, accepts=place.accepts)
    try:
        return attrs.evolve(tried, prepared=bridge.prepare(sent))
    except AgentBridgeError as error:
        return attrs.evolve(tried, error=error)


def _place(target: str, bridge: BridgeBase) -> Place:
    """Where a call goes. Raises what a bridge raises for a target that is not there."""
    agents = bridge.agents
    connection = connection_of(target, agents)
    name = portable_name(target)
    binding = agents[name].on.get(connection) if name is not None and name in agents else None
    account = bridge.connections.get(connection)
    provider = account.provider if account is not None else connection
    accepts = bridge.providers[provider].accepts if provider in bridge.providers else frozenset[str]()
    return Place(provider=provider, accepts=accepts, binding=binding)


class _Counting:
    """Adds up a plan in memory that does not grow with the samples, but for the names of conversations."""

    def __init__(self, to: str, sessions: Treatment) -> None:
        self._to = to
        self.sessions = sessions
        self._samples = self._calls = 0
        self._turns: dict[str, int] = {}
        self._fields: dict[tuple[str, str, How, str, str], int] = {}
        self._missing: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {}
        self._unfilled: dict[str, None] = {}
        self._places: dict[str, Place] = {}
        self._credits: list[float] = []

    def add(self, tried: _Tried) -> None:
        """One sample more."""
        self._samples += 1
        self._calls += tried.prepared is not None
        if (name := tried.sample.conversation) is not None:
            self._turns[name] = self._turns.get(name, 0) + 1
        found = iter(()) if tried.place is None else fates(tried.said, tried.place, self.sessions)
        for one in proven(found, tried.error, tried.prepared.dropped if tried.prepared else ()):
            key = (tried.agent, one.field, one.how, one.detail, one.remedy)
            self._fields[key] = self._fields.get(key, 0) + 1
        if tried.place is not None:
            self._look_at(tried, tried.place)

    def _look_at(self, tried: _Tried, place: Place) -> None:
        self._places[place.provider] = place
        for what in missing(tried.said, place):
            count, first = self._missing.get((tried.agent, what), (0, ()))
            self._missing[tried.agent, what] = count + 1, (*first, tried.sample.id)[:_SHOWN]
        if place.binding is not None:
            self._unfilled.update(dict.fromkeys(unfilled(place.binding)))
        answer = tried.sample.answer
        known = answer is not None and answer.result is not None and answer.result.provider == place.provider
        if answer is not None and known and answer.credits is not None:
            self._credits.append(answer.credits)

    def plan(self, credits_per_call: float | None) -> MovePlan:
        """What was added, as a plan."""
        if credits_per_call is None and self._credits:
            credits_per_call = sum(self._credits) / len(self._credits)
        several = sum(turns > 1 for turns in self._turns.values())
        return MovePlan(
            to=self._to,
            sessions=self.sessions,
            samples=self._samples,
            calls=self._calls,
            conversations=several,
            fields=tuple(_field(key, count) for key, count in sorted(self._fields.items())),
            missing=tuple(
                MissingValue(agent=agent, what=what, count=count, samples=first)
                for (agent, what), (count, first) in sorted(self._missing.items())
            ),
            unfilled=tuple(self._unfilled),
            notes=tuple(self._notes(several)),
            credits=None if credits_per_call is None else credits_per_call * self._calls,
        )

    def _notes(self, several: int) -> Iterator[str]:
        for name, place in sorted(self._places.items()):
            yield f"{name}: {treatment_in_words(self.sessions, place.accepts)}"
        if not several:
            yield "no conversation has more than one turn, so the treatment of sessions changes nothing"


def treatment_in_words(sessions: Treatment, accepts: frozenset[str]) -> str:
    """How sessions and history are treated at a vendor that takes these fields."""
    if sessions == "fresh":
        return "every call stands alone, without session and history"
    if sessions == "inline-history":
        how = "as messages" if "messages" in accepts else "at the head of the text"
        return f"no session; what was said before, as it was recorded, goes along {how}"
    if "session_id" not in accepts:
        return "it keeps no sessions, so a turn knows nothing of those before it; inline-history would send them along"
    if sessions == "same-id":
        return "the old session's id is sent as it is"
    return "a new session for each old one; the candidate remembers by itself"


def _field(key: tuple[str, str, How, str, str], count: int) -> FieldPlan:
    agent, field, how, detail, remedy = key
    return FieldPlan(agent=agent, field=field, how=how, count=count, detail=detail, remedy=remedy)
