"""What FluxPrompt's answers mean: success needs proof, and a failure may stand in any status and any shape."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import attrs
from pydantic import ValidationError

from agentbridge import Fault, FaultKind, HttpResponse, Pending, Result, Usage
from agentbridge.reading import decode_json

from . import wire
from .failures import NO_MESSAGE, failure

POLL_AFTER = 2.0
"""Seconds between polls; undocumented, memory pods suggest 2 to 5 (vendor docs)."""


class Answer(NamedTuple):
    """An answer for a reader, the vendor's own value, and what could not be read of it."""

    text: str
    output: Any
    warnings: tuple[str, ...] = ()


def read(response: HttpResponse) -> Result | Pending | Fault:
    """Which of three things an answer is.

    Raises:
        ValueError: it is none of them, or proves nothing.
    """
    body = response.json()
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    failed = _ran_and_failed(response, body) or failure(body, response.status, kind=FaultKind.EXECUTION)
    if failed is not None:
        return _with_what_was_said(failed, body)
    if not wire.is_envelope(body):
        execution, warnings = wire.Execution.parse(body)
        if _is_poll(response) and response.request and not response.request.url.endswith(execution.executionId):
            raise ValueError("the answer is about another run")
        ended = _execution(execution, warnings, response)
        return _with_what_was_said(ended, body) if isinstance(ended, Fault) else ended
    envelope, warnings = wire.Envelope.parse(body)
    unknown = wire.word(envelope.status) not in {"", *wire.DONE}
    doubts = (f"unknown status {envelope.status!r} beside an answer",) if unknown else ()
    return _result(_nodes(envelope.data.message), (*warnings, *doubts), id=envelope.executionId)


def read_callback(content: bytes) -> Result | Fault | None:
    """What is posted to a callback URL; None for a node without a text, which clients in the wild wait past.

    A node posts its text alone; what is no JSON is its text as well (public client). The consolidated form is
    undocumented but for a failure's `success: false` and `error`; its success is read like a run that was polled.

    Raises:
        ValueError: it is JSON, but nothing that is known.
    """
    try:
        body = decode_json(content)
    except ValueError:
        text = content.decode("utf-8", "replace")
        if text.lstrip().lower().startswith(("<!doctype html", "<html")):
            raise
        return Result(text=text, output=text, warnings=("the callback is no JSON",)) if text.strip() else None
    if isinstance(body, str):
        return Result(text=body, output=body) if body.strip() else None
    if body is None or body == {}:
        return None
    if not isinstance(body, dict):
        raise ValueError("the callback is no JSON object")
    failed = failure(body, kind=FaultKind.EXECUTION)
    return _called_back(body) if failed is None else _with_what_was_said(failed, body)


def _called_back(body: dict[str, Any]) -> Result | Fault | None:
    if "text" in body and not body.keys() & wire.RUN_FIELDS:
        text = wire.OutputItem.model_validate({**body, "text": body["text"] or ""}).text
        return Result(text=text, output=text) if text.strip() else None
    if wire.is_envelope(body):
        envelope, warnings = wire.Envelope.parse(body)
        return _result(_nodes(envelope.data.message), warnings, id=envelope.executionId)
    status = wire.word(body.get("status"))
    if status in wire.RUNNING:
        return None
    execution, warnings = wire.Consolidated.parse(body)
    if status not in {"", *wire.DONE} and (said := (execution.errorMessage or "").strip()):
        return _with_what_was_said(Fault(FaultKind.EXECUTION, said, code=execution.status), body)
    return _completed(execution, warnings)


def _ran_and_failed(response: HttpResponse, body: dict[str, Any]) -> Fault | None:
    """The two refusals in which the flow ran (vendor docs "Async flow execution")."""
    node_failed = response.status == 400 and wire.is_error_envelope(body) and not _is_poll(response)
    threw = response.status == 500 and "executionId" in body
    message = wire.message_of(body)
    if message in wire.CALLBACK_REFUSALS or not (node_failed or threw):
        return None
    wire.compare_failure(body)
    return Fault(FaultKind.EXECUTION, message or NO_MESSAGE, partial=_named(body.get("executionId")))


def _with_what_was_said(failed: Fault, body: dict[str, Any]) -> Fault:
    """A failure with the answer that stands beside it, if any: it was paid for, and may be whole."""
    return failed if failed.partial is not None else attrs.evolve(failed, partial=_beside(body))


def _beside(body: dict[str, Any]) -> Result | None:
    data, output = body.get("data"), body.get("output")
    try:
        answer = _nodes(data["message"]) if isinstance(data, dict) else _polled(wire.unwrapped(output))
    except (ValueError, KeyError):
        return None
    is_answer = bool(answer.text.strip()) and not (isinstance(output, dict) and wire.is_error_envelope(output))
    named = body.get("executionId")
    return _result(answer, (), id=named if isinstance(named, str) else None) if is_answer else None


def _named(execution_id: Any) -> Result | None:
    """All that there is of a run that failed: its id."""
    return Result(text="", output=None, id=execution_id) if isinstance(execution_id, str) else None


def _is_poll(response: HttpResponse) -> bool:
    """A poll's own 400 means an id that is no UUID (vendor docs), not a failed node."""
    return response.request is not None and response.request.method == "GET"


def _execution(
    execution: wire.Execution, warnings: tuple[str, ...], response: HttpResponse
) -> Result | Pending | Fault:
    """A run by its state. A status that nobody knows yet counts as running, unless an error stands beside it."""
    status = wire.word(execution.status)
    if status in wire.DONE:
        return _completed(execution, warnings)
    if status not in wire.RUNNING and (said := (execution.errorMessage or "").strip()):
        return Fault(FaultKind.EXECUTION, said, code=execution.status)
    if not status and response.status != 202 and execution.statusUrl is None:
        raise ValueError("neither a status nor an acknowledgement")
    return _pending(execution, response)


def _pending(execution: wire.Execution, response: HttpResponse) -> Pending:
    asked = response.request
    by_callback = asked is not None and ("callback_url" in asked.query or "callback_url=" in asked.url)
    return Pending(
        "callback" if by_callback else "poll",
        execution.executionId,
        after=POLL_AFTER,
        session_id=asked.query.get("sessionId") if asked is not None else None,
        started_at=execution.startedAt or execution.createdAt,
    )


def _completed(execution: wire.Execution | wire.Consolidated, warnings: tuple[str, ...]) -> Result | Fault:
    output = execution.output
    if isinstance(output, dict) and wire.is_error_envelope(output):
        return Fault(FaultKind.EXECUTION, wire.message_of(output) or NO_MESSAGE)
    return _result(_polled(wire.unwrapped(output)), warnings, id=execution.executionId, usage=_usage(execution))


def _result(answer: Answer, warnings: tuple[str, ...], *, id: str | None, usage: Usage | None = None) -> Result:  # noqa: A002
    return Result(text=answer.text, output=answer.output, id=id, usage=usage, warnings=(*warnings, *answer.warnings))


def _nodes(message: Any) -> Answer:
    """The proof of success: an array with the text of each output node. A string there is an error's (vendor docs)."""
    if not isinstance(message, list):
        raise ValueError("data.message is no array")
    texts: list[str] = []
    warnings: list[str] = []
    for number, item in enumerate(message, 1):
        try:
            texts.append(wire.OutputItem.model_validate(item).text)
        except ValidationError:
            warnings.append(f"output {number} of {len(message)} has no readable text and is left out of the answer's")
    if not texts:
        raise ValueError("no output node has a text")
    return Answer(_joined(texts), texts[0] if len(message) == 1 else message, tuple(warnings))


def _polled(output: Any) -> Answer:
    """The proof of a completed run: an output of any type that is not empty. A blank string is an answer."""
    if isinstance(output, str):
        return Answer(output, output)
    if wire.is_message_array(output):
        return _nodes(output)
    if isinstance(output, list) and output and all(isinstance(item, str) for item in output):
        return Answer(_joined(output), output)
    if wire.is_empty(output):
        raise ValueError("completed, but there is no output")
    return Answer(json.dumps(output, ensure_ascii=False, indent=2), output)


def _joined(texts: list[str]) -> str:
    return "\n\n".join(text for text in texts if text.strip())


def _usage(execution: wire.Measured) -> Usage | None:
    usage = Usage(total_tokens=execution.tokensUsed, cost=execution.totalCost, duration_ms=execution.durationMs)
    return None if usage == Usage() else usage
