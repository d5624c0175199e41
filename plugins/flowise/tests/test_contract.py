"""The contract that every provider passes."""

from __future__ import annotations

from typing import ClassVar

from agentbridge import FaultKind
from agentbridge.testing import Answer, ProviderContract
from agentbridge_flowise import Flowise

IDS = {"chatId": "c-1", "sessionId": "s-1", "chatMessageId": "m-1"}


class TestFlowise(ProviderContract):
    provider = Flowise()
    agent = "8a92ec5b-1473-41b1-aa0d-2196aff30e75"
    answers: ClassVar = {
        "Agentflow V2": (Answer({"text": "hi", **IDS, "executionId": "e-1", "agentFlowExecutedData": []}), "hi"),
        "chatflow": (Answer({"text": "hi", **IDS, "usedTools": [{"tool": "t", "toolOutput": "x"}]}), "hi"),
        "Agentflow V1": (Answer({"text": "hi", **IDS, "agentReasoning": [{"usedTools": [None]}]}), "hi"),
        "output parser": (Answer({"json": [1, 2], **IDS}), "[\n  1,\n  2\n]"),
        "paused": (Answer({"text": "go?", **IDS, "action": {"data": {"nodeId": "n-1"}}}), "go?"),
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
