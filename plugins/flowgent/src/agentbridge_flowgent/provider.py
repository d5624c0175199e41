"""The Provider of FlowGent: agents, through `POST /api/public/agent/{id}/chat`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from agentbridge import (
    Call,
    Fault,
    HttpRequest,
    HttpResponse,
    Invocation,
    Message,
    Operation,
    Pending,
    Provider,
    Result,
    ToolCall,
    UnsupportedFeatureError,
    Usage,
    UsageDay,
)
from agentbridge.reading import compare

from . import daily, endpoint, wire
from .operations import OPERATIONS


class FlowGent(Provider):
    """FlowGent's agents. A conversation is a thread, whose id the vendor gives out with the first answer."""

    name: ClassVar[str] = "flowgent"
    ping: ClassVar[str | None] = "agents"  # S003 names it; that it costs no credits is inference
    api_version: ClassVar[int] = 1
    accepts: ClassVar[frozenset[str]] = frozenset({"text", "messages", "session_id", "callback_url"})
    default_base_url: ClassVar[str | None] = "https://flowgent.ai/api/public"
    qualified: ClassVar[Mapping[str, str]] = {
        "inputs": "a binding's `template` writes them into the text",
        "stream": "`stream` gives the events of the finished answer",
        "poll": "`submit(callbacks=…)` starts a run, and its answer comes by callback",
    }
    operations: ClassVar = OPERATIONS
    emulator: ClassVar[str | None] = "agentbridge_flowgent.emulator:make"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """One of the three documented forms of messages, and what belongs to them (S003)."""
        body: dict[str, Any] = {
            "messages": _messages(invocation, call),
            "thread_id": invocation.session_id,
            "callback_url": invocation.callback_url,
        }
        said = {name: value for name, value in body.items() if value is not None}
        return endpoint.request(call, "POST", endpoint.agent_id(call.agent), "chat", json=said)

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """A failure by either status or by `error`; else the assistant's turn is the proof of an answer."""
        envelope = wire.Envelope.parse(response.json())[0]
        details = envelope.details()
        refused = endpoint.refusal(envelope, details, response)
        if refused is not None:
            return attrs.evolve(refused, partial=_partial(details))
        if envelope.statusCode is not None and envelope.inner is None:
            raise ValueError("an inner status that is no number")
        if details["status"] == wire.PROCESSING and "conversation_history" not in details:
            compare("Acknowledgement", details, wire.ACKNOWLEDGEMENT)
            return Pending(kind="callback")
        return _result(details)

    def read_callback(self, callback: HttpRequest) -> Result | Fault | None:
        """The same envelope as a direct answer: undocumented, an inference. None for an acknowledgement or nothing."""
        content = callback.content or b""
        if not content.strip():
            return None
        value = self.read(HttpResponse(200, callback.headers, content))
        return None if isinstance(value, Pending) else value

    def read_request(self, request: HttpRequest) -> Invocation | None:
        """What a recorded call said; see `requested`."""
        from . import requested

        return requested.invocation(request)

    def usage_by_day(self, agent: str, first: dt.date, last: dt.date) -> Sequence[Operation[tuple[UsageDay, ...]]]:
        """By GetUsage, which knows nothing of today."""
        return daily.usage_by_day(agent, first, last, dt.datetime.now(dt.UTC).date())


def _messages(invocation: Invocation, call: Call) -> Any:
    """One of the three documented forms; None leaves it to an option."""
    text = invocation.text
    if invocation.messages:
        asked = () if text is None else (Message("user", text),)
        return [_message(message) for message in (*invocation.messages, *asked)]
    if text is None and "messages" not in call.options:
        raise UnsupportedFeatureError("text", "an agent answers messages, and there is none. Give text or messages")
    return text


def _message(message: Message) -> dict[str, Any]:
    if message.role not in wire.ASKING_ROLES:
        raise UnsupportedFeatureError(
            "messages", f"its messages are of user and assistant only, not of {message.role!r}. Leave such messages out"
        )
    return wire.AskedMessage(role=message.role, content=message.text).model_dump()


def _partial(details: Mapping[str, Any]) -> Result | None:
    """What came with an error."""
    try:
        return _result(details)
    except ValueError:
        return None


def _result(details: Mapping[str, Any]) -> Result:
    """Raises ValueError without the proof, an assistant's turn."""
    answer, noted = wire.Answer.parse(details)
    history = [turn for turn in answer.conversation_history if turn]
    metadata = answer.metadata or wire.Metadata()
    current = _since_question(history)
    text, (tools, warnings) = _text(current), _tools(current, metadata)
    return Result(
        text=text,
        output=text,
        id=metadata.id,
        session_id=metadata.thread_id,
        messages=tuple(Message(turn.role, turn.text or "", tuple(turn.parts)) for turn in history if turn.role),
        tool_calls=tools,
        usage=_usage(metadata),
        warnings=(*noted, *warnings),
    )


def _since_question(history: list[wire.Turn]) -> list[wire.Turn]:
    """The turns of this run. The history may be the whole thread (INF), and an earlier answer is none to this question."""
    asked = [index for index, turn in enumerate(history) if turn.role == "user" and turn.text is not None]
    return history[asked[-1] + 1 :] if asked else history


def _text(turns: list[wire.Turn]) -> str:
    """The last text of the assistant, which tool calls and results may follow; blank where it only used tools.

    Not where a turn cannot be read: its text may have been the answer.
    """
    assistant = [turn for turn in turns if turn.role == "assistant"]
    texts = [turn.text for turn in assistant if turn.text is not None]
    only_tools = bool(assistant) and all(turn.role is not None and turn.tools for turn in turns)
    if not texts and not only_tools:
        raise ValueError("no turn of the assistant after the question")
    return next((text for text in reversed(texts) if text.strip()), texts[-1] if texts else "")


def _tools(turns: list[wire.Turn], metadata: wire.Metadata) -> tuple[tuple[ToolCall, ...], list[str]]:
    """What the parts and the metadata tell of tools, and warnings."""
    reported, understood = wire.reported_tools(metadata.tool_calls)
    warnings = [] if understood else ["metadata.tool_calls is not understood and left out"]
    parts = [wire.ToolPart.of(part, warnings) for turn in turns for part in turn.tools]
    entries = [wire.ToolPart.of(entry, warnings) for entry in reported]
    return tuple(map(_tool_call, _joined(parts, entries))), warnings


def _joined(parts: Iterable[wire.ToolPart], reported: Iterable[wire.ToolPart]) -> Iterable[list[wire.ToolPart]]:
    """Calls and their results by their id; what the metadata reports without one by the tool's name."""
    calls: dict[str, list[wire.ToolPart]] = {}
    for number, part in enumerate(parts):
        calls.setdefault(part.toolCallId or f"#{number}", []).append(part)
    named = {call[0].toolName: key for key, call in calls.items()}
    for number, part in enumerate(reported):
        calls.setdefault(part.toolCallId or named.get(part.toolName, f"##{number}"), []).append(part)
    return calls.values()


def _tool_call(said: list[wire.ToolPart]) -> ToolCall:
    """One call from all that is said of it."""

    def first(field: str) -> Any:
        return next((value for part in said if (value := getattr(part, field)) is not None), None)

    return ToolCall(first("toolName") or "", first("args"), first("result"), first("error"), first("toolCallId"))


def _usage(metadata: wire.Metadata) -> Usage | None:
    known = metadata.used_credits is not None or metadata.model is not None
    return Usage(credits=metadata.used_credits, model=metadata.model) if known else None
