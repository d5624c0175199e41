"""What an exchange wants done, and what came of it: plain values between deciding and doing."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import attrs

from .body import Body
from .retry import Timeouts
from .verdict import Asked
from .wire import HttpRequest, HttpResponse, NoAnswer, Sleep

if TYPE_CHECKING:
    from .events import Event

T = TypeVar("T")

MAX_ANSWER = 256 * 1024 * 1024
"""Bytes of an answer, decompressed, that are read at most, unless a connection says otherwise."""


@attrs.frozen(slots=False)
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
    """Asks to be one of `room` exchanges that act on `key`, a session or an account. `until` is monotonic.

    The turn lasts until it is given back, or the exchange is over. The answer is None, or a NoAnswer where others did
    not finish in time.
    """

    key: Hashable
    until: float | None = None
    room: int = 1


@attrs.frozen
class Release:
    """Gives the turn of this key back, without one all of them: what is left to do acts on them no more."""

    key: Hashable = None


@attrs.frozen
class Use:
    """From now on another connection is meant, with its own proxy and certificates, and another is asked."""

    connection: object
    asked: Asked


@attrs.frozen(slots=False)
class Happened:
    """What came of a command, and the time: `now` is monotonic, `wall` since the epoch.

    The answer to a Send or an Open is a response or none, to a Read bytes or none.
    """

    now: float
    wall: float
    answer: HttpResponse | NoAnswer | bytes | None = None


Command: TypeAlias = Send | Open | Read | Emit | Sleep | Turn | Release | Use
Steps: TypeAlias = Generator[Command, Happened, T]
