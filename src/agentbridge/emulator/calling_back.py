"""Emulators that call back: posts to an address on this machine, and again where it is told to come again."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..body import encode
from ..commands import Send
from ..transport import open_async_transport
from ..wire import HttpRequest, HttpResponse

_TRIES = 8
_FIRST_DELAY = 0.05  # seconds, doubled each time; the vendors that tell wait longer


async def call_back(url: str, body: Any, *, delivery_header: str | None = None, times: int = 1) -> None:
    """Post this JSON to a loopback address, as one delivery; `times` for a vendor that delivers it more than once.

    Elsewhere nothing is posted: an emulator never leaves the machine.
    """
    if not is_loopback(url):
        return
    headers = {} if delivery_header is None else {delivery_header: str(uuid.uuid4())}
    for _ in range(times):
        await _delivered(url, body, headers)


def is_loopback(url: str) -> bool:
    """Whether a URL is of this machine, and says so by its address."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _delivered(url: str, body: Any, headers: Mapping[str, str]) -> None:
    """As FluxPrompt does it: again on 5xx, 408, 425, 429 and where there is no answer (vendor docs)."""
    content = json.dumps(body, ensure_ascii=False).encode()
    request = HttpRequest("POST", url, headers={"content-type": "application/json", **headers}, content=content)
    transport = open_async_transport("httpx", client=None, proxy=None, verify=True)
    try:
        for attempt in range(_TRIES):
            answer = await transport.send(Send(request, url, encode(request)))
            if isinstance(answer, HttpResponse) and answer.status < 500 and answer.status not in {408, 425, 429}:
                return
            await asyncio.sleep(_FIRST_DELAY * 2**attempt)
    finally:
        await transport.close()
