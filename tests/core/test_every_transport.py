"""What every transport promises, whatever its library does by itself: each test runs over all of them."""

from __future__ import annotations

import base64
import gc
import logging
import socket
import ssl
import threading
import time

import mailserver
import pytest
import servers
import vendor

from agentbridge import Bridge, ConfigurationError, Connection, File, RetryPolicy, Timeouts, errors

OK = servers.answer("200 OK", b'{"text": "ok"}')
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(params=["httpx", "httpx2", "aiohttp"])
def opened(request, open_bridge):
    """Makes a bridge over this transport that calls a server."""

    def opened(server, *, url=None, options=vendor.setup, **more):
        bridge_options = options(url or server.url, transport=request.param, **{"retry": ONCE, **more})
        return open_bridge(**bridge_options)

    return opened


def head(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def test_the_same_headers_are_sent(opened):
    with servers.serving(OK) as server:
        opened(server).invoke("tiny:a", "hi")
    sent = head(server.requests[0])
    assert sent.pop("user-agent").startswith("agentbridge/")
    assert sent == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "application/json, */*;q=0.1",
        "accept-encoding": "gzip, deflate",
        "content-type": "application/json",
        "content-length": "12",
        "x-key": "canary-key-7f3a",
    }


def test_a_request_without_a_body_says_nothing_of_one(opened):
    with servers.serving(servers.answer("200 OK", b"pong")) as server:
        assert opened(server).call(vendor.Ping()) == "pong"
    assert not head(server.requests[0]).keys() & {"content-type", "content-length", "transfer-encoding"}


def test_what_is_idempotent_is_repeated_by_the_policy_alone(opened):
    def refusing(connection, over):
        if len(server.requests) == 1:
            OK(connection, over)
        else:
            servers.hang_up(connection, over)

    with servers.serving(refusing) as server:
        bridge = opened(server)
        bridge.call(vendor.Ping())
        with pytest.raises(errors.TransportError):
            bridge.call(vendor.Ping())
    assert len(server.requests) == 2


def test_connections_are_kept(opened):
    seen = set()

    def script(connection, over):
        seen.add(connection.getpeername())
        OK(connection, over)

    with servers.serving(script) as server:
        bridge = opened(server)
        for _ in range(5):
            bridge.invoke("tiny:a", "hi")
    assert len(seen) == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("more", [b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"text": "stolen"}', b"HTTP/1.1 20"])
def test_what_follows_an_answer_in_the_piece_that_ends_it_is_never_taken_for_the_next_one(opened, more, late):
    answers = iter([b'{"text": "mine"}', b'{"text": "yours"}'])

    def script(connection, over):
        body = next(answers)
        start = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:5]
        if late:
            connection.sendall(start)
            over.wait(0.05)
            connection.sendall(body[5:] + more)
        else:
            connection.sendall(start + body[5:] + more)

    with servers.serving(script) as server:
        bridge = opened(server)
        assert [bridge.invoke("tiny:a", "hi").text for _ in range(2)] == ["mine", "yours"]


def test_rubbish_after_an_answer_costs_that_answer_at_most(opened):
    answers = iter([b'{"text": "mine"}', b'{"text": "yours"}'])

    def script(connection, over):
        body = next(answers)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + b"\0")

    def asked(bridge):
        try:
            return bridge.invoke("tiny:a", "hi").text
        except errors.TransportError as error:
            return error.may_have_run

    with servers.serving(script) as server:
        bridge = opened(server)
        first, second = asked(bridge), asked(bridge)
    assert first in {"mine", True}
    assert second in {"yours", True}


def test_cookies_of_one_call_are_never_sent_with_another(opened):
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}', "Set-Cookie: session=of-one-user")) as server:
        bridge = opened(server)
        bridge.invoke("tiny:a", "hi")
        bridge.invoke("tiny:a", "hi")
    assert not any(b"of-one-user" in request for request in server.requests)


def test_thousands_of_headers_arrive_and_repeated_ones_are_joined(opened):
    headers = [f"h{number}: x" for number in range(4000)]
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}', *headers, "twice: a", "twice: b")) as server:
        got = opened(server).invoke("tiny:a", "hi").response.headers
    assert len(got) > 4000
    assert got["twice"] == "a, b"


def test_a_server_that_stops_taking_an_upload_is_left_in_time(opened, tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * 30_000_000)
    taken = threading.Event()

    def accept_only(listener):
        connection, _ = listener.accept()
        with connection:
            taken.set()
            over.wait(20)

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept_only, args=(listener,), daemon=True).start()
        bridge = opened(None, url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeouts=Timeouts(idle=0.3))
        started = time.monotonic()
        with pytest.raises(errors.TransportError) as caught:
            bridge.invoke("tiny:a", "hi", files=[File("large.bin", path=path)])
        over.set()
    assert taken.is_set()
    assert caught.value.may_have_run
    assert time.monotonic() - started < 10


def test_a_server_that_refuses_an_upload_half_way_is_heard(opened):
    def script(connection, over):
        connection.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        while connection.recv(1_000_000):
            pass

    class Impatient(servers.Server):
        def _serve(self, connection):
            with connection:
                connection.recv(1000)
                script(connection, self.over)

    server = Impatient(script)
    try:
        with pytest.raises(errors.InvalidRequestError):
            opened(server).invoke("tiny:a", "hi", files=[File("large.bin", content=b"x" * 3_000_000)])
    finally:
        server.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return mailserver.certificate(tmp_path_factory.mktemp("tls"))


class Secured(servers.Server):
    def __init__(self, script, certificate):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        super().__init__(script)

    def _serve(self, connection):
        try:
            super()._serve(self._context.wrap_socket(connection, server_side=True))
        except OSError:
            connection.close()


@pytest.mark.parametrize(("host", "verify", "trusted"), [
    ("localhost", "its own", True), ("localhost", True, False), ("127.0.0.1", "its own", False), ("127.0.0.1", False, True),
])  # fmt: skip
def test_a_certificate_is_verified_and_nothing_is_sent_to_whom_it_does_not_prove(
    opened, certificate, host, verify, trusted
):
    server = Secured(OK, certificate)
    try:
        verify = str(certificate) if verify == "its own" else verify
        connections = {"tiny": Connection("tiny", f"https://{host}:{server.port}", verify=verify)}

        def setup(url, **more):
            return {**vendor.setup(url, **more), "connections": connections}

        bridge = opened(server, options=setup)
        if trusted:
            assert bridge.invoke("tiny:a", "hi").text == "ok"
        else:
            with pytest.raises(errors.ConnectionFailedError, match="(?i)certificate"):
                bridge.invoke("tiny:a", "hi")
        assert len(server.requests) == trusted
    finally:
        server.close()


def test_a_proxy_is_given_its_login_and_the_vendor_is_not(opened):
    with servers.serving(OK) as proxy:
        url = f"http://ann:canary-word@127.0.0.1:{proxy.port}"

        def setup(_, **more):
            connections = {"tiny": Connection("tiny", "http://nowhere.test", proxy=url)}
            return {**vendor.setup("", **more), "connections": connections}

        assert opened(proxy, options=setup).invoke("tiny:a", "hi").text == "ok"
    sent = head(proxy.requests[0])
    assert sent["proxy-authorization"] == "Basic " + base64.b64encode(b"ann:canary-word").decode()
    assert "authorization" not in sent


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:9", "nonsense://x"])
def test_a_proxy_of_another_kind_is_refused_before_anything_is_sent(opened, monkeypatch, proxy):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ConfigurationError, match=r"\$HTTP_PROXY"):
        opened(None, url="http://nowhere.test").invoke("tiny:a", "hi")


def test_a_proxy_that_refuses_a_tunnel_has_let_nothing_through(opened):
    with servers.serving(servers.answer("407 Login", b"")) as proxy:

        def setup(_, **more):
            connections = {"tiny": Connection("tiny", "https://nowhere.test", proxy=proxy.url)}
            return {**vendor.setup("", **more), "connections": connections}

        with pytest.raises(errors.ConnectionFailedError):
            opened(proxy, options=setup).invoke("tiny:a", "hi")
    assert proxy.requests[0].startswith(b"CONNECT nowhere.test:443 ")


@pytest.mark.parametrize("script", [OK, servers.hang_up, servers.half_a_body, servers.silence])
def test_nothing_is_logged_and_nothing_warned(opened, caplog, script):
    with servers.serving(script) as server, caplog.at_level(logging.WARNING):
        bridge = opened(server, timeouts=Timeouts(answer=0.1))
        try:
            bridge.invoke("tiny:a", "hi")
        except errors.InvocationError:
            assert script is not OK
        bridge.close()
        del bridge
        gc.collect()
    assert [record.name for record in caplog.records if not record.name.startswith("agentbridge")] == []


def test_a_bridge_says_who_can_use_aiohttp():
    with pytest.raises(
        ConfigurationError, match="'aiohttp' is for AsyncBridge alone; here choose one of httpx, httpx2"
    ):
        Bridge(**vendor.setup("http://localhost:1", transport="aiohttp"))
