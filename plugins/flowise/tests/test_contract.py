"""The contract that every provider passes."""

from __future__ import annotations

import json
from typing import ClassVar

from agentbridge import FaultKind, File
from agentbridge.testing import Answer, ProviderContract
from agentbridge_flowise import (
    Abort,
    AttachFiles,
    CanStream,
    CreateLead,
    Flowise,
    GetExecution,
    GetFlow,
    GetUploadRules,
    GetVersion,
    GiveFeedback,
    ListExecutions,
    ListFeedback,
    ListFlows,
    ListMessages,
    Ping,
    UpdateFeedback,
    UpsertDocuments,
)

WRAPPED = "Error: predictionsServices.buildChatflow - "
IDS = {"chatId": "c-1", "sessionId": "s-1", "chatMessageId": "m-1"}
NODE = {"nodeLabel": "LLM", "status": "FINISHED", "data": {"output": {"content": "hi"}}}
METADATA = {"chatId": "c-1", "chatMessageId": "m-1", "sessionId": "s-1"}
BUTTONS = [{"type": "agentflowv2-approve-button"}, {"type": "agentflowv2-reject-button"}]
TOOL = {"tool": "t", "toolInput": {"a": 1}, "toolOutput": "x"}
NOTE = File("note.txt", b"The word is plum.")
FLOW = {"id": "f-1", "name": "small", "flowData": '{"nodes": [], "edges": []}', "type": "AGENTFLOW"}
RUN = {"id": "e-1", "state": "FINISHED", "agentflowId": "f-1", "executionData": "[]"}
RATING = {"id": "r-1", "messageId": "m-1", "rating": "THUMBS_UP", "content": "well said"}
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
    # VerifyKey and ListKeyFlows are left out: their routes want the key in the path, where the contract allows none.
    operations: ClassVar = {
        "ping": (Ping(), Answer(b"pong", headers={"content-type": "text/html; charset=utf-8"})),
        "version": (GetVersion(), Answer({"version": "3.1.4"})),
        "flows": (ListFlows(), Answer({"data": [FLOW], "total": 1})),
        "flow": (GetFlow("f-1"), Answer(FLOW)),
        "streaming": (CanStream("f-1"), Answer({"isStreaming": True})),
        "uploads": (
            GetUploadRules("f-1"),
            Answer({"isSpeechToTextEnabled": False, "isImageUploadAllowed": False, "isRAGFileUploadAllowed": False,
                    "imgUploadSizeAndTypes": [], "fileUploadSizeAndTypes": []}),
        ),
        "messages": (ListMessages("f-1"), Answer([{"id": "m-1", "role": "apiMessage", "content": "hi"}])),
        "executions": (ListExecutions(), Answer({"data": [RUN], "total": 1})),
        "execution": (GetExecution("e-1"), Answer(RUN)),
        "abort": (Abort("f-1", "c-1"), Answer({"status": 200, "message": "Chat message aborted"})),
        "give-feedback": (GiveFeedback("m-1", "THUMBS_UP"), Answer(RATING)),
        "update-feedback": (UpdateFeedback("r-1", comment="no"), Answer({"status": "OK"})),
        "feedback": (ListFeedback("f-1"), Answer([RATING])),
        "lead": (CreateLead("f-1", "Ann"), Answer({"id": "l-1", "name": "Ann", "chatflowid": "f-1"})),
        "attach": (AttachFiles("f-1", "c-1", NOTE), Answer([{"name": "note.txt", "mimeType": "text/plain", "size": 17,
                                                             "content": "The word is plum."}])),
        "upsert": (UpsertDocuments("f-1"), Answer({"numAdded": 1, "addedDocs": [SOURCE]})),
    }  # fmt: skip
