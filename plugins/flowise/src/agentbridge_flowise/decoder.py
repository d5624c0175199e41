"""Reads Flowise's stream (S: utils/SSEStreamer.ts; T: every *_stream trace).

Each event is one `data:` line with the name inside of the JSON. `end` comes always, after success, pause and failure
alike: success is `metadata` without `error`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from agentbridge import (
    Event,
    Fault,
    FaultKind,
    ReasoningDelta,
    Result,
    SourcesFound,
    StepChanged,
    StreamDecoder,
    TextDelta,
    ToolCalled,
    VendorEvent,
)
from agentbridge.reading import compare, decode_json, notice
from agentbridge.sse import SSEParser

from . import answer, steps, wire_nodes, wire_stream

_EXECUTED = b'{"event":"agentFlowExecutedData"'
"""Sent again whole after each node, and large (T: af_llm_stream): only the last one is decoded, at the end."""


class FlowiseDecoder(StreamDecoder):
    """One stream, fed with bytes."""

    def __init__(self) -> None:
        self._parser = SSEParser()
        self._written = io.BytesIO()  # the text; a list of its tokens takes ten times as much
        self._executed = b""
        self._tools: list[Any] = []
        self._documents: list[Any] = []
        self._action: Any = None
        self._metadata: dict[str, Any] | None = None
        self._error: str | None = None
        self._unreadable = 0
        self._ended = False

    @property
    def done(self) -> bool:
        """True after `end`, which is always the last event."""
        return self._ended

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes. Unknown and unreadable ones come through as they are."""
        events: list[Event] = []
        for sent in self._parser.feed(data):
            if sent.data.startswith(_EXECUTED):
                self._executed = sent.data
            elif not self._ended:
                events += self._read(sent.data)
        return events

    def finish(self) -> Result | Fault:
        """The Result if `metadata` came and no `error`; else a Fault with what arrived."""
        if self._error is not None:
            from . import failures

            return failures.in_stream(self._error, self._partial())
        if self._metadata is None:
            where = (
                "ended without metadata, Flowise's only sign of success" if self._ended else "stopped before its end"
            )
            return Fault(FaultKind.INTERRUPTED, f"the stream {where}", partial=self._partial())
        nodes = self._nodes()
        if nodes is None or (
            self._count_unreadable() and not nodes
        ):  # the text is made of pieces, and one may be missing
            problem = "some of the stream was unreadable, and may have been a part of the answer"
            return Fault(FaultKind.INTERRUPTED, problem, partial=self._partial())
        try:
            return self._result(self._metadata, nodes)
        except ValueError:  # metadata that cannot be read is no sign of success; what arrived is kept
            return Fault(FaultKind.INTERRUPTED, "the stream ended in unreadable metadata", partial=self._partial())

    @property
    def _text(self) -> str:
        return self._written.getvalue().decode("utf-8", "surrogatepass")

    def _read(self, data: bytes) -> list[Event]:
        try:
            body = decode_json(data)
            name, value = body["event"], body.get("data")
        except (ValueError, TypeError, KeyError, AttributeError):
            self._unreadable += 1
            return [VendorEvent("unreadable", data.decode("utf-8", "replace"))]
        handler = self._HANDLERS.get(name) if isinstance(name, str) else None
        if handler is not None:
            return handler(self, value)
        if isinstance(name, str) and name not in wire_stream.EVENTS:
            notice("event", name)
        return [VendorEvent(str(name), value)]

    def _on_token(self, value: Any) -> list[Event]:
        if not isinstance(value, str):
            return [VendorEvent("token", value)]
        self._written.write(value.encode("utf-8", "surrogatepass"))
        return [TextDelta(value)] if value else []

    def _on_thinking(self, value: Any) -> list[Event]:
        return [ReasoningDelta(value)] if isinstance(value, str) and value else []

    def _on_tools(self, value: Any) -> list[Event]:
        tools = _objects(value)
        self._tools += tools
        return [ToolCalled(call) for call in steps.tool_calls(tools, [])]

    def _on_documents(self, value: Any) -> list[Event]:
        found = [item for item in _objects(value) if isinstance(item.get("pageContent"), str)]
        self._documents += found
        sources = tuple(steps.sources(found, []))
        return [SourcesFound(sources)] if sources else []  # V1 always sends an empty list

    def _on_step(self, value: Any) -> list[Event]:
        if not isinstance(value, dict) or not isinstance(value.get("status"), str):
            return [VendorEvent("nextAgentFlow", value)]
        compare("nextAgentFlow", value, wire_stream.STEP)
        if value["status"] not in wire_nodes.STATES:
            notice("value", f"nextAgentFlow: {value['status']}")
        return [StepChanged(str(value.get("nodeLabel", "")), value["status"])]

    def _on_action(self, value: Any) -> list[Event]:
        self._action = value or self._action
        return [VendorEvent("action", value)]

    def _on_metadata(self, value: Any) -> list[Event]:
        if isinstance(value, dict):
            compare("metadata", value, wire_stream.METADATA)
            self._metadata = value
            self._action = value.get("action") or self._action
        return []

    def _on_error(self, value: Any) -> list[Event]:
        self._error = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return []

    def _on_end(self, _: Any) -> list[Event]:
        self._ended = True
        return []

    _HANDLERS: ClassVar[Mapping[str, Callable[[FlowiseDecoder, Any], list[Event]]]] = {
        "token": _on_token,
        "thinking": _on_thinking,
        "usedTools": _on_tools,
        "sourceDocuments": _on_documents,
        "nextAgentFlow": _on_step,
        "action": _on_action,
        "metadata": _on_metadata,
        "error": _on_error,
        "end": _on_end,
    }

    def _result(self, metadata: dict[str, Any], nodes: list[Any]) -> Result | Fault:
        """The same reading as of a JSON answer, whose fields the events bring one by one."""
        prediction = {
            "chatId": metadata.get("chatId", ""),
            "sessionId": metadata.get("sessionId"),
            "chatMessageId": metadata.get("chatMessageId"),
            "text": answer.final_text(nodes) if nodes else self._text,
            "action": self._action,
            "agentFlowExecutedData": nodes,
            # the nodes of Agentflow V2 name their tools and documents themselves
            "usedTools": None if nodes else self._tools,
            "sourceDocuments": None if nodes else self._documents,
        }
        count = self._count_unreadable()
        unreadable = (f"{count} events were unreadable",) if count else ()
        return answer.result(prediction, unreadable)

    def _count_unreadable(self) -> int:
        return self._unreadable + self._parser.unreadable

    def _nodes(self) -> list[Any] | None:
        """The nodes that ran; none of a chatflow, None where they cannot be read."""
        try:
            nodes = decode_json(self._executed)["data"] if self._executed else []
        except (ValueError, TypeError, KeyError):
            return None
        return nodes if isinstance(nodes, list) else None

    def _partial(self) -> Result:
        text = self._text
        return Result(text=text, output=text, tool_calls=steps.tool_calls(self._tools, []))


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
