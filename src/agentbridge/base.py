"""What both bridges know and plan: everything but sending."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Unpack

import attrs

from .addresses import Address, Callbacks
from .bindings import Agent
from .connection import Connection
from .directory import Directory
from .drift import Drift
from .errors import AgentBridgeError, ConfigurationError, InvocationError, PluginError, UnsupportedFeatureError
from .model import Invocation, Pending, Result
from .planning import Mode, PlannedRun, plan_run
from .plans import RunPlan
from .plugins import Registry
from .prepared import Prepared
from .provider import Provider
from .redaction import redactor_of
from .resuming import check_settings, plan_pending, resumption
from .retry import RetryPolicy, Timeouts
from .settings import CallFields, Settings
from .transport import transport_name
from .transport.turns import Turns

_log = logging.getLogger("agentbridge")


class BridgeBase:
    """What both bridges know and plan."""

    _client_kind = "Client"

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        connections: Mapping[str, Connection | Mapping[str, Any]] | None = None,
        agents: Mapping[str, Agent | Mapping[str, Any]] | None = None,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 (frozen)
        timeouts: Timeouts | None = None,
        on_unsupported: Literal["raise", "drop"] = "raise",
        tool_errors: Literal["raise", "report"] = "raise",
        serialize_sessions: bool = True,
        transport: Any = None,
        http_client: Any = None,
        registry: Registry | None = None,
    ) -> None:
        settings = Settings(retry=retry, timeouts=timeouts, on_unsupported=on_unsupported, tool_errors=tool_errors)
        self._settings = settings.check(type(self).__name__)
        self._directory = Directory(config, connections, agents, registry)
        self._serialize_sessions = serialize_sessions
        self._turns = Turns()
        self._given = None if transport is None or isinstance(transport, str) else transport
        self._http_client = http_client
        self._check_client(http_client)
        self._library = "" if self._given is not None else transport_name(transport, http_client)
        self._transports: dict[Any, Any] = {}
        self._lock = threading.Lock()
        self._closed = False
        weakref.finalize(self, self._let_go, self._transports)

    @staticmethod
    def _let_go(transports: dict[Any, Any]) -> None:
        """Close the connections of a bridge that was forgotten open."""
        raise NotImplementedError

    @property
    def providers(self) -> Registry:
        """The providers by name; `.failures` names the plugins that did not load."""
        return self._directory.registry

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The connections by name: configured ones and those of the environment."""
        return self._directory.connections

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The portable agents by name."""
        return MappingProxyType(dict(self._directory.agents))

    @property
    def failures(self) -> Mapping[str, PluginError]:
        """The plugins that did not load, and why."""
        return self._directory.registry.failures

    @property
    def drift(self) -> Mapping[str, tuple[Drift, ...]]:
        """What vendors sent that nobody here knows, by connection, since this bridge was made; a copy of the counts.

        Empty where nothing drifted. Nothing fails for it, and it is not logged.
        """
        return self._directory.drift()

    def prepare(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> Prepared:
        """What would be sent, with secrets masked; sends nothing.

        Raises what `invoke` raises before sending, but takes a `callback_url` where the vendor does.
        """
        return self._plan(target, text, dict(fields)).prepared

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self.connections) or 'no connections'}>"

    def _plan(
        self,
        target: str | Invocation,
        text: str | None,
        fields: Mapping[str, Any],
        mode: Mode = "invoke",
    ) -> PlannedRun:
        planned = plan_run(self._directory, self._settings, target, text, fields, mode=mode)
        if self._serialize_sessions:
            return planned
        return attrs.evolve(planned, plan=attrs.evolve(planned.plan, turn=None))

    def _streamed(self, target: str | Invocation, text: str | None, fields: Mapping[str, Any]) -> PlannedRun:
        return self._plan(target, text, fields, "stream").for_invoke()

    def _submission(
        self,
        target: str | Invocation,
        text: str | None,
        fields: Mapping[str, Any],
        callbacks: Callbacks | None,
        callback_input: str | None,
        callback_answers: int,
    ) -> Submission:
        if callbacks is None:
            if callback_input is not None:
                raise ConfigurationError(
                    "callback_input= names the input for an address, and callbacks= makes it: give both"
                )
            return Submission(self._plan(target, text, fields, "submit"), None, None)
        if not all(hasattr(callbacks, method) for method in ("address", "expect", "forget")):
            raise ConfigurationError(f"callbacks= takes a CallbackReceiver, not {type(callbacks).__name__}")
        address = callbacks.address(callback_answers)
        planned = self._plan(target, text, addressed(target, fields, address, callback_input), "submit")
        provider = self.providers[planned.plan.asked.provider]
        if type(provider).read_callback is Provider.read_callback:
            raise UnsupportedFeatureError("callbacks", "it does not call back. Leave it out", provider=provider.name)
        return Submission(planned, callbacks, address)

    def _given_answer(self, pending: Pending, settings: Mapping[str, Any]) -> Result | None:
        """The answer that a vendor gave at once."""
        if not isinstance(pending, Pending):
            raise ConfigurationError(f"expected a Pending, not {type(pending).__name__}")
        check_settings(settings)
        return pending.result

    def _asked_again(self, pending: Pending, settings: Mapping[str, Any]) -> tuple[RunPlan, Connection]:
        return plan_pending(self._directory, self._settings, pending, settings)

    def _resumption(
        self, result: Result, decision: str, feedback: str | None, fields: Mapping[str, Any]
    ) -> tuple[Invocation, dict[str, Any]]:
        return resumption(self._directory, result, decision, feedback, fields)

    def _check_client(self, client: object) -> None:
        if client is not None and not any(kind.__name__ == self._client_kind for kind in type(client).__mro__):
            raise ConfigurationError(
                f"{type(self).__name__} takes an httpx.{self._client_kind} or httpx2.{self._client_kind} as http_client,"
                f" not {type(client).__name__}"
            )

    def _check_own(self, connection: Connection) -> None:
        if self._http_client is not None and (connection.proxy is not None or connection.verify is not True):
            raise ConfigurationError("proxy and verify are the http_client's own business; set them there")

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigurationError(f"this {type(self).__name__} is closed; make a new one")


class Submission:
    """One `submit`: its plan, and the address that its answer is sent to where it comes by callback."""

    def __init__(self, planned: PlannedRun, callbacks: Callbacks | None, address: Address | None) -> None:
        self._callbacks = callbacks
        self._address = address
        self.connection = planned.connection
        # the address is as good as a key: who keeps the answer must not keep it
        self._asked = redactor_of(frozenset()).value(planned.plan.asked) if address else planned.plan.asked
        plan = attrs.evolve(planned.streamed, leave=True)
        if address is not None:
            plan = attrs.evolve(plan, run=attrs.evolve(plan.run, lost=self._expected, asked=self._asked))
        self.plan = plan

    @property
    def has_address(self) -> bool:
        """Whether callbacks are to be expected."""
        return self._address is not None

    def expect(self) -> None:
        """Before anything is sent, since a callback may come before the answer to the request."""
        if self._callbacks is not None and self._address is not None:
            self._callbacks.expect(self._address, self._expected())

    def begun(self, pending: Pending) -> Pending:
        """The run as the caller gets it."""
        if self._callbacks is None or self._address is None:
            return pending
        pending = attrs.evolve(pending, callback_id=self._address.id)
        try:
            self._callbacks.expect(self._address, pending)
        except AgentBridgeError as error:  # the run is accepted, and expected since before it was sent
            _log.warning("a run that was submitted could not be noted again: %s", error)
        return pending

    def failed(self, error: BaseException) -> None:
        """A run that never began needs no address."""
        began = error.may_have_run if isinstance(error, InvocationError) else not isinstance(error, ConfigurationError)
        if self._callbacks is None or self._address is None or began:
            return
        try:
            self._callbacks.forget(self._address)
        except AgentBridgeError as problem:  # the error of the call says more
            _log.warning("a run that never began could not be forgotten: %s", problem)

    def _expected(self) -> Pending:
        asked, address = self._asked, self._address
        return Pending(
            "callback",
            provider=asked.provider,
            connection=asked.connection,
            agent=asked.agent,
            session_id=asked.session_id,
            callback_id=None if address is None else address.id,
        )


def addressed(
    target: str | Invocation, fields: Mapping[str, Any], address: Address, callback_input: str | None
) -> dict[str, Any]:
    """The fields of a call with the address in its place: `callback_url`, or a named input that the agent feeds on.

    Raises:
        ConfigurationError: the call says already where to answer.
    """
    invocation = target if isinstance(target, Invocation) else None
    if fields.get("callback_url") or (invocation and invocation.callback_url):
        raise ConfigurationError("give callbacks= or callback_url=, not both: each says where the answer goes")
    if callback_input is None:
        return {**fields, "callback_url": address.url}
    inputs = fields.get("inputs") or (invocation.inputs if invocation else {})
    if callback_input in inputs:
        raise ConfigurationError(f"the input {callback_input!r} takes the address of the callback; leave it out")
    return {**fields, "inputs": {**inputs, callback_input: address.url}}
