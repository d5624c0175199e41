"""The contract that every provider passes."""

from __future__ import annotations

from typing import ClassVar

from agentbridge import FaultKind, File
from agentbridge.testing import Answer, ProviderContract
from agentbridge_fluxprompt import FluxPrompt


def envelope(*texts: str) -> dict[str, object]:
    items = [
        {"timestamp": "3/14/2026, 1:48:21 AM", "text": text, "outputId": f"outputObjectNode_{text}"} for text in texts
    ]
    return {"status": "success", "data": {"message": items}}


class TestFluxPrompt(ProviderContract):
    provider = FluxPrompt()
    answers: ClassVar = {
        "one output": (Answer(envelope("hi")), "hi"),
        "two outputs": (Answer(envelope("hi", "there")), "hi\n\nthere"),
        "polled": (
            (
                Answer({"executionId": "e-1", "statusUrl": "https://other.invalid/e-1", "status": "in_progress"}, 202),
                Answer({"executionId": "e-1", "status": "in_progress"}),
                Answer({"executionId": "e-1", "status": "completed", "output": "hi"}),
            ),
            "hi",
        ),
    }
    errors_in_200: ClassVar = {
        "error envelope": (Answer({"status": "error", "data": {"message": "no"}}), FaultKind.EXECUTION),
        "failed poll": (Answer({"executionId": "e-1", "status": "error", "errorMessage": "no"}), FaultKind.EXECUTION),
        "no output": (Answer(envelope()), None),
    }
    examples: ClassVar = {"files": (File("a.txt", b"content", input="name"),)}
    callbacks: ClassVar = {
        "a node's text": ({"text": "hi"}, "hi"),
        "a node's text with what stands beside it": ({"text": "hi", "outputId": "o-1", "timestamp": "today"}, "hi"),
        "not JSON": (b"hi", "hi"),
        "a JSON text": ("hi", "hi"),
        "consolidated": ({"success": True, "executionId": "e-1", "output": "hi", "tokensUsed": 42}, "hi"),
        "consolidated, with items": ({"success": True, "output": [{"text": "hi"}]}, "hi"),
        "the envelope": (envelope("hi", "there"), "hi\n\nthere"),
        "a failure": ({"success": False, "executionId": "e-1", "error": "no"}, FaultKind.EXECUTION),
        "a node without a text": ({"text": " "}, None),
        "nothing": (b"", None),
    }
    errors: ClassVar = {
        "a node failed": (Answer({"status": "error", "data": {"message": "no"}}, 400), FaultKind.EXECUTION),
        "the run threw": (Answer({"executionId": "e-1", "error": "no"}, 500), FaultKind.EXECUTION),
        "a refused key": (
            Answer({"statusCode": 401, "message": "no", "error": "Unauthorized"}, 401), FaultKind.AUTHENTICATION,
        ),
    }  # fmt: skip
