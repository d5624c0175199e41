"""From what a caller said to what will be sent: binding, options and settings joined. Pure but for minted ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import attrs

from ..bindings import Binding, bind, merge
from ..commands import Send
from ..connection import Connection, variable
from ..directory import Directory
from ..errors import ConfigurationError, UnsupportedFeatureError
from ..exchange.plans import Plan, RunPlan
from ..model import SHARED, Invocation, Pending
from ..naming import did_you_mean
from ..provider import Call, Operation, Provider, StreamDecoder
from ..redaction import guard_logs, without_auth
from ..verdict import Asked
from ..wire import HttpRequest
from .building import built, fixed
from .checks import (
    carried,
    check_answers_later,
    check_operation_files,
    check_said,
    check_session,
    check_types,
)
from .settings import Settings
from .settling import Settled

if TYPE_CHECKING:
    from ..exchange.streaming import StreamPlan
    from .prepared import Prepared

T = TypeVar("T")
Mode: TypeAlias = Literal["invoke", "stream", "submit"]


@attrs.frozen(kw_only=True, slots=False)
class PlannedRun:
    """One run of an agent, ready to be sent. `others` are asked one after the other where it could not begin."""

    invocation: Invocation
    plan: RunPlan
    connection: Connection
    decoder: Callable[[HttpRequest], StreamDecoder | None]
    callback_url: str | None = None
    others: tuple[PlannedRun, ...] = ()

    @property
    def prepared(self) -> Prepared:
        """What would be sent, for a person to read."""
        from .prepared import Prepared

        return Prepared(self.plan.asked.request, self.plan.asked.dropped)

    @property
    def streamed(self) -> StreamPlan:
        """The same run, its answer taken piece by piece."""
        from ..exchange.streaming import StreamPlan

        return StreamPlan(run=self.plan, decoder=self.decoder)

    def pending(self) -> Pending | None:
        """How the run can be found again, as far as that is known before its answer."""
        found = self.plan.lost()
        return found and self.plan.located(found, found)

    def without_turns(self) -> PlannedRun:
        """The same, whatever else acts on its session."""
        others = tuple(other.without_turns() for other in self.others)
        return attrs.evolve(self, plan=attrs.evolve(self.plan, turn=None), others=others)

    def for_invoke(self) -> PlannedRun:
        """Itself. Raises UnsupportedFeatureError where the answer would come by callback, and not to the caller."""
        if any(one.callback_url is not None for one in (self, *self.others)):
            why = "invoke() waits for the answer, and with a callback the answer goes elsewhere. Leave it out"
            raise UnsupportedFeatureError("callback_url", why, provider=self.plan.asked.provider)
        return self


def plan_run(directory: Directory, on: Settled, invocation: Invocation, *, mode: Mode = "invoke") -> PlannedRun:
    """Plan one run of an agent; `mode` says what the caller does with it.

    Raises:
        ConfigurationError: an argument is wrong.
        UnsupportedFeatureError: the vendor cannot carry a field.
        PluginError: the plugin could not build its request.
    """
    name, agent_id = on.place.connection, on.place.agent
    connection, provider, settings = on.connection, on.provider, on.settings
    check_types(invocation)
    _check_options(invocation, provider, directory)
    bound = _bound(invocation, on.place.binding, provider)
    bound, dropped = carried(bound, provider, settings.on_unsupported or "raise")
    check_said(bound, provider)
    if mode == "submit":
        check_answers_later(bound, provider)
    said = invocation.options.get(provider.name)
    options = merge(on.options, said) if said else on.options
    call = call_of(on.base_url, connection, agent_id, options, streaming=_streams(bound, provider, mode))
    sent, session_id = _with_session(bound, provider, call)
    request = _run_request(provider, sent, call, connection)
    send = fixed(request, provider, settings.timeouts, connection.max_answer)
    asked = asked_of(name, on.secrets, on.key_origin, provider, call, request, session_id, dropped)
    plan = RunPlan(
        asked=asked,
        send=send,
        timeouts=settings.timeouts,
        retry=settings.retry,
        read=on.read,
        build_poll=poller(provider, call, connection, settings),
        tool_errors=settings.tool_errors or "raise",
        lost=_finder(provider, asked.request),
        turn=bound.session_id and (name, agent_id, bound.session_id),
        pace=on.pace,
    )
    return PlannedRun(
        invocation=invocation,
        plan=plan,
        connection=connection,
        decoder=on.decoder,
        callback_url=sent.callback_url,
    )


def plan_operation(
    directory: Directory, defaults: Settings, operation: Operation[T], connection_name: str | None
) -> tuple[Plan, Connection]:
    """Plan one other request to a vendor. Raises what `plan_run` raises."""
    if not isinstance(operation, Operation):
        raise ConfigurationError(f"call takes an Operation, not {type(operation).__name__}")
    name = operation.provider if connection_name is None else connection_name
    check_operation_files(operation)
    connection, provider = directory.connection(name)
    if provider.name != operation.provider:
        kind = type(operation).__name__
        raise ConfigurationError(
            f"{kind} is of the provider {operation.provider!r}, connection {name!r} of {provider.name!r}"
        )
    settings = Settings().over(connection).over(defaults)
    call = call_of(directory.base_url(name, connection, provider), connection, options=connection.options)
    request = built(lambda: operation.build_request(call), provider, connection)
    request = attrs.evolve(request, idempotent=request.idempotent or operation.idempotent)
    send = fixed(request, provider, settings.timeouts, connection.max_answer)
    asked = asked_of(name, connection.secrets, directory.key_origin(name, connection), provider, call, request)
    plan = Plan(
        asked=asked,
        send=send,
        timeouts=settings.timeouts,
        retry=settings.retry,
        read=directory.reader(name, connection, operation.read),
        pace=directory.paces.get(name),
    )
    return plan, connection


def _bound(invocation: Invocation, binding: Binding | None, provider: Provider) -> Invocation:
    try:
        return bind(invocation, binding) if binding else invocation
    except UnsupportedFeatureError as error:
        error.provider = provider.name
        raise


def _check_options(invocation: Invocation, provider: Provider, directory: Directory) -> None:
    for name in invocation.options:
        names = directory.registry.names
        if name != provider.name and name not in names and name not in directory.registry:
            raise ConfigurationError(f"options are keyed by provider; there is no {name!r}.{did_you_mean(name, names)}")


def call_of(
    base_url: str,
    connection: Connection,
    agent: str = "",
    options: Mapping[str, Any] | None = None,
    *,
    streaming: bool = False,
) -> Call:
    """What the provider gets to know of one call."""
    return Call(
        base_url=base_url,
        agent=agent,
        api_key=connection.api_key,
        options=options or {},
        streaming=streaming,
        fresh_id=_fresh_id(),
    )


def _fresh_id() -> str:
    """A random UUID, of version 4 (RFC 9562), for a third of what the library's own costs."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _with_session(invocation: Invocation, provider: Provider, call: Call) -> tuple[Invocation, str | None]:
    """The invocation as the provider gets it, and the session that the Result names.

    No session means no shared memory: where the vendor would share one, a fresh id is minted.
    """
    check_session(invocation, provider)
    if invocation.session_id == SHARED:
        return attrs.evolve(invocation, session_id=None), SHARED
    if invocation.session_id is None and provider.shares_default_session:
        return attrs.evolve(invocation, session_id=call.fresh_id), call.fresh_id
    return invocation, invocation.session_id


def _run_request(provider: Provider, invocation: Invocation, call: Call, connection: Connection) -> HttpRequest:
    """The provider's request, with those options merged into its body that the provider has no place of its own for."""
    request = built(lambda: provider.build_request(invocation, call), provider, connection)
    if call.options.keys() <= provider.options:
        return request
    rest = {name: value for name, value in call.options.items() if name not in provider.options}
    if not isinstance(request.json, Mapping):
        name = next(iter(rest))
        raise UnsupportedFeatureError(
            f"options[{name!r}]", "its request has no JSON body to merge it into", provider=provider.name
        )
    return attrs.evolve(request, json=merge(request.json, rest))


def _streams(invocation: Invocation, provider: Provider, mode: Mode) -> bool:
    """Whether the answer is asked for in pieces. One that is submitted is, where the run can be left once it began."""
    if type(provider).decoder is Provider.decoder:
        return False
    can_leave = type(provider).recover is not Provider.recover and invocation.callback_url is None
    return mode == "stream" or (mode == "submit" and can_leave)


def _finder(provider: Provider, request: HttpRequest) -> Callable[[], Pending | None]:
    """How the run of this request can be found again. A plugin that cannot say so hides no error by it."""

    def find() -> Pending | None:
        try:
            return provider.recover(request)
        except Exception:
            return None

    return find


def poller(provider: Provider, call: Call, connection: Connection, settings: Settings) -> Callable[[Pending], Send]:
    """Makes the requests that ask for a run again."""

    def poll(pending: Pending) -> Send:
        request = built(lambda: provider.build_poll(pending, call), provider, connection)
        asked = fixed(attrs.evolve(request, idempotent=True), provider, settings.timeouts, connection.max_answer)
        return attrs.evolve(asked, poll=True)

    return poll


def asked_of(
    name: str,
    known: frozenset[str],
    key_origin: str,
    provider: Provider,
    call: Call,
    request: HttpRequest,
    session_id: str | None = None,
    dropped: tuple[str, ...] = (),
) -> Asked:
    """Who is asked what, for the errors. Its secrets, those `known` and the request's, are kept out of the logs from here on."""
    secrets = _with_auth(known, *request.auth.values())
    guard_logs(secrets)
    return Asked(
        provider=provider.name,
        connection=name,
        agent=call.agent,
        request=without_auth(request),
        session_id=session_id,
        dropped=dropped,
        secrets=secrets,
        key_hint=_key_hint(name, key_origin, request),
    )


def _key_hint(name: str, origin: str, request: HttpRequest) -> str:
    """What helps who gave a wrong key, or none."""
    if request.is_mail or (request.auth and not origin):
        return ""
    return f"The key is that of {origin}" if request.auth else f"No key was sent: set ${variable(name, 'API_KEY')}"


@lru_cache(maxsize=256)
def _with_auth(known: frozenset[str], *auth: object) -> frozenset[str]:
    return known.union(value for value in auth if isinstance(value, str) and value)
