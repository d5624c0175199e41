"""Serves an ASGI app over HTTP/1.1 on this machine, and damages what it answers.

Not by uvicorn: wrong lengths, resets and other nonsense need the bare connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import attrs

from ..serving import in_thread
from ..wire import HttpResponse
from .chaos import Chaos, Damage
from .scripts import End, Head, Piece, Raw, Script, Wait

_LARGEST_HEAD = 1024 * 1024  # bytes


@attrs.frozen
class Asked:
    """One request, as it came."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...] = attrs.field(repr=False)
    body: bytes = b""


@attrs.frozen
class Hit:
    """A request and what was done to its answer. `began` is False where the app never saw the request."""

    number: int
    asked: Asked
    damage: Damage
    began: bool


@contextlib.contextmanager
def damaging(app: Any, listener: socket.socket, chaos: Chaos, note: Callable[[Hit], None]) -> Iterator[None]:
    """The app behind this socket until the end of the block. `note` is told of each request, in the server's thread.

    Raises ConfigurationError where it cannot be served.
    """
    server = _Server(app, chaos, note)
    with in_thread(lambda: server.run(listener), server.started.is_set, server.stop, "agentbridge-chaos"):
        yield


class _Server:
    def __init__(self, app: Any, chaos: Chaos, note: Callable[[Hit], None]) -> None:
        self.started = threading.Event()
        self._app, self._chaos, self._note = app, chaos, note
        self._numbers = itertools.count(1)
        self._connections: set[asyncio.Task[None]] = set()

    def run(self, listener: socket.socket) -> None:
        asyncio.run(self._serve(listener))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)

    async def _serve(self, listener: socket.socket) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, sock=listener, limit=_LARGEST_HEAD)
        self.started.set()
        await self._over.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            while await self._exchanged(reader, writer):
                pass
        writer.transport.abort()

    async def _exchanged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether another may follow."""
        asked = await _request(reader)
        number = next(self._numbers)
        damage = self._chaos.damage(number)
        began = not damage.before_run
        self._note(Hit(number, asked, damage, began))
        meant = await _unless_gone(reader, answered(self._app, asked)) if began else HttpResponse(200)
        return meant is not None and await _perform(damage.script(meant), reader, writer)


async def _request(reader: asyncio.StreamReader) -> Asked:
    """The next request. Raises EOFError where there is none."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    method, target, _ = first.decode("latin-1").split(" ", 2)
    pairs = [line.partition(b":") for line in lines]
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return Asked(method, target, headers, await _body(dict(headers), reader))


async def _body(headers: dict[bytes, bytes], reader: asyncio.StreamReader) -> bytes:
    if headers.get(b"transfer-encoding") != b"chunked":
        return await reader.readexactly(int(headers.get(b"content-length", b"0")))
    pieces: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(pieces)


async def answered(app: Any, asked: Asked) -> HttpResponse:
    """What an ASGI app answers, whole."""
    path, _, query = asked.target.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": asked.method,
        "scheme": "http", "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "headers": list(asked.headers), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1),
    }  # fmt: skip
    begun: dict[str, Any] = {}
    pieces: list[bytes] = []

    async def receive() -> dict[str, Any]:
        if begun.setdefault("asked", False):
            await asyncio.Event().wait()  # the client is there until this is cancelled
        begun["asked"] = True
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        begun.update(message)
        pieces.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in begun["headers"]}
    return HttpResponse(begun["status"], headers, b"".join(pieces))


async def _unless_gone(reader: asyncio.StreamReader, work: Any) -> Any:
    """What the work gives; None, and it is cancelled, where the client hangs up before."""
    working, hanging_up = asyncio.ensure_future(work), asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({working, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, hanging_up):
            task.cancel()
        await asyncio.wait({working, hanging_up})


async def _perform(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    is_chunked = False
    for act in script:
        if writer.transport.is_closing():
            return False
        if isinstance(act, Head):
            is_chunked = ("transfer-encoding", "chunked") in act.headers
            writer.write(_written(act))
        elif isinstance(act, (Piece, Raw)):
            is_framed = is_chunked and isinstance(act, Piece)
            writer.write(b"%x\r\n%s\r\n" % (len(act.data), act.data) if is_framed else act.data)
        elif isinstance(act, Wait):
            if not await _waited(act.seconds, reader, writer):
                return False
        else:
            return await _ended(act, writer)
    await writer.drain()
    return True


async def _waited(seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """False where the client hangs up."""
    await writer.drain()
    try:
        return bool(await asyncio.wait_for(reader.read(1), seconds))
    except TimeoutError:
        return True


async def _ended(end: End, writer: asyncio.StreamWriter) -> bool:
    await writer.drain()
    if end.how == "proper":
        return True
    if end.how == "reset":
        linger = struct.pack("ii", 1, 0)  # an RST instead of a FIN
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return False


def _written(head: Head) -> bytes:
    lines = [f"HTTP/1.1 {head.status} Said", *(f"{name}: {value}" for name, value in head.headers), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace")
