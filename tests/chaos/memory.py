"""Damaged answers without a network: what a client makes of each script, on a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import attrs

from agentbridge.commands import Send
from agentbridge.emulator.chaos import Chaos
from agentbridge.emulator.damaging import Asked, Hit, answered
from agentbridge.emulator.scripts import End, Head, Piece, Raw, Script, Wait
from agentbridge.retry import Timeouts
from agentbridge.transport.inflating import Incoming, UnreadableError
from agentbridge.wire import HttpResponse, NoAnswer

_LARGEST_HEAD = 100_000  # bytes, which h11 and others allow
_INFORMATIONAL = (b"HTTP/1.1 100 ", b"HTTP/1.1 102 ", b"HTTP/1.1 103 ")


class ChaosTransport:
    """For `Bridge(transport=...)`: asks an ASGI app, and damages what it answers. `hits` is what was asked."""

    def __init__(self, app: Any, chaos: Chaos) -> None:
        self.hits: list[Hit] = []
        self.clock = 0.0
        self._app, self._chaos = app, chaos

    def open(self, send: Send) -> Opened | NoAnswer:
        number = len(self.hits) + 1
        damage = self._chaos.damage(number)
        asked = _asked(send)
        self.hits.append(Hit(number, asked, damage, began=not damage.before_run))
        meant = HttpResponse(200) if damage.before_run else _answer(self._app, asked)
        opened = Opened(self, damage.script(meant), send)
        return opened.begin()

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        opened = self.open(send)
        if isinstance(opened, NoAnswer):
            return opened
        pieces: list[bytes] = []
        while piece := opened.read(send.deadline):
            if isinstance(piece, NoAnswer):
                partial = attrs.evolve(opened.head, content=b"".join(pieces[:10]))
                return attrs.evolve(piece, response=partial) if partial.ok else partial
            pieces.append(piece)
        return attrs.evolve(opened.head, content=b"".join(pieces))

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def now(self) -> float:
        return self.clock

    def close(self) -> None:
        pass

    def asynchronous(self) -> AsyncChaosTransport:
        return AsyncChaosTransport(self)


class AsyncChaosTransport:
    """The same, awaited."""

    def __init__(self, inner: ChaosTransport) -> None:
        self._inner = inner
        self.now = inner.now

    async def open(self, send: Send) -> AsyncOpened | NoAnswer:
        opened = self._inner.open(send)
        return opened if isinstance(opened, NoAnswer) else AsyncOpened(opened)

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        return self._inner.send(send)

    async def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)

    async def close(self) -> None:
        pass


class AsyncOpened:
    def __init__(self, inner: Opened) -> None:
        self._inner = inner
        self.head = inner.head

    async def read(self, until: float | None) -> bytes | NoAnswer:
        return self._inner.read(until)

    async def close(self) -> None:
        pass


class Opened:
    """One script, as a client sees it."""

    def __init__(self, transport: ChaosTransport, script: Script, send: Send) -> None:
        self._transport, self._send = transport, send
        self._acts = iter(script)
        self._timeouts = send.timeouts or Timeouts()
        self._left: int | None = None
        self._is_chunked = False
        self.head = HttpResponse(0)
        self._pieces: Iterator[bytes | NoAnswer] = iter(())

    def begin(self) -> Opened | NoAnswer:
        odd = b""
        for act in self._acts:
            if isinstance(act, Raw):
                odd += b"" if act.data.startswith(_INFORMATIONAL) else act.data
            elif isinstance(act, Wait):
                if late := self._waited(act.seconds, self._timeouts.answer, self._send.deadline):
                    return late
            elif isinstance(act, Head) and not odd:
                return self._began(act)
            else:
                break
        return NoAnswer("lost", "no answer that is HTTP")

    def read(self, until: float | None) -> bytes | NoAnswer:
        self._until = until
        try:
            return next(self._pieces, b"")
        except UnreadableError as error:
            return NoAnswer("unreadable", str(error))

    def close(self) -> None:
        pass

    abort = close

    def _began(self, head: Head) -> Opened | NoAnswer:
        headers = dict(head.headers)
        if sum(map(len, headers.values())) > _LARGEST_HEAD:
            return NoAnswer("lost", "headers too large")
        length = headers.get("content-length")
        if length is not None and not (length.isdigit() and len(length) <= 20):
            return NoAnswer("lost", "no length")
        self._left = None if length is None else int(length)
        self._is_chunked = headers.get("transfer-encoding") == "chunked"
        self.head = HttpResponse(head.status, headers)
        self._pieces = self._body(Incoming(headers, self._send.max_answer))
        return self

    def _body(self, incoming: Incoming) -> Iterator[bytes | NoAnswer]:
        for act in self._acts:
            if isinstance(act, Wait):
                if late := self._waited(act.seconds, self._timeouts.idle, self._until):
                    yield late
                    return
            elif isinstance(act, Piece):
                data = act.data if self._left is None else act.data[: self._left]
                self._left = None if self._left is None else self._left - len(data)
                yield from filter(None, incoming.feed(data))
            elif self._left != 0 and (isinstance(act, Raw) or self._is_cut(act)):
                yield NoAnswer("lost", "broken off")
                return
        incoming.end()

    def _is_cut(self, end: End) -> bool:
        return end.how == "reset" or (end.how == "closed" and (self._left is not None or self._is_chunked))

    def _waited(self, seconds: float, patience: float | None, deadline: float | None) -> NoAnswer | None:
        end = self._transport.clock + seconds
        limits = [(deadline, "deadline"), (patience and self._transport.clock + patience, "timeout")]
        missed = min(((limit, why) for limit, why in limits if limit is not None and limit < end), default=None)
        self._transport.clock = end if missed is None else max(self._transport.clock, missed[0])
        return None if missed is None else NoAnswer(missed[1], "silence")  # type: ignore[arg-type]


def _asked(send: Send) -> Asked:
    url = urlsplit(send.url)
    headers = {**send.request.headers, **send.request.auth, "content-type": send.body.content_type or ""}
    pairs = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
    return Asked(send.request.method, f"{url.path}?{url.query}", pairs, b"".join(send.body.pieces()))


def _answer(app: Any, asked: Asked) -> HttpResponse:
    """An app that waits for nothing is at its end after one step."""
    coroutine = answered(app, asked)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the emulator waited for something")
