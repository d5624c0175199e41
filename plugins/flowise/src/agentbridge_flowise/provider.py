"""The Provider of Flowise: chatflows, both agentflows and assistants through `POST /api/v1/prediction/{id}`."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

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
    Operation,
    Pending,
    Provider,
    Result,
    StreamDecoder,
    UnsupportedFeatureError,
)
from agentbridge.provider import operations_at

from . import answer, endpoint, wire

_TEXT_TYPES = frozenset(
    {"application/json", "application/xml", "application/yaml", "application/x-ndjson", "application/sql"}
)


class Flowise(Provider):
    """Self-hosted or cloud Flowise, 2.1 to 3.1."""

    name: ClassVar[str] = "flowise"
    ping: ClassVar[str | None] = "verify-key"
    api_version: ClassVar[int] = 1
    accepts: ClassVar[frozenset[str]] = frozenset({"text", "messages", "inputs", "files", "session_id"})
    options: ClassVar[frozenset[str]] = frozenset({"uploadType", "fileSizeLimit"})
    qualified: ClassVar[Mapping[str, str]] = {
        "inputs": "for a form, and not beside a text; else a binding's `template` writes them into it",
        "stream": "a flow that cannot stream answers at once",
        "poll": "it takes a key of the workspace",
        "recover": "it takes a key of the workspace",
        "resume": "the newest pause of the session goes on",
    }
    operations: ClassVar[tuple[type[Operation[Any]], ...]] = operations_at("agentbridge_flowise.operations:OPERATIONS")
    emulator: ClassVar[str | None] = "agentbridge_flowise.emulator:make"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """Always with a fresh `chatId`, so that the run can be found again; the session travels beside it."""
        if "chatId" in call.options:
            raise UnsupportedFeatureError(
                "options['chatId']",
                "each call has one of its own, so that its run can be found again and no other's. Carry the conversation by"
                " session_id",
            )
        body: dict[str, Any] = {**_question(invocation, call), "chatId": call.fresh_id}
        if invocation.session_id is not None:
            body["overrideConfig"] = {"sessionId": invocation.session_id}
        if invocation.messages:
            body["history"] = [_history(message) for message in invocation.messages]
        if invocation.files:
            endpoint.check_size(invocation.files, call.options, encoded=True)
            body["uploads"] = [_upload(file, call.options.get("uploadType")) for file in invocation.files]
        return HttpRequest(
            "POST",
            endpoint.prediction(call.base_url, call.agent),
            auth=endpoint.authorization(call.api_key),
            json={**body, "streaming": True} if call.streaming else body,
        )

    def decoder(self, request: HttpRequest) -> StreamDecoder | None:
        """A reader of Flowise's events, where they were asked for."""
        from .decoder import FlowiseDecoder

        return FlowiseDecoder() if isinstance(request.json, dict) and request.json.get("streaming") is True else None

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """An answer is a JSON object with `chatId` and `text` or `json`; all else is a failure or no answer."""
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        body = response.json()
        if response.request is not None and response.request.method == "GET":  # of a poll, and not of a prediction
            from . import recovery

            return recovery.read(body, response)
        return answer.result(body)

    def recover(self, request: HttpRequest) -> Pending | None:
        """By the `chatId` of the call."""
        from . import recovery

        return recovery.pending_of(request)

    def build_poll(self, pending: Pending, call: Call) -> HttpRequest:
        """Needs a key of the workspace, also for flows that can be called without one."""
        from . import recovery

        return recovery.poll(
            pending, endpoint.root(call.base_url), endpoint.flow_id(call.agent), endpoint.authorization(call.api_key)
        )

    def resume(self, interrupt: Interrupt, decision: str, feedback: str | None) -> dict[str, Any]:
        """Goes on with the newest execution of the session (S: buildAgentflow.ts:1666-1679)."""
        from . import pauses

        return pauses.resume(interrupt, decision, feedback)

    def read_request(self, request: HttpRequest) -> Invocation | None:
        """What a recorded call said; see `requested`."""
        from . import requested

        return requested.invocation(request)


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
    return {"role": wire.ROLES[message.role], "content": message.text}


def _upload(file: File | Link, upload_type: Any) -> dict[str, Any]:
    """One upload (S: buildChatflow.ts:346-415); the data is a data URI, or the bare text for file:full (T: upload_*)."""
    if file.input is not None:
        raise UnsupportedFeatureError("files", f"its files belong to no input. Leave out input={file.input!r}")
    if isinstance(file, Link):
        return {"type": "url", "name": file.name or file.url, "mime": _image_type(file), "data": file.url}
    kind = upload_type.get(file.name) if isinstance(upload_type, dict) else upload_type
    kind = kind or kind_of(file)
    data = FileText(file) if kind == "file:full" else DataUrl(file)
    return {"type": kind, "name": file.name, "mime": file.type, "data": data}


def _image_type(link: Link) -> str:
    """A model gets a link only if its type begins with image/ (S: components/src/multiModalUtils.ts; T: live tests)."""
    guesses = (mimetypes.guess_type(name)[0] for name in (urlsplit(link.url).path, link.name or ""))
    kind = next(filter(None, guesses), "image/*")
    if not kind.startswith("image/"):
        raise UnsupportedFeatureError(
            "files", f"a model gets links to images only, and {link.url!r} is {kind}. Send the file itself"
        )
    return kind


def kind_of(file: File) -> str:
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
