"""Tells observers what an exchange does: the generator is wrapped, and what passes through is looked at.

No I/O and no clock of its own. An exchange that nobody observes is not wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

import attrs

from ..commands import Command, Happened, Open, Send, Steps, Use
from ..model import Invocation
from ..provider import Operation
from ..redaction import redactor_of, without_auth
from ..verdict import Asked, Failure, masked_request
from ..wire import HttpRequest, HttpResponse, NoAnswer, Sleep
from .listening import Listener
from .observations import (
    AnswerReceived,
    InvocationFinished,
    InvocationStarted,
    Kind,
    Observation,
    RequestSent,
    RetryScheduled,
)

T = TypeVar("T")
Clock: TypeAlias = Callable[[], Happened]


@attrs.frozen
class Subject:
    """What is observed: the kind of call, who is asked what, and what the caller said."""

    kind: Kind
    asked: Asked
    said: Invocation | Operation[Any] | None = None


def observed(
    begin: Callable[[float], Steps[T]], audience: tuple[Listener, ...], subject: Subject, clock: Clock
) -> Callable[[float], Steps[T]]:
    """The same exchange, of which the audience is told."""
    return lambda started: _told(begin(started), _Watch(audience, subject, clock))


def _told(steps: Steps[T], watch: _Watch) -> Steps[T]:
    try:
        watch.started()
        value = yield from _seen(steps, watch)
    except Exception as error:
        watch.finished(error=error)
        raise
    except BaseException:  # the generator is closed, or the program ends
        watch.finished(closed=True)
        raise
    watch.finished(result=value)
    return value


def _seen(steps: Steps[T], watch: _Watch) -> Steps[T]:
    """The steps themselves, each looked at before and after."""
    try:
        command = next(steps)
        while True:
            watch.asks(command)
            happened = yield command
            watch.came(command, happened)
            command = steps.send(happened)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        steps.close()


class _Watch:
    """What is known of one call while it is observed."""

    def __init__(self, audience: tuple[Listener, ...], subject: Subject, clock: Clock) -> None:
        self._audience = audience
        self._subject = subject
        self._clock = clock
        self._redactor = redactor_of(subject.asked.secrets)
        self._id = uuid4().hex
        self._began = self._sent = clock().now
        self._attempts = 0
        self._polls = False

    def started(self) -> None:
        asked, said = self._subject.asked, self._subject.said
        self._tell(
            InvocationStarted,
            lambda: {
                "url": self._redactor.text(asked.request.url),
                "session_id": asked.session_id and self._redactor.text(asked.session_id),
                "invocation": self._shown(said) if isinstance(said, Invocation) else None,
                "operation": (said.name or type(said).__name__) if isinstance(said, Operation) else None,
            },
        )

    def asks(self, command: Command) -> None:
        if isinstance(command, Sleep) and isinstance(command.cause, Failure):
            self._retries(command.seconds, command.cause)
        if isinstance(command, Use):
            self._turns_to(command.asked)
        send = command.send if isinstance(command, Open) else command
        if isinstance(send, Send):
            self._sends(send)

    def came(self, command: Command, happened: Happened) -> None:
        if not isinstance(command, (Send, Open)):
            return
        answer = happened.answer
        arrived = answer.response if isinstance(answer, NoAnswer) else answer
        response = arrived if isinstance(arrived, HttpResponse) else None
        self._tell(
            AnswerReceived,
            lambda: {
                "attempt": self._attempts,
                "poll": self._polls,
                "status": response and response.status,
                "reason": answer.reason if isinstance(answer, NoAnswer) else None,
                "size": None if response is None or isinstance(command, Open) else len(response.content),
                "duration": happened.now - self._sent,
            },
        )

    def finished(self, *, result: object = None, error: Exception | None = None, closed: bool = False) -> None:
        self._tell(
            InvocationFinished,
            lambda: {
                "duration": self._clock().now - self._began,
                "attempts": self._attempts,
                "result": self._shown(result),
                "error": error,
                "closed": closed,
            },
        )

    def _turns_to(self, asked: Asked) -> None:
        """Another vendor is asked. What is secret at one of them is secret at all."""
        asked = attrs.evolve(asked, secrets=asked.secrets | self._subject.asked.secrets)
        self._subject = attrs.evolve(self._subject, asked=asked)
        self._redactor = redactor_of(asked.secrets)

    def _sends(self, send: Send) -> None:
        self._polls = send.poll
        self._attempts += not send.poll
        self._sent = self._clock().now
        self._tell(
            RequestSent,
            lambda: {
                "attempt": self._attempts,
                "poll": send.poll,
                "request": self._request(send),
            },
        )

    def _retries(self, delay: float, failure: Failure) -> None:
        self._tell(
            RetryScheduled,
            lambda: {
                "attempt": self._attempts,
                "poll": self._polls,
                "delay": delay,
                "error": failure.error.__name__,
                "fault": self._shown(failure.fault),
            },
        )

    def _tell(self, kind: type[Observation], fields: Callable[[], dict[str, Any]]) -> None:
        """Tell those who want it. It is not even made where nobody does."""
        hearing = [listener for listener in self._audience if issubclass(kind, listener.wants)]
        if not hearing:
            return
        subject, asked = self._subject, self._subject.asked
        seen = kind(
            id=self._id,
            time=self._clock().wall,
            kind=subject.kind,
            provider=asked.provider,
            connection=asked.connection,
            agent=self._redactor.text(asked.agent),
            **fields(),
        )
        for listener in hearing:
            listener.tell(seen)

    def _request(self, send: Send) -> HttpRequest:
        """What is sent, without its secrets."""
        request = without_auth(send.request) if send.poll else self._subject.asked.request
        return self._shown(request) or masked_request(request, self._redactor)

    def _shown(self, value: T) -> T | None:
        """The value itself, or a masked copy where a secret stands in it."""
        try:
            if not self._redactor.suspects(value):
                return value
            masked = self._redactor.value(value)
            return value if masked == value else masked
        except Exception:  # nested too deeply, or a stranger's class that cannot be copied
            return None
