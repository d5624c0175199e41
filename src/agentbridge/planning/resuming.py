"""Plans for runs that are there already: to be asked for again, found again, or continued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..bindings import merge
from ..connection import Connection
from ..directory import Directory
from ..errors import ConfigurationError, InvocationError, UnsupportedFeatureError
from ..exchange.plans import RunPlan
from ..model import Invocation, Pending, Result
from ..naming import did_you_mean
from ..provider import Provider
from .runs import asked_of, call_of, poller
from .settings import SETTINGS, Settings


def pending_of(subject: object) -> Pending:
    """The run that a Pending is, or that an error lost.

    Raises:
        ConfigurationError: there is no run behind it that could have an answer.
        UnsupportedFeatureError: the vendor gives no way to find it.
    """
    if isinstance(subject, Pending):
        return subject
    if not isinstance(subject, InvocationError):
        raise ConfigurationError(f"expected a Pending, or the error of a call, not {type(subject).__name__}")
    if subject.pending is not None:
        return subject.pending
    if not subject.may_have_run:
        raise ConfigurationError("nothing ran, so there is nothing to find: call the agent again")
    if subject.response is not None and subject.fault.retryable is False:
        raise ConfigurationError("the answer arrived, and this error is what it says: there is no other to find")
    why = "it gives no way to find a run whose answer was lost before its id was known. Look for it at the vendor"
    raise UnsupportedFeatureError("recover", why, provider=subject.provider)


def plan_pending(
    directory: Directory, defaults: Settings, pending: Pending, given: Mapping[str, Any]
) -> tuple[RunPlan, Connection]:
    """Plan to ask for a run again; `given` are the settings of this call.

    Raises:
        ConfigurationError: the Pending names no connection, or one that is not there.
        UnsupportedFeatureError: the vendor cannot be asked.
    """
    if not pending.connection:
        raise ConfigurationError("this Pending names no connection, so there is nobody to ask")
    connection, provider = directory.connection(pending.connection)
    _check_askable(pending, provider)
    settings = check_settings(given).over(connection).over(defaults)
    base_url = directory.base_url(pending.connection, connection, provider)
    call = call_of(base_url, connection, pending.agent, connection.options)
    ask = poller(provider, call, connection, settings)
    first = ask(pending)
    origin = directory.key_origin(pending.connection, connection)
    plan = RunPlan(
        asked=asked_of(
            pending.connection, connection.secrets, origin, provider, call, first.request, pending.session_id
        ),
        send=first,
        timeouts=settings.timeouts,
        retry=settings.retry,
        read=directory.reader(pending.connection, connection, provider.read),
        build_poll=ask,
        tool_errors=settings.tool_errors or "raise",
        pace=directory.paces.get(pending.connection),
    )
    return plan, connection


def resumption(
    directory: Directory, result: Result, decision: str, feedback: str | None, fields: Mapping[str, Any]
) -> tuple[Invocation, dict[str, Any]]:
    """The call that continues a paused run, and what else was said of it.

    Raises:
        ConfigurationError: the run does not wait, or not for this decision.
        UnsupportedFeatureError: the vendor cannot carry it.
    """
    if not isinstance(result, Result) or result.status != "waiting_for_input" or result.interrupt is None:
        raise ConfigurationError('resume takes a Result whose status is "waiting_for_input"')
    _, provider = directory.connection(result.connection)
    _check_decision(result.interrupt.choices, decision)
    if type(provider).resume is Provider.resume:
        raise UnsupportedFeatureError("resume", "its runs do not pause", provider=provider.name)
    try:
        options = provider.resume(result.interrupt, decision, feedback)
    except UnsupportedFeatureError as error:
        error.provider = provider.name
        raise
    said = dict(fields)
    given = said.pop("options", {})
    paused = Invocation(
        target=f"{result.connection}:{result.agent}",
        session_id=result.session_id,
        options=merge(given, {provider.name: options}),
    )
    return paused, said


def _check_askable(pending: Pending, provider: Provider) -> None:
    if type(provider).build_poll is Provider.build_poll or pending.id is None:
        by_callback = "its answer comes by callback: wait for it with the receiver, receiver.wait(pending)"
        why = by_callback if pending.kind == "callback" else "it cannot be asked for a run again"
        raise UnsupportedFeatureError("poll", why, provider=provider.name)


def _check_decision(choices: tuple[str, ...], decision: object) -> None:
    """Some vendors take any word that they do not know for a no."""
    if not isinstance(decision, str) or (choices and decision not in choices):
        allowed = " or ".join(map(repr, choices)) or "a str"
        raise ConfigurationError(f"this run waits for {allowed}, not {decision!r}")


def check_settings(given: Mapping[str, Any]) -> Settings:
    """The settings that a call gives for itself. Raises ConfigurationError for others."""
    for name in given:
        if name not in SETTINGS:
            hint = did_you_mean(name, list(SETTINGS))
            raise ConfigurationError(f"asking for a run takes {', '.join(SETTINGS)}; not {name!r}.{hint}")
    return Settings(**given).check("this call")
