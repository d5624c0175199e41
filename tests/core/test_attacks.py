"""What somebody found by attacking: each of these got through once."""

from __future__ import annotations

import base64
import json
import os
import pickle
import socket
import threading
import time
from importlib.metadata import EntryPoint

import pytest
import servers
import vendor

from agentbridge import (
    Binding,
    Bridge,
    ConfigurationError,
    Connection,
    File,
    HttpResponse,
    Invocation,
    PluginError,
    Registry,
    Result,
    RetryPolicy,
    Timeouts,
    bind,
    errors,
    fault_from_status,
)
from agentbridge.testing import MemoryTransport, scrub, vcr_config

KEY = "canary+key/7f3a9c51==x"
ONCE = RetryPolicy(attempts=1)


def bridge_of(*answers, provider=None, **options) -> Bridge:
    registry = Registry(())
    registry.register(provider or vendor.Tiny())
    (name,) = registry
    connections = {name: Connection(name, "https://vendor.invalid/v1", KEY)}
    return Bridge(
        {}, connections=connections, registry=registry, transport=MemoryTransport(answers), retry=ONCE, **options
    )


def error_of(*answers, **options):
    bridge = bridge_of(*answers, **options)
    (name,) = bridge.providers
    with pytest.raises(errors.AgentBridgeError) as caught:
        bridge.invoke(f"{name}:a-1", "hi")
    return caught.value


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_does_not_share_its_parents_connections():
    def script(connection: socket.socket, _: threading.Event) -> None:
        body = json.dumps({"text": str(connection.getpeername()[1])}).encode()
        servers.answer("200 OK", body)(connection, _)

    with servers.serving(script) as server, Bridge(**vendor.setup(server.url)) as bridge:
        mine = bridge.invoke("tiny:a", "hi").text
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, bridge.invoke("tiny:a", "hi").text.encode())
            os._exit(0)
        os.waitpid(child, 0)
        theirs = os.read(reader, 100).decode()
        os.close(reader)
        os.close(writer)
    assert mine != theirs


@pytest.mark.parametrize("offset", range(60, 130))
def test_a_secret_that_the_excerpt_would_cut_is_masked_first(offset):
    body = b"<html>" + b"x" * offset + KEY.encode() + b"</html>"
    error = error_of(HttpResponse(502, {"content-type": "text/html"}, body))
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    "spelling",
    [
        json.dumps(KEY)[1:-1].replace("/", "\\/"),
        "".join(f"\\u{ord(character):04x}" for character in KEY),
        KEY.replace("+", "\\u002B").replace("/", "\\u002f"),
        KEY.replace("+", "%2b").replace("/", "%2f").replace("=", "%3d"),
        KEY.replace("+", "%2B").replace("/", "/").replace("=", "%3D"),
        base64.b64encode(KEY.encode()).decode(),
    ],
)
def test_a_secret_is_masked_however_the_vendor_spells_it(spelling):
    error = error_of(HttpResponse(401, {}, b'{"message": "no: ' + spelling.encode() + b'"}'))
    assert spelling.rstrip("=").encode() not in error.response.content
    assert "7f3a9c51" not in f"{error}{error.response.content!r}{error.response.json()}{pickle.dumps(error)!r}"


class Failing(vendor.Tiny):
    name = "failing"

    def read(self, response):
        return fault_from_status(503, "busy", partial=Result(text="half", output="half"))


def test_the_headers_of_what_did_arrive_are_masked_too():
    error = error_of(HttpResponse(200, {"Set-Cookie": "session=S3CR3T"}, b"{}"), provider=Failing())
    assert error.partial.text == "half"
    assert b"S3CR3T" not in pickle.dumps(error)


def test_what_came_with_a_part_of_an_answer_has_run_whatever_its_status_says():
    assert error_of(HttpResponse(200, {}, b"{}"), provider=Failing()).may_have_run


@pytest.mark.parametrize("outer", [500, 502, 504])
def test_a_proxy_that_gave_up_outweighs_a_busy_vendor_inside(outer):
    class Busy(vendor.Tiny):
        name = "busy"

        def read(self, response):
            return fault_from_status(503, "busy", code=503)

    assert error_of(HttpResponse(outer, {}, b"{}"), provider=Busy()).may_have_run


def test_a_number_of_thousands_of_digits_does_not_cost_the_answer():
    body = b'{"text": "hi", "n": ' + b"9" * 5000 + b"}"
    assert bridge_of(HttpResponse(200, {}, body)).invoke("tiny:a", "hi").raw["n"] == "9" * 5000


@pytest.mark.parametrize("agent", ["..", ".", "%2e%2e", "x/../../other", "x/%2E%2E/y"])
def test_no_agent_id_leads_to_another_endpoint(agent):
    class Trusting(vendor.Tiny):
        name = "trusting"

    bridge = bridge_of(HttpResponse(200, {}, b'{"text": "hi"}'), provider=Trusting())
    with pytest.raises(ConfigurationError, match="no id|leads out of its path"):
        bridge.invoke(f"trusting:{agent}", "hi")


def test_total_bounds_the_sending_of_a_large_request(open_bridge):
    listener = socket.create_server(("127.0.0.1", 0))
    started = time.monotonic()
    bridge = open_bridge(
        **vendor.setup(f"http://127.0.0.1:{listener.getsockname()[1]}", retry=ONCE, timeouts=Timeouts(total=0.4))
    )
    with pytest.raises(errors.DeadlineExceededError):
        bridge.invoke("tiny:a", "x" * 8_000_000)
    listener.close()
    assert time.monotonic() - started < 20


def fail(bridge: Bridge) -> None:
    with pytest.raises(errors.InvocationError):
        bridge.invoke("tiny:a", "hi", timeouts=Timeouts(total=20))


def test_total_bounds_the_wait_for_a_free_connection(monkeypatch):
    monkeypatch.setattr("agentbridge.transport.httpx.ROOM", 4)
    with servers.serving(servers.silence) as server, Bridge(**vendor.setup(server.url, retry=ONCE)) as bridge:
        crowd = [threading.Thread(target=fail, args=(bridge,), daemon=True) for _ in range(4)]
        for one in crowd:
            one.start()
        while len(server.requests) < 4:
            threading.Event().wait(0.01)
        started = time.monotonic()
        with pytest.raises(errors.DeadlineExceededError) as caught:
            bridge.invoke("tiny:a", "hi", timeouts=Timeouts(total=0.3))
        assert time.monotonic() - started < 3
        assert caught.value.may_have_run is False
        server.over.set()
        for one in crowd:
            one.join(10)


def test_a_file_that_changes_while_it_is_sent_is_named(open_bridge, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 600_000)

    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server:
        bridge = open_bridge(**vendor.setup(server.url))
        file = File("a.bin", path=_Growing(path))
        with pytest.raises(ConfigurationError, match=r"'a\.bin' changed while it was sent"):
            bridge.invoke("tiny:a", "hi", files=[file])


class _Growing(os.PathLike):
    """A path whose file grows each time it is looked at."""

    def __init__(self, path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        with self._path.open("ab") as file:
            file.write(b"more")
        return str(self._path)


def test_a_bridge_that_is_closed_while_a_call_waits_says_so():
    with servers.serving(servers.answer("503 Busy", b"{}", "Retry-After: 0.3")) as server:
        bridge = Bridge(**vendor.setup(server.url))
        threading.Timer(0.1, bridge.close).start()
        with pytest.raises(errors.ConnectionFailedError, match="the bridge was closed"):
            bridge.invoke("tiny:a", "hi")


def test_inputs_nested_deeply_do_not_hide_the_vendors_failure():
    deep: list = []
    for _ in range(500):
        deep = [deep]
    error = None
    with pytest.raises(errors.ProviderError) as caught:
        bridge_of(HttpResponse(500, {}, b'{"message": "no"}')).invoke("tiny:a", "hi", options={"tiny": {"deep": deep}})
    error = caught.value
    assert error.message == "no"


@pytest.mark.parametrize(
    "connection",
    [
        {"base_url": 5}, {"api_key": b"bytes-key"}, {"headers": {"X": 5}}, {"timeouts": 5}, {"retry": 5}, {"verify": 7},
        {"headers": {"Content-Length": "3"}}, {"headers": {"Bad Name:": "x"}}, {"base_url": "sk-canary-put-here-12345"},
    ],
)  # fmt: skip
def test_a_connection_of_odd_values_is_refused_when_it_is_given(connection):
    with pytest.raises(ConfigurationError, match="connection 'tiny'") as caught:
        Bridge({}, connections={"tiny": Connection("tiny", **{"base_url": "https://x.example.com", **connection})})
    assert "sk-a-key" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["foo://proxy", "not a url", "http://[::1"])
def test_a_proxy_that_cannot_be_is_a_configuration_error(proxy):
    bridge = Bridge(
        **{**vendor.setup("https://x.example.com"), "connections": {"tiny": Connection("tiny", proxy=proxy)}}
    )
    with pytest.raises(ConfigurationError, match="Check proxy"):
        bridge.invoke("tiny:a", "hi")


@pytest.mark.parametrize("value", [None, 7, "non-\u00e4scii", "new\nline"])
def test_a_header_that_cannot_be_sent_is_the_plugins_bug_and_says_so(value):
    class Odd(vendor.Tiny):
        name = "odd"

        def build_request(self, invocation, call):
            request = super().build_request(invocation, call)
            return type(request)("POST", request.url, auth={"X-Key": value}, json={})

    with pytest.raises(PluginError, match="header 'X-Key' that no header can carry"):
        bridge_of(HttpResponse(200), provider=Odd()).invoke("odd:a", "hi")


def test_headers_differing_in_case_are_one_header(open_bridge):
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server:
        connection = Connection("tiny", server.url, KEY, headers={"x-key": "other-value", "ACCEPT": "x/y"})
        open_bridge(**{**vendor.setup(server.url), "connections": {"tiny": connection}}).invoke("tiny:a", "hi")
    head = server.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert (head.count(b"x-key:"), head.count(b"accept:")) == (1, 1)


def test_a_template_never_loses_one_of_two_values():
    binding = Binding(agent="a", template="{text} / {v}", constants={"v": "const"})
    with pytest.raises(ConfigurationError, match="two values for 'v'"):
        bind(Invocation(target="s", text="hi", inputs={"v": "caller"}), binding)
    with pytest.raises(ConfigurationError, match="two values for 'text'"):
        bind(Invocation(target="s", text="hi", inputs={"text": "other"}), Binding(agent="a", template="{text}"))


@pytest.mark.parametrize("field", ["session_id", "user_id", "callback_url"])
def test_an_empty_id_is_not_sent(field):
    with pytest.raises(ConfigurationError, match=f"{field} is empty"):
        bridge_of(HttpResponse(200)).invoke("tiny:a", "hi", **{field: ""})


class TestPlugins:
    def test_a_plugin_that_exits_harms_no_other(self, tmp_path, monkeypatch):
        (tmp_path / "plugin_that_exits.py").write_text("import sys; sys.exit(3)")
        monkeypatch.syspath_prepend(str(tmp_path))
        registry = Registry([EntryPoint("exits", "plugin_that_exits", "agentbridge")])
        registry.register(vendor.Tiny())
        assert list(registry) == ["tiny"]
        assert "SystemExit" in str(*registry.failures.values())

    def test_a_plugin_is_registered_whole_or_not_at_all(self, tmp_path, monkeypatch):
        (tmp_path / "plugin_of_two.py").write_text(
            "import vendor\nfrom agentbridge import hookimpl\n"
            "class Other(vendor.Tiny):\n    name = 'other'\n"
            "@hookimpl\ndef agentbridge_providers():\n    return [Other(), vendor.Tiny()]\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        registry = Registry([EntryPoint("two", "plugin_of_two", "agentbridge")])
        registry.register(vendor.Tiny())
        assert list(registry) == ["tiny"]


class TestCassettes:
    def test_files_and_secret_fields_are_scrubbed(self):
        body = json.dumps(
            {"files": [{"name": "a", "base64": "QUFB" * 40}], "api_key": 'abc"REST', "maxTokenLimit": "20"}
        )
        scrubbed = json.loads(scrub(body.encode()))
        assert scrubbed == {"files": [{"name": "a", "base64": "***"}], "api_key": "***", "maxTokenLimit": "20"}

    def test_a_known_secret_is_masked_wherever_it_stands(self):
        config = vcr_config(KEY)
        response = {"headers": {"x-echo": [KEY], "set-cookie": ["a=b"]}, "body": {"string": b"bad key " + KEY.encode()}}
        masked = config["before_record_response"](response)
        assert masked["headers"] == {"x-echo": ["***"], "set-cookie": ["***"]}
        assert masked["body"]["string"] == b"bad key ***"
