"""Answers as they arrive: decompressed in small pieces, and never larger than was agreed.

HTTP libraries decompress all that one read brought at once, and 64 KiB of a bomb become 64 MiB, or gigabytes with
Brotli. Here no piece is larger than `_PIECE`, and only what the standard library decompresses is asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

ENCODINGS = "gzip, deflate"
"""What is asked for: `Accept-Encoding`."""

_PIECE = 256 * 1024  # bytes
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_WRAPPINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
_GZIP_MAGIC = b"\x1f\x8b"


class UnreadableError(ValueError):
    """What arrives cannot be made into an answer; the text says why."""


class Incoming:
    """The body of one answer: fed with bytes as they travel, it gives those that were meant.

    `max_answer` is in bytes, of what was meant.
    """

    def __init__(self, headers: Mapping[str, str], max_answer: int) -> None:
        self._decode = _decoding(headers.get("content-encoding", ""))
        self._max_answer = max_answer
        self._size = 0

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """The pieces that these bytes become. Raises UnreadableError."""
        return map(self._counted, (raw,) if self._decode is None else self._decode.feed(raw))

    def end(self) -> None:
        """Nothing more comes. Raises UnreadableError where something is missing."""
        if self._decode is not None:
            self._decode.end()

    def _counted(self, piece: bytes) -> bytes:
        self._size += len(piece)
        if self._size > self._max_answer:
            raise UnreadableError(
                f"it has more than {self._max_answer} bytes; max_answer of the connection allows more"
            )
        return piece


class _Deflated:
    """gzip, also of several members, and deflate, with the wrapping that it should have or without."""

    def __init__(self, wrapping: int) -> None:
        self._wrapping = wrapping
        self._inflater: Any = None
        self._start = b""  # until there is enough to see the wrapping

    def feed(self, raw: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            raw = self._start = self._start + raw
            if len(raw) < 2:
                return
            self._inflater = zlib.decompressobj(self._wrapping if self._is_wrapped(raw) else _RAW)
        while raw:
            piece = self._inflated(raw)
            raw = self._inflater.unconsumed_tail or self._next_member()
            if piece:
                yield piece

    def end(self) -> None:
        if self._start and not (self._inflater and self._inflater.eof):
            raise UnreadableError("its compressed data end too early")

    def _is_wrapped(self, start: bytes) -> bool:
        """Some servers mean by deflate the bare data, without the header of zlib (RFC 1950, 2.2)."""
        return self._wrapping != _ZLIB or (start[0] & 15 == 8 and int.from_bytes(start[:2]) % 31 == 0)

    def _inflated(self, raw: bytes) -> bytes:
        try:
            piece: bytes = self._inflater.decompress(raw, _PIECE)
        except zlib.error as error:
            raise UnreadableError("it cannot be decompressed") from error
        return piece

    def _next_member(self) -> bytes:
        """What follows the end of a gzip member, if it is another one."""
        rest: bytes = self._inflater.unused_data
        if self._wrapping != _GZIP or not rest.startswith(_GZIP_MAGIC):
            return b""
        self._inflater = zlib.decompressobj(_GZIP)
        return rest


class _Unknown:
    """An encoding that was not asked for."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def feed(self, raw: bytes) -> Iterator[bytes]:
        raise UnreadableError(f"it is encoded as {self._encoding!r}, which was not asked for")

    def end(self) -> None:
        """An empty body has no encoding."""


def _decoding(header: str) -> _Deflated | _Unknown | None:
    """What undoes this encoding; None where the bytes travel as they are."""
    if not header:
        return None
    encodings = [name for name in header.lower().replace(" ", "").split(",") if name not in {"", "identity"}]
    if not encodings:
        return None
    wrapping = _WRAPPINGS.get(encodings[0]) if len(encodings) == 1 else None
    return _Unknown(header) if wrapping is None else _Deflated(wrapping)
