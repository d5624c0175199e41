"""What Flowise takes and sends. Facts from its source at ababf4c8 (S) and from exchanges with a real 3.1.4 (T)."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, BaseModel, Field, JsonValue

from agentbridge.reading import Lenient, Reply, words


class HistoryMessage(BaseModel):
    """One earlier turn, in the only form that all flow types take (S: utils/index.ts:2120-2143; T: af_llm_history).

    The older `{type, message}` is refused by Agentflow V2, and loses its text in chatflows (T: cf_history).
    """

    role: str  # "userMessage" or "apiMessage"
    content: str


ROLES = {"user": "userMessage", "assistant": "apiMessage"}
Role = Annotated[str, words(*ROLES.values())]


class UsedTool(Reply):
    """One use of a tool (S: usedTools; T: cf_failtool). `error` is set when it threw, and only then."""

    known: ClassVar = frozenset({"sourceDocuments"})  # S: of a retriever tool

    tool: Lenient[str] = None
    toolInput: JsonValue = None
    toolOutput: JsonValue = None
    error: JsonValue = None


class SourceDocument(Reply):
    """A document that a retriever found (S: sourceDocuments; T: cf_rag)."""

    known: ClassVar = frozenset({"id"})  # S: langchain's Document

    pageContent: str
    metadata: Lenient[dict[str, JsonValue]] = None


class UsageMetadata(Reply):
    """Tokens of one LLM node (T: af_llm)."""

    known: ClassVar = frozenset({"input_token_details", "output_token_details", "tool_call_tokens"})  # recorded

    input_tokens: Lenient[int] = None
    output_tokens: Lenient[int] = None
    total_tokens: Lenient[int] = None


class TimeMetadata(Reply):
    """Milliseconds of one LLM node (T: af_llm)."""

    known: ClassVar = frozenset({"start", "end"})

    delta: Lenient[float] = None


class ResponseMetadata(Reply):
    """What the model behind a node said of itself (T: af_llm)."""

    known: ClassVar = None  # each maker of models has its own (recorded)

    model_name: Lenient[str] = None


STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED")  # S: Interface.ts:23
State = Annotated[str, words(*STATES)]
"""The state of a run, or of a node."""


class NodeOutput(Reply):
    """`data.output` of an executed node of Agentflow V2."""

    known: ClassVar = (
        None  # a structured output stands here under the names of the flow's author (recorded: af_structured)
    )

    usedTools: Lenient[list[Lenient[UsedTool]]] = None
    sourceDocuments: Lenient[list[Lenient[SourceDocument]]] = None
    usageMetadata: Lenient[UsageMetadata] = None
    timeMetadata: Lenient[TimeMetadata] = None
    responseMetadata: Lenient[ResponseMetadata] = None


class NodeData(Reply):
    """`data` of an executed node."""

    known: ClassVar = frozenset({"id", "name", "input", "state", "chatHistory"})  # the last one recorded

    output: Lenient[NodeOutput] = None
    error: JsonValue = None


class ExecutedNode(Reply):
    """One entry of `agentFlowExecutedData`; the last one decides (S: buildAgentflow.ts:2243)."""

    known: ClassVar = frozenset({"nodeId", "previousNodeIds"})

    nodeLabel: Lenient[str] = None
    status: Lenient[State] = None
    data: Lenient[NodeData] = None


ENDED_STATES = frozenset({"FINISHED", "STOPPED"})  # S: Interface.ts:23; T: recover_3_done, af_human
FAILED_STATES = frozenset({"ERROR", "TERMINATED", "TIMEOUT"})  # S: Interface.ts:23; in a 200: an inference


class Reasoning(Reply):
    """One step of Agentflow V1; its lists are `[null]` when empty (T: v1_seq)."""

    known: ClassVar = frozenset(
        {"agentName", "messages", "next", "instructions", "artifacts", "state", "nodeName", "nodeId"}
    )  # S

    usedTools: Lenient[list[Lenient[UsedTool]]] = None
    sourceDocuments: Lenient[list[Lenient[SourceDocument]]] = None


BUTTONS = tuple(f"{flow}{word}-button" for flow in ("agentflowv2-", "") for word in ("approve", "reject"))
"""V2 (T: af_human_1_pause), and V1 (S: buildAgentGraph.ts:347-358)."""


class ActionElement(Reply):
    """A button of a paused run (T: af_human_1_pause)."""

    type: Lenient[Annotated[str, words(*BUTTONS)]] = None
    label: Lenient[str] = None


class ActionData(Reply):
    """Where a paused run goes on (T: af_human_1_pause)."""

    known: ClassVar = frozenset({"nodeLabel", "input"})  # recorded

    nodeId: Lenient[str] = None


class ActionMapping(Reply):
    """The labels of the buttons; V1 names the tools that wait beside them (S: buildAgentGraph.ts:347-358)."""

    approve: Lenient[str] = None
    reject: Lenient[str] = None
    toolCalls: Lenient[list[JsonValue]] = None


class Action(Reply):
    """What a paused run waits for (T: af_human_1_pause; V1: S: buildAgentGraph.ts:347-358)."""

    known: ClassVar = frozenset({"id"})

    mapping: Lenient[ActionMapping] = None

    elements: Lenient[list[Lenient[ActionElement]]] = None
    data: Lenient[ActionData] = None


class Prediction(Reply):
    """The answer of every flow type (S: buildAgentflow.ts:2427-2463, buildChatflow.ts:718-733 and 788-932).

    `chatId` is in all of them, and either `text` or, with an output parser, `json` (T: cf_json).
    """

    known: ClassVar = frozenset(
        {"question", "form", "followUpPrompts", "isStreamValid", "memoryType", "flowVariables", "artifacts"}
        | {"fileAnnotations", "assistant"}
    )

    chatId: str
    text: JsonValue = None
    json_: JsonValue = Field(default=None, alias="json")
    sessionId: Lenient[str] = None
    chatMessageId: Lenient[str] = None
    executionId: Lenient[str] = None
    action: JsonValue = None
    usedTools: Lenient[list[Lenient[UsedTool]]] = None
    sourceDocuments: Lenient[list[Lenient[SourceDocument]]] = None
    agentReasoning: Lenient[list[Lenient[Reasoning]]] = None
    agentFlowExecutedData: Lenient[list[Lenient[ExecutedNode]]] = None


class StoredExecution(Reply):
    """The record of a run of an Agentflow V2 (S: database/entities/Execution.ts; T: recover_2_running).

    `executionData` is JSON text. There is no `chatId` in it, and `action` is always null, also of a paused run.
    """

    known: ClassVar = frozenset(
        {"agentflowId", "agentflow", "action", "isPublic", "updatedDate", "stoppedDate", "workspaceId"}
    )  # recorded

    id: Lenient[str] = None
    state: State
    executionData: Lenient[str] = None
    sessionId: Lenient[str] = None
    createdDate: Lenient[str] = None


class StoredExecutions(Reply):
    """The answer of GET /api/v1/executions, last updated first (S: services/executions; T: recover_2_running)."""

    known: ClassVar = frozenset({"total"})

    data: list[StoredExecution]


class StoredMessage(Reply):
    """One entry of GET /api/v1/chatmessage/{flow}, written when a run ends (T: recover_4_messages).

    The message of a pause has its `action`; once it is resumed, `action` is null (T: af_human).
    """

    known: ClassVar = frozenset(
        {"chatflowid", "chatType", "memoryType", "createdDate", "artifacts", "fileUploads", "fileAnnotations"}
        | {"followUpPrompts", "leadEmail", "reasonContent", "feedback"}
    )  # S: database/entities/ChatMessage.ts, and recorded

    role: Role
    content: Lenient[str] = None
    id: Lenient[str] = None
    chatId: Lenient[str] = None
    sessionId: Lenient[str] = None
    executionId: Lenient[str] = None
    action: JsonValue = None
    usedTools: JsonValue = None
    sourceDocuments: JsonValue = None
    agentReasoning: JsonValue = None
    execution: Lenient[StoredExecution] = None


MESSAGES_PATH = "/api/v1/chatmessage"
EXECUTIONS_PATH = "/api/v1/executions"
"""Where runs are kept; both need a key of the workspace, the second one with `executions:view`."""

STORED_JSON = "```json\n"
"""What stands before the object of an output parser in a stored message, with no fence after it (T: cf_json)."""

DECISIONS = frozenset({"proceed", "reject"})
"""What a resume may say (S: buildAgentflow.ts; T: af_human_2_proceed). Any other word is taken for a no."""

NO_SUCH_FLOW = re.compile(r"Error: chatMessagesService\.getAllChatMessages - Unauthorized access")
"""Messages of a flow that is not there, or of no id at all, whatever the key (T: unknown_flow). Matched whole."""


class Failure(Reply):
    """The body of every JSON error, also where a proxy makes it a 200 (S: middlewares/errors/index.ts:7-23)."""

    known: ClassVar = frozenset({"success", "stack"})

    statusCode: int
    message: str = ""


class Refusal(Reply):
    """The other error bodies, from the gates in front of all paths but the public ones (S: index.ts:230-300).

    `error` for a key that is unknown, `message` for one that lacks a permission (T: otherkey).
    """

    error: str = Field(validation_alias=AliasChoices("error", "message"))


IN_THE_RUN = re.compile(r"Error: predictionsServices\.buildChatflow - .*", re.DOTALL)
"""Any cause inside a run is a 500 with this prefix, the place in the server's code that wraps it
(S: services/predictions/index.ts:12-17; T: af_throw, af_llm_fail400, abort_sleep)."""

MODEL_REFUSED = re.compile(
    r"401 Unauthorized \u2013 check your API key and ensure it has access to the requested model\."
)
"""The model behind the flow refused the flow's own key; the message is replaced whole, prefix included
(T: af_llm_fail401, cf_llmchain_fail401). Matched whole."""

UNAUTHORIZED = re.compile(r"Error: predictionsServices\.buildChatflow - Unauthorized")
"""A refused key is a 500: utilBuildChatflow throws 401, the service wraps it (S: services/predictions/index.ts:12-17;
T: key_none, key_bad). Matched whole."""

QUOTA = re.compile(r"Error: predictionsServices\.buildChatflow - Predictions limit exceeded")
"""Flowise Cloud (S: utils/quotaUsage.ts:138; source only). Matched whole."""

UNKNOWN_FLOW = re.compile(r"Error: chatflowsService\.getChatflowById - Chatflow \S+ not found in the database!")
"""Up to 2.2.8 an unknown flow is a 500 with this sentence. Matched whole."""


def is_failure(body: Any) -> bool:
    """Whether a JSON body is the error handler's, which alone writes `success: false` (S: middlewares/errors)."""
    return isinstance(body, dict) and body.get("success") is False and "statusCode" in body
