"""How conversations are carried to another vendor. Pure.

fresh           every call stands alone: no session, no history
same-id         the old session's id is sent as it is
mapped          a new session for each old one, by the ledger; the candidate remembers by itself
inline-history  no session; what was said before, as it was recorded, goes along with each call
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias, get_args

import attrs

from ..errors import ConfigurationError
from ..model import SHARED, Invocation, Message
from .samples import Sample

Treatment: TypeAlias = Literal["fresh", "same-id", "mapped", "inline-history"]

TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)

_NAMES = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}


def treated(
    invocation: Invocation,
    treatment: Treatment,
    *,
    earlier: Sequence[Sample] = (),
    new_session: Callable[[], str | None] = lambda: None,
    accepts: frozenset[str] = frozenset(),
) -> Invocation:
    """An invocation of a conversation as the candidate gets it.

    `earlier` are the turns before it, oldest first. `new_session` gives the candidate's session, None for one that it
    has to name itself. `accepts` is what its provider can carry: where that is no `messages`, history goes into the
    text. A call that brings what was said before, as messages of its own, gets no other history.
    """
    if treatment == "same-id":
        return invocation
    if treatment == "mapped":
        shared = invocation.session_id == SHARED
        return invocation if shared else attrs.evolve(invocation, session_id=new_session())
    alone = attrs.evolve(invocation, session_id=None)
    if treatment == "fresh" or not earlier or _brings_history(alone):
        return alone
    history = tuple(message for turn in earlier for message in said(turn))
    if "messages" in accepts:
        return attrs.evolve(alone, messages=(*history, *alone.messages))
    return attrs.evolve(alone, messages=(), text=in_text((*history, *alone.messages), alone.text or ""))


def _brings_history(invocation: Invocation) -> bool:
    return any(message.role == "assistant" for message in invocation.messages)


def said(turn: Sample) -> tuple[Message, ...]:
    """What a turn adds to the history: the question, and the answer where there was one."""
    asked = turn.invocation.text
    answered = turn.answer.text if turn.answer is not None and turn.answer.ok else None
    question = (Message("user", asked),) if asked else ()
    return (*question, Message("assistant", answered)) if answered else question


def in_text(messages: Sequence[Message], text: str) -> str:
    """Earlier turns and this one as one text, for vendors that take no history."""
    lines = [f"{_NAMES[message.role]}: {message.text}" for message in messages]
    return "\n".join(["Conversation so far:", *lines, "", f"User: {text}"])


def checked(treatment: str) -> Treatment:
    """A treatment by its name. Raises ConfigurationError for another word."""
    for known in TREATMENTS:
        if treatment == known:
            return known
    raise ConfigurationError(f"sessions is one of {', '.join(TREATMENTS)}, not {treatment!r}")
