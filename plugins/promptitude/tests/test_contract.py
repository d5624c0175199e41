"""The contract that every provider passes."""

from __future__ import annotations

from typing import ClassVar

from agentbridge import FaultKind
from agentbridge.testing import Answer, ProviderContract
from agentbridge_promptitude import GeneratePrompt, ListFolders, Promptitude, Rate


def envelope(code=200, message="OK", *, error=False, **more):
    return {"code": code, "message": message, "error": error, **more}


class TestPromptitude(ProviderContract):
    provider = Promptitude()
    answers: ClassVar = {
        "text": (Answer(envelope(results={"result": "hi", "logId": "log-1"})), "hi"),
        "list": (Answer(envelope(results={"result": ["one", "two"], "logId": "log-1"})), "one\ntwo"),
        "JSON as text": (Answer(envelope(results={"result": '{"a": 1}'})), '{"a": 1}'),
        "without code": (Answer({"results": {"result": "hi"}}), "hi"),
    }
    errors_in_200: ClassVar = {
        "the flag": (Answer(envelope(message="No", error=True)), FaultKind.EXECUTION),
        "the code": (Answer(envelope(402, "No")), FaultKind.QUOTA_EXCEEDED),
        "the code as text": (Answer(envelope("429", "No")), FaultKind.RATE_LIMITED),
        "both, beside a result": (Answer(envelope(401, "No", error=True, results={"result": "hi"})),
                                  FaultKind.AUTHENTICATION),
        "no results": (Answer(envelope()), None),
        "an empty object": (Answer(envelope(results={"result": {}})), None),
    }  # fmt: skip
    operations: ClassVar = {
        "generate": (GeneratePrompt("p-1", {"name": "Ann"}), Answer(envelope(results={"result": "hi"}))),
        "rate": (Rate("log-1", 3), Answer(envelope(results={"promptsLogs": {"id": "log-1", "rating": 3}}))),
        "folders": (ListFolders(), Answer(envelope(results={"folders": [{"id": "f-1"}], "foldersCount": 1}))),
    }
