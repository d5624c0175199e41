"""The emulator's streams: the frames and sequences of recorded ones (T: af_llm_stream, cf_conversation_stream, ...)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse

_SILENCE = "silence"
CUT = "cut"
"""The scenario whose stream stops in the middle."""


_LONGEST_SILENCE = 60.0  # seconds


def stream(flow: str, answer: dict[str, Any], silent_after: int | None = None) -> Response:
    """The stream that ends in this JSON answer, or falls silent after so many tokens."""
    return _response(_events(flow, answer, silent_after))


def failed(message: str) -> Response:
    """A failure before the run, which is an `error` event in an HTTP 200 (T: key_none_stream)."""
    return _response(iter([("error", message), ("end", "[DONE]")]))


def _events(flow: str, answer: dict[str, Any], silent_after: int | None = None) -> Iterator[tuple[str, Any]]:
    nodes = answer.get("agentFlowExecutedData")
    yield from [("agentFlowEvent", "INPROGRESS"), _step("INPROGRESS")] if nodes else [("start", "")]
    for number, token in enumerate(re.findall(r"\s*\S+", answer["text"])):
        if flow == CUT and number == 1:
            return
        yield (_SILENCE, "") if number == silent_after else ("token", token)
    if nodes:
        yield from [_step(nodes[-1]["status"]), ("agentFlowExecutedData", nodes), ("agentFlowEvent", "FINISHED")]
    yield from ((name, answer[name]) for name in ("usedTools", "agentReasoning", "action") if answer.get(name))
    told = ("chatId", "chatMessageId", "sessionId", "action")
    yield "metadata", {name: answer[name] for name in told if answer.get(name)}
    yield "end", "[DONE]"


def _step(status: str) -> tuple[str, Any]:
    return "nextAgentFlow", {"nodeId": "llmAgentflow_0", "nodeLabel": "LLM", "status": status}


def _response(events: Iterator[tuple[str, Any]]) -> Response:
    async def frames() -> AsyncIterator[bytes]:
        for name, data in events:
            if name == _SILENCE:
                await asyncio.sleep(_LONGEST_SILENCE)  # ends when the client hangs up
                return
            frame = json.dumps({"event": name, "data": data}, ensure_ascii=False, separators=(",", ":"))
            yield f"message:\ndata:{frame}\n\n".encode()

    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(frames(), headers=headers)
