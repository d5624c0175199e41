"""What is written to a socket: the head of a request and a body that fits beside it go out in one piece."""

from __future__ import annotations

import importlib

import pytest
import servers
import vendor
from hypothesis import given, strategies as st

from agentbridge import File
from agentbridge.transport.network import PIECE, Unsent
from agentbridge.transport.sockets import SocketStream

OK = servers.answer("200 OK", b'{"text": "ok"}')


@pytest.fixture(params=["httpx", "httpx2"])
def library(request):
    return request.param


@pytest.fixture
def written(library, monkeypatch):
    """All that the library below is told to write, in both worlds."""
    core, pieces = library.replace("httpx", "httpcore"), []
    blocking = importlib.import_module(f"{core}._backends.sync").SyncStream
    write, awrite = blocking.write, SocketStream.write

    def recorded(self, buffer, timeout=None):
        pieces.append(buffer)
        write(self, buffer, timeout)

    async def arecorded(self, buffer, timeout=None):  # noqa: ASYNC109 (httpcore has it so)
        pieces.append(buffer)
        await awrite(self, buffer, timeout)

    monkeypatch.setattr(blocking, "write", recorded)
    monkeypatch.setattr(SocketStream, "write", arecorded)
    return pieces


def test_a_small_request_is_one_piece(open_bridge, library, written):
    with servers.serving(OK) as server:
        assert open_bridge(**vendor.setup(server.url, transport=library)).invoke("tiny:a", "hi").text == "ok"
    (piece,) = written
    assert piece.startswith(b"POST /run/a HTTP/1.1\r\n")
    assert b'"hi"' in piece.partition(b"\r\n\r\n")[2]


def test_a_large_request_arrives_whole_and_in_order(open_bridge, library, written):
    content = bytes(range(256)) * 4000
    with servers.serving(OK) as server:
        bridge = open_bridge(**vendor.setup(server.url, transport=library))
        assert bridge.invoke("tiny:a", "hi", files=[File("a.bin", content)]).text == "ok"
    assert len(written) > 1
    assert b"".join(written) == server.requests[0]


@given(st.lists(st.binary(max_size=9) | st.integers(1, 2 * PIECE).map(bytes)))
def test_nothing_is_lost_or_moved_or_kept_at_the_end(buffers):
    unsent = Unsent()
    sent = b"".join(map(unsent.add, buffers))
    assert sent + unsent.take() == b"".join(buffers)
    assert unsent.add(b"") == b""
