"""What a ledger says that calls cost, beside what the vendor says, by day and agent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import attrs

from ..bindings import Agent
from ..bridge import Bridge
from ..errors import ConfigurationError, UnknownTargetError
from ..model import Pending
from ..plugins import known_provider
from ..provider import Provider, UsageDay
from .canonical import agent_of
from .ledger import CANDIDATE, Ledger, Turn

Place: TypeAlias = tuple[dt.date, str]
"""A day (UTC) and an agent, by its id at the vendor."""

_RAN = ("final", "unknown", "claimed", "skipped")  # what "remains" surely did not run


@attrs.frozen(kw_only=True)
class Spent:
    """What calls of one day and agent cost: `unknown` of the `calls` have no credits in the ledger."""

    credits: float = 0.0
    calls: int = 0
    unknown: int = 0

    def and_call(self, cost: float | None) -> Spent:
        """The same with one call more."""
        return Spent(credits=self.credits + (cost or 0.0), calls=self.calls + 1, unknown=self.unknown + (cost is None))


@attrs.frozen(kw_only=True)
class CreditDay:
    """One day (UTC) of one agent. `vendor` is None where the vendor has not told of this day."""

    day: dt.date
    agent: str
    spent: Spent
    vendor: float | None = None

    @property
    def difference(self) -> float | None:
        """The vendor's credits less the ledger's: also what others spent there, and what calls of unknown cost did."""
        return None if self.vendor is None else self.vendor - self.spent.credits


def spent_by_day(
    ledger: Ledger, connection: str, agents: Mapping[str, Agent], arm: str = CANDIDATE
) -> dict[Place, Spent]:
    """What the calls of an arm that may have run at this connection cost, on the days on which they were sent."""
    spent: dict[Place, Spent] = {}
    for turn in ledger.turns(arm):
        agent = _agent(turn, connection, agents) if turn.state in _RAN else None
        if agent is not None and turn.sent_at is not None:
            place = (dt.datetime.fromtimestamp(turn.sent_at, dt.UTC).date(), agent)
            spent[place] = spent.get(place, Spent()).and_call(turn.answer.credits if turn.answer else None)
    return spent


def _agent(turn: Turn, connection: str, agents: Mapping[str, Agent]) -> str | None:
    """The agent that was called; of a call without an answer the one that stands for it there. None: another vendor's."""
    result = turn.answer.result if turn.answer else None
    if result is not None and result.connection:
        return result.agent if result.connection == connection else None
    found = agent_of(turn.sample.invocation.target, agents)
    binding = agents[found[0]].on.get(connection) if found else None
    return binding.agent if binding else None


def reconcile(spent: Mapping[Place, Spent], told: Mapping[Place, float]) -> tuple[CreditDay, ...]:
    """Each day and agent of which either side has something to say, in their order."""
    places = {*spent, *(place for place, cost in told.items() if cost)}
    return tuple(
        CreditDay(day=day, agent=agent, spent=spent.get((day, agent), Spent()), vendor=told.get((day, agent)))
        for day, agent in sorted(places)
    )


def reconcile_credits(ledger: Ledger, bridge: Bridge, connection: str, arm: str = CANDIDATE) -> tuple[CreditDay, ...]:
    """The ledger's credits beside the vendor's own report, from the first day on which an agent was called to the last.

    Raises:
        ConfigurationError: there is no such connection, or its vendor does not tell usage by day.
        InvocationError: it was asked, and did not answer.
    """
    spent = spent_by_day(ledger, connection, bridge.agents, arm)
    told: dict[Place, float] = {}
    _provider(bridge, connection)
    for agent in sorted({agent for _, agent in spent}):
        days = [day for day, one in spent if one == agent]
        for told_day in _told(bridge, connection, agent, min(days), max(days)):
            told[told_day.day, agent] = told_day.credits
    return reconcile(spent, told)


def _told(bridge: Bridge, connection: str, agent: str, first: dt.date, last: dt.date) -> Iterator[UsageDay]:
    provider = _provider(bridge, connection)
    operations = provider.usage_by_day(agent, first, last)
    if operations is None:
        raise ConfigurationError(
            f"the plugin of {provider.name} does not tell usage by day, so there is nothing to compare"
        )
    for operation in operations:
        answer = bridge.call(operation, connection)
        if not isinstance(answer, Pending):  # a report is none, but the type of `call` is that of all operations
            yield from (day for day in answer if first <= day.day <= last)


def _provider(bridge: Bridge, connection: str) -> Provider:
    if connection not in bridge.connections:
        there = ", ".join(bridge.connections) or "none"
        raise UnknownTargetError(f"no connection {connection!r} (there: {there})")
    return known_provider(bridge.providers, bridge.connections[connection].provider, f"connection {connection!r}")
