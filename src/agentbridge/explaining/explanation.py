"""Explains one reply of a vendor: what a caller would get, what decided it, and what nobody read. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import attrs

from ..body import Body
from ..commands import Command, Happened, Open, Read, Send, Steps
from ..drift import Drift, Drifts, watched_by
from ..errors import InvocationError, MalformedResponseError, ToolExecutionError
from ..exchange.plans import RunPlan
from ..exchange.running import operate, run
from ..exchange.streaming import StreamPlan, stream
from ..faults import Fault
from ..provider import Operation, Provider, StreamDecoder
from ..redaction import redactor_of
from ..retry import RetryPolicy, Timeouts
from ..rules import FaultRule, first, taught
from ..verdict import Asked
from ..watching import decoder_of
from ..wire import HttpRequest, HttpResponse, Sleep
from .tracing import Trace, place_of, traced

Decision: TypeAlias = tuple[Literal["rule", "provider", "core"], str, str]
_NOBODY = HttpRequest("POST", "")
_EVENTS = "text/event-stream"
_RULES: dict[type, str] = {ToolExecutionError: "tool_errors", MalformedResponseError: "the type of the outcome"}


@attrs.frozen(kw_only=True)
class Explanation:
    """What one reply means, and why.

    `outcome` is what a caller gets: a Result, a Pending, an operation's own value, or the error that is raised.
    `decided_by` is "rule", a fault rule of the connection; "provider", a check of the plugin; or "core". `where` names it:
    the rule, or the plugin's file, line and function. `why` says what it saw. `unread` has the JSON paths that nobody
    read, None for a stream and for what is no JSON; `drift` what nobody knows.
    """

    outcome: Any
    decided_by: Literal["rule", "provider", "core"]
    where: str
    why: str
    unread: tuple[str, ...] | None = ()
    drift: tuple[Drift, ...] = ()


def explain(
    provider: Provider,
    response: HttpResponse,
    rules: Sequence[FaultRule] = (),
    *,
    operation: Operation[Any] | None = None,
    tool_errors: Literal["raise", "report"] = "raise",
    connection: str = "",
    secrets: frozenset[str] = frozenset(),
) -> Explanation:
    """What this reply becomes, by the same steps as in a bridge; for an operation, its reply.

    `rules` are the fault rules of a connection. A reply of the type text/event-stream goes through the provider's decoder.
    The request counts: a GET is the answer to a poll. `secrets` are masked in the outcome.
    """
    asked = Asked(
        provider=provider.name,
        connection=connection or provider.name,
        agent="",
        request=response.request or _NOBODY,
        secrets=secrets,
    )
    read = provider.read if operation is None else operation.read
    trace = traced(read, response)
    decoder = _decoder(provider, response) if operation is None else None
    steps = _steps(_plan(asked, taught(read, rules), tool_errors), decoder, operation)
    drifts = Drifts()
    outcome = watched_by(drifts, _outcome, steps, response, trace)
    rule = first(rules, response)
    decided = (
        _decoded(decoder, outcome) if decoder else _ruled(rules, rule[0]) if rule else _read(trace, outcome, response)
    )
    return Explanation(
        outcome=outcome,
        decided_by=decided[0],
        where=decided[1],
        why=redactor_of(secrets).text(decided[2]),
        unread=None if decoder else _unread(trace, rule[0] if rule else None, response),
        drift=drifts.seen(redactor_of(secrets).text),
    )


def _ruled(rules: Sequence[FaultRule], rule: FaultRule) -> Decision:
    return "rule", f"fault rule {list(rules).index(rule) + 1}", f"{rule}; a rule goes before the provider"


def _decoded(decoder: StreamDecoder, outcome: Any) -> Decision:
    why = outcome.message if isinstance(outcome, InvocationError) else "the stream came to its end"
    return "provider", place_of(type(decoder).finish), why


def _read(trace: Trace, outcome: Any, response: HttpResponse) -> Decision:
    """The plugin decides, but for what the core does not believe or does not let pass."""
    if not response.ok and not isinstance(trace.value, Fault):
        unreadable = f", and the plugin could not read it: {trace.why}, {trace.where}" if trace.error else ""
        return "core", "the HTTP status", f"HTTP {response.status} is no success, whatever the body says{unreadable}"
    if isinstance(outcome, InvocationError) and trace.error is None and not isinstance(trace.value, Fault):
        return "core", _RULES.get(type(outcome), "waiting"), outcome.message
    return "provider", trace.where, trace.why


def _unread(trace: Trace, rule: FaultRule | None, response: HttpResponse) -> tuple[str, ...] | None:
    if trace.sight is None:
        return None
    if rule is not None:  # what the rule looks at is read as well
        rule.fault(response, trace.sight.document)
    try:
        return trace.sight.unread()
    except RecursionError:  # nested so deeply that only a hostile vendor sends it
        return None


def _plan(asked: Asked, read: Any, tool_errors: str) -> RunPlan:
    send = Send(asked.request, asked.request.url, Body(()))  # which goes nowhere
    return RunPlan(
        asked=asked,
        send=send,
        timeouts=Timeouts(),
        retry=RetryPolicy(attempts=1),
        luck=lambda: 0.0,
        read=read,
        build_poll=lambda _: send,
        tool_errors=tool_errors,
    )


def _decoder(provider: Provider, response: HttpResponse) -> StreamDecoder | None:
    """The provider's reader of such a stream; it is asked as by a call that streams."""
    if response.content_type != _EVENTS or not response.ok:
        return None
    return decoder_of(provider, HttpRequest("POST", "", json={"streaming": True, "stream": True}))


def _steps(plan: RunPlan, decoder: StreamDecoder | None, operation: Operation[Any] | None) -> Steps[Any]:
    if operation is not None:
        return operate(plan, 0.0)
    return run(plan, 0.0) if decoder is None else stream(StreamPlan(run=plan, decoder=lambda _: decoder), 0.0)


def _outcome(steps: Steps[Any], response: HttpResponse, trace: Trace) -> Any:
    """What the exchange makes of it, fed with this reply alone. One that wants more was told to ask later."""
    pieces = [response.content, b""]
    command = next(steps)
    try:
        while not isinstance(command, Sleep):
            command = steps.send(Happened(0.0, 0.0, _answer(command, response, pieces)))
    except StopIteration as end:
        return end.value
    except InvocationError as error:
        return error
    return trace.value


def _answer(command: Command, response: HttpResponse, pieces: list[bytes]) -> HttpResponse | bytes | None:
    if isinstance(command, Open):
        return attrs.evolve(response, content=b"")
    if isinstance(command, Read):
        return pieces.pop(0) if pieces else b""
    return response if isinstance(command, Send) else None
