"""What a recorded call said: the reverse of `build_request`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from agentbridge import HttpRequest, Invocation, Message

from . import wire

_CHAT = re.compile(r"/agent/([^/?#]+)/chat/?$")
_BODY = frozenset({"messages", "thread_id", "callback_url"})


def invocation(request: HttpRequest) -> Invocation | None:
    """The call to an agent. Raises ValueError for one that an Invocation cannot say."""
    agent = _CHAT.search(request.url)
    if request.method != "POST" or agent is None:
        return None
    body = request.json
    if not isinstance(body, Mapping) or "messages" not in body:
        raise ValueError("its body is no object with messages")
    text, messages = _said(body["messages"])
    options = {name: value for name, value in body.items() if name not in _BODY}
    return Invocation(
        target=f":{unquote(agent.group(1))}",
        text=text,
        messages=messages,
        session_id=body.get("thread_id"),
        callback_url=body.get("callback_url"),
        options={"flowgent": options} if options else {},
    )


def _said(messages: Any) -> tuple[str | None, tuple[Message, ...]]:
    """This turn and those before it, from each of the three documented forms (S003)."""
    if isinstance(messages, str):
        return messages, ()
    turns = [_message(turn) for turn in (messages if isinstance(messages, list) else [messages])]
    if turns and turns[-1].role == "user":
        return turns[-1].text, tuple(turns[:-1])
    return None, tuple(turns)


def _message(turn: Any) -> Message:
    if not isinstance(turn, Mapping) or turn.get("role") not in wire.ASKING_ROLES:
        raise ValueError("one of its messages is of neither user nor assistant")
    if not isinstance(turn.get("content"), str):
        raise ValueError("one of its messages has a content that is no text")
    return Message(turn["role"], turn["content"])
