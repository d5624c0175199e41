"""What scripted agents answer, as values, and whose turn it is: no transport and no bridge."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from ..errors import AgentBridgeError, ConfigurationError, InvocationError, UnknownTargetError
from ..events import (
    Completed,
    Event,
    ReasoningDelta,
    SourcesFound,
    Started,
    StepChanged,
    TextDelta,
    ToolCalled,
    VendorEvent,
)
from ..model import Invocation, Pending, Result
from ..naming import did_you_mean

ANY = "*"
_EVENTS = (TextDelta, ReasoningDelta, ToolCalled, SourcesFound, StepChanged, VendorEvent)
_CAN_SAY = "a text, a Result, a Pending, an AgentBridgeError, Streamed, Delayed, a function of the Invocation, or a list of these"


def _seconds(_: object, __: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ConfigurationError(f"Delayed takes a number of seconds, and then the answer; not {value!r}")


@attrs.frozen
class Delayed:
    """An answer, or a piece of a stream, that comes `seconds` later by the clock of its bridge. Nothing sleeps."""

    seconds: float = attrs.field(validator=_seconds)
    answer: Any


Piece: TypeAlias = str | Event | Result | InvocationError | Delayed


@attrs.frozen(init=False)
class Streamed:
    """An answer piece by piece: texts and events, as `bridge.stream` yields them.

    A Result at the end is what it comes to, in place of the texts joined; an InvocationError there breaks it off. What
    `bridge.stream` yielded once can be given as it is.

    Raises:
        ConfigurationError: a piece is something else.
    """

    pieces: tuple[Piece, ...]

    def __init__(self, *pieces: Piece) -> None:
        self.__attrs_init__(tuple(_piece(piece) for piece in pieces if not isinstance(piece, Started)))
        ends = [one for one in self.pieces[:-1] if isinstance(timed(one)[1], (Result, InvocationError))]
        if ends:
            raise ConfigurationError(f"{type(timed(ends[0])[1]).__name__} ends a stream; give it as the last piece")


def _piece(piece: Piece) -> Piece:
    if isinstance(piece, Delayed):
        return attrs.evolve(piece, answer=_piece(piece.answer))
    if isinstance(piece, str):
        return TextDelta(piece)
    if isinstance(piece, Completed):
        return piece.result
    if isinstance(piece, (*_EVENTS, Result, InvocationError)):
        return piece
    raise ConfigurationError(
        f"a stream has texts and events, and may end in a Result or an InvocationError; not {piece!r}"
    )


Said: TypeAlias = Result | Pending | AgentBridgeError | Streamed
Answer: TypeAlias = str | Said | Delayed | Callable[[Invocation], Any]
Answers: TypeAlias = Answer | Sequence[Answer]


def timed(answer: Any) -> tuple[float, Any]:
    """What is said, and after how many seconds."""
    seconds = 0.0
    while isinstance(answer, Delayed):
        seconds, answer = seconds + answer.seconds, answer.answer
    return seconds, answer


class Script:
    """Answers by target, by the name of an agent, or by "*" for all others.

    Raises:
        ConfigurationError: something in it is no answer.
    """

    def __init__(self, answers: Mapping[str, Answers]) -> None:
        if not isinstance(answers, Mapping):
            raise ConfigurationError('a script maps targets to answers, as in {"support": "Hello"}')
        self._answers = {name: _listed(name, answer) for name, answer in answers.items()}
        self._given = dict.fromkeys(self._answers, 0)
        self._lock = threading.Lock()

    def __contains__(self, name: object) -> bool:
        return name in self._answers

    def __repr__(self) -> str:
        return ", ".join(map(repr, self._answers)) or "nothing"

    def name_of(self, asked: str, names: Sequence[str]) -> str:
        """Under which of these names there is an answer. Raises UnknownTargetError where there is none."""
        found = next((name for name in (*names, ANY) if name in self._answers), None)
        if found is None:
            hint = did_you_mean(asked, list(self._answers))
            raise UnknownTargetError(
                f"nothing is scripted for {asked!r} (scripted: {self!r}).{hint} Give it an answer, or give one for '*'"
            )
        return found

    def next(self, name: str, invocation: Invocation) -> tuple[float, Said]:
        """What is said now, and after how many seconds. Raises what a function of the user's raises, but for our errors."""
        with self._lock:
            answers = self._answers[name]
            answer = answers[min(self._given[name], len(answers) - 1)]
            self._given[name] += 1
        return _settled(name, answer, invocation)


def _listed(name: object, answers: Any) -> list[Answer]:
    listed = list(answers) if isinstance(answers, (list, tuple)) else [answers]
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"a script is keyed by targets, names of agents and '*'; not {name!r}")
    if not listed:
        raise ConfigurationError(f"the script for {name!r} is an empty list; give it an answer")
    for answer in listed:
        _check(name, answer)
    return listed


def _check(name: str, answer: Any) -> None:
    said = timed(answer)[1]
    if not isinstance(said, (str, Result, Pending, AgentBridgeError, Streamed)) and (
        not callable(said) or isinstance(said, type)
    ):
        raise ConfigurationError(f"the script for {name!r} has {said!r}, which is no answer; give {_CAN_SAY}")


def _settled(name: str, answer: Any, invocation: Invocation) -> tuple[float, Said]:
    """The answer without the functions and the delays around it."""
    seconds = 0.0
    while True:
        waited, said = timed(answer)
        seconds += waited
        if not callable(said):
            return seconds, Result(text=said, output=said) if isinstance(said, str) else said
        try:
            answer = said(invocation)
        except AgentBridgeError as error:
            answer = error
        _check(name, answer)


class Calls(list[Invocation]):
    """The calls that were made, in order, each once however often it was tried; as the caller described them."""

    def to(self, target: str) -> Calls:
        """Those of this target, or of this agent at any connection."""
        return Calls(call for call in self if target in {call.target, call.target.partition("@")[0]})

    @property
    def texts(self) -> list[str | None]:
        """The text of each."""
        return [call.text for call in self]

    @property
    def only(self) -> Invocation:
        """The one call. Raises AssertionError where there is none, or more than one."""
        if len(self) != 1:
            made = ", ".join(repr(call.target) for call in self) or "none"
            raise AssertionError(f"expected one call, and there were {len(self)}: {made}")
        return self[0]
