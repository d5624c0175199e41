"""What Flowise takes and sends. Facts from its source at ababf4c8 (S) and from exchanges with a real 3.1.4 (T)."""

from __future__ import annotations

from typing import Any, NamedTuple

from agentbridge.reading import compare

from .fields import optional_text, text_of

ROLES = {"user": "userMessage", "assistant": "apiMessage"}
"""Of earlier turns, `{role, content}`: the only form that all flow types take (S: utils/index.ts:2120-2143;
T: af_llm_history). The older `{type, message}` is refused by Agentflow V2, and loses its text in chatflows (T: cf_history).
"""

TOOL = frozenset({"tool", "toolInput", "toolOutput", "error", "sourceDocuments"})
"""One use of a tool (S: usedTools; T: cf_failtool). `error` is set when it threw, and only then. The documents are a
retriever tool's (S)."""

DOCUMENT = frozenset({"pageContent", "metadata", "id"})
"""A document that a retriever found (S: sourceDocuments, langchain's Document; T: cf_rag)."""

REASONING = frozenset(
    {"agentName", "messages", "next", "instructions", "artifacts", "state", "nodeName", "nodeId"}
    | {"usedTools", "sourceDocuments"}
)
"""One step of Agentflow V1 (S); its lists are `[null]` when empty (T: v1_seq)."""


STEPS = frozenset({"usedTools", "sourceDocuments", "agentReasoning", "agentFlowExecutedData"})
"""What an answer tells of its way, where its flow tells any: the top of a chatflow, V1 and V2."""

PREDICTION = STEPS | frozenset(
    {"chatId", "text", "json", "sessionId", "chatMessageId", "executionId", "action"}
    | {"question", "form", "followUpPrompts", "isStreamValid", "memoryType", "flowVariables", "artifacts"}
    | {"fileAnnotations", "assistant"}
)
"""The answer of every flow type (S: buildAgentflow.ts:2427-2463, buildChatflow.ts:718-733 and 788-932)."""


class Prediction(NamedTuple):
    """What is read of an answer. `chatId` is in all, and either `text` or, with an output parser, `json` (T: cf_json).

    It is read by hand, and its steps in `steps`: importing pydantic takes longer than all the rest of a program's first
    call, and a large answer has thousands of tools and documents.
    """

    chatId: str
    text: Any
    json: Any
    sessionId: str | None
    chatMessageId: str | None
    executionId: str | None
    action: Any
    steps: dict[str, Any]
    warnings: list[str]

    @classmethod
    def read(cls, body: Any) -> Prediction:
        """The prediction. Raises ValueError for what is none."""
        compare("Prediction", body, PREDICTION)  # first: what took the place of the proof is seen as drift
        if not isinstance(body, dict) or (chat_id := text_of(body.get("chatId"))) is None:
            raise ValueError("the proof is missing: Prediction.chatId")
        warnings: list[str] = []
        return cls(
            chatId=chat_id,
            text=body.get("text"),
            json=body.get("json"),
            sessionId=optional_text("sessionId", body.get("sessionId"), warnings),
            chatMessageId=optional_text("chatMessageId", body.get("chatMessageId"), warnings),
            executionId=optional_text("executionId", body.get("executionId"), warnings),
            action=body.get("action"),
            steps=body,
            warnings=warnings,
        )


def is_failure(body: Any) -> bool:
    """Whether a JSON body is the error handler's, which alone writes `success: false` (S: middlewares/errors)."""
    return isinstance(body, dict) and body.get("success") is False and "statusCode" in body
