"""Server-Sent Events, fed with bytes: the same bytes in any chunking give the same events.

By the WHATWG HTML standard, "Server-sent events". Lines end at LF, CR or CRLF and nowhere else: a vendor's JSON may hold
U+2028 or U+0085, at which `str.splitlines` and `httpx.Response.iter_lines` cut.
"""

from __future__ import annotations

from functools import partial
from itertools import repeat
from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"
_SHORT = 200  # bytes
LARGEST_EVENT = 64 * 1024 * 1024  # bytes


class ServerSentEvent(NamedTuple):
    """One event: its name, empty where the server gave none, and its data."""

    name: str
    data: bytes


_event = partial(tuple.__new__, ServerSentEvent)  # of a pair: half the price of the class's own


class EventTooLargeError(ValueError):
    """A server sends one event without end."""


class SSEParser:
    """Turns pieces of a stream into events.

    `comments` counts comment lines, which servers send as heartbeats; `unreadable` lines of a field whose name is no
    text, which may have been data.
    """

    def __init__(self, largest: int = LARGEST_EVENT) -> None:
        self.comments = 0
        self.unreadable = 0
        self._largest = largest
        self._start: bytes | None = b""  # until it is known whether a byte order mark comes first
        self._after_cr = False
        self._pieces: list[bytes] = []  # of a line that is not complete
        self._begun = False  # whether lines were read of a block that is not complete
        self._data: list[bytes] = []  # of an event that is not complete
        self._name = ""
        self._size = 0
        self._opening = (
            b""  # of an event that was read line by line: all that came before its data, and the name it had
        )
        self._said = ""

    @property
    def unfinished(self) -> bool:
        """True where the stream stopped inside an event, which is then no event."""
        return bool(self._pieces or self._data)

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete.

        Raises:
            EventTooLargeError: one event has more than `largest` bytes.
        """
        if self._start is not None:
            chunk = self._skip_mark(chunk)
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\n" not in chunk and b"\r" not in chunk:
            return self._keep(chunk)
        return self._take(b"".join((*self._pieces, chunk)) if self._pieces else chunk)

    def _skip_mark(self, chunk: bytes) -> bytes:
        """Hold the first bytes back while they may be a byte order mark."""
        start = (self._start or b"") + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _keep(self, piece: bytes) -> list[ServerSentEvent]:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
        return self._checked([])

    def _take(self, text: bytes) -> list[ServerSentEvent]:
        if b"\r" in text:  # one at the end may be half of a CRLF; the line is complete all the same
            self._after_cr = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole, ends, rest = text.rpartition(b"\n\n")
        events: list[ServerSentEvent] = []
        if ends:
            events, text = self._events(whole), rest
        self._pieces, self._size = [], 0
        if text:
            *lines, rest = text.split(b"\n")
            events += self._lines(lines)
            self._begun = self._begun or bool(lines)
            self._pieces = [rest] if rest else []
            self._size = len(rest) + sum(map(len, self._data))
        return self._checked(events)

    def _events(self, blocks: bytes) -> list[ServerSentEvent]:
        """The events of these blocks, of which the first may have begun before."""
        events: list[ServerSentEvent] = []
        if self._begun or not self._opening:
            first, more, blocks = blocks.partition(b"\n\n")
            events = self._by_lines(first)
            if not more:
                return events
        alike = self._alike(blocks)
        if alike is None:
            alike = [event for block in blocks.split(b"\n\n") for event in self._by_lines(block)]
        return events + alike if events else alike

    def _alike(self, blocks: bytes) -> list[ServerSentEvent] | None:
        """The events of blocks that all begin like one before and go on in one line; None where one of them does not."""
        opening, between = self._opening, b"\n\n" + self._opening
        if not opening or not blocks.startswith(opening):
            return None
        data = blocks[len(opening) :].split(between)
        if blocks.count(b"\n") != len(data) * between.count(b"\n") - 2:
            return None
        if opening.endswith(b":") and (data[0].startswith(b" ") or between + b" " in blocks):
            return None
        return list(map(_event, zip(repeat(self._said), data)))

    def _by_lines(self, block: bytes) -> list[ServerSentEvent]:
        """The events of a block of any kind. How one of a single line of data began is kept: servers begin all alike."""
        counted, is_whole = self.comments + self.unreadable, not self._begun
        self._begun = False
        events = [*self._lines(block.split(b"\n")), *self._complete()]
        start = block.rfind(b"\n") + 1
        if is_whole and len(events) == 1 and start < _SHORT and block.startswith(b"data:", start):
            data = events[0].data
            if b"\n" not in data and counted == self.comments + self.unreadable:
                self._opening, self._said = block[: len(block) - len(data)], events[0].name
        return events

    def _lines(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        for line in lines:
            if line:
                self._read(line)
            else:
                events += self._complete()
        return events

    def _read(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b":"):
            self.comments += 1
        else:
            field, _, value = line.partition(b":")
            if field == b"event":
                self._name = value.removeprefix(b" ").decode("utf-8", "replace")
            elif field == b"data":
                self._data.append(b"")
            elif not field.isascii():
                self.unreadable += 1

    def _complete(self) -> list[ServerSentEvent]:
        data, name = self._data, self._name
        self._data, self._name, self._size = [], "", 0
        return [ServerSentEvent(name, b"\n".join(data))] if data else []

    def _checked(self, events: list[ServerSentEvent]) -> list[ServerSentEvent]:
        """The events, if there are any: what came before an event without end is given out before that is refused."""
        if not events and self._size > self._largest:
            raise EventTooLargeError(f"one event has more than {self._largest} bytes")
        return events
