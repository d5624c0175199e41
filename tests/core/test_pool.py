"""Many calls at once over the asynchronous transports: how many connections there are, and who gets one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpcore
import pytest
import servers
import vendor
from hypothesis import given, strategies as st

from agentbridge import AsyncBridge, Bridge, Connection, Invocation, RetryPolicy, Timeouts, errors
from agentbridge.body import Body
from agentbridge.commands import Send
from agentbridge.errors import ConfigurationError
from agentbridge.plugins import Registry
from agentbridge.transport.aiohttp import AiohttpTransport
from agentbridge.transport.pool import IDLE_EXPIRY, Lending, Pool
from agentbridge.transport.proxies import Proxies
from agentbridge.wire import HttpRequest

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


def test_a_thread_that_waits_for_room_in_a_pool_that_is_closed_is_told_at_once():
    waits = threading.Event()

    class Limits(dict):
        def __getitem__(self, name):
            waits.set()
            return super().__getitem__(name)

    def request(limits):
        return httpcore.Request("GET", "http://tiny.invalid/", extensions={"timeout": limits})

    class Answering:
        def handle_request(self, _):
            return httpcore.Response(200)

        def close(self):
            pass

    pool = Pool(httpcore, lambda _: Answering(), room=1)
    pool.handle_request(request({"pool": 30}))
    with ThreadPoolExecutor() as threads:
        second = threads.submit(pool.handle_request, request(Limits(pool=30)))
        assert waits.wait(30)
        pool.close()
        with pytest.raises(httpcore.ConnectError, match="the bridge was closed"):
            second.result(10)


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


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_threads_have_a_connection_each_and_keep_it(library):
    counting = Counting(together=32)
    calls = [Invocation(target="tiny:a", text=str(number)) for number in range(64)]
    with servers.serving(counting) as server, Bridge(**vendor.setup(server.url, transport=library)) as bridge:
        outcomes = list(bridge.map(calls, concurrency=32))
    assert [outcome.error for outcome in outcomes] == [None] * 64
    assert len(counting.connections) == 32


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_thread_that_finds_no_room_waits_for_it_but_not_for_ever(library, monkeypatch):
    monkeypatch.setattr("agentbridge.transport.httpx.ROOM", 1)
    go = threading.Event()

    def script(connection, over):
        go.wait(10)
        OK(connection, over)

    with (
        servers.serving(script) as server,
        Bridge(**vendor.setup(server.url, transport=library, retry=ONCE)) as bridge,
        ThreadPoolExecutor() as threads,
    ):
        first = threads.submit(bridge.invoke, "tiny:a", "first")
        while not server.requests:
            time.sleep(0.01)
        with pytest.raises(errors.ConnectionFailedError, match="all connections are in use"):
            bridge.invoke("tiny:a", "hi", timeouts=Timeouts(answer=0.1))
        second = threads.submit(bridge.invoke, "tiny:a", "second")
        go.set()
        assert [call.result(10).text for call in (first, second)] == ["ok", "ok"]
        assert len(server.requests) == 2


class Sound:
    """A connection whose server has not closed it."""

    has_gone = False

    def has_expired(self):
        return self.has_gone


@given(st.lists(st.tuples(st.sampled_from("lrcx"), st.integers(0, 2), st.floats(0, 3)), max_size=60))
def test_never_more_than_the_room_are_held_none_is_too_old_or_gone_and_none_is_lent_twice(acts):
    room, now = 4, 0.0
    lending, lent, made, closed = Lending(room), {}, [], []

    def make():
        made.append(Sound())
        return made[-1]

    for act, origin, passed in acts:
        now += passed
        if act == "l" and len(lent) < room:
            one = lending.lend(origin, make)
            assert one not in lent
            assert not one.has_gone
            lent[one] = origin
            closed += lending.surplus(now)
            assert not set(closed) & set(lent)
            assert len(lent) + len(lending._idle) <= room
            assert all(now - since < IDLE_EXPIRY for _, since in lending._idle.values())
        elif act == "x" and lending._idle:
            next(iter(lending._idle)).has_gone = True
        elif act in "rc" and lent:
            one, where = lent.popitem()
            is_kept = lending.take_back(one, where if act == "r" else None, now)
            assert is_kept is (act == "r")
            closed += [] if is_kept else [one]
    closed += set(lending.clear())
    assert {*closed} == {*made}, "each is closed at last"
    assert len(closed) == len(made), "and only once"
    assert lending.clear() == []


def test_the_last_that_was_used_is_lent_first_and_only_to_its_origin():
    lending = Lending(4)
    first, second, third = (lending.lend(origin, Sound) for origin in "aab")
    for number, (one, origin) in enumerate([(first, "a"), (second, "a"), (third, "b")]):
        lending.take_back(one, origin, number)
    assert [lending.lend("a", Sound), lending.lend("a", Sound)] == [second, first]
    assert lending.lend("a", Sound) not in {first, second, third}


PROXIES = [
    ({"HTTP_PROXY": "http://p.test:1"}, "http://a.test", "http://p.test:1"),
    ({"HTTP_PROXY": "http://p.test:1"}, "https://a.test", None),
    ({"HTTP_PROXY": ""}, "http://a.test", None),
    ({"Http_Proxy": "http://p.test:1"}, "http://a.test", "http://p.test:1"),
    ({"HTTPS_PROXY": "p.test:1", "ALL_PROXY": "http://q.test:2"}, "https://a.test", "http://p.test:1"),
    ({"HTTPS_PROXY": "p.test:1", "ALL_PROXY": "http://q.test:2"}, "http://a.test", "http://q.test:2"),
    ({}, "http://a.test", None),
]


@pytest.mark.parametrize(("said", "url", "proxy"), PROXIES)
def test_the_proxy_of_a_url_is_that_of_its_scheme_else_that_of_all(monkeypatch, said, url, proxy):
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    parts = urlsplit(url)
    assert Proxies.of(None).for_url(parts.scheme, parts.hostname, parts.port) == proxy


BYPASSED = [
    ("example.com", "http://example.com", "http://api.example.com", "http://EXAMPLE.com:8080"),
    (".example.com", "http://api.example.com"),
    ("*.example.com", "https://api.example.com"),
    (" a.test , example.com", "http://a.test", "http://example.com"),
    ("*", "http://any.test", "http://10.0.0.1"),
    ("example.com:8080", "http://example.com:8080"),
    ("example.com:443", "https://example.com"),
    ("https://example.com", "https://example.com"),
    ("10.0.0.0/8", "http://10.1.2.3"),
    ("10.1.2.3", "http://10.1.2.3:99"),
    ("::1", "http://[::1]"),
    ("[::1]:8080", "http://[::1]:8080"),
    ("fd00::/8", "http://[fd00::1]:8080"),
    ("localhost", "http://localhost:3000"),
]
NOT_BYPASSED = [
    ("example.com", "http://notexample.com", "http://example.com.evil.test"),
    (".example.com", "http://example.com"),
    ("*.example.com", "http://example.com"),
    ("example.com:8080", "http://example.com", "http://example.com:80"),
    ("https://example.com", "http://example.com"),
    ("10.0.0.0/8", "http://11.1.2.3", "http://name.test"),
    ("10.1.2.3", "http://10.1.2.30"),
    ("", "http://example.com"),
    (",", "http://example.com"),
    ("[::1]:8080", "http://[::1]:80"),
]


@pytest.mark.parametrize(
    ("entries", "urls", "proxy"),
    [(entry, urls, None) for entry, *urls in BYPASSED]
    + [(entry, urls, "http://p.test:1") for entry, *urls in NOT_BYPASSED],
)
def test_no_proxy_names_hosts_and_all_below_them_addresses_networks_and_ports(monkeypatch, entries, urls, proxy):
    monkeypatch.setenv("ALL_PROXY", "http://p.test:1")
    monkeypatch.setenv("NO_PROXY", entries)
    found = {Proxies.of(None).for_url(parts.scheme, parts.hostname, parts.port) for parts in map(urlsplit, urls)}
    assert found == {proxy}


@given(entry=st.text(max_size=30), host=st.text(max_size=30), port=st.none() | st.integers(0, 70000))
def test_an_entry_that_is_nonsense_is_no_error(entry, host, port):
    assert Proxies({"all": "http://p.test:1"}, (entry,), is_of_environment=True).for_url("http", host, port) in {
        None,
        "http://p.test:1",
    }


def test_a_proxy_of_the_connection_is_used_whatever_the_environment_bypasses(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    assert Proxies.of("http://p.test:1").for_url("http", "a.test", None) == "http://p.test:1"


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


@pytest.mark.parametrize("error", [ValueError, TypeError, RuntimeError])
def test_whatever_goes_wrong_after_a_request_was_sent_is_no_error_of_the_configuration(error):
    async def failed(is_sent):
        transport = AiohttpTransport()
        try:
            return transport._failed(error(), Send(HttpRequest("POST", "http://a.test"), "", Body(())), is_sent=is_sent)
        finally:
            await transport.close()

    assert asyncio.run(failed(True)).reason == "lost"
    assert isinstance(asyncio.run(failed(False)), ConfigurationError)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("url", ["ftp://a.test/run", "a.test/run", "/run", "ws://a.test/run"])
def test_an_address_of_a_plugin_that_is_not_http_is_an_error_and_keeps_no_place(open_bridge, library, url, monkeypatch):
    monkeypatch.setattr("agentbridge.transport.httpx.ROOM", 1)

    class Astray(vendor.Tiny):
        def build_request(self, invocation, call):
            return HttpRequest("POST", url if invocation.text == "astray" else f"{call.base_url}/run", json={})

    registry = Registry(())
    registry.register(Astray())
    with servers.serving(OK) as server:
        bridge = open_bridge(**{**vendor.setup(server.url, transport=library, retry=ONCE), "registry": registry})
        for _ in range(2):
            with pytest.raises(errors.ConnectionFailedError) as caught:
                bridge.invoke("tiny:a", "astray")
            assert caught.value.may_have_run is False
        assert bridge.invoke("tiny:a", "hi").text == "ok"
