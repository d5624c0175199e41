"""What an exchange wants done, and what came of it: plain values between deciding and doing."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from typing import TypeAlias, TypeVar

import attrs

from .body import Body
from .events import Event
from .retry import Timeouts
from .wire import HttpRequest, HttpResponse, NoAnswer, Sleep

T = TypeVar("T")

MAX_ANSWER = 256 * 1024 * 1024
"""Bytes of an answer, decompressed, that are read at most, unless a connection says otherwise."""


@attrs.frozen
class Send:
    """Asks a driver to send a request and read the whole answer.

    `timeouts` None leaves them to the transport; `deadline` is on the driver's own monotonic clock. `poll`: it starts
    nothing, it asks for a run that was accepted. `max_answer` is in bytes.
    """

    request: HttpRequest
    url: str
    body: Body
    timeouts: Timeouts | None = None
    deadline: float | None = None
    poll: bool = False
    max_answer: int = MAX_ANSWER


@attrs.frozen
class Open:
    """Asks a driver to send a request and read the head of the answer only; its body is asked for by Read."""

    send: Send


@attrs.frozen
class Read:
    """Asks for the next bytes of the answer that stands open; empty at its end. `until` is monotonic."""

    until: float | None = None


@attrs.frozen
class Emit:
    """Hands events out. Nothing is done, but time may pass."""

    events: tuple[Event, ...]


@attrs.frozen
class Turn:
    """Asks to be the only one that acts on `key`, a session, until the exchange is over. `until` is monotonic.

    The answer is None, or a NoAnswer where others did not finish in time.
    """

    key: Hashable
    until: float | None = None


@attrs.frozen
class Release:
    """Gives the turn back: the run is over, and what is left to do acts on its session no more."""


@attrs.frozen
class Happened:
    """What came of a command, and the time: `now` is monotonic, `wall` since the epoch.

    The answer to a Send or an Open is a response or none, to a Read bytes or none.
    """

    now: float
    wall: float
    answer: HttpResponse | NoAnswer | bytes | None = None


Command: TypeAlias = Send | Open | Read | Emit | Sleep | Turn | Release
Steps: TypeAlias = Generator[Command, Happened, T]
