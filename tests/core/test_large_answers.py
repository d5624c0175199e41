"""Answers are decompressed piece by piece, and read up to a bound: no vendor can fill the memory of who calls it."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import zlib

import httpx
import httpx2
import pytest
import servers
import vendor
from hypothesis import example, given, settings, strategies as st

from agentbridge import Bridge, ConfigurationError, Connection, RetryPolicy, Timeouts, errors
from agentbridge.transport.inflating import Incoming, UnreadableError

TEN_GIGABYTES = 10 * 1024
"""Of a mebibyte each."""


def bomb(mebibytes: int, of: bytes = b"\0") -> bytes:
    """So many mebibytes of one byte as gzip, of which each takes a kilobyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    one = packer.compress(of * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + one * mebibytes


def travelling(content: bytes, encoding: str) -> bytes:
    if encoding == "raw deflate":
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(content) + packer.flush()
    return {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)(content)


def received(headers: dict[str, str], pieces: list[bytes], max_answer: int = 10_000_000) -> bytes:
    incoming = Incoming(headers, max_answer)
    found = [piece for raw in pieces for piece in incoming.feed(raw)]
    incoming.end()
    return b"".join(found)


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@settings(deadline=None)
@given(
    content=st.binary(max_size=2000).map(lambda some: some * 300),
    encoding=st.sampled_from(["identity", "gzip", "x-gzip", "deflate", "raw deflate"]),
    size=st.integers(1, 5000),
)
@example(content=b"", encoding="raw deflate", size=1)
@example(content=b"an answer", encoding="raw deflate", size=1)
def test_what_was_compressed_arrives_whole_in_any_pieces(content, encoding, size):
    headers = {"content-encoding": encoding.removeprefix("raw ")}
    assert received(headers, cut(travelling(content, encoding), size)) == content


def test_a_second_member_of_gzip_is_read_too():
    assert received({"content-encoding": "gzip"}, [gzip.compress(b"one ") + gzip.compress(b"two")]) == b"one two"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_data_that_end_too_early_are_no_answer(encoding):
    with pytest.raises(UnreadableError, match="end too early"):
        received({"content-encoding": encoding}, [travelling(b"an answer", encoding)[:-5]])


def test_no_piece_is_large_however_small_it_travelled():
    pieces = list(Incoming({"content-encoding": "gzip"}, 2**40).feed(bomb(64)))
    assert max(map(len, pieces)) <= 256 * 1024
    assert sum(map(len, pieces)) == 64 * 1024 * 1024


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_an_encoding_that_was_not_asked_for_is_named(encoding):
    with pytest.raises(UnreadableError, match=f"encoded as '{encoding}', which was not asked for"):
        received({"content-encoding": encoding}, [b"x"])


@pytest.fixture(params=["httpx", "httpx2", "aiohttp"])
def failed(request, open_bridge):
    """The error of a call, whole or streamed, and what the server saw."""

    def ask(*headers: str, body: bytes, streamed: bool = False, max_answer: int = 4_000_000, **options):
        lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
        script = "\r\n".join(lines).encode() + body
        with servers.serving(lambda connection, _: connection.sendall(script)) as server:
            setup = vendor.talking(server.url, transport=request.param, retry=RetryPolicy(first_delay=0), **options)
            connection = Connection("talking", server.url, max_answer=max_answer)
            bridge = open_bridge(**{**setup, "connections": {"talking": connection}})
            with pytest.raises(errors.InvocationError) as caught:
                bridge.stream("talking:a", "hi", seen=[]) if streamed else bridge.invoke("talking:a", "hi")
        return caught.value, server.requests

    return ask


@pytest.mark.parametrize(
    ("kind", "streamed"), [("application/json", False), ("application/json", True), ("text/event-stream", True)]
)
def test_ten_gigabytes_in_ten_megabytes_fill_no_memory(failed, kind, streamed):
    body = bomb(TEN_GIGABYTES)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    error, requests = failed(f"Content-Type: {kind}", "Content-Encoding: gzip", body=body, streamed=streamed)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    is_stream = kind == "text/event-stream"
    assert type(error) is (errors.StreamInterruptedError if is_stream else errors.MalformedResponseError)
    assert (len(requests), error.may_have_run, error.retryable, error.status) == (1, True, False, 200)
    assert "no stream that can be read" in str(error) if is_stream else "max_answer" in str(error)
    assert peak < 40_000_000
    assert len(error.response.content) < 2_000_000


def test_a_stream_of_small_events_is_bounded_too(failed):
    error, _ = failed("Content-Type: text/event-stream", body=b"data: hello\n\n" * 1000, streamed=True, max_answer=500)
    assert "more than 500 bytes" in str(error)
    assert set(error.partial.text) <= set("hello")


def test_an_answer_within_the_bound_arrives(open_bridge):
    body = json.dumps({"text": "x" * 1_000_000}).encode()
    with servers.serving(servers.answer("200 OK", gzip.compress(body), "Content-Encoding: gzip")) as server:
        connection = Connection("tiny", server.url, max_answer=len(body))
        bridge = open_bridge(**{**vendor.setup(server.url), "connections": {"tiny": connection}})
        assert bridge.invoke("tiny:a", "hi").text == "x" * 1_000_000


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_half_of_a_text_that_cannot_be_decompressed_is_no_answer_of_an_operation(open_bridge, encoding):
    body = travelling(b"you must not " + bytes(range(256)) * 40 + b"do that", "gzip")[:-30]
    with servers.serving(servers.answer("200 OK", body, f"Content-Encoding: {encoding}")) as server:
        with pytest.raises(errors.MalformedResponseError, match="end too early|not asked for") as caught:
            open_bridge(**vendor.setup(server.url)).call(vendor.Say("somebody"))
    assert len(server.requests) == 1
    assert caught.value.may_have_run


def test_only_what_the_standard_library_decompresses_is_asked_for(open_bridge):
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server:
        open_bridge(**vendor.setup(server.url)).invoke("tiny:a", "hi")
    assert b"accept-encoding: gzip, deflate\r\n" in server.requests[0].lower()


def test_a_bomb_without_a_bound_ends_with_the_time(failed):
    started = time.monotonic()
    error, _ = failed(
        *("Content-Type: text/event-stream", "Content-Encoding: gzip"), body=bomb(TEN_GIGABYTES, b"\n"), streamed=True,
        max_answer=2**40, timeouts=Timeouts(total=0.2),
    )  # fmt: skip
    assert type(error) is errors.DeadlineExceededError
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_answer_that_a_hook_has_read_already_is_read_all_the_same(library):
    hooks = {"response": [lambda response: response.read()]}
    body = gzip.compress(b'{"text": "read twice"}')
    with (
        servers.serving(servers.answer("200 OK", body, "Content-Encoding: gzip")) as server,
        library.Client(event_hooks=hooks) as client,
        Bridge(**vendor.setup(server.url, http_client=client)) as bridge,
    ):
        assert bridge.invoke("tiny:a", "hi").text == "read twice"


@pytest.mark.parametrize("value", [0, -1, "64 MB", 1.5])
def test_a_bound_that_is_no_number_of_bytes_is_refused(value):
    with pytest.raises(ConfigurationError, match="max_answer"):
        Bridge({}, connections={"tiny": Connection("tiny", "https://x.example.com", max_answer=value)})


def test_the_bound_can_be_said_in_a_file():
    bridge = Bridge({"connections": {"flowise": {"base_url": "https://x.example.com", "max_answer": 1_000_000}}})
    assert bridge.connections["flowise"].max_answer == 1_000_000
