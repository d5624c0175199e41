"""A run of Flowise that waits for a human, and how it goes on. Imported for those alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentbridge import Interrupt, UnsupportedFeatureError

from . import wire, wire_nodes


def interrupt(answer: wire.Prediction, question: str) -> Interrupt:
    """What a paused run asks, as far as that can be read."""
    action = wire_nodes.Action.parse(answer.action)[0] if isinstance(answer.action, dict) else wire_nodes.Action()
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


def resume(interrupt: Interrupt, decision: str, feedback: str | None) -> dict[str, Any]:
    """The options that continue a paused run: `humanInput` for Agentflow V2, the action itself for V1.

    Raises:
        UnsupportedFeatureError: for a decision that is taken for a no (T: af_human_badtype_2), or feedback to V1.
    """
    if decision not in wire_nodes.DECISIONS:
        raise UnsupportedFeatureError("decision", f"a run is resumed by 'proceed' or 'reject', not {decision!r}")
    action = wire_nodes.Action.parse(interrupt.data)[0] if isinstance(interrupt.data, dict) else wire_nodes.Action()
    if action.mapping is not None and action.mapping.toolCalls is not None:
        return _resume_v1(interrupt, action.mapping, decision, feedback)
    where = interrupt.resume.get("nodeId") if isinstance(interrupt.resume, Mapping) else None
    human = {"type": decision, "startNodeId": where, "feedback": feedback}
    return {"humanInput": {name: value for name, value in human.items() if value is not None}}


def _resume_v1(
    interrupt: Interrupt, mapping: wire_nodes.ActionMapping, decision: str, feedback: str | None
) -> dict[str, Any]:
    """V1 compares the question with the labels of the action that is sent back (S: buildAgentGraph.ts; not run)."""
    if feedback is not None:
        raise UnsupportedFeatureError("feedback", "an Agentflow V1 takes a yes or a no only. Leave it out")
    label = mapping.approve if decision == "proceed" else mapping.reject
    if not label:
        raise UnsupportedFeatureError("decision", f"this run has no label for {decision!r}. Continue it in Flowise")
    return {"question": label, "action": interrupt.data}
