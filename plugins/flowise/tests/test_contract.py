"""The contract that every provider passes."""

from __future__ import annotations

import json
from typing import ClassVar

from agentbridge import FaultKind
from agentbridge.testing import Answer, ProviderContract
from agentbridge_flowise import Flowise

WRAPPED = "Error: predictionsServices.buildChatflow - "
IDS = {"chatId": "c-1", "sessionId": "s-1", "chatMessageId": "m-1"}
NODE = {"nodeLabel": "LLM", "status": "FINISHED", "data": {"output": {"content": "hi"}}}
METADATA = {"chatId": "c-1", "chatMessageId": "m-1", "sessionId": "s-1"}
BUTTONS = [{"type": "agentflowv2-approve-button"}, {"type": "agentflowv2-reject-button"}]
TOOL = {"tool": "t", "toolInput": {"a": 1}, "toolOutput": "x"}
SOURCE = {"pageContent": "a page", "metadata": {"source": "https://example.com/a"}}


def stream(*events):
    lines = [json.dumps({"event": name, "data": data}, separators=(",", ":")) for name, data in events]
    return "".join(f"message:\ndata:{line}\n\n" for line in lines).encode()


class TestFlowise(ProviderContract):
    provider = Flowise()
    agent = "8a92ec5b-1473-41b1-aa0d-2196aff30e75"
    answers: ClassVar = {
        "Agentflow V2": (Answer({"text": "hi", **IDS, "executionId": "e-1", "agentFlowExecutedData": []}), "hi"),
        "chatflow": (Answer({"text": "hi", **IDS, "usedTools": [{"tool": "t", "toolOutput": "x"}]}), "hi"),
        "Agentflow V1": (Answer({"text": "hi", **IDS, "agentReasoning": [{"usedTools": [None]}]}), "hi"),
        "output parser": (Answer({"json": [1, 2], **IDS}), "[\n  1,\n  2\n]"),
        "paused": (
            Answer({"text": "go?", **IDS, "action": {"elements": BUTTONS, "data": {"nodeId": "n-1"}}}),
            "go?",
        ),
    }
    errors_in_200: ClassVar = {
        "output parser failed": (Answer({"json": {}, **IDS}), None),
        "a tool failed": (
            Answer({"text": "hi", **IDS, "usedTools": [{"tool": "t", "error": "x"}]}),
            FaultKind.EXECUTION,
        ),
        "the error handler's body": (
            Answer({"statusCode": 404, "success": False, "message": "gone"}),
            FaultKind.NOT_FOUND,
        ),
    }
    errors: ClassVar = {
        "unknown flow": (
            Answer({"statusCode": 404, "success": False, "message": "Chatflow x not found in the database!"}, 404),
            FaultKind.NOT_FOUND,
        ),
        "an unknown key, from the gate": (Answer({"error": "Unauthorized Access"}, 401), FaultKind.AUTHENTICATION),
        "a run that failed": (
            Answer({"statusCode": 500, "success": False, "message": WRAPPED + "boom: the model refused"}, 500),
            FaultKind.EXECUTION,
        ),
        "a refused key": (
            Answer({"statusCode": 500, "success": False, "message": WRAPPED + "Unauthorized"}, 500),
            FaultKind.AUTHENTICATION,
        ),
    }
    sentences: ClassVar = {
        WRAPPED + "boom: the model refused": "S: services/predictions/index.ts:12-17, a prefix of the server's code",
        WRAPPED + "Unauthorized": "T: key_bad",
    }
    streams: ClassVar = {
        "chatflow": (
            stream(
                ("start", "h"), ("token", "h"), ("token", "i"), ("sourceDocuments", [SOURCE]), ("usedTools", [TOOL]),
                ("metadata", METADATA), ("end", "[DONE]"),
            ),
            "hi",
        ),
        "Agentflow V2": (
            stream(
                ("agentFlowEvent", "INPROGRESS"), ("nextAgentFlow", {"nodeLabel": "LLM", "status": "INPROGRESS"}),
                ("token", "hi"), ("agentFlowExecutedData", [NODE]), ("metadata", METADATA), ("end", "[DONE]"),
            ),
            "hi",
        ),
        "the run failed": (stream(("token", "h"), ("error", "boom"), ("end", "[DONE]")), FaultKind.EXECUTION),
        "the key was refused": (
            stream(("error", WRAPPED + "Unauthorized"), ("end", "[DONE]")), FaultKind.AUTHENTICATION,
        ),
    }  # fmt: skip
