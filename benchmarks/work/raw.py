"""httpx 0.28.1, used the obvious way: one client, `post(json=...)`, `raise_for_status()`, `.json()`."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from benchmarks.worker import Work

from .common import KEY, QUESTION, WARM, awaited, big_file, check, check_count, prediction, repeated, side_by_side
from .memory import answered_from_memory

_HEADERS = {"Authorization": f"Bearer {KEY}"}
_STREAMED = {"question": QUESTION, "streaming": True}


def _text(response: httpx.Response) -> object:
    response.raise_for_status()
    return response.json()["text"]


@contextmanager
def sync_calls(base: str, count: int) -> Iterator[Work]:
    """Calls one after the other on a connection that is kept."""
    url = prediction(base)
    with httpx.Client(headers=_HEADERS) as client:
        yield repeated(lambda: _text(client.post(url, json={"question": QUESTION})), count)


@contextmanager
def from_memory(base: str, count: int) -> Iterator[Work]:
    """The same without I/O."""
    url = prediction(base)
    with answered_from_memory(), httpx.Client(headers=_HEADERS) as client:
        yield repeated(lambda: _text(client.post(url, json={"question": QUESTION})), count)


@contextmanager
def async_calls(base: str, count: int, in_flight: int) -> Iterator[Work]:
    """Calls with so many in flight."""
    url = prediction(base)

    async def use(client: httpx.AsyncClient, number: int) -> None:
        async def call() -> object:
            return _text(await client.post(url, json={"question": QUESTION}))

        await side_by_side(call, number, in_flight)

    with awaited(httpx.AsyncClient(headers=_HEADERS), use, count, warm=count) as work:
        yield work


@contextmanager
def sync_stream(base: str, tokens: int) -> Iterator[Work]:
    """One stream of tokens, by lines."""

    def do(number: int) -> None:
        found = 0
        with client.stream("POST", prediction(base, f"tokens-{number}"), json=_STREAMED) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                found += _is_token(line)
        check_count(found, number)

    with httpx.Client(headers=_HEADERS) as client:
        do(WARM)
        yield Work(tokens, lambda: do(tokens))


@contextmanager
def async_stream(base: str, tokens: int) -> Iterator[Work]:
    """The same in an event loop."""

    async def use(client: httpx.AsyncClient, number: int) -> None:
        found = 0
        async with client.stream("POST", prediction(base, f"tokens-{number}"), json=_STREAMED) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                found += _is_token(line)
        check_count(found, number)

    with awaited(httpx.AsyncClient(headers=_HEADERS), use, tokens, warm=WARM) as work:
        yield work


def _is_token(line: str) -> bool:
    if not line.startswith("data:"):
        return False
    sent = json.loads(line[5:])
    return bool(sent["event"] == "token" and sent["data"])


@contextmanager
def upload(base: str, megabytes: int) -> Iterator[Work]:
    """A file, read and encoded whole."""
    url = prediction(base)

    def do() -> None:
        data = base64.b64encode(path.read_bytes()).decode()
        file = {"type": "file", "name": "big.png", "mime": "image/png", "data": f"data:image/png;base64,{data}"}
        check(_text(client.post(url, json={"question": QUESTION, "uploads": [file]}, timeout=300)))

    with big_file(megabytes) as path, httpx.Client(headers=_HEADERS) as client:
        check(_text(client.post(url, json={"question": QUESTION})))
        yield Work(1, do)
