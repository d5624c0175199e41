from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from agentbridge.sse import EventTooLargeError, SSEParser


def events(*chunks: bytes) -> list[tuple[str, bytes]]:
    parser = SSEParser()
    return [(event.name, event.data) for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data:a\r\n\r\n", [("", b"a")]),
        (b"data:a\r\r", [("", b"a")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"data: a\r\ndata: b\r\n\r\n", [("", b"a\nb")]),
        (b"data:  a\n\n", [("", b" a")]),
        (b"data\ndata\n\n", [("", b"\n")]),
        (b"event: token\ndata: a\n\ndata: b\n\n", [("token", b"a"), ("", b"b")]),
        (b"event: token\n\ndata: b\n\n", [("", b"b")]),
        (b":heartbeat\n\ndata: a\n\n", [("", b"a")]),
        (b"message:\ndata:{}\n\n", [("", b"{}")]),  # Flowise since 3.1.2
        (b"message\ndata:{}\n\n", [("", b"{}")]),  # Flowise up to 3.1.1
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"data: \xef\xbb\xbf\n\n", [("", b"\xef\xbb\xbf")]),
        (b"id: 7\nretry: 10\nwhatever: x\ndata: a\n\n", [("", b"a")]),
        ("data: a\u2028b\u0085c\x0b\x0cd\n\n".encode(), [("", "a\u2028b\u0085c\x0b\x0cd".encode())]),
        (b"data: data: [DONE]\n\n", [("", b"data: [DONE]")]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
    ],
)
def test_a_stream_means_what_the_standard_says(stream, expected):
    assert events(stream) == expected
    assert events(*(bytes([byte]) for byte in stream)) == expected


PIECES = [
    b"data: x\n",
    b"data:y",
    b"\r\n",
    b"\n",
    b"\r",
    b"event: e\n",
    b": c\n",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    "é".encode(),
    b"data",
    b":",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.lists(st.integers(0, 60), max_size=8))
def test_any_chunking_gives_the_same_events(stream, cuts):
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[start:end] for start, end in pairwise(edges)]
    assert events(*chunks) == events(stream)


ALIKE = b"message:\ndata:1\n\n" * 2
"""Events that begin alike are cut together; what stands between them may differ."""


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (b"message:\ndata: 2", [("", b"2")]),
        (b"message:\ndata:  2", [("", b" 2")]),
        (b"message:\ndata:2\nid: 7", [("", b"2")]),
        (b"message:\ndata:2\ndata:3", [("", b"2\n3")]),
        (b"message:\ndata:2\n\ndata:3", [("", b"2"), ("", b"3")]),
        (b"message:\ndata:", [("", b"")]),
        (b"event: e\nmessage:\ndata:2", [("e", b"2")]),
        (b"event: e\n\nmessage:\ndata:2", [("", b"2")]),
        (b":heartbeat", []),
        (b"", []),
    ],
)
def test_an_event_between_others_that_begin_alike_is_read_as_it_is(between, expected):
    same = [("", b"1")] * 2
    assert events(ALIKE + between + b"\n\n" + ALIKE) == [*same, *expected, *same]
    assert events(ALIKE, between + b"\n\n" + ALIKE) == [*same, *expected, *same]


def test_what_was_said_of_one_event_does_not_hold_for_the_next_that_began_before_the_read():
    assert events(b"event: a\ndata: 1\n\nevent: b\n", b"data: 2\n\nevent: a\ndata: 3\n\n") == [
        ("a", b"1"), ("b", b"2"), ("a", b"3"),
    ]  # fmt: skip


def test_heartbeats_are_counted_and_are_no_events():
    parser = SSEParser()
    assert parser.feed(b":heartbeat\n\n:heartbeat\n\n") == []
    assert (parser.comments, parser.unfinished) == (2, False)


@pytest.mark.parametrize("chunk", [b"data: " + b"x" * 50, b"data: xxxxxxxxxx\n"])
def test_an_event_without_end_is_refused(chunk):
    parser = SSEParser(largest=100)
    with pytest.raises(EventTooLargeError):
        for _ in range(20):
            parser.feed(chunk)


def test_many_small_events_are_no_large_one():
    parser = SSEParser(largest=100)
    assert sum(len(parser.feed(b"data: xxxxxxxxxx\n\n" * 7)) for _ in range(20)) == 140


def test_a_stream_that_stops_inside_an_event_is_unfinished():
    parser = SSEParser()
    parser.feed(b"data: a\n\ndata: b\n")
    assert parser.unfinished
