"""The contract that every provider passes."""

from __future__ import annotations

from typing import ClassVar

import agentbridge_fluxprompt as flux
from agentbridge import FaultKind, File, Link, Message
from agentbridge.testing import Answer, ProviderContract
from agentbridge_fluxprompt import FluxPrompt

POD = {"id": "p-1", "name": "Case", "files": [{"id": "d-1", "fileName": "a.pdf", "status": "Enqueued"}]}
AGENT = {"id": "a-1", "name": "Helper", "type": "agent", "content": {"nodes": [], "edges": []}}
COMPLETION = {"id": "c-1", "model": "m", "choices": [{"message": {"role": "assistant", "content": "hi"}}]}
BATCH = {"status": "completed", "errorMessage": None, "lastProcessedLine": 5, "totalRows": 5}


def changed(pods: object) -> Answer:
    return Answer({"success": True, "data": {"message": "OK", "pods": pods}})


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
    # The e-mail trigger is left out: its request goes to the user's mail server.
    operations: ClassVar = {
        "start-execution": (
            flux.StartExecution(agent_id="a-1", inputs={"in": "x"}), Answer({"executionId": "e-1"}, 202),
        ),
        "get-execution": (
            flux.GetExecution(execution_id="e-1"), Answer({"executionId": "e-1", "status": "in_progress"}),
        ),
        "trigger-webhook": (flux.TriggerWebhook(agent_id="a-1", inputs={"in": "x"}), Answer(b"")),
        "get-batch-status": (flux.GetBatchStatus(batch_id="b-1"), Answer(BATCH)),
        "get-batch-download": (
            flux.GetBatchDownload(batch_ids="b-1"), Answer({"downloadLink": "https://storage.invalid/b-1.csv"}),
        ),
        "list-agents": (flux.ListAgents(), Answer({"agents": [AGENT]})),
        "get-agent": (flux.GetAgent(agent_id="a-1"), Answer(AGENT)),
        "create-agent": (
            flux.CreateAgent(agent_name="Helper", type="agent", folder_name="Inbox"), Answer({"status": "success", "flowId": "a-1"}),
        ),
        "update-agent": (flux.UpdateAgent(agent_id="a-1", agent_name="Helper"), Answer(AGENT)),
        "get-agent-documentation": (
            flux.GetAgentDocumentation(agent_id="a-1"), Answer(b"## Flow name", headers={"content-type": "text/markdown"}),
        ),
        "list-folders": (flux.ListFolders(), Answer({"folders": [{"id": "f-1", "name": "Notes"}]})),
        "create-pod": (flux.CreatePod(pod_name="Case"), changed(POD)),
        "list-pods": (flux.ListPods(), changed([POD])),
        "add-documents": (flux.AddDocuments(pod_id="p-1", links=Link("https://example.com/a.pdf")), changed(POD)),
        "replace-document": (
            flux.ReplaceDocument(pod_id="p-1", old_name="a.pdf", new_url="https://example.com/b.pdf"), changed(POD),
        ),
        "delete-documents": (flux.DeleteDocuments(pod_id="p-1", file_names="a.pdf"), changed(POD)),
        "list-models": (flux.ListModels(), Answer({"data": [{"id": "m", "object": "model"}]})),
        "create-chat-completion": (
            flux.CreateChatCompletion(model="m", messages=[Message("user", "hello")]), Answer(COMPLETION),
        ),
    }  # fmt: skip
