"""What an answer of Flowise means, streamed or whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agentbridge import Fault, FaultKind, Interrupt, Result

from . import steps, wire

if TYPE_CHECKING:
    from .wire_nodes import ExecutedNode


def result(body: Any, warnings: tuple[str, ...] = ()) -> Result | Fault:
    """The Result that an answer proves, or the failure of its last node. Raises ValueError without the proof."""
    answer = wire.Prediction.read(body)
    told = steps.read(answer)
    output = _output(answer)
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, indent=2)
    found = Result(
        text=text,
        output=output,
        id=answer.executionId or answer.chatMessageId,
        session_id=answer.sessionId or answer.chatId,
        tool_calls=told.tool_calls,
        sources=told.sources,
        usage=told.usage,
        status="waiting_for_input" if answer.action else "completed",
        interrupt=_pause(answer, text) if answer.action else None,
        warnings=(*answer.warnings, *told.warnings, *warnings),
    )
    return found if told.last is None else _ended(told.last, found)


def final_text(nodes: list[Any]) -> str:
    """The content of the last node, as in the JSON answer (S: buildAgentflow.ts:2243; T: af_parallel_stream).

    Joined tokens are not it where several nodes stream. A node without content gives one blank.
    """
    try:
        content = nodes[-1]["data"]["output"]["content"]
    except (KeyError, TypeError, IndexError):
        return " "
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2)


def _ended(last: ExecutedNode, found: Result) -> Result | Fault:
    """The last node decides how a run of an Agentflow V2 ended."""
    from .wire_nodes import FAILED_STATES

    if last.status not in FAILED_STATES:
        return found
    error = last.data.error if last.data else None
    message = f"node {last.nodeLabel!r} ended as {last.status}: {error or 'no message'}"
    return Fault(FaultKind.EXECUTION, message, code=last.status, partial=found)


def _pause(answer: wire.Prediction, question: str) -> Interrupt:
    from . import pauses

    return pauses.interrupt(answer, question)


def _output(answer: wire.Prediction) -> Any:
    """The proof of success. An output parser that fails answers `"json": {}` in a 200 (T: cf_json_fail)."""
    if answer.json not in (None, {}, []):
        return answer.json
    if answer.text in (None, {}, []) or answer.json is not None:
        raise ValueError("neither text nor json")
    return answer.text
