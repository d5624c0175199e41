"""The contract that every provider passes."""

from __future__ import annotations

import json
from typing import ClassVar

from agentbridge import FaultKind
from agentbridge.testing import Answer, ProviderContract
from agentbridge_flowgent import FlowGent, GetUsage, ListAgents, SendWhatsAppTemplate

QUESTION = {"role": "user", "content": "hello"}
ANSWER = {"role": "assistant", "content": "hi"}
CALL = {"toolCallId": "call_1", "toolName": "lookup"}


def inner(*history, **metadata):
    return {"agent_id": "a-1", "conversation_history": list(history), "metadata": {"thread_id": "t-1", **metadata}}


def parts(result):
    return inner(
        {"role": "assistant", "content": [{"type": "tool-call", **CALL, "args": {}}]},
        {"role": "tool", "content": [{"type": "tool-result", **CALL, "result": result}]},
        {"role": "assistant", "content": [{"type": "text", "text": "hi"}]},
        tool_calls=[],
        execution_time="2.62",
    )


class TestFlowGent(ProviderContract):
    provider = FlowGent()
    answers: ClassVar = {
        "newer form": (Answer({"statusCode": 200, "body": inner(QUESTION, ANSWER, tool_calls={})}), "hi"),
        "older form": (Answer({"statusCode": 200, "body": parts({"state": "shipped"})}), "hi"),
        "body as text": (Answer({"statusCode": "200", "body": json.dumps(inner(ANSWER))}), "hi"),
        "a tool failed": (Answer({"statusCode": 200, "body": parts({"isError": True})}), "hi"),
    }
    errors_in_200: ClassVar = {
        "no credits": (Answer({"statusCode": 402, "body": {"error": "No credits available"}}),
                       FaultKind.QUOTA_EXCEEDED),
        "busy": (Answer({"statusCode": 503, "body": {"message": "Service temporarily unavailable"}}),
                 FaultKind.UNAVAILABLE),
        "an error and no conversation": (Answer({"statusCode": 200, "body": {"error": "x"}}), FaultKind.EXECUTION),
        "a failed tool": (Answer({"statusCode": 200, "body": parts({"error": "x"})}), FaultKind.EXECUTION),
        "flat, a documented sentence": (Answer({"error": "Invalid API key"}), FaultKind.AUTHENTICATION),
        "flat, any other": (Answer({"error": "x"}), FaultKind.EXECUTION),
        "no turn of the assistant": (Answer({"statusCode": 200, "body": inner(QUESTION)}), None),
        "an earlier answer only": (Answer({"statusCode": 200, "body": inner(ANSWER, QUESTION)}), None),
    }  # fmt: skip
    sentences: ClassVar = {"Invalid API key": "S003, Usage, error responses"}
    decisive: ClassVar = frozenset({"type"})  # of a part: text is a text, whatever nobody knows is none
    callbacks: ClassVar = {
        "an answer": ({"statusCode": 200, "body": inner(QUESTION, ANSWER)}, "hi"),
        "a failure": ({"statusCode": 402, "body": {"error": "No credits available"}}, FaultKind.QUOTA_EXCEEDED),
        "an acknowledgement": ({"message": "Request accepted", "status": "processing"}, None),
        "nothing": (b"", None),
    }
    operations: ClassVar = {
        "usage": (GetUsage("a-1"), Answer({"agent_id": "a-1", "usage": {"total_credits_used": 1.5}})),
        "agents": (ListAgents(), Answer([])),
        "whatsapp": (
            SendWhatsAppTemplate("a-1", "31612345678", "order_update", "en_US"),
            Answer({"messaging_product": "whatsapp", "contacts": [{"wa_id": "w-1"}], "messages": [{"id": "wamid.1"}]}),
        ),
    }
