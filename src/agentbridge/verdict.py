"""Decides what an answer, or its absence, means. Every failure is judged here and raised with its evidence here, once."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import attrs

from .errors import (
    ConnectionFailedError,
    DeadlineExceededError,
    InvocationError,
    MalformedResponseError,
    PluginError,
    ResponseTimeoutError,
    ToolExecutionError,
    TransportError,
    error_class,
    one_line,
)
from .faults import Fault, FaultKind, complete, fault_from_status, parse_retry_after
from .model import Pending, Result, ToolCall, Tried
from .redaction import Redactor, redactor_of
from .wire import HttpRequest, HttpResponse, NoAnswer

T = TypeVar("T")

_UNREADABLE = "unreadable answer"
_EXCERPT = 120  # characters of an unreadable body that are shown in the message


@attrs.frozen(kw_only=True, slots=False)
class Asked:
    """Who was asked what: the part of an error that is known before anything is sent. `request` has no secrets.

    `key_hint` says where its key comes from, or how to give one, where none was sent.
    """

    provider: str
    connection: str
    agent: str
    request: HttpRequest
    session_id: str | None = None
    dropped: tuple[str, ...] = ()
    secrets: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    key_hint: str = ""


@attrs.frozen
class Failure:
    """A completed fault, the class it is raised as, and the answer it was read from.

    `excerpt`: the message ends in the first characters of that answer. They are added after secrets were masked, since
    half of a secret would not be recognised.
    """

    error: type[InvocationError]
    fault: Fault
    response: HttpResponse | None = None
    cause: PluginError | None = None
    excerpt: bool = False


def judge(
    read: Callable[[HttpResponse], T | Pending | Fault], answer: HttpResponse | NoAnswer, wall: float
) -> T | Pending | Failure:
    """What `read` makes of an answer, guarded: only a 2xx can be a success, and `read` may raise what it likes."""
    if isinstance(answer, NoAnswer):
        return _not_answered(answer)
    try:
        value = read(answer)
        if isinstance(value, Fault):
            return _failure(value, answer, wall)
    except Exception as error:
        return _unreadable(answer, error, wall)
    return value if answer.ok else _by_status(answer, wall)


def judge_run(
    read: Callable[[HttpResponse], Result | Pending | Fault],
    answer: HttpResponse | NoAnswer,
    wall: float,
    tool_errors: str,
) -> Result | Pending | Failure:
    """`judge` for the run of an agent, whose answer must be one of the three things."""
    value = judge(read, answer, wall)
    if isinstance(value, (Pending, Failure)):
        return value
    return _believed(value, answer if isinstance(answer, HttpResponse) else None, tool_errors)


def judge_stream(
    finish: Callable[[], Result | Fault], response: HttpResponse | None, tool_errors: str
) -> Result | Failure:
    """What a stream amounts to, by its decoder, guarded like `read`."""
    try:
        value = finish()
    except Exception as error:
        cause = PluginError(f"finish() raised {where(error)}").with_traceback(error.__traceback__)
        return Failure(MalformedResponseError, _lost("the decoder could not finish"), response, cause)
    if isinstance(value, Fault):
        fault = complete(value, 200)
        return Failure(error_class(fault.kind), fault, response)
    return _believed(value, response, tool_errors)


def broken_stream(failure: Failure, ended: NoAnswer, *, late: bool) -> Failure:
    """A stream that ended before its end, for the reason that the transport gives."""
    if ended.reason in {"lost", "unreadable"}:
        error, message = failure.error, f"{failure.fault.message}: {ended.detail}"
    elif late:
        error, message = DeadlineExceededError, DEADLINE
    else:
        error, message = ResponseTimeoutError, "the stream fell silent for too long"
    return attrs.evolve(failure, error=error, fault=attrs.evolve(failure.fault, message=message))


def _believed(value: object, response: HttpResponse | None, tool_errors: str) -> Result | Failure:
    """A Result that is one, and whose tools did not fail unless the caller wants that reported only."""
    tools = getattr(value, "tool_calls", ())
    if (
        not isinstance(value, Result)
        or not isinstance(value.text, str)
        or not all(isinstance(t, ToolCall) for t in tools)
    ):
        problem = f"the plugin read it as {type(value).__name__}, which is no Result"
        return Failure(MalformedResponseError, _lost(problem), response)
    failed = next((call for call in value.tool_calls if call.error is not None), None) if value.tool_calls else None
    if failed is None or tool_errors == "report":
        return value
    message = f"tool {failed.name!r} failed: {failed.error}"
    return Failure(ToolExecutionError, complete(Fault(FaultKind.EXECUTION, message, partial=value), 200), response)


def error_of(
    failure: Failure, asked: Asked, *, attempts: int, pending: Pending | None, tried: tuple[Tried, ...] = ()
) -> InvocationError:
    """The exception of a failure, with all the evidence and without secrets."""
    redactor, response = redactor_of(asked.secrets), failure.response
    fault = _masked(failure.fault, redactor)
    request = masked_request(asked.request, redactor)
    shown = None if response is None else redactor.response(attrs.evolve(response, request=None))
    if shown is not None and response is not None and response.request is not None:
        shown = attrs.evolve(shown, request=masked_request(response.request, redactor))
    excerpt = f": {_describe(shown)}" if failure.excerpt and shown is not None else ""
    fault = attrs.evolve(
        fault,
        message=fault.message + excerpt + _hint(failure, asked, _asked_at(shown, request), pending),
        partial=fault.partial and attrs.evolve(fault.partial, response=shown or HttpResponse(0)),
    )
    error = failure.error(
        fault.message,
        provider=asked.provider,
        connection=asked.connection,
        agent=redactor.text(asked.agent),
        request=request,
        response=shown,
        fault=fault,
        attempts=attempts,
        pending=redactor.value(pending),
        tried=tried,
    )
    error.__cause__ = failure.cause
    error.__suppress_context__ = True
    return error


def masked_request(request: HttpRequest, redactor: Redactor) -> HttpRequest:
    """The request as evidence, with known secrets masked."""
    try:
        return redactor.value(request)
    except RecursionError:  # the caller's own input, nested too deeply to be walked
        return redactor.value(attrs.evolve(request, json=None))


def _asked_at(answer: HttpResponse | None, request: HttpRequest) -> str:
    """The address that was asked, or polled, without its query."""
    asked = request if answer is None or answer.request is None else answer.request
    return asked.url.partition("?")[0]


def _hint(failure: Failure, asked: Asked, url: str, pending: Pending | None) -> str:
    """What the core knows beside the vendor's own words, and a caller needs to act."""
    if failure.fault.kind is FaultKind.AUTHENTICATION and asked.key_hint:
        return f". {asked.key_hint}"
    if failure.error is ConnectionFailedError:
        parts = urlsplit(asked.request.url)
        return f" (at {parts.scheme}://{parts.netloc})"
    if failure.excerpt and failure.response is not None and failure.response.status == 404:
        return f" (at {url}: is that the vendor's API?)"  # a server says so that knows no such path
    if pending is not None and pending.id and issubclass(failure.error, TransportError):
        return f"; run {pending.id} may go on: bridge.recover(error) asks for it"
    return ""


def _masked(fault: Fault, redactor: Redactor) -> Fault:
    try:
        return redactor.value(fault)
    except RecursionError:  # nested so deeply that only a hostile vendor sends it
        return redactor.value(attrs.evolve(fault, partial=None))


DEADLINE = "the total time of the call is up"
"""What an error of a call says whose `Timeouts.total` is over."""


def _not_answered(answer: NoAnswer) -> Failure:
    error, message, retryable, may_have_run = NO_ANSWER[answer.reason]
    may_have_run = may_have_run and answer.sent
    detail = f": {answer.detail}" if answer.detail else ""
    fault = Fault(FaultKind.UNKNOWN, message + detail, retryable=retryable, may_have_run=may_have_run)
    return Failure(error, fault, answer.response)


NO_ANSWER: dict[str, tuple[type[InvocationError], str, bool, bool]] = {
    "connect": (ConnectionFailedError, "no connection", True, False),
    "timeout": (ResponseTimeoutError, "no answer in time", True, True),
    "lost": (TransportError, "the connection was lost", True, True),
    "deadline": (DeadlineExceededError, DEADLINE, False, True),
    "unreadable": (MalformedResponseError, _UNREADABLE, False, True),
}


def _failure(fault: Fault, response: HttpResponse, wall: float) -> Failure:
    fault = complete(fault, response.status)
    if fault.partial is not None or (
        fault.retryable and fault_from_status(response.status).may_have_run and not response.ok
    ):
        # an answer came with it, or a proxy in front says that it gave up: sending again could run it twice
        fault = attrs.evolve(fault, may_have_run=True)
    if fault.retry_after is None:
        fault = attrs.evolve(fault, retry_after=parse_retry_after(response.headers, wall))
    return Failure(error_class(fault.kind), fault, response)


def _by_status(response: HttpResponse, wall: float) -> Failure:
    message = fault_from_status(response.status).message
    if 300 <= response.status <= 399:
        message = (
            f"redirected to {response.headers.get('location', 'nowhere')!r}, which is never followed: check base_url"
        )
    excerpt = bool(response.content.strip()) and not 300 <= response.status <= 399
    return attrs.evolve(_failure(fault_from_status(response.status, message), response, wall), excerpt=excerpt)


def _unreadable(response: HttpResponse, error: Exception, wall: float) -> Failure:
    if not response.ok:
        return _by_status(response, wall)
    cause = PluginError(f"read() raised {where(error)}").with_traceback(error.__traceback__)
    return Failure(MalformedResponseError, _lost(_reason(error)), response, cause, excerpt=True)


def where(error: BaseException) -> str:
    """The type of an exception and the line it comes from; not its text, since validators quote their input."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and "/json/" not in frame.filename]
    place = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return f"{type(error).__name__}{place}"


def _reason(error: Exception) -> str:
    """What pydantic missed, by field and kind, as "reply missing"; nothing for any other exception."""
    if type(error).__name__ != "ValidationError" or not hasattr(error, "errors"):
        return ""
    found = error.errors(include_input=False, include_url=False, include_context=False)[:3]
    return ", ".join(f"{'.'.join(map(str, detail['loc'])) or 'it'} {detail['type']}" for detail in found)


def _lost(message: str) -> Fault:
    message = f"{_UNREADABLE}: {message}" if message else _UNREADABLE
    return Fault(FaultKind.UNKNOWN, message, retryable=False, may_have_run=True)


def _describe(response: HttpResponse) -> str:
    """Content type and first characters of a body that is not what was expected, and what it looks like."""
    kind = response.content_type or "no content type"
    if not response.content.strip():
        return f"{kind}, empty body"
    page = " It looks like a web page: check base_url" if _is_page(response) and response.ok else ""
    return f"{kind}, {one_line(response.content[: 4 * _EXCERPT].decode('utf-8', 'replace'), _EXCERPT)!r}{page}"


def _is_page(response: HttpResponse) -> bool:
    start = response.content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return response.content_type in {"text/html", "application/xhtml+xml"} or start.startswith(
        (b"<!doctype html", b"<html")
    )
