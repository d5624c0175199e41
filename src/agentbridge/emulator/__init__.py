"""Stand-ins for vendors: ASGI apps that answer as the vendor's documents say, its failures included. Extra `emulator`.

A plugin's emulator is a function that returns an `Emulator`. The agent id chooses what happens: each plugin names its
scenarios, and those of `COMMON`, which any vendor's infrastructure can produce, come with them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import attrs

from ..serving import lacking

try:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send
except ImportError as missing:
    raise lacking(missing, "emulator") from None

from .playing import Says, Scenario, played, speaker, spoken

__all__ = ["API_KEY", "COMMON", "Emulator", "Scenario", "Seen", "common_answer", "played", "spoken"]

API_KEY = "emulator-key"
"""The key that every emulator takes."""

_LONGEST_WAIT = 60.0  # seconds that `slow` keeps silent for a client that does not hang up

COMMON: Mapping[str, str] = {
    "html": "HTTP 200 with a login page instead of an answer",
    "empty": "HTTP 200 with an empty body",
    "truncated": "HTTP 200 with half of a JSON document",
    "bad-gateway": "HTTP 502 with the HTML of a proxy that gave up",
    "redirect": "HTTP 302 to another host",
    "slow": "no answer until the client hangs up",
}


@attrs.frozen
class Seen:
    """One request that reached an emulator."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = b""


class Emulator:
    """An ASGI app that stands in for a vendor and remembers what it was asked.

    `scenarios` maps agent ids to what happens when they are called; `seen` holds the last thousand requests. `says`, where
    it is set, is asked what the agent `ok` answers; it echoes otherwise.
    """

    def __init__(self, routes: Iterable[BaseRoute], scenarios: Mapping[str, str]) -> None:
        self.scenarios: Mapping[str, str] = {**scenarios, **COMMON}
        self.seen: deque[Seen] = deque(maxlen=1000)
        self.says: Says | None = None
        self._app = Starlette(routes=list(routes))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.scenarios)} scenarios; {len(self.seen)} requests seen>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        speaker.set(self.says)
        request = Request(scope, receive)
        body = await request.body()
        self.seen.append(Seen(request.method, request.url.path, request.url.query, dict(request.headers), body))
        await self._app(scope, _again(body, receive), send)


async def common_answer(scenario: str, request: Request) -> Response | None:
    """The answer of a scenario of `COMMON`, or None for any other name."""
    answer = _ANSWERS.get(scenario)
    return await answer(request) if answer else None


async def _html(_: Request) -> Response:
    return HTMLResponse("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>")


async def _empty(_: Request) -> Response:
    return Response(b"", media_type="application/json")


async def _truncated(_: Request) -> Response:
    return Response(b'{"status": "success", "data": {"mess', media_type="application/json")


async def _bad_gateway(_: Request) -> Response:
    return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)


async def _redirect(_: Request) -> Response:
    return Response(status_code=302, headers={"Location": "https://elsewhere.invalid/login"})


async def _slow(request: Request) -> Response:
    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(hung_up(), _LONGEST_WAIT)
    except TimeoutError:
        pass
    return Response(status_code=504)


_ANSWERS: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "html": _html,
    "empty": _empty,
    "truncated": _truncated,
    "bad-gateway": _bad_gateway,
    "redirect": _redirect,
    "slow": _slow,
}


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, for the app behind, and then what the client does next."""
    messages: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Any:
        return messages.pop() if messages else await receive()

    return replay
