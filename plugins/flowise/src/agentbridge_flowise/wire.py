"""What Flowise takes and sends. Facts from its source at ababf4c8 (S) and from exchanges with a real 3.1.4 (T)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from agentbridge.reading import Lenient, Reply

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


class Prediction(Reply):
    """The answer of every flow type (S: buildAgentflow.ts:2427-2463, buildChatflow.ts:718-733 and 788-932).

    `chatId` is in all of them, and either `text` or, with an output parser, `json` (T: cf_json). Its steps are many, and
    each is read in `steps`, by hand or with a model of `wire_nodes`.
    """

    known: ClassVar = frozenset(
        {"question", "form", "followUpPrompts", "isStreamValid", "memoryType", "flowVariables", "artifacts"}
        | {"fileAnnotations", "assistant"}
    )

    chatId: str
    text: Any = None
    json_: Any = Field(default=None, alias="json")
    sessionId: Lenient[str] = None
    chatMessageId: Lenient[str] = None
    executionId: Lenient[str] = None
    action: Any = None
    usedTools: Any = None
    sourceDocuments: Any = None
    agentReasoning: Any = None
    agentFlowExecutedData: Any = None


def is_failure(body: Any) -> bool:
    """Whether a JSON body is the error handler's, which alone writes `success: false` (S: middlewares/errors)."""
    return isinstance(body, dict) and body.get("success") is False and "statusCode" in body
