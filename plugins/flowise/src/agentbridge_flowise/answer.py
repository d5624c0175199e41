"""What an answer of Flowise means, streamed or whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from agentbridge import (
    Fault,
    FaultKind,
    Interrupt,
    Result,
    Source,
    ToolCall,
    UnsupportedFeatureError,
    Usage,
    fault_from_status,
)

from . import wire

N = TypeVar("N", int, float)


def failure(body: wire.Failure) -> Fault:
    """The status says what it was, but for a 500, where fixed sentences do; the first that matches whole counts."""
    kind = _kind_of(body.message) if body.statusCode == 500 else None
    if kind is not None:
        return Fault(kind, body.message, code="500")
    return fault_from_status(body.statusCode, body.message, code=body.statusCode)


def failure_in_stream(message: str, partial: Result | None) -> Fault:
    """What an `error` event means: the same sentences, and otherwise a run that failed (S: SSEStreamer.ts)."""
    return Fault(_kind_of(message) or FaultKind.EXECUTION, message, partial=partial)


def _kind_of(message: str) -> FaultKind | None:
    return next((kind for sentence, kind in _SENTENCES if sentence.fullmatch(message)), None)


_SENTENCES = (
    (wire.UNAUTHORIZED, FaultKind.AUTHENTICATION),
    (wire.QUOTA, FaultKind.QUOTA_EXCEEDED),
    (wire.UNKNOWN_FLOW, FaultKind.NOT_FOUND),
    (wire.NO_SUCH_FLOW, FaultKind.NOT_FOUND),
    (wire.MODEL_REFUSED, FaultKind.EXECUTION),
    (wire.IN_THE_RUN, FaultKind.EXECUTION),
)


def result(answer: wire.Prediction, warnings: tuple[str, ...]) -> Result | Fault:
    """The Result that a prediction proves, or the failure of its last node. Raises ValueError without the proof."""
    nodes = [node for node in answer.agentFlowExecutedData or [] if node]
    steps = _steps(answer, nodes)
    output = _output(answer)
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, indent=2)
    found = Result(
        text=text,
        output=output,
        id=answer.executionId or answer.chatMessageId,
        session_id=answer.sessionId or answer.chatId,
        tool_calls=[tool_call(tool) for step in steps for tool in step.usedTools or [] if tool],
        sources=[source(document) for step in steps for document in step.sourceDocuments or [] if document],
        usage=_usage(nodes),
        status="waiting_for_input" if answer.action else "completed",
        interrupt=_interrupt(answer, text) if answer.action else None,
        warnings=warnings,
    )
    return _failed_node(nodes[-1], found) if nodes and nodes[-1].status in wire.FAILED_STATES else found


def final_text(nodes: list[Any]) -> str:
    """The content of the last node, as in the JSON answer (S: buildAgentflow.ts:2243; T: af_parallel_stream).

    Joined tokens are not it where several nodes stream. A node without content gives one blank.
    """
    try:
        content = nodes[-1]["data"]["output"]["content"]
    except (KeyError, TypeError, IndexError):
        return " "
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2)


def resume(interrupt: Interrupt, decision: str, feedback: str | None) -> dict[str, Any]:
    """The options that continue a paused run: `humanInput` for Agentflow V2, the action itself for V1.

    Raises:
        UnsupportedFeatureError: for a decision that is taken for a no (T: af_human_badtype_2), or feedback to V1.
    """
    if decision not in wire.DECISIONS:
        raise UnsupportedFeatureError("decision", f"a run is resumed by 'proceed' or 'reject', not {decision!r}")
    action = wire.Action.parse(interrupt.data)[0] if isinstance(interrupt.data, dict) else wire.Action()
    if action.mapping is not None and action.mapping.toolCalls is not None:
        return _resume_v1(interrupt, action.mapping, decision, feedback)
    where = interrupt.resume.get("nodeId") if isinstance(interrupt.resume, Mapping) else None
    human = {"type": decision, "startNodeId": where, "feedback": feedback}
    return {"humanInput": {name: value for name, value in human.items() if value is not None}}


def _resume_v1(
    interrupt: Interrupt, mapping: wire.ActionMapping, decision: str, feedback: str | None
) -> dict[str, Any]:
    """V1 compares the question with the labels of the action that is sent back (S: buildAgentGraph.ts; not run)."""
    if feedback is not None:
        raise UnsupportedFeatureError("feedback", "an Agentflow V1 takes a yes or a no only. Leave it out")
    label = mapping.approve if decision == "proceed" else mapping.reject
    if not label:
        raise UnsupportedFeatureError("decision", f"this run has no label for {decision!r}. Continue it in Flowise")
    return {"question": label, "action": interrupt.data}


def _failed_node(node: wire.ExecutedNode, partial: Result) -> Fault:
    error = node.data.error if node.data else None
    return Fault(
        FaultKind.EXECUTION,
        f"node {node.nodeLabel!r} ended as {node.status}: {error or 'no message'}",
        code=node.status,
        partial=partial,
    )


def _output(answer: wire.Prediction) -> Any:
    """The proof of success. An output parser that fails answers `"json": {}` in a 200 (T: cf_json_fail)."""
    if answer.json_ not in (None, {}, []):
        return answer.json_
    if answer.text in (None, {}, []) or answer.json_ is not None:
        raise ValueError("neither text nor json")
    return answer.text


def _interrupt(answer: wire.Prediction, question: str) -> Interrupt:
    action = wire.Action.parse(answer.action)[0] if isinstance(answer.action, dict) else wire.Action()
    types = [element.type or "" for element in action.elements or [] if element]
    resume = {
        "chatId": answer.chatId,
        "sessionId": answer.sessionId or answer.chatId,
        "nodeId": action.data.nodeId if action.data else None,
        "executionId": answer.executionId,
    }
    choices = ("proceed",) * any("approve" in kind for kind in types) + ("reject",) * any(
        "reject" in kind for kind in types
    )
    return Interrupt(question.strip(), choices, data=answer.action, resume=resume)


def _steps(
    answer: wire.Prediction, nodes: list[wire.ExecutedNode]
) -> list[wire.Prediction | wire.Reasoning | wire.NodeOutput]:
    """All places that report tools and documents: the top (chatflow), each step (V1) or each node (V2).

    Empty lists in them may be `[null]` (T: v1_seq).
    """
    outputs = [node.data.output for node in nodes if node.data and node.data.output]
    return [answer, *(step for step in answer.agentReasoning or [] if step), *outputs]


def tool_call(tool: wire.UsedTool) -> ToolCall:
    """One use of a tool; it failed where the vendor gives an error."""
    error = tool.error if tool.error not in (None, "", False) else None
    return ToolCall(
        tool.tool or "",
        arguments=tool.toolInput,
        result=tool.toolOutput,
        error=error if error is None or isinstance(error, str) else json.dumps(error, ensure_ascii=False),
    )


def source(document: wire.SourceDocument) -> Source:
    """One document that was used."""
    metadata = document.metadata or {}
    where = metadata.get("source")
    is_url = isinstance(where, str) and where.startswith(("http://", "https://"))
    return Source(
        document.pageContent,
        title=where if isinstance(where, str) else None,
        url=where if is_url and isinstance(where, str) else None,
        metadata=metadata,
    )


def _usage(nodes: list[wire.ExecutedNode]) -> Usage | None:
    """Tokens and milliseconds summed over the nodes that report them; only Agentflow V2 does (T: af_llm)."""
    outputs = [node.data.output for node in nodes if node.data and node.data.output]
    counted = [output.usageMetadata for output in outputs if output.usageMetadata]
    if not counted:
        return None
    models = [output.responseMetadata.model_name for output in outputs if output.responseMetadata]
    deltas = [output.timeMetadata.delta for output in outputs if output.timeMetadata]
    return Usage(
        input_tokens=_sum(usage.input_tokens for usage in counted),
        output_tokens=_sum(usage.output_tokens for usage in counted),
        total_tokens=_sum(usage.total_tokens for usage in counted),
        duration_ms=_sum(deltas),
        model=next((model for model in reversed(models) if model), None),
    )


def _sum(numbers: Iterable[N | None]) -> N | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
