"""Every recorded stream from a socket, whole, byte by byte and under random chunkings, through both bridges."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from expected_streams import EXPECTED
from hypothesis import given, settings, strategies as st
from loopback import Loopback

from agentbridge import Connection, InvocationError, RetryPolicy, Timeouts, events
from agentbridge_flowise.decoder import FlowiseDecoder

STREAMS = Path(__file__).parents[3] / "cassettes" / "flowise" / "streams"
NAMES = sorted(path.stem for path in STREAMS.glob("*.resp"))
CHUNKINGS = ["whole", "bytes", "random"]


def recorded(name: str) -> tuple[bytes, bytes]:
    """Head and body of a recording, its chunk framing taken off."""
    head, _, body = (STREAMS / f"{name}.resp").read_bytes().partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return head, body
    pieces = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        if int(size, 16) == 0:
            break
        pieces.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    return head, b"".join(pieces)


def cut(body: bytes, chunking: str) -> list[bytes]:
    if chunking == "whole":
        return [body]
    if chunking == "bytes":
        return [bytes([byte]) for byte in body]
    chance = random.Random(len(body))
    edges = sorted({0, len(body), *(chance.randrange(len(body) + 1) for _ in range(40))})
    return [body[start:end] for start, end in pairwise(edges)]


class Replay:
    """Answers with the recorded stream in other chunks; a stream that broke off breaks off here, silence is kept."""

    def __init__(self) -> None:
        self.name = ""
        self.chunking = "whole"
        self.server = Loopback(self._answer)

    def _answer(self, connection: socket.socket, over: threading.Event) -> None:
        head, body = recorded(self.name)
        if not head:
            over.wait(30)
            return
        connection.sendall(head.replace(b"keep-alive", b"close") + b"\r\n\r\n")
        if b"chunked" not in head:
            connection.sendall(body)
            return
        framed = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in cut(body, self.chunking)]
        for piece in framed if self.chunking == "random" else [b"".join(framed)]:
            connection.sendall(piece)
        if b'"event":"end"' in body:
            connection.sendall(b"0\r\n\r\n")


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    replay = Replay()
    yield replay
    replay.server.close()


@pytest.fixture
def streamed(open_bridge, replay):
    """All events of a recording, and the Result or the error."""

    def ask(name: str, chunking: str) -> tuple[list[Any], Any]:
        replay.name, replay.chunking = name, chunking
        bridge = open_bridge(
            connections={"flowise": Connection("flowise", replay.server.url, "any-key")},
            retry=RetryPolicy(attempts=1),
            timeouts=Timeouts(answer=0.2) if EXPECTED[name].get("status", 0) is None else None,
        )
        seen: list[Any] = []
        try:
            return seen, bridge.stream("flowise:8a92ec5b-1473-41b1-aa0d-2196aff30e75", "hello", seen=seen)
        except InvocationError as error:
            return seen, error

    return ask


def test_every_recorded_stream_has_an_expectation():
    assert set(EXPECTED) == set(NAMES)


@pytest.mark.parametrize("chunking", CHUNKINGS)
@pytest.mark.parametrize("name", [name for name in NAMES if "error" not in EXPECTED[name]])
def test_a_recorded_stream_becomes_the_result_that_was_meant(streamed, name, chunking):
    seen, result = streamed(name, chunking)
    assert not isinstance(result, Exception), f"{type(result).__name__}: {result}"

    fields = dict(EXPECTED[name])
    tokens, tools, question, used = (fields.pop(key, None) for key in ("tokens", "tools", "question", "tokens_used"))
    assert {field: getattr(result, field) for field in fields} == fields
    joined = "".join(event.text for event in seen if isinstance(event, events.TextDelta))
    assert joined == (fields["text"] if tokens is None else tokens)
    assert isinstance(seen[0], events.Started)
    assert seen[-1] == events.Completed(result)
    assert sum(isinstance(event, (events.Started, events.Completed)) for event in seen) == 2
    if tools is not None:
        assert [(call.name, call.arguments, call.result, call.error) for call in result.tool_calls] == tools
        assert [event.call for event in seen if isinstance(event, events.ToolCalled)] == list(result.tool_calls)
    if question is not None:
        assert (result.interrupt.question, result.interrupt.choices) == (question, ("proceed", "reject"))
    if used is not None:
        assert result.usage.total_tokens == used


@pytest.mark.parametrize("chunking", CHUNKINGS)
@pytest.mark.parametrize("name", [name for name in NAMES if "error" in EXPECTED[name]])
def test_a_recorded_failure_inside_of_a_stream_is_raised(streamed, name, chunking):
    seen, error = streamed(name, chunking)
    fields = dict(EXPECTED[name])
    assert type(error).__name__ == fields.pop("error")
    assert fields.pop("message") in error.message
    partial = fields.pop("partial", None)
    assert (error.partial and error.partial.text) == partial
    assert {field: getattr(error, field) for field in fields} == fields
    assert not any(isinstance(event, events.Completed) for event in seen)


@pytest.mark.parametrize("name", [name for name in NAMES if recorded(name)[1] and b"event-stream" in recorded(name)[0]])
def test_any_chunking_gives_the_same_events_and_the_same_end(name):
    body = recorded(name)[1]

    def decoded(pieces: list[bytes]) -> Any:
        decoder = FlowiseDecoder()
        found = [event for piece in pieces for event in decoder.feed(piece)]
        return found, decoder.done, decoder.finish()

    whole = decoded([body])

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.integers(0, len(body)), max_size=12))
    def cut_anywhere(cuts: list[int]) -> None:
        edges = sorted({0, len(body), *cuts})
        assert decoded([body[start:end] for start, end in pairwise(edges)]) == whole

    cut_anywhere()


@pytest.mark.parametrize(
    "name", [name for name in NAMES if "error" not in EXPECTED[name] and b"event-stream" in recorded(name)[0]]
)
def test_a_stream_that_is_cut_anywhere_before_its_end_is_never_a_success(name):
    body = recorded(name)[1]
    metadata = body.index(b'"event":"metadata"')
    for size in range(0, metadata, 97):
        decoder = FlowiseDecoder()
        decoder.feed(body[:size])
        fault = decoder.finish()
        assert type(fault).__name__ == "Fault"
        assert fault.partial is not None


def test_silence_is_left_in_time(streamed):
    started = time.monotonic()
    streamed("id_unknown_stream", "whole")
    assert time.monotonic() - started < 5


def test_a_stream_of_nothing_but_metadata_names_the_message_to_look_for(streamed):
    seen, result = streamed("cf_llmchain_empty_stream", "whole")
    assert [type(event) for event in seen if not isinstance(event, events.VendorEvent)] == [
        events.Started,
        events.Completed,
    ]
    assert (result.text, result.warnings) == ("", ("empty answer",))
    assert result.id == "c373e1cb-f4d9-40e7-b5a9-573e5f213d69"
