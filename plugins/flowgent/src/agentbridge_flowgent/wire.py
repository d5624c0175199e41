"""What FlowGent takes and sends. Facts from its API reference (S003), from the older one (FG-old), and inferences (INF).

S003 is the newer: its `content` is a text, its ids stand in the path. FG-old shows content parts, as the Vercel AI SDK
makes them. Both forms are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, Field, model_validator

from agentbridge.reading import Lenient, Reply, compare, decode_json, notice, said, whole

AGENT_IN_URL = re.compile(r"/agent/([^/?#]+)")
"""The agent's id in a copied endpoint URL, `/api/public/agent/:agent_id/chat` (S003)."""

ASKING_ROLES = ("user", "assistant")
"""Roles in a request (S003); `tool` appears in answers only (FG-old), `system` nowhere."""

PROCESSING = "processing"
"""`status` of the acknowledgement of an asynchronous call (S003). It has no id and is no answer."""

STATUS_OF_SENTENCE = {
    "API key is required": 401,
    "Invalid API key": 401,
    "Access denied": 403,
    "agent_id is required and must be a non-empty string": 400,
    "Invalid date range": 400,
    "Invalid date format": 400,
    "Invalid dates": 400,
    "Invalid end date": 400,
    "Date range too large": 400,
    "Internal server error": 500,
    "No credits available": 402,
    "AI provider is currently experiencing high traffic": 503,
    "An unexpected error occurred while processing your request": 500,
    "Missing required fields": 400,
    "WhatsApp connection not found": 404,
}
"""`error` of an answer that has no `statusCode`, and the status that S003 documents for it. Matched whole.

The first ten are those of usage, three are those of chat, the last two of waba, whose statuses are INF. That one of
them comes in an HTTP 200 is INF, after the warning that S003 gives for chat.
"""


class AskedMessage(BaseModel):
    """One message of a request, as in option 3 of S003."""

    role: str
    content: str


class Envelope(Reply):
    """`{statusCode, body}` inside the HTTP body; or, without these two, the flat family of errors (S003)."""

    statusCode: Any = None  # 200, 402, 500, 503 (S003); as text: INF
    body: Any = None  # an object; as JSON text: INF, the habit of the Lambda proxies that the form comes from
    message: Any = None
    error: Any = None
    status: Any = None  # "processing" is the only word (S003)

    @model_validator(mode="after")
    def _notice(self) -> Envelope:
        body = opened(self.body)
        status = self.status or (body.get("status") if isinstance(body, dict) else None)
        if isinstance(status, str) and status != PROCESSING:
            notice("value", f"status: {status}")
        return self

    @property
    def is_flat(self) -> bool:
        """Whether there is no inner status: a flat error, or an acknowledgement."""
        return self.statusCode is None and self.body is None

    @property
    def inner(self) -> int | None:
        """The inner status as a number; None where it is absent or none."""
        return whole(self.statusCode)

    @property
    def code(self) -> str | None:
        """The inner status as the caller sees it on an error."""
        return said(self.statusCode) or None if self.inner is None else str(self.inner)

    def details(self) -> Mapping[str, Any]:
        """The inner body, with what stands outside of it where it says nothing itself."""
        body = opened(self.body)
        outer = {"message": self.message, "error": self.error, "status": self.status}
        if isinstance(body, dict):
            return {**body, **{name: value for name, value in outer.items() if body.get(name) is None}}
        return {**outer, "message": self.message or body}


class Complaint(Envelope):
    """The same of an answer that has no envelope unless it is an error: then its other fields are not the envelope's."""

    known: ClassVar = None


COMPLAINT = frozenset({"statusCode", "body", "message", "error", "status"})
ACKNOWLEDGEMENT = frozenset({"message", "error", "status", "agent_id"})
"""Fields of an error and of an acknowledgement (S003)."""


class ToolPart(Reply):
    """A part `tool-call` or `tool-result` (FG-old), or an entry of `metadata.tool_calls`, whose form is undocumented."""

    known: ClassVar = frozenset({"type", "isError", "success", "message", "content"})  # read by `failure`

    toolName: Lenient[str] = Field(None, validation_alias=AliasChoices("toolName", "name"))
    toolCallId: Lenient[str] = Field(None, validation_alias=AliasChoices("toolCallId", "id"))
    args: Any = Field(None, validation_alias=AliasChoices("args", "arguments"))
    result: Any = None
    error: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any], warnings: list[str]) -> ToolPart:
        """The part, with the failure that it or its result tells of."""
        error = failure(data.get("result")) or failure(data)
        return cls.model_validate({**data, "error": error}, context=warnings)


TOOL_PARTS = ("tool-call", "tool-result", "tool-error")
"""Types of the parts that tell of tools (FG-old). `tool-error` is INF: what later AI SDKs make of a tool that threw."""


TEXT_PART = frozenset({"type", "text"})
"""Fields of a part that is a text (FG-old)."""


class Turn(Reply):
    """One entry of `conversation_history`: `content` is a text (S003) or a list of parts (FG-old)."""

    known: ClassVar = frozenset({"id"})  # FG-old

    role: Lenient[Literal["user", "assistant", "system", "tool"]] = None
    content: Any = None

    @model_validator(mode="after")
    def _notice(self) -> Turn:
        for part in self.parts:
            kind = part.get("type", "text") if isinstance(part, dict) else "text"
            if kind == "text":
                compare("TextPart", part, TEXT_PART)
            elif isinstance(kind, str) and kind not in TOOL_PARTS:
                notice("value", f"type: {kind}")
        return self

    @property
    def parts(self) -> list[Any]:
        """The content's parts; none where it is a text."""
        if isinstance(self.content, dict):
            return [self.content]
        return self.content if isinstance(self.content, list) else []

    @property
    def text(self) -> str | None:
        """The text, of all parts of the type `text`; None where there is none, not even a blank one."""
        texts = [self.content, *map(_part_text, self.parts)]
        found = [text for text in texts if isinstance(text, str)]
        return "".join(found) if found else None

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The parts that tell of tools; where the content of a tool's turn has no such part, the failure it tells of (INF)."""
        parts = [part for part in self.parts if isinstance(part, dict) and part.get("type") in TOOL_PARTS]
        failed = self.role == "tool" and not parts and failure(self.content) is not None
        return [{"result": self.content}] if failed else parts


class Metadata(Reply):
    """`body.metadata`. `execution_time` is 2500 in S003 and "2.62" in FG-old, without a unit: it is not claimed."""

    known: ClassVar = frozenset({"timestamp", "execution_time"})

    id: Lenient[str] = None
    model: Lenient[str] = None
    used_credits: Lenient[Annotated[float, Field(allow_inf_nan=False)]] = None
    thread_id: Lenient[str] = None
    tool_calls: Any = None


class Answer(Reply):
    """`body` of a success. The history is the proof, all else may be missing (INF)."""

    known: ClassVar = frozenset({"agent_id", "message", "error", "status"})

    conversation_history: list[Lenient[Turn]]
    metadata: Lenient[Metadata] = None


def reported_tools(value: Any) -> tuple[list[dict[str, Any]], bool]:
    """The entries of `metadata.tool_calls`, and whether all were understood. Empty it is `{}` (S003) or `[]` (FG-old).

    The filled form is undocumented: a list, an object by name, or a single entry. One that tells of a failure counts
    without a name, too.
    """
    if isinstance(value, dict) and not _tells_of_tool(value):
        entries = [_named(name, entry) for name, entry in value.items()]
    else:
        entries = value if isinstance(value, list) else [] if value is None else [value]
    known = [entry for entry in entries if _tells_of_tool(entry)]
    return known, len(known) == len(entries)


def is_error(value: Any) -> bool:
    """Whether a field `error` is filled."""
    return bool(value.strip() if isinstance(value, str) else value)


def failure(value: Any) -> str | None:
    """The failure that a tool's result tells of, None where it tells of none.

    The form is undocumented (S003 only says to check "the results of any tool executions"): a filled `error`,
    `isError: true` and `success: false` are taken as one, also where the result is JSON text.
    """
    value = opened(value)
    if not isinstance(value, dict):
        return None
    if not (is_error(value.get("error")) or _is(value.get("isError"), "true") or _is(value.get("success"), "false")):
        return None
    told = (value.get(key) for key in ("error", "message", "content", "result"))
    return next(filter(None, map(said, told)), None) or said(value)


def opened(value: Any) -> Any:
    """The value behind JSON text that is an object; any other value as it is."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return decode_json(value)
        except ValueError:
            pass
    return value


def _part_text(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return part.get("text") if part.get("type", "text") == "text" else None


def _named(name: str, entry: Any) -> Any:
    """An entry of an object by name, where it looks like the use of a tool."""
    nameless = isinstance(entry, dict) and not _names_tool(entry)
    return {**entry, "toolName": name} if nameless and entry.keys() & _TOOL_FIELDS else entry


_TOOL_FIELDS = frozenset({"toolCallId", "id", "args", "arguments", "result", "error", "isError", "success"})


def _names_tool(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(key), str) for key in ("toolName", "name"))


def _tells_of_tool(value: Any) -> bool:
    return _names_tool(value) or (isinstance(value, dict) and failure(value) is not None)


def _is(value: Any, word: str) -> bool:
    """Whether a boolean, or its spelling as text, is this one."""
    return isinstance(value, (bool, str)) and str(value).strip().lower() == word
