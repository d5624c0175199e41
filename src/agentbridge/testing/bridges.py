"""Bridges that answer as they are told, without a network. All but the vendors' words is the real code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal, TypedDict, Unpack, overload
from urllib.parse import quote

import attrs

from ..base import BridgeBase
from ..bindings import Agent
from ..bridge import AsyncBridge, Bridge
from ..connection import Connection
from ..directory import ConfigSource, Directory, Located
from ..exchange.plans import RunPlan
from ..model import Interrupt, Invocation, Pending, Result
from ..observing.observations import Observer
from ..planning.runs import Mode, PlannedRun
from ..plugins import FIELDS, Registry
from ..provider import Call, Provider
from ..retry import RetryPolicy, Timeouts
from ..wire import HttpRequest, HttpResponse
from .playing import Line, PlayedRun, Prompter, Stage, noting
from .scripts import Answers, Calls, Script

_NOWHERE = "https://scripted.invalid"
_KEY = "scripted-key"  # in place of a real one, which is neither read nor needed


class AnyVendor(Provider):
    """Stands in where a script names no vendor, or one whose plugin is not installed: it carries everything."""

    name = "scripted"
    accepts = FIELDS
    default_base_url = _NOWHERE

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        said = {name: getattr(invocation, name) for name in FIELDS if getattr(invocation, name)}
        said["messages"] = [attrs.asdict(message) for message in invocation.messages]
        said["files"] = [getattr(file, "url", None) or file.name for file in invocation.files]
        body = {name: value for name, value in said.items() if value}
        return HttpRequest("POST", self._url(call), auth=self._auth(call), json=body)

    def read(self, response: HttpResponse) -> Result:
        return Result(text=response.text, output=response.text)

    def build_poll(self, pending: Pending, call: Call) -> HttpRequest:
        return HttpRequest("GET", f"{self._url(call)}/{quote(pending.id or '', safe='')}", auth=self._auth(call))

    def resume(self, interrupt: Interrupt, decision: str, feedback: str | None) -> Mapping[str, Any]:
        return {"decision": decision, "feedback": feedback}

    def _url(self, call: Call) -> str:
        return f"{call.base_url}/{quote(call.agent, safe='')}"

    def _auth(self, call: Call) -> dict[str, str]:
        return {"authorization": f"Bearer {call.api_key}"}


_ANY_VENDOR = AnyVendor()


class ScriptedDirectory(Directory):
    """Finds what is configured, and what is only scripted. Keys are not read, and every vendor has an address."""

    def __init__(self, script: Script, *given: Any) -> None:
        super().__init__(*given)
        self.script = script

    def resolve(self, target: object) -> list[Located]:
        places = super().resolve(target)
        for place in places:
            self.scripted(str(target), place)
        return places

    def scripted(self, target: str, place: Located) -> str:
        """Under which name the script has the answers of an agent there. Raises UnknownTargetError for none."""
        agent, colon, _ = target.partition(":")
        agent = "" if colon else target.partition("@")[0]
        at = (f"{agent}@{place.connection}", agent) if agent else ()
        return self.script.name_of(target, (target, *at, f"{place.connection}:{place.agent}", place.agent))

    def _portable(self, target: str) -> list[Located]:
        name, _, asked = target.partition("@")
        if name in self.agents or (self.agents and name not in self.script and target not in self.script):
            return super()._portable(target)
        return [Located(choice.strip() or _ANY_VENDOR.name, name) for choice in asked.split(",")]

    def _find(self, name: str) -> tuple[Connection, Provider]:
        connection = self.connections.get(name) or Connection(name)
        known = connection.provider != _ANY_VENDOR.name and connection.provider in self.registry
        provider = self.registry[connection.provider] if known else _ANY_VENDOR
        base_url = connection.base_url or provider.default_base_url or _NOWHERE
        return attrs.evolve(connection, base_url=base_url, api_key=_KEY, key_source=None), provider


class _Scripted(BridgeBase):
    """What both scripted bridges are: `calls` has the calls that were made, `slept` the waits between them."""

    def __init__(self, answers: Mapping[str, Answers], config: Any = None, **options: Any) -> None:
        self._script = Script(answers)
        self._directory_of = partial(ScriptedDirectory, self._script)
        self._stage = Stage()
        self.calls = Calls()
        super().__init__({} if config is None else config, transport=self._transport_of(self._stage), **options)

    @property
    def slept(self) -> list[float]:
        """The waits before retries and polls, in seconds. None of them took time."""
        return self._stage.slept

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._script!r}; {len(self.calls)} calls>"

    @staticmethod
    def _transport_of(stage: Stage) -> Any:
        return stage

    def _plan(
        self, target: str | Invocation, text: str | None, fields: Mapping[str, Any], mode: Mode = "invoke"
    ) -> PlannedRun:
        planned = super()._plan(target, text, fields, mode)
        note = noting(self.calls, planned.invocation)

        def played(one: PlannedRun) -> PlannedRun:
            asked = one.plan.asked
            name = self._name_of(one.invocation.target, asked.connection, asked.agent)
            plan = PlayedRun.of(one.plan, Line(self._script, name, one.invocation, note))
            return attrs.evolve(one, plan=plan, decoder=lambda _: Prompter(plan.part))

        return attrs.evolve(played(planned), others=tuple(played(other) for other in planned.others))

    def _plan_pending(self, pending: Pending, settings: Mapping[str, Any]) -> tuple[RunPlan, Connection]:
        plan, connection = super()._plan_pending(pending, settings)
        target = f"{pending.connection}:{pending.agent}"
        name = self._name_of(target, pending.connection, pending.agent)
        line = Line(self._script, name, Invocation(target=target, session_id=pending.session_id))
        return PlayedRun.of(plan, line), connection

    def _name_of(self, target: str, connection: str, agent: str) -> str:
        directory = self._directory
        assert isinstance(directory, ScriptedDirectory)
        return directory.scripted(target, Located(connection, agent))


class ScriptedBridge(_Scripted, Bridge):
    """A Bridge that answers as told; made by `scripted`."""


class AsyncScriptedBridge(_Scripted, AsyncBridge):
    """An AsyncBridge that answers as told; made by `scripted(..., asynchronous=True)`."""

    @staticmethod
    def _transport_of(stage: Stage) -> Any:
        return stage.asynchronous()


class Options(TypedDict, total=False):
    """The other arguments of a bridge."""

    connections: Mapping[str, Connection | Mapping[str, Any]] | None
    agents: Mapping[str, Agent | Mapping[str, Any]] | None
    retry: RetryPolicy
    timeouts: Timeouts | None
    on_unsupported: Literal["raise", "drop"]
    tool_errors: Literal["raise", "report"]
    serialize_sessions: bool
    observers: Iterable[Observer]
    registry: Registry | None


@overload
def scripted(
    answers: Mapping[str, Answers],
    *,
    asynchronous: Literal[False] = False,
    config: ConfigSource = None,
    **options: Unpack[Options],
) -> ScriptedBridge: ...
@overload
def scripted(
    answers: Mapping[str, Answers],
    *,
    asynchronous: Literal[True],
    config: ConfigSource = None,
    **options: Unpack[Options],
) -> AsyncScriptedBridge: ...
def scripted(
    answers: Mapping[str, Answers],
    *,
    asynchronous: bool = False,
    config: ConfigSource = None,
    **options: Unpack[Options],
) -> ScriptedBridge | AsyncScriptedBridge:
    """A bridge for tests of code that calls agents: it answers as told, and nothing leaves the process.

    Args:
        answers: from a target, the name of an agent, or "*" for all others, to a text, a `Result`, an error of the tree
            (raised, with its evidence), `Streamed(...)`, `Delayed(seconds, answer)`, a `Pending`, a function of the
            Invocation that returns one of these, or a list of these: one for each request, the last for ever.
        asynchronous: an AsyncBridge in place of a Bridge.
        config: as of Bridge, but without one nothing is read: then every name is known.
        options: the other arguments of Bridge, except transport and http_client.

    Targets, bindings, retries, timeouts, limits, fallback and observers are the real ones, and so is what an installed plugin
    refuses. Time passes only where something is waited for, and is one for all calls of the bridge.

    Raises:
        ConfigurationError: something in it is no answer.
    """
    return (
        AsyncScriptedBridge(answers, config, **options) if asynchronous else ScriptedBridge(answers, config, **options)
    )
