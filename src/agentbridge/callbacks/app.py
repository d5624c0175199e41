"""The ASGI app in front of a receiver: reads no more than it must, and answers each callback rightly."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..serving import lacking

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route
except ImportError as missing:
    raise lacking(missing, "callbacks") from None

from .deciding import Delivery

if TYPE_CHECKING:
    from .receiver import CallbackReceiver

_log = logging.getLogger("agentbridge.callbacks")
_SAID = {
    "answer": "taken",
    "failure": "taken",
    "unreadable": "taken",
    "empty": "taken; an answer is still waited for",
    "duplicate": "taken before",
    "used": "this address has had its answer",
    "late": "this address takes no answer any more",
    "oversized": "too large",
    "unknown": "nobody waits at this address",
    "forged": "no such address",
    "method": "callbacks are posted",
}
_MOST_DIGITS = 18
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_METHODS = ["POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS"]


def make(receiver: CallbackReceiver) -> Starlette:
    """The app: one path, `/{token}`, below wherever it is mounted."""

    async def called(request: Request) -> Response:
        try:
            return _response(await _delivered(receiver, request))
        except ClientDisconnect:
            return Response(status_code=400)  # half a callback is none; nobody hears this
        except Exception as error:
            _log.error("a callback could not be taken: %s", error)
            return PlainTextResponse("not taken, try again", 503, {**_HEADERS, "retry-after": "5"})

    return Starlette(routes=[Route("/{token:path}", called, methods=_METHODS)])


async def _delivered(receiver: CallbackReceiver, request: Request) -> Delivery:
    """Nothing is read of what has no genuine address."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if request.method != "POST":
        return await run_in_threadpool(receiver.refuse, "method", headers)
    # the last part of the path: a proxy may keep what stands before it
    claim = receiver.claim(request.path_params["token"].rstrip("/").rpartition("/")[2])
    if claim is None:
        return await run_in_threadpool(receiver.refuse, "forged", headers)
    body = await _body(request, receiver.largest)
    if body is None:
        return await run_in_threadpool(receiver.refuse, "oversized", headers, claim.run)
    return await run_in_threadpool(receiver.take, claim.run, headers, body)


async def _body(request: Request, largest: int) -> bytes | None:
    """The body, or None where it is larger than that, whatever its length header says. Half a body is none at all."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and (len(told) > _MOST_DIGITS or int(told) > largest):
        return None
    pieces, size = [], 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > largest:
            return None
    return b"".join(pieces)


def _response(delivery: Delivery) -> Response:
    closing = {"connection": "close"} if delivery.verdict == "oversized" else {}  # what is left of it is not read
    allow = {"allow": "POST"} if delivery.verdict == "method" else {}
    return PlainTextResponse(_SAID[delivery.verdict], delivery.status, {**_HEADERS, **closing, **allow})
