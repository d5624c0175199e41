"""What each sample of FluxPrompt's other endpoints must become, typed by hand from the vendor's pages."""

from __future__ import annotations

from typing import Any

import agentbridge_fluxprompt as flux
from agentbridge import Link, Message, Pending, Usage

POD_ID = "8c5b1b1c-3a4f-4b2e-9c5d-1a2b3c4d5e6f"
RUN_ID = "6f1c9f0e-6a5a-4d4b-9c2f-5f1d4e2b7a10"
FLOW_ID = "0b4a2f3e-1c8d-4f5a-8e7b-2d9c6a1f0b33"
API = "https://api.fluxprompt.ai/flux/api-v2"
SPACE = flux.Owner("space-uuid-123", "Acme Corp")
START = {
    "id": "globalStarter_xxx",
    "type": "globalStarter",
    "data": {"label": "Start"},
    "position": {"x": 0, "y": 0},
    "width": 100,
    "height": 100,
}
DELETE = flux.DeleteDocuments(pod_id=POD_ID, file_names="lab-results.pdf")
COMPLETE = flux.CreateChatCompletion(
    model="claude-sonnet-4-6",
    messages=[
        Message("system", "You are concise."),
        Message("user", "Summarize the theory of relativity in one sentence."),
    ],
    max_tokens=256,
    temperature=0.7,
)


def pod(*files: flux.PodFile) -> flux.Pod:
    return flux.Pod(
        id=POD_ID,
        name="Case 12345 — Patient X",
        files=files,
        embedding_model="text-embedding-3-small",
        description="Pod for medical case 12345.",
        metadata={"caseId": "12345", "patientId": "X"},
        search_using_dimensions=False,
    )


def file(id_: str, name: str, status: str) -> flux.PodFile:
    return flux.PodFile(name, id_, status, "by1000Characters")


def agent_json(name: str) -> flux.AgentJson:
    return flux.AgentJson(
        id="flow-uuid-1",
        name=name,
        type="agent",
        space_id="space-uuid-123",
        folder_id="1a2b3c4d-aaaa-bbbb-cccc-ddddeeeeffff",
        content={"nodes": [START], "edges": []},
    )


UPLOADED = "1f8a5d3e-9b22-4cd0-8e91-2b3a4c5d6e7f"
ANSWERS: dict[str, tuple[Any, Any]] = {
    "create-pod": (
        flux.CreatePod(
            pod_name="Case 12345 — Patient X",
            description="Pod for medical case 12345.",
            metadata={"caseId": "12345", "patientId": "X"},
            embedding_model="text-embedding-3-small",
        ),
        pod(),
    ),
    "list-pods": (
        flux.ListPods(name_contains="Case 12345"),
        (pod(file(UPLOADED, "lab-results-2026-04-12.pdf", "Finished")),),
    ),
    "add-documents": (
        flux.AddDocuments(
            pod_id=POD_ID, links=Link("https://example.com/lab-results-2026-04-12.pdf", "lab-results.pdf")
        ),
        pod(file(UPLOADED, "lab-results.pdf", "Enqueued")),
    ),
    "replace-document": (
        flux.ReplaceDocument(
            pod_id=POD_ID,
            old_name="lab-results.pdf",
            new_url="https://example.com/lab-results-v2.pdf",
            new_name="lab-results-v2.pdf",
        ),
        pod(file("9d4e7f12-aabb-44cc-9988-1122334455dd", "lab-results-v2.pdf", "Enqueued")),
    ),
    "delete-documents": (DELETE, pod()),
    "list-agents": (
        flux.ListAgents(name_contains="bot"),
        (
            flux.Agent(
                "flow-uuid-1", "Marketing Helper", False, False, SPACE,
                f"{API}?flowId=flow-uuid-1", f"{API}-webhook?flowId=flow-uuid-1",
            ),
            flux.Agent(
                "flow-uuid-2", "Support Bot", True, False, None,
                f"{API}?flowId=flow-uuid-2", f"{API}-webhook?flowId=flow-uuid-2",
                "https://api.fluxprompt.ai/flux/chatbot-api-socket?flowId=flow-uuid-2",
            ),
        ),
    ),
    "get-agent": (flux.GetAgent(agent_id="flow-uuid-1"), agent_json("Marketing Helper")),
    "update-agent": (
        flux.UpdateAgent(agent_id="flow-uuid-1", agent_name="Marketing Helper (v2)"),
        agent_json("Marketing Helper (v2)"),
    ),
    "create-agent": (
        flux.CreateAgent(
            agent_name="Newsletter Drafter", type="chat", space_id="space-uuid-123", folder_name="Newsletters"
        ),
        "newly-created-agent-uuid",
    ),
    "list-folders": (
        flux.ListFolders(),
        (
            flux.Folder(
                "9f2b3c4a-1111-2222-3333-444455556666", "My Personal Notes", None, None, flux.Owner("abc-123", "Ann"),
            ),
            flux.Folder(
                "1a2b3c4d-aaaa-bbbb-cccc-ddddeeeeffff", "Marketing Folder", None, SPACE, flux.Owner("abc-123", "Ann"),
            ),
        ),
    ),
    "get-execution": (
        flux.GetExecution(execution_id=RUN_ID),
        flux.Execution(
            id=RUN_ID,
            status="in_progress",
            agent_id=FLOW_ID,
            created_at="2026-08-24T13:41:02.113Z",
            started_at="2026-08-24T13:41:02.702Z",
        ),
    ),
    "start-execution": (
        flux.StartExecution(
            agent_id=FLOW_ID,
            inputs={"varInputNode_1769719132696_0.4717": "Your text content here"},
            session_id="MySession_Oct",
            callback_url="https://example.com/hook",
        ),
        Pending("callback", RUN_ID, session_id="MySession_Oct", connection="fluxprompt", provider="fluxprompt"),
    ),
    "list-models": (
        flux.ListModels(),
        (flux.ChatModel("claude-sonnet-4-6", "anthropic", True, 200000, 64000, 1767225600),),
    ),
    "create-chat-completion": (
        COMPLETE,
        flux.ChatCompletion(
            text="Spacetime tells matter how to move, and matter tells spacetime how to curve.",
            output=[
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "Spacetime tells matter how to move, and matter tells spacetime how to curve.",
                    },
                    "finish_reason": "stop",
                }
            ],
            id="cmpl_8c5b1b1c3a4f",
            model="claude-sonnet-4-6",
            model_provider="anthropic",
            finish_reason="stop",
            usage=Usage(input_tokens=28, output_tokens=16, total_tokens=44),
        ),
    ),
}  # fmt: skip
FAILURES: dict[str, tuple[Any, ...]] = {
    "pod-missing": (DELETE, "NotFoundError", 400, "Namespace not found"),
    "execution-missing": (flux.GetExecution(execution_id=RUN_ID), "NotFoundError", 404, "Execution not found"),
    "model-missing": (COMPLETE, "InvalidRequestError", 400, "Model not found", "model_not_found"),
    "refused-key": (flux.ListModels(), "AuthenticationError", 401, "Unauthorized", "unauthorized"),
}
