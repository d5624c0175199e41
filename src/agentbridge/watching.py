"""Reading while somebody watches: all that a plugin reads for a bridge is told to the counts of its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .drift import Watch, watched_by
from .faults import Fault
from .model import Result
from .provider import StreamDecoder
from .wire import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from .events import Event

T = TypeVar("T")


def watched(read: Callable[[HttpResponse], T], by: Watch) -> Callable[[HttpResponse], T]:
    """The same reading, watched."""

    def reading(response: HttpResponse) -> T:
        return watched_by(by, read, response)

    return reading


def watched_decoder(
    make: Callable[[HttpRequest], StreamDecoder | None], by: Watch
) -> Callable[[HttpRequest], StreamDecoder | None]:
    """The same decoders, watched."""

    def made(request: HttpRequest) -> StreamDecoder | None:
        decoder = make(request)
        return None if decoder is None else _WatchedDecoder(decoder, by)

    return made


class _WatchedDecoder(StreamDecoder):
    def __init__(self, decoder: StreamDecoder, by: Watch) -> None:
        self._decoder = decoder
        self._by = by

    @property
    def done(self) -> bool:
        return self._decoder.done

    def feed(self, data: bytes) -> list[Event]:
        return watched_by(self._by, self._decoder.feed, data)

    def finish(self) -> Result | Fault:
        return watched_by(self._by, self._decoder.finish)
