"""What a caller sees of Bridge and AsyncBridge, over a transport in memory."""

from __future__ import annotations

import asyncio
import threading

import pytest
import servers
import vendor

from agentbridge import (
    SHARED,
    Agent,
    AsyncBridge,
    Binding,
    Bridge,
    ConfigurationError,
    Connection,
    File,
    HttpRequest,
    HttpResponse,
    Invocation,
    Link,
    Message,
    PluginError,
    Registry,
    RetryPolicy,
    Timeouts,
    UnknownTargetError,
    UnsupportedFeatureError,
    errors,
)  # fmt: skip
from agentbridge.testing import MemoryTransport
from agentbridge.testing.memory import AsyncMemoryTransport

OK = HttpResponse(200, {}, b'{"text": "ok"}')


class Sharing(vendor.Tiny):
    name = "sharing"
    shares_default_session = True


class Options(vendor.Tiny):
    name = "options"
    options = frozenset({"version"})

    def build_request(self, invocation, call):
        request = super().build_request(invocation, call)
        return HttpRequest("POST", request.url, json=request.json, query={"version": call.options["version"]})


class Inputs(vendor.Tiny):
    name = "inputs"
    accepts = frozenset({"inputs"})

    def build_request(self, invocation, call):
        return HttpRequest("POST", call.base_url, json={"inputs": dict(invocation.inputs)})


class Buggy(vendor.Tiny):
    name = "buggy"

    def build_request(self, invocation, call):
        raise KeyError(call.api_key)


@pytest.fixture
def make(open_bridge):
    """A bridge over memory and the transport it uses."""

    def make(provider=None, answers=(OK,), **options):
        transport = MemoryTransport(answers)
        registry = Registry(())
        registry.register(provider or vendor.Tiny())
        (name,) = registry
        connections = options.pop("connections", {name: Connection(name, "https://vendor.invalid", "canary-key-7f3a")})
        options = {"config": {}, "registry": registry, "connections": connections, **options}
        bridge = open_bridge(**options, transport=_Either(transport))
        return bridge, transport

    return make


class _Either:
    """Serves both worlds: what it returns is an answer, and may be awaited too."""

    def __init__(self, transport):
        self._transport = transport

    def send(self, send):
        return _Awaitable(self._transport.send(send)) if _in_loop() else self._transport.send(send)

    def sleep(self, seconds):
        self._transport.sleep(seconds)
        return _Awaitable(None) if _in_loop() else None

    def close(self):
        return _Awaitable(None) if _in_loop() else None


class _Awaitable:
    def __init__(self, value):
        self._value = value

    def __await__(self):
        return self._value
        yield


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def test_an_invocation_and_its_fields_mean_the_same(make):
    bridge, transport = make()
    bridge.invoke("tiny:a-1", "hi", session_id="s")
    bridge.invoke(Invocation(target="tiny:a-1", text="hi", session_id="s"))
    bridge.invoke(Invocation(target="tiny:a-1", text="other"), "hi", session_id="s")
    assert len({str(send.request.json) for send in transport.sent}) == 1


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"inputs": {"a": 1}}, "inputs"),
        ({"messages": [Message("user", "hi")]}, "messages"),
        ({"user_id": "u"}, "user_id"),
        ({"callback_url": "https://x.invalid"}, "callback_url"),
    ],
)
def test_a_field_that_the_vendor_cannot_carry_is_refused_before_anything_is_sent(make, fields, feature):
    bridge, transport = make()
    with pytest.raises(UnsupportedFeatureError, match=f"tiny cannot carry '{feature}'") as caught:
        bridge.invoke("tiny:a-1", "hi", **fields)
    assert (caught.value.feature, caught.value.provider, transport.sent) == (feature, "tiny", [])


@pytest.mark.parametrize("where", ["bridge", "connection", "call"])
def test_what_may_be_dropped_is_dropped_when_asked_for_and_named(make, where):
    drop = {"on_unsupported": "drop"}
    connection = Connection("tiny", "https://vendor.invalid", **(drop if where == "connection" else {}))
    bridge, _ = make(connections={"tiny": connection}, **(drop if where == "bridge" else {}))
    result = bridge.invoke("tiny:a-1", "hi", user_id="u", **(drop if where == "call" else {}))
    assert result.dropped == ("user_id",)


def test_the_call_outweighs_the_connection_and_the_connection_the_bridge(make):
    connection = Connection("tiny", "https://vendor.invalid", on_unsupported="drop")
    bridge, _ = make(connections={"tiny": connection}, on_unsupported="raise")
    assert bridge.invoke("tiny:a-1", "hi", user_id="u").dropped == ("user_id",)
    with pytest.raises(UnsupportedFeatureError):
        bridge.invoke("tiny:a-1", "hi", user_id="u", on_unsupported="raise")


@pytest.mark.parametrize("fields", [{"inputs": {"a": 1}}, {"messages": [Message("user", "hi")]}])
def test_what_the_caller_wanted_to_say_is_never_dropped(make, fields):
    bridge, transport = make(on_unsupported="drop")
    with pytest.raises(UnsupportedFeatureError):
        bridge.invoke("tiny:a-1", "hi", **fields)
    assert transport.sent == []


def test_text_for_a_vendor_of_named_inputs_asks_for_a_binding(make):
    bridge, _ = make(Inputs())
    with pytest.raises(UnsupportedFeatureError, match=r"\[agents\.NAME\.on\.inputs\] with text = "):
        bridge.invoke("inputs:a-1", "hi")


def test_a_binding_carries_text_to_a_named_input(make):
    agents = {"support": Agent(on={"inputs": Binding(agent="a-1", text="node-1")})}
    bridge, transport = make(Inputs(), agents=agents)
    assert bridge.invoke("support", "hi").agent == "a-1"
    assert transport.sent[0].request.json == {"inputs": {"node-1": "hi"}}


def test_no_session_means_no_shared_memory(make):
    bridge, transport = make(Sharing())
    first, second = bridge.invoke("sharing:a", "hi"), bridge.invoke("sharing:a", "hi")
    assert first.session_id != second.session_id
    assert transport.sent[0].request.json["session"] == first.session_id


def test_shared_memory_is_used_when_asked_for_and_named_in_the_result(make):
    bridge, transport = make(Sharing())
    assert bridge.invoke("sharing:a", "hi", session_id=SHARED).session_id == SHARED
    assert "session" not in transport.sent[0].request.json


def test_shared_is_refused_where_there_is_no_such_memory(make):
    bridge, _ = make()
    with pytest.raises(UnsupportedFeatureError, match="session_id"):
        bridge.invoke("tiny:a", "hi", session_id=SHARED)


def test_options_are_merged_deeply_into_that_vendors_body_and_no_others(make):
    connection = Connection("tiny", "https://vendor.invalid", options={"a": {"x": 1, "y": 1}, "l": [1]})
    agents = {"support": Agent(on={"tiny": Binding(agent="a", options={"a": {"y": 2, "z": 2}})})}
    bridge, transport = make(connections={"tiny": connection}, agents=agents)
    bridge.invoke("support", "hi", options={"tiny": {"a": {"z": 3}, "l": []}})
    assert transport.sent[0].request.json == {"say": "hi", "a": {"x": 1, "y": 2, "z": 3}, "l": []}


def test_options_that_a_provider_names_go_to_their_places_only(make):
    bridge, transport = make(Options())
    bridge.invoke("options:a", "hi", options={"options": {"version": "7", "other": 1}})
    assert transport.sent[0].url.endswith("?version=7")
    assert transport.sent[0].request.json == {"say": "hi", "other": 1}


def test_options_for_a_provider_that_there_is_not_are_a_typo(make):
    bridge, _ = make()
    with pytest.raises(ConfigurationError, match=r"there is no 'tinny'\. Did you mean 'tiny'\?"):
        bridge.invoke("tiny:a", "hi", options={"tinny": {"a": 1}})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"txt": "hi"}, r"a call has no field 'txt'\. Did you mean 'text'\?"),
        ({"target": "x:y"}, "a call has no field 'target'"),
        ({"session_id": 7}, "session_id takes a str or None, not int"),
        ({"text": b"hi"}, "text takes a str or None, not bytes"),
        ({"messages": ["hi"]}, "messages takes agentbridge.Message values, not str"),
        ({"files": ["a.txt"]}, "files takes agentbridge.File or agentbridge.Link values, not str"),
        ({"files": [File("a.txt")]}, "'a.txt' needs either content or path"),
        ({"files": [File("a.txt", b"", path="a.txt")]}, "'a.txt' needs either content or path"),
        ({"files": [File("a.txt", path="/no/such/a.txt")]}, r"'/no/such/a\.txt' cannot be read"),
        ({"files": [Link("ftp://x")]}, "must begin with http"),
        ({"session_id": "\ud800"}, "session_id has half of a surrogate pair"),
        ({"inputs": 7}, "Invocation.inputs takes a mapping, not int"),
        ({"inputs": ["topic"]}, "Invocation.inputs takes a mapping, not list"),
        ({"metadata": "a"}, "Invocation.metadata takes a mapping, not str"),
        ({"messages": Message("user", "hi")}, "Invocation.messages takes a list, not Message"),
        ({"files": File("a.txt")}, "Invocation.files takes a list, not File"),
        ({"options": {"tiny": 7}}, r"options\['tiny'\] takes a mapping"),
        ({"timeouts": 30}, "timeouts takes a Timeouts, not 30"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_sent(make, fields, message):
    bridge, transport = make()
    with pytest.raises(ConfigurationError, match=message):
        bridge.invoke("tiny:a", None, **fields)
    assert transport.sent == []


@pytest.mark.parametrize("target", [None, 5, {"target": "tiny:a"}])
def test_a_target_of_another_type_is_named_by_its_type(make, target):
    bridge, _ = make()
    with pytest.raises(ConfigurationError, match=f"takes a str or an Invocation .*, not {type(target).__name__}$"):
        bridge.invoke(target, "hi")


def test_a_404_that_is_not_the_vendors_names_the_address_without_its_query():
    page = HttpResponse(404, {"content-type": "text/html"}, b"<html>no such page</html>")
    connections = {"flowise": Connection("flowise", "https://vendor.invalid/wrong?tab=canary", "any-key")}
    with Bridge({}, connections=connections, transport=MemoryTransport([page])) as bridge:
        with pytest.raises(errors.NotFoundError, match=r"\(at https://vendor\.invalid/wrong/[^?]*: is that") as caught:
            bridge.invoke("flowise:a-1", "hi")
    assert "canary" not in str(caught.value)


def test_prepare_shows_what_would_be_sent_and_sends_nothing(make):
    bridge, transport = make()
    prepared = bridge.prepare("tiny:a-1", "hi", user_id="u", on_unsupported="drop")
    assert (prepared.request.json, prepared.request.auth, prepared.dropped) == (
        {"say": "hi"},
        {"X-Key": "***"},
        ("user_id",),
    )
    assert prepared.curl().startswith("curl -X POST https://vendor.invalid/run/a-1")
    assert "canary-key-7f3a" not in prepared.curl() + repr(prepared)
    assert transport.sent == []


def test_a_bug_in_a_plugin_looks_like_one_and_shows_no_secret(make):
    bridge, _ = make(Buggy())
    with pytest.raises(PluginError, match="plugin 'buggy' could not build its request: KeyError") as caught:
        bridge.invoke("buggy:a", "hi")
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_an_authentication_error_says_that_no_key_was_sent(make):
    refusal = HttpResponse(401, {}, b'{"message": "who are you?"}')
    bridge, _ = make(answers=[refusal], connections={"tiny": Connection("tiny", "https://vendor.invalid")})
    with pytest.raises(errors.AuthenticationError, match=r"who are you\?\. No key was sent: set \$TINY_API_KEY"):
        bridge.invoke("tiny:a", "hi")


def test_a_closed_bridge_says_so(make):
    bridge, _ = make()
    bridge.close()
    bridge.close()
    with pytest.raises(ConfigurationError, match="is closed"):
        bridge.invoke("tiny:a", "hi")


def test_an_operation_needs_a_connection_of_its_provider(make):
    bridge, _ = make(connections={"tiny": Connection("tiny", "https://vendor.invalid")})
    with pytest.raises(UnknownTargetError, match="no connection 'other'"):
        bridge.call(vendor.Ping(), "other")


def test_what_there_is_can_be_looked_at_but_not_changed(make):
    bridge, _ = make()
    inner = bridge.bridge
    assert (list(inner.providers), list(inner.connections), dict(inner.agents), dict(inner.failures)) == (
        ["tiny"],
        ["tiny"],
        {},
        {},
    )
    with pytest.raises(TypeError):
        inner.connections["x"] = 1
    with pytest.raises(TypeError):
        inner.agents["x"] = 1
    assert "canary-key-7f3a" not in repr(inner) + repr(dict(inner.connections))


def test_a_bridge_serves_many_threads():
    with (
        servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server,
        Bridge(**vendor.setup(server.url)) as bridge,
    ):
        texts: list[str] = []
        threads = [threading.Thread(target=lambda: texts.append(bridge.invoke("tiny:a", "hi").text)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == ["ok"] * 20


def test_an_async_bridge_serves_one_event_loop_after_the_other():
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server:
        bridge = AsyncBridge(**vendor.setup(server.url))

        async def twice() -> list[str]:
            return [(await bridge.invoke("tiny:a", "hi")).text for _ in range(2)]

        assert asyncio.run(twice()) + asyncio.run(twice()) == ["ok"] * 4

        asyncio.run(bridge.close())


def test_cancelling_a_task_closes_its_connection():
    gone = threading.Event()

    def script(connection, over):
        connection.settimeout(5)
        if connection.recv(1) == b"":
            gone.set()

    async def cancelled(url: str) -> None:
        async with AsyncBridge(**vendor.setup(url)) as bridge:
            task = asyncio.create_task(bridge.invoke("tiny:a", "hi"))
            while not server.requests:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with servers.serving(script) as server:
        asyncio.run(cancelled(server.url))
        assert gone.wait(5)


def test_retry_and_timeouts_can_be_said_per_call(make):
    bridge, transport = make(answers=[HttpResponse(503)])
    with pytest.raises(errors.UnavailableError) as caught:
        bridge.invoke("tiny:a", "hi", retry=RetryPolicy(attempts=5, first_delay=0), timeouts=Timeouts(answer=7))
    assert (caught.value.attempts, transport.sent[0].timeouts.answer) == (5, 7)


def test_what_a_caller_changes_meanwhile_changes_no_later_attempt(make):
    said = {"colours": ["red"]}

    def busy(_: object) -> HttpResponse:
        said["colours"].append("green")
        return HttpResponse(503)

    bridge, transport = make(answers=[busy, HttpResponse(200, {}, b'{"text": "hi"}')])
    result = bridge.invoke("tiny:a", "hi", options={"tiny": said}, retry=RetryPolicy(first_delay=0))
    bodies = [b"".join(send.body.pieces()) for send in transport.sent]
    assert (result.attempts, bodies) == (2, [b'{"say":"hi","colours":["red"]}'] * 2)


class _Stuck(MemoryTransport):
    """Cannot be closed."""

    closed = 0

    def close(self) -> None:
        type(self).closed += 1
        raise OSError("stuck")


class _AwaitedStuck(AsyncMemoryTransport):
    async def close(self) -> None:
        self._transport.close()


def test_a_transport_that_cannot_be_closed_leaves_no_other_open(open_bridge, monkeypatch):
    monkeypatch.setattr(_Stuck, "closed", 0)
    monkeypatch.setattr("agentbridge.bridge.open_transport", lambda *_, **__: _Stuck([OK]))
    monkeypatch.setattr("agentbridge.async_bridge.open_async_transport", lambda *_, **__: _AwaitedStuck(_Stuck([OK])))
    url = "https://vendor.invalid"
    connections = {"one": Connection("tiny", url), "two": Connection("tiny", url, verify=False)}
    bridge = open_bridge(config={}, connections=connections, registry=vendor.registry())
    for name in connections:
        bridge.invoke(f"{name}:a", "hello")
    with pytest.raises(OSError, match="stuck"):
        bridge.close()
    assert _Stuck.closed == 2


def test_a_connection_that_cannot_be_closed_leaves_no_other_open(monkeypatch):
    closed = []

    class Stuck:
        def send(self, _):
            return HttpResponse(200, {}, b'{"text": "ok"}')

        def close(self):
            closed.append(self)
            raise OSError("it cannot be closed")

    monkeypatch.setattr("agentbridge.bridge.open_transport", lambda *_, **__: Stuck())
    options = vendor.setup("http://127.0.0.1:1")
    options["connections"] = {
        name: Connection("tiny", proxy=f"http://{name}.invalid") for name in ("one", "two", "three")
    }
    with pytest.raises(OSError, match="it cannot be closed"), Bridge(**options) as bridge:
        for name in options["connections"]:
            bridge.invoke(f"{name}:a", "hi")
    assert len({*closed}) == 3
