"""Both bridges over both libraries against servers that misbehave: what arrives, and how often it was asked."""

from __future__ import annotations

import json
import time

import pytest
import servers
import vendor

from agentbridge import ConfigurationError, Connection, File, RetryPolicy, Timeouts, errors

FAST = RetryPolicy(attempts=3, first_delay=0.0)


@pytest.fixture(params=["httpx", "httpx2", "aiohttp"])
def ask(request, open_bridge):
    """Invoke against a script; gives the outcome and what the server saw."""

    def ask(script, *, text="hi", fields=None, **options):
        with servers.serving(script) as server:
            bridge = open_bridge(**vendor.setup(server.url, transport=request.param, **{"retry": FAST, **options}))
            try:
                outcome = bridge.invoke("tiny:a-1", text, **(fields or {}))
            except errors.AgentBridgeError as error:
                outcome = error
        return outcome, server.requests

    return ask


def test_an_answer_arrives_and_the_request_is_what_the_provider_built(ask):
    result, requests = ask(servers.answer("200 OK", b'{"text": "hello"}'), text="caf\u00e9")
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert (result.text, result.attempts, len(requests)) == ("hello", 1, 1)
    assert head.startswith(b"POST /run/a-1 HTTP/1.1")
    assert b"canary-key-7f3a" in head
    assert json.loads(body) == {"say": "caf\u00e9"}


def test_a_file_is_sent_with_its_true_length(ask, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 400_000)
    result, requests = ask(servers.answer("200 OK", b'{"text": "ok"}'), fields={"files": [File("a.bin", path=path)]})
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert result.text == "ok"
    assert b"transfer-encoding" not in head.lower()
    assert len(json.loads(body)["files"][0]) == 533_336


@pytest.mark.parametrize(
    ("script", "cls", "asked", "may_have_run"),
    [
        (servers.hang_up, errors.TransportError, 1, True),
        (servers.half_a_body, errors.TransportError, 1, True),
        (servers.half_an_error, errors.UnavailableError, 3, False),
        (servers.broken_gzip, errors.MalformedResponseError, 1, True),
        (servers.answer("503 Busy"), errors.UnavailableError, 3, False),
        (servers.answer("429 Slow", b"{}", "Retry-After: 0"), errors.RateLimitError, 3, False),
        (servers.answer("502 Bad"), errors.UnavailableError, 1, True),
        (servers.answer("500 Oops"), errors.ProviderError, 1, True),
        (servers.answer("302 Found", b"", "Location: https://elsewhere.invalid/"), errors.ProviderError, 1, False),
        (servers.answer("200 OK", b""), errors.MalformedResponseError, 1, True),
        (servers.answer("200 OK", b"x" * 5_000_000), errors.MalformedResponseError, 1, True),
    ],
)  # fmt: skip
def test_nothing_that_may_have_run_is_sent_twice_as_counted_at_the_server(ask, script, cls, asked, may_have_run):
    error, requests = ask(script)
    assert type(error) is cls
    assert (len(requests), error.attempts, error.may_have_run) == (asked, asked, may_have_run)


def test_what_arrived_of_a_broken_answer_is_kept(ask):
    error, _ = ask(servers.half_a_body)
    assert (error.status, error.response.content) == (200, b'{"text": "ha')


def test_nobody_listening_is_tried_again_and_has_not_run(ask, open_bridge):
    bridge = open_bridge(**vendor.setup("http://127.0.0.1:1", retry=FAST))
    with pytest.raises(errors.ConnectionFailedError) as caught:
        bridge.invoke("tiny:a-1", "hi")
    assert (caught.value.attempts, caught.value.may_have_run, caught.value.response) == (3, False, None)


@pytest.mark.parametrize(
    ("script", "timeouts", "cls"),
    [
        (servers.silence, Timeouts(answer=0.15), errors.ResponseTimeoutError),
        (servers.body_then_silence, Timeouts(idle=0.15), errors.ResponseTimeoutError),
        (servers.drip_body, Timeouts(total=0.3), errors.DeadlineExceededError),
        (servers.drip_headers, Timeouts(total=0.3), errors.DeadlineExceededError),
        (servers.silence, Timeouts(total=0.3), errors.DeadlineExceededError),
        (servers.body_then_silence, Timeouts(total=0.3), errors.DeadlineExceededError),
    ],
)
def test_a_slow_vendor_is_left_in_time_and_not_asked_again(ask, script, timeouts, cls):
    started = time.monotonic()
    error, requests = ask(script, timeouts=timeouts)
    assert type(error) is cls
    assert (len(requests), error.may_have_run) == (1, True)
    assert time.monotonic() - started < 5, f"the server would have gone on for {servers.LONGEST} s"


def test_a_deadline_keeps_what_had_dripped_in(ask):
    error, _ = ask(servers.drip_body, timeouts=Timeouts(total=0.3))
    assert error.status == 200
    assert set(error.response.content) == {ord("x")}


def test_of_a_large_answer_that_broke_off_the_beginning_is_kept(ask):
    def script(connection, over):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\nContent-Type: application/json\r\n\r\n"
        connection.sendall(head + b"x" * 3_000_000)
        connection.shutdown(2)

    error, _ = ask(script)
    assert type(error) is errors.TransportError
    assert error.response.content == b"x" * 1024 * 1024


@pytest.mark.parametrize(
    "where", ["http://xn--/", "http://xn--\u00e9/", "http://[::1", "http://a:99999999/", "\x7f", "//"]
)
def test_a_redirect_to_no_address_at_all_is_an_error_of_the_tree(ask, where):
    error, requests = ask(servers.answer("302 Found", b"", f"Location: {where}"))
    assert isinstance(error, errors.InvocationError)
    assert len(requests) == 1


def test_an_operation_is_called_and_an_idempotent_one_repeated(open_bridge):
    with servers.serving(servers.answer("200 OK", b"pong")) as server:
        assert open_bridge(**vendor.setup(server.url)).call(vendor.Ping()) == "pong"
    with servers.serving(servers.hang_up) as server:
        bridge = open_bridge(**vendor.setup(server.url, retry=FAST))
        with pytest.raises(errors.TransportError) as caught:
            bridge.call(vendor.Ping())
    assert len(server.requests) == caught.value.attempts == 3


@pytest.mark.parametrize(("body", "warnings"), [(b"hi", ()), (b" ", ("empty answer",))])
def test_a_result_of_an_operation_has_what_the_core_knows(open_bridge, body, warnings):
    with servers.serving(servers.answer("200 OK", body)) as server:
        result = open_bridge(**vendor.setup(server.url)).call(vendor.Say("somebody"))
    assert (result.provider, result.connection, result.agent) == ("tiny", "tiny", "somebody")
    assert (result.attempts, result.response.content, result.warnings) == (1, body, warnings)


def test_connections_are_kept_and_used_again(open_bridge):
    seen = []

    def script(connection, over):
        seen.append(connection.getpeername())
        servers.answer("200 OK", b'{"text": "ok"}')(connection, over)

    with servers.serving(script) as server:
        bridge = open_bridge(**vendor.setup(server.url))
        for _ in range(5):
            bridge.invoke("tiny:a-1", "hi")
    assert len(set(seen)) == 1


@pytest.mark.parametrize("library", ["httpx", "httpx2", "aiohttp"])
def test_what_follows_an_answer_is_never_taken_for_the_next_one(open_bridge, library):
    more = b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"text": "stolen"}'
    answers = iter([b'{"text": "mine"}', b'{"text": "yours"}'])

    def script(connection, over):
        servers.answer("200 OK", next(answers))(_Adding(connection, more), over)

    with servers.serving(script) as server:
        bridge = open_bridge(**vendor.setup(server.url, transport=library))
        assert [bridge.invoke("tiny:a-1", "hi").text for _ in range(2)] == ["mine", "yours"]


class _Adding:
    """Sends more than it is told to, in one piece."""

    def __init__(self, connection, more):
        self._connection, self._more = connection, more

    def sendall(self, data):
        self._connection.sendall(data + self._more)


def test_thousands_of_headers_take_no_time(open_bridge):
    headers = [f"h{number}: x" for number in range(8000)]
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}', *headers)) as server:
        bridge = open_bridge(**vendor.setup(server.url))
        bridge.invoke("tiny:a-1", "hi")
        started = time.process_time()
        assert len(bridge.invoke("tiny:a-1", "hi").response.headers) > 8000
        assert time.process_time() - started < 1.5, "with dict(headers) it took 3 s"


def test_cookies_of_one_call_are_never_sent_with_another(open_bridge):
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}', "Set-Cookie: session=of-one-user")) as server:
        bridge = open_bridge(**vendor.setup(server.url))
        bridge.invoke("tiny:a-1", "hi")
        bridge.invoke("tiny:a-1", "hi")
    assert not any(b"of-one-user" in request for request in server.requests)


def test_headers_of_a_connection_are_sent_and_secret_ones_hidden(open_bridge):
    with servers.serving(servers.answer("400 No")) as server:
        connection = Connection("tiny", server.url, headers={"X-Team": "blue", "X-Gateway-Token": "gateway-secret-1"})
        bridge = open_bridge(**{**vendor.setup(server.url), "connections": {"tiny": connection}})
        with pytest.raises(errors.InvalidRequestError) as caught:
            bridge.invoke("tiny:a-1", "hi")
    assert b"gateway-secret-1" in server.requests[0]
    assert caught.value.request.headers["X-Team"] == "blue"
    assert "gateway-secret-1" not in repr(vars(caught.value))


def test_there_is_no_transport_of_another_name():
    with pytest.raises(ConfigurationError, match="there is no transport 'requests'; choose one of httpx, httpx2"):
        vendor_bridge(transport="requests")


def test_the_environment_may_name_the_transport(monkeypatch):
    monkeypatch.setenv("AGENTBRIDGE_TRANSPORT", "nonsense")
    with pytest.raises(ConfigurationError, match="nonsense"):
        vendor_bridge()


def test_a_ca_bundle_that_is_not_there_is_named():
    connection = Connection("tiny", "https://localhost:1", verify="/no/such/bundle.pem")
    bridge = vendor_bridge(connections={"tiny": connection})
    with pytest.raises(ConfigurationError, match=r"the CA bundle '/no/such/bundle\.pem' cannot be read"):
        bridge.invoke("tiny:a-1", "hi")


def vendor_bridge(**options):
    from agentbridge import Bridge

    return Bridge(**{**vendor.setup("https://localhost:1"), **options})
