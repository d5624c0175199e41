"""The Provider of Flowise: chatflows, both agentflows and assistants through `POST /api/v1/prediction/{id}`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import quote

from agentbridge import (
    Call,
    DataUrl,
    Fault,
    FaultKind,
    File,
    FileText,
    HttpRequest,
    HttpResponse,
    Interrupt,
    Invocation,
    Link,
    Message,
    Provider,
    Result,
    Source,
    ToolCall,
    UnsupportedFeatureError,
    Usage,
    fault_from_status,
)

from . import wire

_TEXT_TYPES = frozenset(
    {"application/json", "application/xml", "application/yaml", "application/x-ndjson", "application/sql"}
)


class Flowise(Provider):
    """Self-hosted or cloud Flowise, 2.1 to 3.1."""

    name: ClassVar[str] = "flowise"
    accepts: ClassVar[frozenset[str]] = frozenset({"text", "messages", "inputs", "files", "session_id"})
    options: ClassVar[frozenset[str]] = frozenset({"uploadType"})
    emulator: ClassVar[str | None] = "agentbridge_flowise.emulator:make"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """Always with a fresh `chatId`, so that the run can be found again; the session travels beside it."""
        body: dict[str, Any] = {**_question(invocation, call), "chatId": call.fresh_id}
        if invocation.session_id is not None:
            body["overrideConfig"] = {"sessionId": invocation.session_id}
        if invocation.messages:
            body["history"] = [_history(message) for message in invocation.messages]
        if invocation.files:
            body["uploads"] = [_upload(file, call.options.get("uploadType")) for file in invocation.files]
        return HttpRequest(
            "POST",
            f"{_root(call.base_url)}/api/v1/prediction/{quote(_flow_id(call.agent), safe='')}",
            auth=authorization(call.api_key),
            json=body,
        )

    def read(self, response: HttpResponse) -> Result | Fault:
        """An answer is a JSON object with `chatId` and `text` or `json`; all else is a failure or no answer."""
        if response.status == 429 and response.content_type == "text/html":
            # the flow's owner writes this message, it is plain text (S: utils/rateLimit.ts:94-126; T: rate_3)
            return fault_from_status(429, response.text)
        body = response.json()
        if wire.is_failure(body):
            return _failure(wire.Failure.model_validate(body))
        if not response.ok:
            return fault_from_status(response.status, wire.Refusal.model_validate(body).error)
        return _result(*wire.Prediction.parse(body))


def authorization(api_key: str | None) -> dict[str, str]:
    """The header of a key; "bearer" in lower case is refused (T: key_good_lowercase_bearer)."""
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def _root(base_url: str) -> str:
    """The server's address, also of a copied endpoint URL: all paths begin at /api/v1."""
    return re.sub(r"/api/v1(/.*)?$", "", base_url.partition("?")[0])


def _flow_id(agent: str) -> str:
    """The id of a flow, also from a copied endpoint URL."""
    return agent.partition("?")[0].rstrip("/").rpartition("/prediction/")[2] if "/prediction/" in agent else agent


def _question(invocation: Invocation, call: Call) -> dict[str, Any]:
    if invocation.inputs and invocation.text is not None:
        # "Question and form cannot be provided at the same time" (S: utils/buildAgentflow.ts:1210; T: af_form_and_question)
        raise UnsupportedFeatureError(
            "inputs",
            "a flow takes a text or a form, not both. Give one of them, or bind the text to a field of the form",
        )
    if invocation.inputs:
        return {"form": dict(invocation.inputs)}
    if invocation.text is not None or invocation.files:
        return {"question": invocation.text or ""}
    if not call.options.keys() & {"question", "form", "humanInput", "action"}:
        # a chatflow without a question asks its model the word "undefined" (T: q_missing_chatflow)
        raise UnsupportedFeatureError("text", "without a question a flow answers nonsense. Give text or inputs")
    return {}


def _history(message: Message) -> dict[str, Any]:
    if message.role not in wire.ROLES:
        raise UnsupportedFeatureError(
            "messages", f"its history has user and assistant turns only, not {message.role!r}. Leave such messages out"
        )
    return wire.HistoryMessage(role=wire.ROLES[message.role], content=message.text).model_dump()


def _upload(file: File | Link, upload_type: Any) -> dict[str, Any]:
    """One upload (S: buildChatflow.ts:346-415); the data is a data URI, or the bare text for file:full (T: upload_*)."""
    if file.input is not None:
        raise UnsupportedFeatureError("files", f"its files belong to no input. Leave out input={file.input!r}")
    if isinstance(file, Link):
        return {"type": "url", "name": file.name or file.url, "mime": "", "data": file.url}
    kind = upload_type.get(file.name) if isinstance(upload_type, dict) else upload_type
    kind = kind or _kind(file)
    data = FileText(file) if kind == "file:full" else DataUrl(file)
    return {"type": kind, "name": file.name, "mime": file.type, "data": data}


def _kind(file: File) -> str:
    """How the model gets to see a file: text in front of the question, images and audio as such."""
    family = file.type.partition("/")[0]
    if family == "text" or file.type in _TEXT_TYPES:
        return "file:full"
    if family in {"image", "audio"}:
        return {"image": "file", "audio": "audio"}[family]
    raise UnsupportedFeatureError(
        "files",
        f"a model does not see {file.name!r} ({file.type}) unless the flow has a loader for it. Send its text instead,"
        ' or, if the flow has one, pass options={"flowise": {"uploadType": "file:rag"}}',
    )


def _failure(failure: wire.Failure) -> Fault:
    """The status says what it was, but for a 500, where fixed sentences do; the first that matches whole counts."""
    if failure.statusCode == 500:
        for sentence, kind in _SENTENCES:
            if sentence.fullmatch(failure.message):
                return Fault(kind, failure.message, code="500")
    return fault_from_status(failure.statusCode, failure.message, code=failure.statusCode)


_SENTENCES = (
    (wire.UNAUTHORIZED, FaultKind.AUTHENTICATION),
    (wire.QUOTA, FaultKind.QUOTA_EXCEEDED),
    (wire.UNKNOWN_FLOW, FaultKind.NOT_FOUND),
    (wire.MODEL_REFUSED, FaultKind.EXECUTION),
    (wire.IN_THE_RUN, FaultKind.EXECUTION),
)


def _result(answer: wire.Prediction, warnings: tuple[str, ...]) -> Result | Fault:
    nodes = answer.agentFlowExecutedData or []
    if nodes and nodes[-1].status in wire.FAILED_STATES:
        return _failed_node(nodes[-1])
    output = _output(answer)
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, indent=2)
    return Result(
        text=text,
        output=output,
        id=answer.executionId or answer.chatMessageId,
        session_id=answer.sessionId or answer.chatId,
        tool_calls=tuple(_tool_call(tool) for tool in _tools(answer)),
        sources=tuple(_source(document) for document in _documents(answer)),
        usage=_usage(nodes),
        status="waiting_for_input" if answer.action else "completed",
        interrupt=_interrupt(answer, text) if answer.action else None,
        warnings=warnings,
    )


def _failed_node(node: wire.ExecutedNode) -> Fault:
    error = node.data.error if node.data else None
    return Fault(
        FaultKind.EXECUTION,
        f"node {node.nodeLabel!r} ended as {node.status}: {error or 'no message'}",
        code=node.status,
    )


def _output(answer: wire.Prediction) -> Any:
    """The proof of success. An output parser that fails answers `"json": {}` in a 200 (T: cf_json_fail)."""
    if answer.json_ not in (None, {}, []):
        return answer.json_
    if answer.text in (None, {}, []) or answer.json_ is not None:
        raise ValueError("neither text nor json")
    return answer.text


def _interrupt(answer: wire.Prediction, question: str) -> Interrupt:
    action = wire.Action.parse(answer.action)[0] if isinstance(answer.action, dict) else wire.Action()
    types = [element.type or "" for element in action.elements or []]
    resume = {
        "chatId": answer.chatId,
        "sessionId": answer.sessionId or answer.chatId,
        "nodeId": action.data.nodeId if action.data else None,
        "executionId": answer.executionId,
    }
    choices = ("proceed",) * any("approve" in kind for kind in types) + ("reject",) * any(
        "reject" in kind for kind in types
    )
    return Interrupt(question.strip(), choices, data=answer.action, resume=resume)


def _steps(answer: wire.Prediction) -> list[wire.Prediction | wire.Reasoning | wire.NodeOutput]:
    """All places that report tools and documents."""
    nodes = answer.agentFlowExecutedData or []
    outputs = [node.data.output for node in nodes if node.data and node.data.output]
    return [answer, *(step for step in answer.agentReasoning or [] if step), *outputs]


def _tools(answer: wire.Prediction) -> Iterable[wire.UsedTool]:
    """Tools at the top (chatflow), in each step (V1) or in each node (V2); empty lists may be `[null]` (T: v1_seq)."""
    return [tool for step in _steps(answer) for tool in step.usedTools or [] if tool]


def _documents(answer: wire.Prediction) -> Iterable[wire.SourceDocument]:
    return [document for step in _steps(answer) for document in step.sourceDocuments or [] if document]


def _tool_call(tool: wire.UsedTool) -> ToolCall:
    error = tool.error if tool.error not in (None, "", False) else None
    return ToolCall(
        tool.tool,
        arguments=tool.toolInput,
        result=tool.toolOutput,
        error=error if error is None or isinstance(error, str) else json.dumps(error, ensure_ascii=False),
    )


def _source(document: wire.SourceDocument) -> Source:
    where = document.metadata.get("source")
    is_url = isinstance(where, str) and where.startswith(("http://", "https://"))
    return Source(
        document.pageContent,
        title=where if isinstance(where, str) else None,
        url=where if is_url and isinstance(where, str) else None,
        metadata=document.metadata,
    )


def _usage(nodes: list[wire.ExecutedNode]) -> Usage | None:
    """Tokens and milliseconds summed over the nodes that report them; only Agentflow V2 does (T: af_llm)."""
    outputs = [node.data.output for node in nodes if node.data and node.data.output]
    counted = [output.usageMetadata for output in outputs if output.usageMetadata]
    if not counted:
        return None
    models = [output.responseMetadata.model_name for output in outputs if output.responseMetadata]
    deltas = [output.timeMetadata.delta for output in outputs if output.timeMetadata]
    return Usage(
        input_tokens=_sum(usage.input_tokens for usage in counted),
        output_tokens=_sum(usage.output_tokens for usage in counted),
        total_tokens=_sum(usage.total_tokens for usage in counted),
        duration_ms=sum(delta for delta in deltas if delta is not None) if any(d is not None for d in deltas) else None,
        model=next((model for model in reversed(models) if model), None),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
