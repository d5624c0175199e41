"""What the logger "agentbridge" says of calls: never a secret, never the text of a prompt or an answer."""

from __future__ import annotations

import logging
from typing import Any

from .observations import (
    AnswerReceived,
    InvocationFinished,
    InvocationStarted,
    Observation,
    RequestSent,
    RetryScheduled,
)

log = logging.getLogger("agentbridge")

_SHOWN = ("id", "kind", "provider", "connection", "agent", "operation", "attempt", "attempts", "poll", "status", "reason",
          "size", "delay", "duration", "closed")  # fmt: skip
"""The fields of observations that a record has, each with `agentbridge_` before its name."""


def write(seen: Observation) -> None:
    """One record of what was seen: a retry is INFO, all else DEBUG."""
    level = logging.INFO if isinstance(seen, RetryScheduled) else logging.DEBUG
    if log.isEnabledFor(level):
        log.log(level, "%s: %s", _whose(seen), _sentence(seen), extra=_extra(seen))


def _whose(seen: Observation) -> str:
    return f"{seen.kind} {seen.connection}:{seen.agent} {seen.id[:8]}"


def _sentence(seen: Observation) -> str:
    match seen:
        case InvocationStarted():
            return "started" + (f", {seen.operation}" if seen.operation else "")
        case RequestSent():
            what = "poll" if seen.poll else f"attempt {seen.attempt}"
            return f"{what}: {seen.request.method} {_place(seen.request.url)}"
        case AnswerReceived():
            return f"{_came(seen)} after {seen.duration:.3f} s"
        case RetryScheduled():
            return f"{seen.error} in attempt {seen.attempt}, sent again in {seen.delay:.3f} s"
        case InvocationFinished():
            return f"{_end(seen)} after {seen.duration:.3f} s"
        case _:
            return ""


def _came(seen: AnswerReceived) -> str:
    parts = [f"HTTP {seen.status}"] if seen.status is not None else []
    return ", ".join([*parts, f"no answer: {seen.reason}"] if seen.reason else parts)


def _end(seen: InvocationFinished) -> str:
    if seen.error is not None:
        return type(seen.error).__name__
    return "closed before its end" if seen.closed else "done"


def _place(url: str) -> str:
    """The URL without its query, where a caller's words may stand."""
    return url.partition("?")[0]


def _extra(seen: Observation) -> dict[str, Any]:
    extra = {f"agentbridge_{name}": getattr(seen, name) for name in _SHOWN if hasattr(seen, name)}
    error = getattr(seen, "error", None)
    if error is not None:
        extra["agentbridge_error"] = error if isinstance(error, str) else type(error).__name__
    return {"agentbridge_event": type(seen).__name__, **extra}
