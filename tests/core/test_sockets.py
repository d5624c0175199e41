"""Connections over asyncio's own transports: nothing is lost, nobody waits for ever, and httpcore hears its own errors."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import socket
import sys
import time
import warnings

import pytest
from ends import LIMIT, SHORT, pair, reset
from hypothesis import given, strategies as st

from agentbridge.transport.network import PIECE, PlainAsyncBackend
from agentbridge.transport.sockets import Line, SocketStream, connected

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True] if sys.platform != "win32" else [False], ids=["asyncio", "uvloop"].__getitem__)
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(params=["httpcore", "httpcore2"])
def core(request):
    return importlib.import_module(request.param)


class Told:
    """In a transport's place: remembers what it was told."""

    def __init__(self):
        self.acts = []

    def get_extra_info(self, _):
        closed = socket.socket()
        closed.close()
        return closed

    def __getattr__(self, name):
        return lambda *given: self.acts.append((name, *given))


def unconnected(core):
    line, transport = Line(), Told()
    line.connection_made(transport)
    transport.acts.clear()
    return SocketStream(core, line), line, transport.acts


@given(st.lists(st.integers(1, 3 * PIECE) | st.integers(-2 * PIECE, -1)))
def test_every_byte_is_read_once_in_order_and_reading_stops_while_much_waits(acts):
    import httpcore

    arrived, read, number = b"", b"", 0
    told = []

    async def play():
        nonlocal arrived, read, number, told
        stream, line, told = unconnected(httpcore)
        for act in acts:
            waiting = len(arrived) - len(read)
            if act > 0 and waiting < PIECE:
                number += 1
                arrived += (piece := bytes([number % 256]) * act)
                line.data_received(piece)
            elif act < 0 and waiting:
                piece = await stream.read(-act)
                assert 1 <= len(piece) <= -act
                read += piece
        while len(read) < len(arrived):
            read += await stream.read(PIECE)
        told = [*told]  # without its end

    asyncio.run(play())
    assert read == arrived
    assert [name for name, *_ in told] == ["pause_reading", "resume_reading"] * (len(told) // 2)


async def test_what_is_there_is_read_before_the_end_and_before_an_error(core):
    for error, outcome in ((None, b""), (ConnectionResetError("gone"), core.ReadError)):
        stream, line, _ = unconnected(core)
        line.data_received(b"last words")
        line.connection_lost(error)
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
        assert stream._line.transport.get_write_buffer_size() == 0
        assert await taking == len(content)


async def test_a_large_write_that_is_taken_at_once_lets_others_have_the_loop(core):
    stream, _, _ = unconnected(core)
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
        reset(other)
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


async def test_the_answer_of_a_server_that_hangs_up_while_we_write_is_heard(core):
    async with pair(core) as (stream, other):
        other.sendall(b"413 too large")
        reset(other)
        with pytest.raises(core.WriteError):  # the loop does not run before the first
            await stream.write(bytes(PIECE), LIMIT)
            await stream.write(bytes(PIECE), LIMIT)
        assert await stream.read(100, LIMIT) == b"413 too large"
        with pytest.raises(core.ReadError):
            await stream.read(100, LIMIT)


async def test_a_connection_that_is_over_gives_no_socket_whose_number_may_be_that_of_another(core):
    async with pair(core) as (stream, _):
        assert stream.get_extra_info("socket").fileno() > 0
        await stream.aclose()
        assert stream.get_extra_info("socket") is None


async def test_two_tasks_that_read_at_once_get_a_part_each(core):
    async with pair(core) as (stream, other):
        reading = asyncio.gather(stream.read(1, LIMIT), stream.read(1, LIMIT))
        await asyncio.sleep(0)
        other.sendall(b"ab")
        assert {*await reading} == {b"a", b"b"}


async def test_a_connection_that_is_forgotten_is_closed_while_the_loop_goes_on(core):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = await connected(core, *listener.getsockname(), LIMIT)
        other, _ = listener.accept()
    with other:
        other.settimeout(LIMIT)
        del stream
        gc.collect()
        assert await asyncio.to_thread(other.recv, 1) == b""


async def test_a_connection_that_is_read_is_not_forgotten(core):
    async with pair(core) as (stream, other):
        reading = asyncio.create_task(stream.read(100, LIMIT))
        await asyncio.sleep(0)
        gc.collect()
        other.sendall(b"kept")
        assert await reading == b"kept"


@pytest.mark.parametrize(("host", "port"), [("a..b", 80), ("x" * 70, 80), ("127.0.0.1", 99999), (".a.invalid", 80)])
async def test_a_host_or_a_port_that_can_be_none_is_no_connection(core, host, port):
    with pytest.raises(core.ConnectError):
        await connected(core, host, port, LIMIT)


async def test_nobody_listening_is_an_error_of_httpcore(core):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(core.ConnectError, match="Errno"):
        await connected(core, "127.0.0.1", port, LIMIT)


async def test_who_does_not_answer_a_connection_is_left_in_time(core, monkeypatch):
    async def never(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
    with pytest.raises(core.ConnectTimeout):
        await connected(core, "127.0.0.1", 80, SHORT)


async def test_an_address_that_refuses_is_no_harm_where_another_answers(core, listener):
    stream = await connected(core, "localhost", listener.getsockname()[1], LIMIT)  # often that of IPv6 first
    assert stream.get_extra_info("server_addr") == listener.getsockname()
    await stream.aclose()


async def test_a_connection_with_options_of_the_socket_is_made_by_the_library(core, listener):
    backend = PlainAsyncBackend(core.AnyIOBackend(), core)
    made = [
        await backend.connect_tcp(*listener.getsockname(), timeout=LIMIT, local_address=address, socket_options=None)
        for address in (None, "127.0.0.2")
    ]
    assert [isinstance(stream._stream, SocketStream) for stream in made] == [True, False]
    assert made[1].get_extra_info("client_addr")[0] == "127.0.0.2"
    for stream in made:
        await stream.aclose()


def test_who_waits_for_a_connection_of_another_loop_is_told(core, listener):
    with asyncio.Runner() as one, asyncio.Runner() as other:
        stream = one.run(connected(core, *listener.getsockname(), LIMIT))
        with pytest.raises(RuntimeError, match="different loop"):
            other.run(stream.read(1))
        one.run(stream.aclose())


def test_a_connection_whose_loop_is_over_is_closed_without_complaint(core, listener):
    stream = asyncio.run(connected(core, *listener.getsockname(), LIMIT))
    asyncio.run(stream.aclose())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's own, of who did not close it in time
        del stream
        gc.collect()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening
