"""What observers are told of a call: plain values, without secrets.

Those of one call have the same `id`. The order is InvocationStarted, then for each request RequestSent and
AnswerReceived, and RetryScheduled where the request is sent again, and InvocationFinished, exactly once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import attrs

from ..faults import Fault
from ..model import Invocation
from ..wire import HttpRequest

Kind: TypeAlias = Literal["invoke", "stream", "submit", "wait", "poll", "recover", "resume", "call"]


@attrs.frozen(kw_only=True)
class Observation:
    """What all of them say. `kind` is the method that was called.

    `id` is unique per call, `time` in seconds since the epoch. `agent` is the vendor's id; empty for an operation.
    """

    id: str
    time: float
    kind: Kind
    provider: str
    connection: str
    agent: str


@attrs.frozen(kw_only=True)
class InvocationStarted(Observation):
    """A call begins; nothing was sent yet. `url` is where its request goes, `session_id` the session that it is part of.

    `invocation` is what the caller said; None where a run is asked for, where it cannot be looked through for secrets,
    and for `call`, which has the name of its `operation` instead.
    """

    url: str
    session_id: str | None = None
    invocation: Invocation | None = None
    operation: str | None = None


@attrs.frozen(kw_only=True)
class RequestSent(Observation):
    """A request is about to be sent. `attempt` counts how often the run was started; a `poll` starts nothing."""

    attempt: int
    poll: bool
    request: HttpRequest


@attrs.frozen(kw_only=True)
class AnswerReceived(Observation):
    """An answer arrived, or none will. What it means is not decided yet: a 200 may well be an error.

    `status` is the HTTP status; None where none arrived, and then `reason` says why: "connect", "timeout", "lost" or
    "deadline". Both are set where an answer broke off. `size` is the length of its body in bytes; None where the body
    is read piece by piece. `duration` is in seconds, of a stream up to its head.
    """

    attempt: int
    poll: bool
    status: int | None
    reason: str | None
    size: int | None
    duration: float


@attrs.frozen(kw_only=True)
class RetryScheduled(Observation):
    """The request failed, and is sent again after `delay` seconds.

    `error` is the name of the class that would have been raised, `fault` the failure as data; None where it cannot be
    looked through for secrets.
    """

    attempt: int
    poll: bool
    delay: float
    error: str
    fault: Fault | None


@attrs.frozen(kw_only=True)
class InvocationFinished(Observation):
    """The call is over: with a `result`, with an `error`, or `closed`, before its end, by whoever made it.

    `error` is the very exception that the caller gets, and `result` the very Result, Pending or value of an operation;
    but one in which a secret stands is a masked copy, and None where it cannot be looked through. `closed` is a stream
    that was left or dropped, a task that was cancelled, an interrupt. `duration` is in seconds.
    """

    duration: float
    attempts: int
    result: Any = None
    error: Exception | None = None
    closed: bool = False


Observer: TypeAlias = Callable[[Observation], object]
"""Is called with each Observation, in the thread or task of the call; what it returns is not looked at."""
