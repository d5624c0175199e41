"""Server-Sent Events, fed with bytes: the same bytes in any chunking give the same events.

By the WHATWG HTML standard, "Server-sent events". Lines end at LF, CR or CRLF and nowhere else: a vendor's JSON may hold
U+2028 or U+0085, at which `str.splitlines` and `httpx.Response.iter_lines` cut.
"""

from __future__ import annotations

import attrs

_BOM = b"\xef\xbb\xbf"
LARGEST_EVENT = 64 * 1024 * 1024  # bytes


@attrs.frozen
class ServerSentEvent:
    """One event: its name, empty where the server gave none, and its data."""

    name: str
    data: bytes


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
        self._data: list[bytes] = []  # of an event that is not complete
        self._name = ""
        self._size = 0

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
        return self._take(b"".join((*self._pieces, chunk)))

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
        if b"\r" in text:
            self._after_cr = text.endswith(
                b"\r"
            )  # a CR at the end may be half of a CRLF; the line is complete all the same
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._pieces = [rest] if rest else []
        events: list[ServerSentEvent] = []
        for line in lines:
            if line:
                self._read(line)
            elif self._data or self._name:
                events += self._complete()
        self._size = len(rest) + sum(map(len, self._data))
        return self._checked(events)

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
