"""What both bridges know and plan: everything but sending.

What not every program does is imported where it is done: streams, callbacks, runs that are picked up, observers.
"""

from __future__ import annotations

import abc
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Unpack

import attrs

from .bindings import Agent
from .commands import Happened, Steps
from .connection import Connection
from .directory import Directory
from .drift import Drift
from .errors import ConfigurationError, PluginError, UnsupportedFeatureError
from .exchange.plans import Plan, RunPlan
from .exchange.running import operate, run
from .model import Invocation, Pending, Result
from .naming import tells_names
from .observing.listening import audience, listeners
from .planning.fallback import Chain, plan_call, plan_of, streamed_of
from .planning.resuming import check_settings, plan_pending, resumption
from .planning.runs import Mode, PlannedRun, plan_operation
from .planning.settings import CallFields, Settings
from .plugins import Registry
from .provider import Operation, Provider
from .retry import RetryPolicy, Timeouts
from .transport import BLOCKING, clock_of, transport_name
from .transport.turns import Turns

if TYPE_CHECKING:
    from .addresses import Callbacks
    from .observing.observations import Kind, Observer
    from .planning.prepared import Prepared
    from .planning.submitting import Submission

T = TypeVar("T")


@attrs.frozen(kw_only=True, slots=False)
class Exchange(Generic[T]):
    """One exchange that is ready to be driven: how it begins, and over what."""

    begin: Callable[[float], Steps[T]]
    connection: Connection
    mail: bool = False


@tells_names
class BridgeBase(abc.ABC):
    """What both bridges know and plan."""

    _client_kind = "Client"
    _transport_names: tuple[str, ...] = BLOCKING
    _directory_of: Callable[..., Directory] = Directory

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
        observers: Iterable[Observer] = (),
        registry: Registry | None = None,
    ) -> None:
        settings = Settings(retry=retry, timeouts=timeouts, on_unsupported=on_unsupported, tool_errors=tool_errors)
        self._settings = settings.check(type(self).__name__)
        self._directory = self._directory_of(config, connections, agents, registry)
        self._serialize_sessions = serialize_sessions
        self._listeners = listeners(observers)
        self._turns = Turns()
        self._given = None if transport is None or isinstance(transport, str) else transport
        self._http_client = http_client
        self._check_client(http_client)
        self._library = "" if self._given is not None else transport_name(transport, http_client, self._transport_names)
        self._transports: dict[Any, Any] = {}
        self._lock = threading.Lock()
        self._closed = False
        weakref.finalize(self, self._let_go, self._transports)

    @staticmethod
    @abc.abstractmethod
    def _let_go(transports: dict[Any, Any]) -> None:
        """Close the connections of a bridge that is closed, or was forgotten open."""

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
        closed = ", closed" if self._closed else ""
        return f"<{type(self).__name__}{closed}: {', '.join(self.connections) or 'no connections'}>"

    def _plan(
        self,
        target: str | Invocation,
        text: str | None,
        fields: Mapping[str, Any],
        mode: Mode = "invoke",
    ) -> PlannedRun:
        planned = plan_call(self._directory, self._settings, target, text, fields, mode=mode)
        for other in planned.others:
            self._check_own(other.connection)
        return planned if self._serialize_sessions else planned.without_turns()

    def _plan_pending(self, pending: Pending, settings: Mapping[str, Any]) -> tuple[RunPlan, Connection]:
        return plan_pending(self._directory, self._settings, pending, settings)

    def _invoking(
        self, target: str | Invocation, text: str | None, fields: Mapping[str, Any], kind: Kind = "invoke"
    ) -> Exchange[Result]:
        planned = self._plan(target, text, fields).for_invoke()
        return self._of_run(kind, planned, Chain(run, planned, plan_of).begin)

    def _streaming(
        self, target: str | Invocation, text: str | None, fields: Mapping[str, Any], kind: Kind = "stream"
    ) -> tuple[Exchange[Result], Callable[[], Pending | None]]:
        from .exchange.streaming import Named, stream

        planned = self._plan(target, text, fields, "stream").for_invoke()
        named: Named[PlannedRun] = Named(streamed_of)
        chain = Chain(stream, planned, named.plan_of)
        return self._of_run(kind, planned, chain.begin), lambda: named.pending() or chain.pending()

    def _submitting(self, submission: Submission) -> Exchange[Pending]:
        from .exchange.pending import submit

        return self._of_run("submit", submission.planned, Chain(submit, submission.planned, submission.plan_of).begin)

    def _waiting(self, pending: Pending, settings: Mapping[str, Any]) -> Exchange[Result]:
        from .exchange.pending import wait

        plan, account = self._plan_pending(pending, settings)
        return self._exchange("wait", plan, account, lambda started: wait(plan, pending, started))

    def _polling(self, pending: Pending, settings: Mapping[str, Any], kind: Kind) -> Exchange[Result | Pending]:
        from .exchange.pending import poll

        plan, account = self._plan_pending(pending, settings)
        return self._exchange(kind, plan, account, lambda started: poll(plan, pending, started))

    def _calling(self, operation: Operation[T], connection: str | None) -> Exchange[T | Pending]:
        plan, account = plan_operation(self._directory, self._settings, operation, connection)
        return self._exchange("call", plan, account, lambda started: operate(plan, started), operation)

    def _of_run(self, kind: Kind, planned: PlannedRun, begin: Callable[[float], Steps[T]]) -> Exchange[T]:
        return self._exchange(kind, planned.plan, planned.connection, begin, planned.invocation)

    def _exchange(
        self,
        kind: Kind,
        plan: Plan,
        connection: Connection,
        begin: Callable[[float], Steps[T]],
        said: Invocation | Operation[Any] | None = None,
    ) -> Exchange[T]:
        if hearing := audience(self._listeners):
            from .observing.telling import Subject, observed

            now = clock_of(self._given)
            begin = observed(begin, hearing, Subject(kind, plan.asked, said), lambda: Happened(now(), time.time()))
        return Exchange(begin=begin, connection=connection, mail=plan.send.request.is_mail)

    def _submission(
        self,
        target: str | Invocation,
        text: str | None,
        fields: Mapping[str, Any],
        callbacks: Callbacks | None,
        callback_input: str | None,
        callback_answers: int,
    ) -> Submission:
        from .planning.submitting import Submission, addressed

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
        if planned.others:
            raise ConfigurationError(
                "callbacks= makes an address for one vendor, and this target names several: name one, as in"
                " 'agent@connection', or pass fallback=False"
            )
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
