"""Flowise's operations: the calls that their cassettes hold, shared by the recorder and the replay, and what each becomes.

Ids are the real server's while it records, and fixed ones in the cassettes. What a new recording changes is `ANY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import ANY

from calls import fresh_id

from agentbridge import File, Operation, Source
from agentbridge_flowise import (
    Abort,
    AttachFiles,
    Attachment,
    Attachments,
    CanStream,
    ChatMessage,
    ChatMessages,
    CreateLead,
    Execution,
    ExecutionDetails,
    Executions,
    Feedback,
    FeedbackList,
    Flow,
    FlowDetails,
    Flows,
    GetExecution,
    GetFlow,
    GetUploadRules,
    GetVersion,
    GiveFeedback,
    Lead,
    ListExecutions,
    ListFeedback,
    ListFlows,
    ListKeyFlows,
    ListMessages,
    Ping,
    UpdateFeedback,
    UploadRules,
    UpsertDocuments,
    Upserted,
    VerifyKey,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
CHAT = "agentbridge-cassettes"
LLM, RAG, KEYED, PARSER = "agentflow_llm", "chatflow_rag", "agentflow_keyed", "chatflow_json"
SMALL, BOUND = "small", "small, bound to the other key"
MADE = {name: fresh_id(name) for name in ("message", "execution", "feedback", "other key's id")}
IDS = {**MADE, **{name: fresh_id(f"flow {name}") for name in (LLM, RAG, KEYED, PARSER, SMALL, BOUND)}}
NOTE = File("note.txt", "The word is plüm.".encode())

Made = Callable[[Mapping[str, str]], Operation[Any]]

CALLS: dict[str, Made] = {
    "ping": lambda _: Ping(),
    "version": lambda _: GetVersion(),
    "verify-key": lambda _: VerifyKey(),
    "flows": lambda _: ListFlows("AGENTFLOW", limit=2),
    "key-flows": lambda _: ListKeyFlows(only_bound=True),
    "flow": lambda ids: GetFlow(ids[SMALL]),
    "streaming": lambda ids: CanStream(ids[SMALL]),
    "streaming-not": lambda ids: CanStream(ids[PARSER]),
    "uploads": lambda ids: GetUploadRules(ids[SMALL]),
    "messages": lambda ids: ListMessages(ids[SMALL], chat_id=CHAT),
    "messages-rated": lambda ids: ListMessages(ids[SMALL], session_id=CHAT, newest_first=True, with_rating=True),
    "executions": lambda ids: ListExecutions(ids[SMALL], limit=5),
    "execution": lambda ids: GetExecution(ids["execution"]),
    "abort": lambda ids: Abort(ids[SMALL], CHAT),
    "feedback": lambda ids: ListFeedback(ids[SMALL], chat_id=CHAT),
    "feedback-unknown-flow": lambda _: ListFeedback(UNKNOWN),
    "give-feedback": lambda ids: GiveFeedback(ids["message"], "THUMBS_UP", "well said", ids[SMALL], CHAT),
    "update-feedback": lambda ids: UpdateFeedback(ids["feedback"], "THUMBS_UP"),
    "lead": lambda ids: CreateLead(ids[SMALL], "Ann", "ann@example.test", "1", CHAT),
    "attach": lambda ids: AttachFiles(ids[LLM], CHAT, [NOTE, File("a.csv", b"a,b\n1,2\n", media_type="text/csv")]),
    "upsert": lambda ids: UpsertDocuments(ids[RAG], overrides={"topK": 2}, stop_node_id="memoryVectorStore_0"),
    "upsert-files": lambda ids: UpsertDocuments(ids[RAG], NOTE, {"topK": 2}, "memoryVectorStore_0"),
    "verify-key-refused-key": lambda _: VerifyKey(),
    "flows-no-key": lambda _: ListFlows(),
    "flows-refused-key": lambda _: ListFlows(),
    "key-flows-refused-key": lambda _: ListKeyFlows(),
    "key-flows-none": lambda _: ListKeyFlows(only_bound=True),
    "flow-unknown": lambda _: GetFlow(UNKNOWN),
    "flow-not-an-id": lambda _: GetFlow("nope"),
    "streaming-unknown-flow": lambda _: CanStream(UNKNOWN),
    "uploads-unknown-flow": lambda _: GetUploadRules("nope"),
    "messages-unknown-flow": lambda _: ListMessages(UNKNOWN),
    "messages-no-key": lambda ids: ListMessages(ids[SMALL]),
    "messages-refused-key": lambda ids: ListMessages(ids[SMALL]),
    "executions-no-key": lambda _: ListExecutions(),
    "executions-refused-key": lambda _: ListExecutions(),
    "executions-other-key": lambda _: ListExecutions(),
    "execution-unknown": lambda _: GetExecution("nope"),
    "execution-other-key": lambda ids: GetExecution(ids["execution"]),
    "give-feedback-unknown-message": lambda _: GiveFeedback(UNKNOWN, "THUMBS_UP"),
    "give-feedback-other-chat": lambda ids: GiveFeedback(ids["message"], "THUMBS_UP", chat_id="another"),
    "give-feedback-other-flow": lambda ids: GiveFeedback(ids["message"], "THUMBS_UP", agent_id=UNKNOWN),
    "update-feedback-unknown": lambda _: UpdateFeedback(UNKNOWN, "THUMBS_UP"),
    "attach-unknown-flow": lambda _: AttachFiles(UNKNOWN, CHAT, NOTE),
    "attach-not-an-id": lambda _: AttachFiles("nope", CHAT, NOTE),
    "attach-not-enabled": lambda ids: AttachFiles(ids[SMALL], CHAT, NOTE),
    "attach-not-allowed": lambda ids: AttachFiles(ids[LLM], CHAT, File("a.pdf", b"%PDF-1.4")),
    "attach-other-ending": lambda ids: AttachFiles(ids[LLM], CHAT, File("a.csv", b"a,b", media_type="text/plain")),
    "attach-other-path": lambda ids: AttachFiles(ids[LLM], "a/../b", NOTE),
    "upsert-no-key": lambda ids: UpsertDocuments(ids[RAG]),
    "upsert-refused-key": lambda ids: UpsertDocuments(ids[RAG]),
    "upsert-other-key": lambda ids: UpsertDocuments(ids[KEYED]),
    "upsert-unknown-flow": lambda _: UpsertDocuments(UNKNOWN),
    "upsert-no-store": lambda ids: UpsertDocuments(ids[SMALL]),
    "upsert-failed": lambda ids: UpsertDocuments(ids[RAG], stop_node_id="nope"),
}
KEYS = {"key-flows": "other", "key-flows-none": "other"} | {
    name: kind for kind in ("no", "refused", "other") for name in CALLS if name.endswith(f"-{kind}-key")
}
"""Where the key is another one: none, a wrong one, or one that may view chatflows only."""

AFTERWARDS = frozenset({"key-flows-none"})
"""What is recorded when the recorder's own flows are gone again."""

_FLOW = {"type": "AGENTFLOW", "is_public": False, "is_deployed": False, "created": ANY, "updated": ANY}
_SMALL = {"id": IDS[SMALL], "name": SMALL, **_FLOW}
_ASKED = ChatMessage(
    id=ANY,
    role="user",
    text="hello",
    agent_id=IDS[SMALL],
    chat_id=CHAT,
    session_id=CHAT,
    execution_id=IDS["execution"],
    chat_type="EXTERNAL",
    created=ANY,
)


def _answered(rating: str | None = None) -> ChatMessage:
    return ChatMessage(
        id=IDS["message"],
        role="assistant",
        text="Hello from a small flow",
        agent_id=IDS[SMALL],
        chat_id=CHAT,
        session_id=CHAT,
        execution_id=IDS["execution"],
        chat_type="EXTERNAL",
        created=ANY,
        rating=rating,
    )


_RUN = {
    "id": IDS["execution"],
    "state": "FINISHED",
    "agent_id": IDS[SMALL],
    "session_id": CHAT,
    "created": ANY,
    "updated": ANY,
}
_BOUND = Flow(id=IDS[BOUND], name=BOUND, key_id=MADE["other key's id"], **_FLOW)
_RATED = {"message_id": IDS["message"], "agent_id": IDS[SMALL], "chat_id": CHAT, "created": ANY}
_ADDED = Upserted(
    added=1, documents=(Source("The capital of Testland is Mockville.", "inline", metadata={"source": "inline"}),)
)

ANSWERS: dict[str, Any] = {
    "ping": "pong",
    "version": "3.1.4",
    "verify-key": "OK",
    "flows": Flows(flows=(Flow(**_SMALL), _BOUND), total=ANY),
    "key-flows": Flows(flows=(_BOUND,)),
    "flow": FlowDetails(**_SMALL, data={"nodes": [ANY, ANY], "edges": [ANY]}),
    "streaming": True,
    "streaming-not": False,
    "uploads": UploadRules(images=False, speech=False, documents=False),
    "messages": ChatMessages((_ASKED, _answered())),
    "messages-rated": ChatMessages((_answered("THUMBS_DOWN"), _ASKED)),
    "executions": Executions(executions=(Execution(**_RUN),), total=1),
    "execution": ExecutionDetails(**_RUN, nodes=(ANY, ANY)),
    "abort": None,
    "feedback": FeedbackList((Feedback(id=IDS["feedback"], rating="THUMBS_DOWN", comment="too short", **_RATED),)),
    "feedback-unknown-flow": FeedbackList(()),
    "give-feedback": Feedback(id=ANY, rating="THUMBS_UP", comment="well said", **_RATED),
    "update-feedback": None,
    "lead": Lead(
        id=ANY, name="Ann", email="ann@example.test", phone="1", agent_id=IDS[SMALL], chat_id=CHAT, created=ANY
    ),
    "attach": Attachments(
        (
            Attachment("note.txt", "The word is plüm.", "text/plain", 18),
            Attachment("a.csv", "a: 1\nb: 2", "text/csv", 8),
        )
    ),
    "upsert": _ADDED,
    "upsert-files": _ADDED,
}

_GATE = ("AuthenticationError", 401, "Unauthorized Access")


def _failed(kind: str, status: int, message: str) -> tuple[str, int, str, str]:
    """The error handler repeats the status; the gates in front of it do not."""
    return kind, status, message, str(status)


FAILURES: dict[str, tuple[Any, ...]] = {
    "verify-key-refused-key": _failed("AuthenticationError", 401, "Unauthorized"),
    "flows-no-key": _GATE,
    "flows-refused-key": _GATE,
    "key-flows-refused-key": ("AuthenticationError", 401, "Unauthorized"),
    "key-flows-none": _failed("NotFoundError", 500, "Error: chatflowsService.getChatflowByApiKey - Chatflow not found"),
    "flow-unknown": _failed("NotFoundError", 404, f"Chatflow {UNKNOWN} not found in the database!"),
    "flow-not-an-id": _failed("InvalidRequestError", 400, "Invalid Chatflow ID"),
    "streaming-unknown-flow": _failed(
        "NotFoundError", 500, "Error: chatflowsService.checkIfChatflowIsValidForStreaming - "
    ),
    "uploads-unknown-flow": _failed(
        "NotFoundError", 500, "Error: chatflowsService.checkIfChatflowIsValidForUploads - "
    ),
    "messages-unknown-flow": _failed("NotFoundError", 500, "Error: chatMessagesService.getAllChatMessages - "),
    "messages-no-key": _GATE,
    "messages-refused-key": _GATE,
    "executions-no-key": _GATE,
    "executions-refused-key": _GATE,
    "executions-other-key": ("PermissionDeniedError", 403, "Forbidden"),
    "execution-unknown": _failed(
        "NotFoundError", 500, "Error: executionsService.getExecutionById - Execution nope not found"
    ),
    "execution-other-key": ("PermissionDeniedError", 403, "Forbidden"),
    "give-feedback-unknown-message": _failed("NotFoundError", 404, f"Message with ID {UNKNOWN} not found"),
    "give-feedback-other-chat": _failed("InvalidRequestError", 400, "Inconsistent chat ID: "),
    "give-feedback-other-flow": _failed("InvalidRequestError", 400, "Inconsistent chatflow ID: "),
    "update-feedback-unknown": _failed("NotFoundError", 404, f"Feedback with ID {UNKNOWN} not found"),
    "attach-unknown-flow": _failed("NotFoundError", 500, "Error: attachmentService.createAttachment - Chatflow "),
    "attach-not-an-id": _failed(
        "InvalidRequestError", 500, "Error: attachmentService.createAttachment - Invalid chatflowId"
    ),
    "attach-not-enabled": _failed(
        "InvalidRequestError",
        500,
        "Error: attachmentService.createAttachment - File upload is not",
    ),
    "attach-not-allowed": _failed(
        "InvalidRequestError", 500, "Error: attachmentService.createAttachment - File type 'app"
    ),
    "attach-other-ending": _failed(
        "InvalidRequestError", 500, "Error: attachmentService.createAttachment - MIME type mis"
    ),
    "attach-other-path": _failed(
        "InvalidRequestError", 500, "Error: attachmentService.createAttachment - Invalid path "
    ),
    "upsert-no-key": _GATE,
    "upsert-refused-key": _GATE,
    "upsert-other-key": _failed("AuthenticationError", 500, "Error: vectorsService.upsertVector - Unauthorized"),
    "upsert-unknown-flow": _failed("NotFoundError", 500, "Error: vectorsService.upsertVector - Chatflow "),
    "upsert-no-store": _failed("InvalidRequestError", 500, "Error: vectorsService.upsertVector - No vector node found"),
    "upsert-failed": _failed("ExecutionError", 500, "Error: vectorsService.upsertVector - graph"),
}
"""The class of an error, its HTTP status, how its message begins, and the code where it has one."""
