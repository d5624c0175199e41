"""A vendor that costs next to nothing: Flowise's answers from memory, over a bare asyncio protocol.

`python -m benchmarks.server` prints its port and ends with its standard input. The flow's id says what is answered:
`hello` a short answer, `goodbye` the same and closes the connection, `tokens-N` a stream of N tokens, one HTTP chunk
each as Node writes it, `busy` now and then a 503. Bodies are counted and thrown away. `GET /stats` tells the counts.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import cache
from typing import cast

ANSWER: dict[str, object] = {
    "text": "Hello! How can I help you today? This is the answer of the bench.",
    "question": "What is the capital of France?",
    "chatId": "0b5c6f3e-7f6a-4b9c-9a57-3a2f6e1d0c11",
    "chatMessageId": "7d1f3a90-1c2b-4c5d-8e9f-0a1b2c3d4e5f",
    "isStreamValid": False,
    "sessionId": "0b5c6f3e-7f6a-4b9c-9a57-3a2f6e1d0c11",
    "memoryType": "Buffer Memory",
}
HELLO = json.dumps(ANSWER).encode()
_EVERY = 4  # requests to `busy`, of which the last is refused


def event(name: str, data: object) -> bytes:
    """One event as Flowise writes it."""
    return f"message:\ndata:{json.dumps({'event': name, 'data': data})}\n\n".encode()


def token_events(count: int) -> list[bytes]:
    """A stream of so many tokens, with the end that says that it went well."""
    identity = {"chatId": "c", "chatMessageId": "m", "sessionId": "s"}
    tokens = (event("token", f" token{number}") for number in range(count))
    return [event("start", ""), *tokens, event("metadata", identity), event("end", "[DONE]")]


def _whole(status: str, body: bytes, *more: str) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(body)}",
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode() + body


@cache
def _stream(count: int) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(sent), sent) for sent in token_events(count)) + b"0\r\n\r\n"


_HELLO = _whole("200 OK", HELLO)
_GOODBYE = _whole("200 OK", HELLO, "Connection: close")
_BUSY = _whole("503 Service Unavailable", b'{"message": "busy"}', "Retry-After: 0")


class Counts:
    """What the clients did, since the server began."""

    def __init__(self) -> None:
        self.requests = self.connections = self.received = self.asked_busy = self.refused = 0

    def answer(self, flow: str) -> bytes:
        """What is sent for this flow."""
        self.requests += 1
        if flow == "goodbye":
            return _GOODBYE
        if flow == "busy":
            self.asked_busy += 1
            if self.asked_busy % _EVERY == 0:
                self.refused += 1
                return _BUSY
        return _stream(int(flow[7:])) if flow.startswith("tokens-") else _HELLO


class Vendor(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._head = b""
        self._rest = 0  # bytes of the body that are still to come
        self._target = ""
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Wait for the whole head, count the body away, answer."""
        while data:
            if self._rest == 0:
                data = self._begin(data)
            taken = min(self._rest, len(data))
            self._rest -= taken
            self._counts.received += taken
            data = data[taken:]
            if self._rest == 0 and self._target:
                self._answer()

    def _begin(self, data: bytes) -> bytes:
        """Read the head; what follows it."""
        head, found, rest = (self._head + data).partition(b"\r\n\r\n")
        if not found:
            self._head = head
            return b""
        self._head = b""
        self._target = head.split(b" ", 2)[1].decode()
        self._rest = _length(head)
        if self._rest == 0:
            self._answer()
        return rest

    def _answer(self) -> None:
        target, self._target = self._target, ""
        if target == "/stats":
            self._transport.write(_whole("200 OK", json.dumps(vars(self._counts)).encode()))
            return
        self._counts.connections += not self._counted
        self._counted = True
        answer = self._counts.answer(target.rpartition("/")[2])
        self._transport.write(answer)
        if answer is _GOODBYE:
            self._transport.close()


def _length(head: bytes) -> int:
    _, found, after = head.lower().partition(b"\r\ncontent-length:")
    return int(after.partition(b"\r\n")[0]) if found else 0


async def _serve() -> None:
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Vendor(counts), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
