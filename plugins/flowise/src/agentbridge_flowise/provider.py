"""The Provider of Flowise: chatflows, both agentflows and assistants through `POST /api/v1/prediction/{id}`."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import quote

from agentbridge import (
    Call,
    DataUrl,
    Fault,
    File,
    FileText,
    HttpRequest,
    HttpResponse,
    Interrupt,
    Invocation,
    Link,
    Message,
    Pending,
    Provider,
    Result,
    StreamDecoder,
    UnsupportedFeatureError,
    fault_from_status,
)

from . import answer, recovery, wire
from .decoder import FlowiseDecoder

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
            json={**body, "streaming": True} if call.streaming else body,
        )

    def decoder(self, request: HttpRequest) -> StreamDecoder | None:
        """A reader of Flowise's events, where they were asked for."""
        return FlowiseDecoder() if isinstance(request.json, dict) and request.json.get("streaming") is True else None

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """An answer is a JSON object with `chatId` and `text` or `json`; all else is a failure or no answer."""
        if response.status == 429 and response.content_type == "text/html":
            # the flow's owner writes this message, it is plain text (S: utils/rateLimit.ts:94-126; T: rate_3)
            return fault_from_status(429, response.text)
        body = response.json()
        if wire.is_failure(body):
            return answer.failure(wire.Failure.model_validate(body))
        if not response.ok:
            return fault_from_status(response.status, wire.Refusal.model_validate(body).error)
        return (
            recovery.read(body, response) if recovery.is_poll(response) else answer.result(*wire.Prediction.parse(body))
        )

    def recover(self, request: HttpRequest) -> Pending | None:
        """By the `chatId` of the call."""
        return recovery.pending_of(request)

    def build_poll(self, pending: Pending, call: Call) -> HttpRequest:
        """Needs a key of the workspace, also for flows that can be called without one."""
        return recovery.poll(pending, _root(call.base_url), _flow_id(call.agent), authorization(call.api_key))

    def resume(self, interrupt: Interrupt, decision: str, feedback: str | None) -> dict[str, Any]:
        """Goes on with the newest execution of the session (S: buildAgentflow.ts:1666-1679)."""
        return answer.resume(interrupt, decision, feedback)


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
