"""The tool calls of Agent apps, gathered from `agent_thought` events.

Source: openapi_chat.json StreamEventChatAgentThought: `tool` is a "List of tools called, split by `;`", `tool_input`
the "Input of tools in JSON format", `observation` the "Response from tool calls". In the page's example the input is an
object with the tool's name as its key. That one thought comes more than once, under one id, as it fills up, and that
`observation` may be keyed like the input, are inferences; both readings give the same calls.
"""

import json
from typing import Any

from agentbridge import Event, ReasoningDelta, ToolCall, ToolCalled
from agentbridge_dify.wire import Chunk


class Thoughts:
    """Remembers each thought by its id, and reports what is new in it."""

    def __init__(self) -> None:
        """Nothing was thought yet."""
        self._latest: dict[str, Chunk] = {}
        self._reported: set[str] = set()

    def take(self, chunk: Chunk) -> list[Event]:
        """The reasoning that is new, and the tools whose results are there."""
        key = chunk.id or f"#{len(self._latest)}"
        before = self._latest.get(key)
        self._latest[key] = chunk
        return [*_reasoning(before, chunk), *self._tools(key, chunk)]

    def calls(self) -> tuple[ToolCall, ...]:
        """All tool calls, also those whose result never came."""
        return tuple(call for chunk in self._latest.values() for call in _calls(chunk))

    def _tools(self, key: str, chunk: Chunk) -> list[Event]:
        if not chunk.tool or not chunk.observation or key in self._reported:
            return []
        self._reported.add(key)
        return [ToolCalled(call) for call in _calls(chunk)]


def _reasoning(before: Chunk | None, chunk: Chunk) -> list[Event]:
    thought, known = chunk.thought or "", (before.thought if before else None) or ""
    new = thought.removeprefix(known)
    return [ReasoningDelta(new)] if new else []


def _calls(chunk: Chunk) -> list[ToolCall]:
    names = [name for name in (chunk.tool or "").split(";") if name]
    return [
        ToolCall(name, _share(chunk.tool_input, name), _share(chunk.observation, name), id=chunk.id) for name in names
    ]


def _share(text: str | None, tool: str) -> Any:
    """One tool's part of a text that may be JSON with the tools' names as its keys."""
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value[tool] if isinstance(value, dict) and tool in value else value
