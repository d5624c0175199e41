"""All events that one read of the socket brought are given out at once, however many chunks the server made of them."""

from __future__ import annotations

import pytest
import servers

from agentbridge.body import Body
from agentbridge.commands import Send
from agentbridge.transport.httpx import HttpxTransport
from agentbridge.wire import HttpRequest, HttpResponse

EVENTS = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(media_type: bytes, events: list[bytes], end: bytes = b"0\r\n\r\n") -> servers.Script:
    sent = HEAD % media_type + b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events) + end
    return lambda connection, _: connection.sendall(sent)


@pytest.fixture(params=["httpx", "httpx2"])
def transport(request):
    transport = HttpxTransport(request.param)
    yield transport
    transport.close()


def to(server: servers.Server) -> Send:
    url = f"{server.url}/stream"
    return Send(HttpRequest("POST", url, content=b"{}"), url, Body((b"{}",)))


def read(opened, pieces: int) -> list[object]:
    return [opened.read(None) for _ in range(pieces)]


def test_what_arrived_together_is_one_piece(transport):
    with servers.serving(chunked(b"text/event-stream", EVENTS)) as server:
        opened = transport.open(to(server))
        assert read(opened, 2) == [b"".join(EVENTS), b""]
        opened.close()


def test_the_connection_is_kept_for_the_next_call(transport):
    opened = []
    script = chunked(b"text/event-stream", EVENTS)

    def counted(connection, over):
        opened.append(connection)
        script(connection, over)

    with servers.serving(counted) as server:
        for _ in range(3):
            answer = transport.open(to(server))
            read(answer, 2)
            answer.close()
    assert len({id(connection) for connection in opened}) == 1


def test_what_arrived_before_a_fault_of_the_protocol_is_given_out_first(transport):
    with servers.serving(chunked(b"text/event-stream", EVENTS, end=b"no length\r\n")) as server:
        opened = transport.open(to(server))
        piece, failure = read(opened, 2)
        opened.close()
    assert (piece, failure.reason) == (b"".join(EVENTS), "lost")


def test_a_connection_with_more_than_the_answer_is_not_used_again(transport):
    with servers.serving(chunked(b"text/event-stream", EVENTS, end=b"0\r\n\r\nHTTP/1.1 500 No\r\n\r\n")) as server:
        for _ in range(2):
            answer = transport.open(to(server))
            assert read(answer, 2) == [b"".join(EVENTS), b""]
            answer.close()


def test_an_answer_that_is_no_stream_is_read_as_before(transport):
    with servers.serving(chunked(b"application/json", [b'{"a":', b"1}"])) as server:
        answer = transport.send(to(server))
    assert isinstance(answer, HttpResponse)
    assert answer.json() == {"a": 1}
