"""Reading while somebody watches: all that a plugin reads for a bridge is told to the counts of its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .drift import Watch, watched_by
from .errors import AgentBridgeError, PluginError
from .faults import Fault
from .model import Result
from .provider import Provider, StreamDecoder
from .verdict import where
from .wire import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from .events import Event

T = TypeVar("T")


def watched(read: Callable[[HttpResponse], T], by: Watch) -> Callable[[HttpResponse], T]:
    """The same reading, watched."""

    def reading(response: HttpResponse) -> T:
        return watched_by(by, read, response)

    return reading


def watched_decoder(provider: Provider, by: Watch) -> Callable[[HttpRequest], StreamDecoder | None]:
    """A provider's decoders, watched."""

    def made(request: HttpRequest) -> StreamDecoder | None:
        decoder = decoder_of(provider, request)
        return None if decoder is None else _WatchedDecoder(decoder, by)

    return made


def decoder_of(provider: Provider, request: HttpRequest) -> StreamDecoder | None:
    """What a plugin makes to read a stream with. Raises PluginError where that fails: a bug in it looks like one."""
    try:
        decoder = provider.decoder(request)
        if decoder is None or isinstance(decoder, StreamDecoder):
            return decoder
        raise TypeError
    except AgentBridgeError:
        raise
    except Exception as error:
        bug = where(error)
    # outside of the except block: what the plugin raised may quote a secret, and must not be found as the context
    message = f"plugin {provider.name!r} could not make its decoder: {bug}. That is a bug in the plugin"
    raise PluginError(message, plugin=provider.name)


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
