"""Connections over asyncio's own transports: nothing is lost, nobody waits for ever, and httpcore hears its own errors."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
import ssl
import time

import mailserver
import pytest
from hypothesis import given, strategies as st

from agentbridge.transport.network import PIECE, AsyncBackend
from agentbridge.transport.sockets import SocketStream, connected

pytestmark = pytest.mark.anyio
LIMIT = 10.0  # seconds
SHORT = 0.05


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=["httpcore", "httpcore2"])
def core(request):
    return importlib.import_module(request.param)


class Told:
    """In a transport's place: remembers what it was told."""

    def __init__(self, socket=None):
        self.acts = []
        self._socket = socket

    def __getattr__(self, name):
        return lambda *given: self.acts.append((name, *given))


def unconnected(core):
    stream, transport = SocketStream(core), Told()
    stream.connection_made(transport)
    transport.acts.clear()
    return stream, transport.acts


@contextlib.asynccontextmanager
async def pair(core):
    """Two ends of a connection: ours, and a socket of the other side."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = await connected(core, *listener.getsockname(), LIMIT)
        other, _ = listener.accept()
    with other:
        yield stream, other
        await stream.aclose()


@given(st.lists(st.integers(1, 3 * PIECE) | st.integers(-2 * PIECE, -1)))
def test_every_byte_is_read_once_in_order_and_reading_stops_while_much_waits(acts):
    import httpcore

    arrived, read, number = b"", b"", 0
    stream, told = unconnected(httpcore)

    async def play():
        nonlocal arrived, read, number
        for act in acts:
            waiting = len(arrived) - len(read)
            if act > 0 and waiting < PIECE:
                number += 1
                arrived += (piece := bytes([number % 256]) * act)
                stream.data_received(piece)
            elif act < 0 and waiting:
                piece = await stream.read(-act)
                assert 1 <= len(piece) <= -act
                read += piece
        while len(read) < len(arrived):
            read += await stream.read(PIECE)

    asyncio.run(play())
    assert read == arrived
    assert [name for name, *_ in told] == ["pause_reading", "resume_reading"] * (len(told) // 2)


async def test_what_is_there_is_read_before_the_end_and_before_an_error(core):
    for error, outcome in ((None, b""), (ConnectionResetError("gone"), core.ReadError)):
        stream, _ = unconnected(core)
        stream.data_received(b"last words")
        stream.connection_lost(error)
        assert await stream.read(100) == b"last words"
        if error is None:
            assert await stream.read(100) == outcome
        else:
            with pytest.raises(outcome, match="gone"):
                await stream.read(100)


async def test_a_silent_server_is_left_in_time_and_what_it_says_later_is_not_lost(core):
    async with pair(core) as (stream, other):
        with pytest.raises(core.ReadTimeout):
            await stream.read(100, SHORT)
        other.sendall(b"late")
        assert await stream.read(100, LIMIT) == b"late"


async def test_who_stops_to_read_takes_nothing_along(core):
    async with pair(core) as (stream, other):
        reading = asyncio.create_task(stream.read(100, LIMIT))
        await asyncio.sleep(0)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        other.sendall(b"kept")
        assert await stream.read(100, LIMIT) == b"kept"


async def test_a_server_that_takes_nothing_is_left_in_time(core):
    async with pair(core) as (stream, _):
        with pytest.raises(core.WriteTimeout):
            await stream.write(bytes(50_000_000), SHORT)


async def test_a_write_ends_when_the_system_has_it_all(core):
    content = bytes(5_000_000)
    async with pair(core) as (stream, other):

        def taken():
            seen = 0
            while seen < len(content):
                seen += len(other.recv(PIECE))
            return seen

        taking = asyncio.create_task(asyncio.to_thread(taken))
        await stream.write(content, LIMIT)
        assert stream._transport.get_write_buffer_size() == 0
        assert await taking == len(content)


async def test_a_large_write_that_is_taken_at_once_lets_others_have_the_loop(core):
    stream, _ = unconnected(core)
    turns = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    await stream.write(bytes(PIECE - 1))
    assert not turns
    await stream.write(bytes(PIECE))
    assert turns


async def test_nothing_is_written_to_who_has_left_and_its_last_words_are_heard(core):
    async with pair(core) as (stream, other):
        other.sendall(b"413 too large")
        other.shutdown(socket.SHUT_WR)
        assert await stream.read(100, LIMIT) == b"413 too large"
        assert await stream.read(100, LIMIT) == b""
        with pytest.raises(core.WriteError, match="the other side has closed"):
            await stream.write(b"more", LIMIT)


async def test_who_waits_to_write_hears_that_the_connection_is_lost(core):
    async with pair(core) as (stream, other):
        writing = asyncio.create_task(stream.write(bytes(50_000_000), LIMIT))
        await asyncio.sleep(0)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset
        other.close()
        with pytest.raises(core.WriteError):
            await writing


async def test_who_reads_while_the_connection_is_closed_is_told(core):
    async with pair(core) as (stream, _):
        reading = asyncio.create_task(stream.read(100, LIMIT))
        await asyncio.sleep(0)
        await stream.aclose()
        with pytest.raises(core.ReadError, match="closed here"):
            await reading


async def test_a_connection_that_ended_while_the_loop_did_not_run_is_known_to_be_over(core):
    async with pair(core) as (stream, other):
        assert not stream.get_extra_info("is_readable")
        other.close()
        end = time.monotonic() + LIMIT
        while not (is_readable := stream.get_extra_info("is_readable")) and time.monotonic() < end:
            pass  # the loop does not run
        assert is_readable
        await stream.aclose()
        assert stream.get_extra_info("is_readable")


async def test_nobody_listening_and_a_host_without_an_address_are_errors_of_httpcore(core, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(core.ConnectError, match=f"127.0.0.1.*{port}"):
        await connected(core, "127.0.0.1", port, LIMIT)

    async def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(core.ConnectError, match="Name or service not known"):
        await connected(core, "vendor.invalid", 80, LIMIT)


async def test_who_does_not_answer_a_connection_is_left_in_time(core, monkeypatch):
    async def never(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
    with pytest.raises(core.ConnectTimeout):
        await connected(core, "127.0.0.1", 80, SHORT)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return mailserver.certificate(tmp_path_factory.mktemp("tls"))


async def answered(reader, writer):
    """Says back what it hears, until nothing comes."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def test_a_connection_goes_on_by_tls(core, certificate):
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(certificate)
    server = await asyncio.start_server(answered, "127.0.0.1", 0, ssl=server_side)
    async with server:
        plain = await connected(core, *server.sockets[0].getsockname(), LIMIT)
        stream = await plain.start_tls(ssl.create_default_context(cafile=str(certificate)), "localhost", LIMIT)
        sent = bytes(range(256)) * 2000
        writing = asyncio.create_task(stream.write(sent, LIMIT))
        heard = b""
        while len(heard) < len(sent):
            heard += await stream.read(1000, LIMIT)
        await writing
        assert heard == sent
        assert stream.get_extra_info("ssl_object").version().startswith("TLS")
        assert stream.get_extra_info("server_addr") == server.sockets[0].getsockname()
        await stream.aclose()


@pytest.mark.parametrize(("reply", "seconds", "error"), [
    (b"HTTP/1.1 400 What\r\n\r\n", LIMIT, "ConnectError"), (b"", LIMIT, "ConnectError"), (None, SHORT, "ConnectTimeout"),
])  # fmt: skip
async def test_a_server_that_does_not_speak_tls_is_an_error_of_httpcore(core, reply, seconds, error):
    async with pair(core) as (stream, other):
        if reply is not None:
            other.sendall(reply)
            other.shutdown(socket.SHUT_WR)
        with pytest.raises(getattr(core, error)):
            await stream.start_tls(ssl.create_default_context(), "localhost", seconds)


async def test_a_connection_with_options_of_the_socket_is_made_by_the_library(core):
    backend = AsyncBackend(core.AnyIOBackend(), core)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = [
            await backend.connect_tcp(
                *listener.getsockname(), timeout=LIMIT, local_address=address, socket_options=None
            )
            for address in (None, "127.0.0.2")
        ]
        assert [isinstance(stream._stream, SocketStream) for stream in made] == [True, False]
        assert made[1].get_extra_info("client_addr")[0] == "127.0.0.2"
        for stream in made:
            await stream.aclose()
