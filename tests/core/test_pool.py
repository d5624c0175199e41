"""Many calls at once over the asynchronous transports: how many connections there are, and who gets one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import httpx
import httpx2
import pytest
import servers
import vendor
from hypothesis import given, strategies as st

from agentbridge import AsyncBridge, Connection, Invocation, RetryPolicy, Timeouts, errors
from agentbridge.transport.pool import IDLE_EXPIRY, Lending
from agentbridge.transport.proxies import environment_proxies

OK = servers.answer("200 OK", b'{"text": "ok"}')
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(params=["httpx", "httpx2", "aiohttp"])
def library(request):
    return request.param


@pytest.fixture
def room_for_one(library, monkeypatch):
    monkeypatch.setattr(f"agentbridge.transport.{library.rstrip('2')}.ROOM", 1)


class Counting:
    """Answers once `together` requests are there, and counts requests by connection."""

    def __init__(self, together: int = 1) -> None:
        self.connections: Counter[object] = Counter()
        self._barrier = threading.Barrier(together)

    def __call__(self, connection, over):
        self.connections[connection.getpeername()] += 1
        self._barrier.wait(30)
        OK(connection, over)


def run(script, act, library, **options):
    async def opened(url: str):
        async with AsyncBridge(**vendor.setup(url, transport=library, **{"retry": ONCE, **options})) as bridge:
            return await act(bridge)

    with servers.serving(script) as server:
        return asyncio.run(opened(server.url))


async def mapped(bridge, count, concurrency):
    calls = (Invocation(target="tiny:a", text=str(number)) for number in range(count))
    return [outcome async for outcome in bridge.map(calls, concurrency=concurrency)]


def test_256_calls_are_under_way_at_once_and_none_fails(library):
    counting = Counting(together=256)
    outcomes = run(counting, lambda bridge: mapped(bridge, 256, 256), library)
    assert [outcome.error for outcome in outcomes] == [None] * 256
    assert len(counting.connections) == 256


def test_no_more_connections_are_opened_than_calls_are_under_way(library):
    counting = Counting()
    run(counting, lambda bridge: mapped(bridge, 200, 8), library)
    assert len(counting.connections) <= 8
    assert counting.connections.total() == 200


def test_beyond_the_room_calls_wait_in_order(library, room_for_one):
    counting, done = Counting(), []

    async def act(bridge):
        async def one(number):
            await bridge.invoke("tiny:a", str(number))
            done.append(number)

        await asyncio.gather(*(one(number) for number in range(10)))

    run(counting, act, library)
    assert done == list(range(10))
    assert len(counting.connections) == 1


def test_who_waits_too_long_for_a_connection_is_told_and_nothing_was_sent(library, room_for_one):

    async def act(bridge):
        first = asyncio.create_task(bridge.invoke("tiny:a", "hi", timeouts=Timeouts(answer=30)))
        await asyncio.sleep(0.1)
        with pytest.raises(errors.ConnectionFailedError, match="all connections are in use") as caught:
            await bridge.invoke("tiny:a", "hi", timeouts=Timeouts(answer=0.1))
        with pytest.raises(errors.DeadlineExceededError) as late:
            await bridge.invoke("tiny:a", "hi", timeouts=Timeouts(total=0.1))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return caught.value.may_have_run, late.value.may_have_run

    assert run(servers.silence, act, library) == (False, False)


@pytest.mark.parametrize("how", ["cancelled", "late", "silent", "refused", "left", "hung up"])
def test_whatever_becomes_of_a_call_its_place_is_free_again(library, room_for_one, how):

    def script(connection, over):
        if b'"first' not in server.requests[-1]:
            OK(connection, over)
        elif how == "left":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
            over.wait(30)
        else:
            (servers.hang_up if how == "hung up" else servers.silence)(connection, over)

    async def fail(bridge):
        if how == "left":
            async with bridge.stream("talking:a", "first") as events:
                await anext(events)
        elif how == "cancelled":
            task = asyncio.create_task(bridge.invoke("talking:a", "first"))
            await until(lambda: server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            limits = {"late": Timeouts(total=0.1), "silent": Timeouts(answer=0.1)}.get(how)
            target = "nobody:a" if how == "refused" else "talking:a"
            with pytest.raises(errors.InvocationError):
                await bridge.invoke(target, "first", timeouts=limits)

    async def act(url):
        options = vendor.talking(url, transport=library, retry=ONCE)
        options["connections"]["nobody"] = Connection("talking", "http://127.0.0.1:1")
        async with AsyncBridge(**options) as bridge:
            for _ in range(3):
                await fail(bridge)
            return (await bridge.invoke("talking:a", "last", timeouts=Timeouts(answer=5))).text

    with servers.serving(script) as server:
        assert asyncio.run(act(server.url)) == "ok"


def test_who_stops_waiting_leaves_the_place_to_the_next(library, room_for_one):
    go = threading.Event()

    def script(connection, over):
        go.wait(10)
        OK(connection, over)

    async def act(bridge):
        calls = [asyncio.create_task(bridge.invoke("tiny:a", "hi")) for _ in range(3)]
        await asyncio.sleep(0.05)
        calls[1].cancel()
        go.set()
        return (await calls[0]).text, (await asyncio.wait_for(calls[2], 5)).text

    assert run(script, act, library) == ("ok", "ok")


def test_a_bridge_that_is_closed_ends_those_who_use_a_connection_and_those_who_wait_for_one(library, room_for_one):

    async def act(bridge):
        calls = [asyncio.create_task(bridge.invoke("tiny:a", "hi")) for _ in range(2)]
        await asyncio.sleep(0.1)
        await bridge.close()
        return [type(error) for error in await asyncio.gather(*calls, return_exceptions=True)]

    assert run(servers.silence, act, library) == [errors.TransportError, errors.ConnectionFailedError]


def test_two_vendors_in_turn_keep_a_connection_each(library):
    counts = [Counting(), Counting()]

    async def act(urls):
        options = vendor.setup(urls[0], transport=library)
        options["connections"]["other"] = Connection("tiny", urls[1])
        async with AsyncBridge(**options) as bridge:
            for _ in range(5):
                await bridge.invoke("tiny:a", "hi")
                await bridge.invoke("other:a", "hi")

    with servers.serving(counts[0]) as one, servers.serving(counts[1]) as other:
        asyncio.run(act([one.url, other.url]))
    assert [list(counting.connections.values()) for counting in counts] == [[5], [5]]


@given(st.lists(st.tuples(st.sampled_from("lrc"), st.integers(0, 2), st.floats(0, 3)), max_size=60))
def test_never_more_than_the_room_are_held_none_is_too_old_and_none_is_lent_twice(acts):
    room, now = 4, 0.0
    lending, lent = Lending(object, room), {}
    for act, origin, passed in acts:
        now += passed
        if act == "l" and len(lent) < room:
            one = lending.lend(origin)
            assert one not in lent
            lent[one] = origin
            closed = list(lending.surplus(now))
            assert not set(closed) & set(lent)
            assert len(lent) + len(lending._idle) <= room
            assert all(now - since < IDLE_EXPIRY for _, since in lending._idle.values())
        elif act != "l" and lent:
            one, where = lent.popitem()
            assert lending.take_back(one, where if act == "r" else None, now) is (act == "r")
    assert {*lending.clear()} >= {*lent}
    assert lending.clear() == []


def test_the_last_that_was_used_is_lent_first_and_only_to_its_origin():
    lending = Lending(object, 4)
    first, second, third = lending.lend("a"), lending.lend("a"), lending.lend("b")
    for number, (one, origin) in enumerate([(first, "a"), (second, "a"), (third, "b")]):
        lending.take_back(one, origin, number)
    assert [lending.lend("a"), lending.lend("a")] == [second, first]
    assert lending.lend("a") not in {first, second, third}


PROXIES = [
    {"HTTP_PROXY": "http://p.test:1"},
    {"HTTPS_PROXY": "p.test:1", "ALL_PROXY": "http://q.test:2"},
    {"ALL_PROXY": "http://q.test:2", "NO_PROXY": "example.com, .inner.test,localhost,10.0.0.0,::1,http://a.test:80"},
    {"HTTP_PROXY": "http://p.test:1", "NO_PROXY": "a.test,*"},
    {"NO_PROXY": "example.com"},
    {"HTTP_PROXY": ""},
    {"Http_Proxy": "http://p.test:1"},
    {},
]


@pytest.mark.parametrize("said", PROXIES)
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_environment_is_read_as_the_library_does(library, monkeypatch, said):
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert environment_proxies() == library._utils.get_environment_proxies()


@pytest.mark.parametrize("library", ["httpx", "httpx2", "aiohttp"])
@pytest.mark.parametrize("where", ["HTTP_PROXY", "ALL_PROXY", "proxy"])
def test_calls_go_through_the_proxy_that_is_named_and_not_where_none_is_wanted(
    open_bridge, library, monkeypatch, where
):
    with servers.serving(OK) as proxy, servers.serving(OK) as server:
        connections = {"direct": Connection("tiny", server.url.replace("127.0.0.1", "localhost"))}
        if where == "proxy":
            connections["far"] = Connection("tiny", "http://nowhere.test", proxy=proxy.url)
        else:
            monkeypatch.setenv(where, proxy.url)
            monkeypatch.setenv("NO_PROXY", "localhost")
            connections["far"] = Connection("tiny", "http://nowhere.test")
        bridge = open_bridge(**{**vendor.setup("", transport=library), "connections": connections})
        assert [bridge.invoke(f"{name}:a", "hi").text for name in ("far", "direct")] == ["ok", "ok"]
    assert [request.split(b"\r\n")[0] for request in proxy.requests] == [b"POST http://nowhere.test/run/a HTTP/1.1"]
    assert len(server.requests) == 1


async def until(holds) -> None:
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        await asyncio.sleep(0.005)
