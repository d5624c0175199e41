"""What the emulator says: bodies and events after the examples of Dify's pages.

Source: the examples in openapi_service.json /chat-messages, openapi_workflow.json /workflows/run and
/workflows/run/{workflow_run_id}, and openapi_chat.json /files/upload and /messages.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

TASK = "c3800678-a077-43df-a102-53f23ed20b88"
MESSAGE = "9da23599-e713-473b-982c-4328d4f5c78a"
CONVERSATION = "45701982-8118-4bc5-8e9b-64562b4555f2"
WORKFLOW = "7c3e33d4-2a8b-4e5f-9b1a-d3c6e8f12345"
RUN = "fb47b2e6-5e43-4f90-be01-d5c5a088d156"
METADATA = {
    "usage": {
        "prompt_tokens": 1033,
        "completion_tokens": 128,
        "total_tokens": 1161,
        "total_price": "0.0012890",
        "currency": "USD",
        "latency": 0.5,
    },
    "retriever_resources": [
        {"position": 1, "document_id": "d-1", "document_name": "iPhone List", "score": 0.98, "content": "6.7 inch"}
    ],
}
FORM = {
    "form_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "form_token": "tok_abc123",
    "node_id": "approval_node",
    "node_title": "Approval",
    "form_content": "Please review the draft.",
    "inputs": [{"type": "paragraph", "output_variable_name": "comment", "default": None}],
    "actions": [{"id": "approve", "title": "Approve"}, {"id": "reject", "title": "Request changes"}],
    "resolved_default_values": {"comment": ""},
    "expiration_time": 1705494029,
}


def error(status: int, code: str, message: str) -> dict[str, Any]:
    """The envelope of an error, guides/errors.mdx."""
    return {"status": status, "code": code, "message": message}


BUSY = error(429, "too_many_requests", "Too many requests. Please try again later.")
QUOTA = error(400, "provider_quota_exceeded", "Your quota for Dify Hosted OpenAI has been exhausted.")
STREAM_ONLY = error(400, "bad_request", "Agent App only supports streaming response mode.")
FAILED = error(400, "completion_request_error", "Completion request failed.")


def chat_answer(text: str, conversation: str) -> dict[str, Any]:
    """A blocking answer of a chat app."""
    ids = {"task_id": TASK, "id": MESSAGE, "message_id": MESSAGE, "conversation_id": conversation}
    return {"event": "message", **ids, "mode": "chat", "answer": text, "metadata": METADATA, "created_at": 1705407629}


def run_data(status: str, outputs: Mapping[str, Any] | None, problem: str | None = None) -> dict[str, Any]:
    """The data of a run, with times that a test can count on."""
    return {
        "id": RUN,
        "workflow_id": WORKFLOW,
        "status": status,
        "outputs": outputs,
        "error": problem,
        "elapsed_time": 1.5,
        "total_tokens": 150,
        "total_steps": 3,
        "created_at": 1705407629,
        "finished_at": 1705407630,
    }


def workflow_answer(data: Mapping[str, Any]) -> dict[str, Any]:
    """A blocking answer of a workflow app."""
    return {"task_id": TASK, "workflow_run_id": RUN, "data": data}


def pieces(text: str) -> list[str]:
    """A text in the pieces that a model gives it in."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


class Script:
    """Makes events that carry the ids that events of their app carry."""

    def __init__(self, **ids: str) -> None:
        """`ids` are in every event."""
        self._ids = {"task_id": TASK, **ids}

    def event(self, name: str, **fields: Any) -> dict[str, Any]:
        """One event."""
        return {"event": name, **self._ids, "created_at": 1705407629, **fields}

    def flow(self, name: str, **data: Any) -> dict[str, Any]:
        """One event of a workflow, with its payload under `data`."""
        return self.event(name, workflow_run_id=RUN, data=data)

    def node(self) -> list[dict[str, Any]]:
        """A node that runs well."""
        node = {"id": "ne_001", "node_id": "node_llm_1", "node_type": "llm", "title": "LLM", "index": 1}
        return [self.flow("node_started", **node), self.flow("node_finished", **node, status="succeeded")]

    def begun(self) -> list[dict[str, Any]]:
        """The beginning of a run."""
        return [self.flow("workflow_started", id=RUN, workflow_id=WORKFLOW, inputs={}, reason="initial")]

    def paused(self) -> list[dict[str, Any]]:
        """The end of a stream whose run waits for a human."""
        reasons = [{"TYPE": "human_input_required", **FORM}]
        data = {"workflow_run_id": RUN, "paused_nodes": ["approval_node"], "reasons": reasons, "status": "paused"}
        return [self.flow("human_input_required", **FORM), self.flow("workflow_paused", **data)]


def chat_script(conversation: str) -> Script:
    """Events of a chat app."""
    return Script(conversation_id=conversation, message_id=MESSAGE)


def sse(events: Iterable[Mapping[str, Any]]) -> bytes:
    """Events as they stand on the wire, with the ping that guides/streaming.mdx shows."""
    lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    return b"event: ping\n\n".join((b"".join(lines[:1]), b"".join(lines[1:])))
