"""What is fuzzed: each target takes any bytes that a stranger could send, and asserts what is promised of them."""

from __future__ import annotations

import json
import math
import pickle
import tomllib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from agentbridge import Fault, HttpRequest, HttpResponse, Pending, Provider, Registry, Result
from agentbridge.codec import plain
from agentbridge.config import load
from agentbridge.errors import ConfigurationError, InvocationError
from agentbridge.events import Event
from agentbridge.faults import parse_retry_after
from agentbridge.redaction import Redactor
from agentbridge.sse import EventTooLargeError, SSEParser
from agentbridge.verdict import Asked, Failure, error_of, judge_run, judge_stream
from agentbridge.wire import decode_json

SECRET: Final = 'canary-key-7f3a"/+é'
STATUSES: Final = (200, 200, 200, 201, 202, 204, 302, 400, 401, 402, 404, 408, 429, 500, 502, 503)
_WALL: Final = 1_700_000_000.0
_ASKED: Final = Asked(
    provider="p",
    connection="c",
    agent="a",
    request=HttpRequest("POST", "https://vendor.invalid"),
    secrets=frozenset({SECRET}),
)


def sse(data: bytes) -> None:
    """Any chunking gives the same events, and nothing but an event without end is refused."""
    cuts, stream = _cut(data)
    whole = _events([stream])
    assert _events(cuts) == whole
    assert _events([bytes([byte]) for byte in stream[:400]]) == _events([stream[:400]])


def _cut(data: bytes) -> tuple[list[bytes], bytes]:
    """The first bytes say where the rest is cut."""
    stream = data[4:]
    edges = sorted({0, len(stream), *(byte * len(stream) // 255 for byte in data[:4])})
    return [stream[start:end] for start, end in pairwise(edges)], stream


def _events(chunks: list[bytes]) -> list[tuple[str, bytes]]:
    parser = SSEParser(largest=1 << 20)
    try:
        return [(event.name, event.data) for chunk in chunks for event in parser.feed(chunk)]
    except EventTooLargeError:
        return [("too large", b"")]


def decoded(data: bytes) -> None:
    """What is decoded can be written again as JSON; all else is a ValueError."""
    try:
        value = decode_json(data)
    except ValueError:
        return
    json.dumps(plain(value), allow_nan=False)


def retry_after(data: bytes) -> None:
    """A wish to wait is a number of seconds that one can wait, or none."""
    text = data.decode("latin-1")
    for name in ("retry-after", "retry-after-ms", "x-ratelimit-reset"):
        seconds = parse_retry_after({name: text}, _WALL)
        assert seconds is None or (math.isfinite(seconds) and seconds >= 0), (name, text, seconds)


def configuration(data: bytes) -> None:
    """A configuration is taken or refused in one line that shows no value of a key."""
    try:
        table = tomllib.loads(data.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    assert SECRET not in _taken(table)


def _taken(table: dict[str, Any]) -> str:
    """What is said of a configuration: nothing where it is taken."""
    try:
        load(table, environ={})
    except ConfigurationError as error:
        return str(error)
    return ""


def redaction(data: bytes) -> None:
    """No spelling of a secret that is put somewhere into anything survives."""
    at = data[0] * len(data) // 255 if data else 0
    redactor = Redactor([SECRET])
    for spelling in (SECRET, json.dumps(SECRET)[1:-1], json.dumps(SECRET, ensure_ascii=False)[1:-1]):
        hidden = data[:at] + spelling.encode() + data[at:]
        assert spelling.encode() not in redactor.bytes(hidden)
        assert spelling not in redactor.text(hidden.decode("utf-8", "replace"))


def answer_of(provider: Provider) -> Callable[[bytes], None]:
    """The first byte is the status, the rest the body: a Result that says something, a Pending, or an error."""

    def target(data: bytes) -> None:
        status = STATUSES[data[0] % len(STATUSES)] if data else 200
        response = HttpResponse(status, {"content-type": "application/json"}, data[1:], _ASKED.request)
        _check(judge_run(provider.read, response, _WALL, "raise"), response)

    return target


def stream_of(provider: Provider) -> Callable[[bytes], None]:
    """The same events in any pieces; the decoder never raises; what it comes to is a Result with proof or a failure."""
    request = HttpRequest("POST", "https://vendor.invalid", json={"streaming": True})

    def decoded_from(chunks: list[bytes]) -> tuple[list[Event], Any]:
        decoder = provider.decoder(request)
        assert decoder is not None
        events = [event for chunk in chunks for event in decoder.feed(chunk)]
        return events, judge_stream(decoder.finish, HttpResponse(200), "raise")

    def target(data: bytes) -> None:
        cuts, stream = _cut(data)
        events, value = decoded_from([stream])
        again, same = decoded_from(cuts)
        assert _joined(again) == _joined(events)
        assert repr(same) == repr(value)
        _check(value, HttpResponse(200))

    return target


def _joined(events: list[Event]) -> list[str]:
    return [repr(event) for event in events]


def callback_of(provider: Provider) -> Callable[[bytes], None]:
    """What is posted is an answer, a failure or nothing yet; what `read_callback` raises is guarded by the core."""

    def target(data: bytes) -> None:
        callback = HttpRequest("POST", "https://me.invalid", {"content-type": "application/json"}, content=data)
        try:
            value = provider.read_callback(callback)
        except Exception:
            return
        assert value is None or isinstance(value, (Result, Fault))
        if isinstance(value, Result):
            _check(value, HttpResponse(200, {}, data))

    return target


def _check(value: Any, response: HttpResponse) -> None:
    if isinstance(value, Result):
        assert response.ok
        assert value.output not in ({}, [], None)
        assert pickle.loads(pickle.dumps(value)) == value
        json.dumps(value.to_dict(), allow_nan=False)
    elif isinstance(value, Failure):
        error = error_of(value, _ASKED, attempts=1, pending=None)
        assert isinstance(error, InvocationError)
        assert "\n" not in str(error)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
    else:
        assert isinstance(value, Pending)


def _targets() -> Mapping[str, Callable[[bytes], None]]:
    found: dict[str, Callable[[bytes], None]] = {
        "sse": sse,
        "json": decoded,
        "retry-after": retry_after,
        "config": configuration,
        "redaction": redaction,
    }
    for name, provider in Registry().items():
        found[f"{name}-answer"] = answer_of(provider)
        if type(provider).decoder is not Provider.decoder:
            found[f"{name}-stream"] = stream_of(provider)
        if type(provider).read_callback is not Provider.read_callback:
            found[f"{name}-callback"] = callback_of(provider)
    return found


TARGETS: Final = _targets()
