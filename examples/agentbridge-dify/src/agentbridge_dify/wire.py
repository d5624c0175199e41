"""What Dify sends, as models. Only what proves an answer is required; all else is lenient.

Sources, all of https://docs.dify.ai/en/api-reference, as stored in github.com/langgenius/dify-docs under
en/api-reference: [chat] openapi_chat.json, [flow] openapi_chatflow.json, [workflow] openapi_workflow.json,
[service] openapi_service.json, [streaming] guides/streaming.mdx, [errors] guides/errors.mdx.
"""

from typing import Any

from agentbridge.reading import Lenient, Reply


class ErrorBody(Reply):
    """The envelope of every error, and an `error` event. Source: [errors]; [chat] StreamEventChatError."""

    code: Lenient[str] = None
    message: Lenient[str] = None
    status: Lenient[int] = None


class UsageBody(Reply):
    """Source: [chat] schema Usage; `latency` is "in seconds", prices are decimal strings."""

    prompt_tokens: Lenient[int] = None
    completion_tokens: Lenient[int] = None
    total_tokens: Lenient[int] = None
    total_price: Lenient[float] = None
    latency: Lenient[float] = None


class Metadata(Reply):
    """Of a chat answer and of `message_end`. Source: [chat] ChatCompletionResponse, StreamEventChatMessageEnd."""

    usage: Lenient[UsageBody] = None
    retriever_resources: Lenient[list[dict[str, Any]]] = None


class ChatAnswer(Reply):
    """Body of a blocking POST /chat-messages. Source: [chat] ChatCompletionResponse."""

    answer: str
    conversation_id: str
    message_id: Lenient[str] = None
    id: Lenient[str] = None
    metadata: Lenient[Metadata] = None


class RunData(Reply):
    """A workflow run: `data` of a blocking answer and of `workflow_finished` and `workflow_paused`, and run detail.

    Source: [workflow] schemas WorkflowFinishedData and WorkflowRunDetailResponse; `reasons` and `workflow_run_id`: the
    example humanInputPause.
    """

    status: str
    id: Lenient[str] = None
    workflow_run_id: Lenient[str] = None
    outputs: Lenient[dict[str, Any]] = None
    error: Lenient[str] = None
    total_tokens: Lenient[int] = None
    elapsed_time: Lenient[float] = None
    reasons: Lenient[list[dict[str, Any]]] = None


class WorkflowAnswer(Reply):
    """Body of a blocking POST /workflows/run. Source: [workflow] WorkflowBlockingResponse."""

    workflow_run_id: str
    data: dict[str, Any]


class RunDetail(RunData):
    """Body of GET /workflows/run/{workflow_run_id}. Source: [workflow] WorkflowRunDetailResponse."""

    workflow_id: str


class LoggedRun(Reply):
    """`workflow_run` of a log entry. Source: [workflow] schema WorkflowRunSummary."""

    id: str
    created_at: Lenient[int] = None


class LogEntry(Reply):
    """One entry of the workflow logs. Source: [workflow] schema WorkflowLogItem."""

    workflow_run: LoggedRun


class WorkflowLogs(Reply):
    """Body of GET /workflows/logs. Source: [workflow] schema WorkflowLogsResponse."""

    data: list[LogEntry]


class Form(Reply):
    """What a paused run asks: `data` of `human_input_required`, or an entry of `reasons` in `workflow_paused`.

    Source: [flow] example humanInputPause; guides/human-input-flow.mdx ("If `form_token` is `null`, the form uses
    Email delivery and can't be driven via the API").
    """

    form_token: Lenient[str] = None
    form_content: Lenient[str] = None
    inputs: Lenient[list[dict[str, Any]]] = None
    actions: Lenient[list[dict[str, Any]]] = None
    resolved_default_values: Lenient[dict[str, Any]] = None


class Chunk(Reply):
    """One event of a stream; the fields of all kinds. Source: the event tables in [service] /chat-messages."""

    event: str
    id: Lenient[str] = None
    task_id: Lenient[str] = None
    message_id: Lenient[str] = None
    conversation_id: Lenient[str] = None
    workflow_run_id: Lenient[str] = None
    answer: Lenient[str] = None
    metadata: Lenient[Metadata] = None
    data: Lenient[dict[str, Any]] = None
    thought: Lenient[str] = None
    tool: Lenient[str] = None
    tool_input: Lenient[str] = None
    observation: Lenient[str] = None


class UploadBody(Reply):
    """Body of POST /files/upload (HTTP 201). Source: [chat] schema FileUploadResponse."""

    id: str
    name: Lenient[str] = None
    size: Lenient[int] = None
    mime_type: Lenient[str] = None


class StopBody(Reply):
    """Body of the stop endpoints. Source: [workflow] response SuccessResult: `result` is "success"."""

    result: str


class MessageItem(Reply):
    """One turn of a conversation. Source: [chat] schema ConversationMessageItem."""

    id: str
    query: Lenient[str] = None
    answer: Lenient[str] = None
    status: Lenient[str] = None
    error: Lenient[str] = None
    created_at: Lenient[int] = None


class MessagesBody(Reply):
    """Body of GET /messages. Source: [chat] schema ConversationHistoryResponse."""

    data: list[MessageItem]
    has_more: Lenient[bool] = None
