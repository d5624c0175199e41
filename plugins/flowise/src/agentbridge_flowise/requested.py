"""What a recorded prediction said: the reverse of `build_request`."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import attrs

from agentbridge import File, HttpRequest, Invocation, Link, Message, UnsupportedFeatureError

from . import wire
from .provider import kind_of

_PREDICTION = re.compile(r"/api/v1/prediction/([^/?#]+)/?$")
_MADE = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BODY = frozenset({"question", "form", "history", "uploads", "overrideConfig", "chatId", "streaming"})
_ROLES = {theirs: ours for ours, theirs in wire.ROLES.items()}


def invocation(request: HttpRequest) -> Invocation | None:
    """The call to a flow. A `chatId` that somebody named is the session where there is no other, as for the server.

    One that is a UUID is left out: each call of ours gets such a one of its own, and the answer names the session.

    Raises:
        ValueError: an Invocation cannot say it.
    """
    flow = _PREDICTION.search(request.url)
    if request.method != "POST" or flow is None:
        return None
    body = request.json
    if not isinstance(body, Mapping):
        raise ValueError("its body is no JSON object")
    uploads = body.get("uploads") or []
    files = tuple(_file(upload) for upload in uploads)
    options = _options(body, dict(zip(files, uploads, strict=True)))
    return Invocation(
        target=f":{unquote(flow.group(1))}",
        text=_text(body, files),
        messages=tuple(_message(turn) for turn in body.get("history") or ()),
        inputs=body.get("form") or {},
        files=files,
        session_id=(body.get("overrideConfig") or {}).get("sessionId") or _named(body.get("chatId")),
        options={"flowise": options} if options else {},
    )


def _named(chat: object) -> str | None:
    """The id of a chat that somebody named; None for one that was made for a call."""
    return chat if isinstance(chat, str) and chat and not _MADE.fullmatch(chat) else None


def _text(body: Mapping[str, Any], files: tuple[File | Link, ...]) -> str | None:
    """The question; an empty one stands beside files that were sent alone."""
    question = body.get("question")
    if question is not None and not isinstance(question, str):
        raise ValueError("its question is no text")
    return None if files and not question else question


def _options(body: Mapping[str, Any], uploads: Mapping[File | Link, Mapping[str, Any]]) -> dict[str, Any]:
    """What an Invocation has no field for; the kind of an upload where it is not the one that would be taken."""
    kept = {name: value for name, value in body.items() if name not in _BODY}
    config = {name: value for name, value in (body.get("overrideConfig") or {}).items() if name != "sessionId"}
    kinds = {
        file.name: said["type"] for file, said in uploads.items() if isinstance(file, File) and _is_odd(file, said)
    }
    return {**kept, **({"overrideConfig": config} if config else {}), **({"uploadType": kinds} if kinds else {})}


def _is_odd(file: File, upload: Mapping[str, Any]) -> bool:
    try:
        return kind_of(file) != upload.get("type")
    except UnsupportedFeatureError:
        return True


def _message(turn: Any) -> Message:
    """A turn in the form that all flows take, or in the older one, `{type, message}`."""
    said = turn if isinstance(turn, Mapping) else {}
    role, text = said.get("role", said.get("type")), said.get("content", said.get("message"))
    if role not in _ROLES or not isinstance(text, str):
        raise ValueError("its history has a turn that is none of userMessage and apiMessage with a text")
    return Message(_ROLES[role], text)  # type: ignore[arg-type]


def _file(upload: Any) -> File | Link:
    said = upload if isinstance(upload, Mapping) else {}
    name, data = said.get("name"), said.get("data")
    if not isinstance(name, str) or not isinstance(data, str) or not isinstance(said.get("type"), str):
        raise ValueError("one of its uploads has no name, data and type")
    if said["type"] == "url":
        return Link(data, None if name == data else name)
    file = File(name, _content(data))
    return file if file.type == said.get("mime", file.type) else attrs.evolve(file, media_type=said["mime"])


def _content(data: str) -> bytes:
    """A data URI, or the bare text of a file that the model sees whole."""
    head, mark, encoded = data.partition(";base64,")
    if not mark or not head.startswith("data:"):
        return data.encode()
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ValueError("the content of an upload in it is not base64, as where a recorder masked it") from None
