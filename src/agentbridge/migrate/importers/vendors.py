"""Recorded exchanges to samples: whose URL it is, what it said by the plugin's word, what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

import attrs

from ...base import BridgeBase
from ...connection import Connection
from ...errors import AgentBridgeError, InvocationError
from ...explaining.explanation import explain
from ...model import Invocation, Pending, Result
from ...provider import Call, Provider
from ...redaction import redactor_of
from ...wire import HttpRequest
from ..samples import Answer, Sample
from .exchanges import Recorded
from .imported import Found, Skipped, id_of

_PORTS = {"http": 80, "https": 443}


@attrs.frozen
class Vendor:
    """An account that recorded calls may have gone to."""

    name: str
    connection: Connection
    provider: Provider

    @property
    def base_url(self) -> str:
        """Where it is; empty where nobody said it."""
        return self.connection.base_url or self.provider.default_base_url or ""


@attrs.frozen
class Told:
    """A recorded request as a call to a vendor."""

    vendor: Vendor
    invocation: Invocation

    @property
    def agent(self) -> str:
        """The vendor's id of the agent."""
        return self.invocation.target.partition(":")[2]


class Vendors:
    """The accounts of a bridge, and the vendors with an address of their own that it has no account at."""

    def __init__(self, bridge: BridgeBase | None = None) -> None:
        if bridge is None:
            from ...bridge import Bridge

            with Bridge() as own:
                self._all = list(_vendors(own))
        else:
            self._all = list(_vendors(bridge))

    def told(self, request: HttpRequest) -> Told | str:
        """What a recorded request said, by the first vendor at its address who knows it; or why nobody does."""
        try:
            here = self._at(request.url)
        except ValueError as error:
            return f"its URL is none: {error}"
        if not here:
            host = urlsplit(request.url).netloc.rpartition("@")[2]
            return f"no connection has a base URL at {host!r}: add one with provider and base_url"
        for vendor in here:
            try:
                said = vendor.provider.read_request(request)
            except Exception as error:
                return f"{vendor.provider.name}: {error if isinstance(error, ValueError) else type(error).__name__}"
            if said is not None:
                return Told(vendor, attrs.evolve(said, target=f"{vendor.name}{said.target}"))
        return f"{here[0].provider.name}: this runs no agent, or its plugin cannot read requests back"

    def named(self, name: str) -> Vendor | None:
        """The account of this name."""
        return next((vendor for vendor in self._all if vendor.name == name), None)

    def _at(self, url: str) -> list[Vendor]:
        """Those at this host, the longest common path first."""
        asked = urlsplit(url)
        here = [vendor for vendor in self._all if _place(urlsplit(vendor.base_url)) == _place(asked)]
        return sorted(here, key=lambda vendor: -_common(urlsplit(vendor.base_url).path, asked.path))


def read_exchanges(exchanges: Sequence[Recorded], vendors: Vendors) -> Iterator[Found]:
    """A sample for each call; the polls of a run that answered later are part of it."""
    used: set[int] = set()
    for index, one in enumerate(exchanges):
        if index in used:
            continue
        told = vendors.told(one.request)
        if isinstance(told, str):
            yield Skipped(one.place, told)
            continue
        try:
            yield _sample(one, told, _answers(one, told, exchanges, index, used))
        except RecursionError:
            yield Skipped(one.place, "its JSON is nested too deeply")


def _sample(one: Recorded, told: Told, answer: Answer | None) -> Sample:
    said = told.invocation
    session = said.session_id or (answer.result.session_id if answer and answer.result else None)
    sample = Sample(id=id_of(one.place, said), invocation=said, answer=answer, session=session, time=one.time)
    return redactor_of(one.secrets).value(sample)


def _answers(one: Recorded, told: Told, exchanges: Sequence[Recorded], index: int, used: set[int]) -> Answer | None:
    """What came of it in the end; None where the recording does not tell."""
    came = _outcome(one, told)
    elapsed = one.elapsed
    for later in _polls(came, told, exchanges, index):
        used.add(later)
        came = _outcome(exchanges[later], told)
        elapsed += exchanges[later].elapsed
        if not isinstance(came, Pending):
            break
    if not isinstance(came, (Result, AgentBridgeError)):
        return None
    return Answer.of(attrs.evolve(came, agent=told.agent) if isinstance(came, Result) else came, elapsed)


def _outcome(one: Recorded, told: Told) -> Result | Pending | AgentBridgeError | None:
    """What a caller would have got: by the bridge's own engine."""
    if one.response is None:
        return None
    vendor = told.vendor
    explained = explain(
        vendor.provider, one.response, vendor.connection.faults, connection=vendor.name, secrets=one.secrets
    )
    outcome = explained.outcome
    if isinstance(outcome, InvocationError) and outcome.pending is not None and outcome.pending.kind == "callback":
        return None  # the answer went elsewhere
    return outcome if isinstance(outcome, (Result, Pending, AgentBridgeError)) else None


def _polls(came: object, told: Told, exchanges: Sequence[Recorded], index: int) -> Iterator[int]:
    """Where in the recording a run was asked for again, by the request that the plugin would ask with."""
    if not isinstance(came, Pending) or came.kind != "poll":
        return
    call = Call(base_url=told.vendor.base_url.rstrip("/"), agent=told.agent)
    try:
        poll = told.vendor.provider.build_poll(attrs.evolve(came, agent=told.agent), call)
    except Exception:
        return
    wanted = poll.method, _path(poll.url), poll.query
    for later in range(index + 1, len(exchanges)):
        request = exchanges[later].request
        if (request.method, _path(request.url), request.query) == wanted:
            yield later


def _vendors(bridge: BridgeBase) -> Iterator[Vendor]:
    connections: Mapping[str, Connection] = bridge.connections
    for name in connections:
        connection = connections[name]
        if connection.provider in bridge.providers:
            yield Vendor(name, connection, bridge.providers[connection.provider])
    known = {connections[name].provider for name in connections}
    for name, provider in bridge.providers.items():
        if name not in known and provider.default_base_url is not None:
            yield Vendor(name, Connection(name), provider)


def _place(parts: SplitResult) -> tuple[str | None, int | None]:
    try:
        return parts.hostname, parts.port if parts.port is not None else _PORTS.get(parts.scheme)
    except ValueError:  # a port that is none
        return None, None


def _common(base: str, path: str) -> int:
    """How much of a base URL's path a path begins with."""
    return len(base.rstrip("/")) if path.startswith(base.rstrip("/")) else -1


def _path(url: str) -> str:
    return urlsplit(url).path
