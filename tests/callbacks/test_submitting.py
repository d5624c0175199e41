"""From submit to the answer, on emulators that call back, through both bridges; and over the death of the receiver."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.callbacks.test_receiver import Calling

from agentbridge import (
    Connection,
    HttpRequest,
    HttpResponse,
    Invocation,
    Pending,
    Registry,
    RetryPolicy,
    errors,
)
from agentbridge.callbacks import CallbackReceiver, serve
from agentbridge.testing import MemoryTransport
from agentbridge.wire import NoAnswer

HELLO = {"inputs": {"topic": "hello"}}
ACKNOWLEDGED = HttpResponse(200, {}, b'{"message": "Request accepted", "status": "processing"}')
ANSWER = {"statusCode": 200, "body": {"conversation_history": [{"role": "assistant", "content": "hi"}]}}


@pytest.fixture
def receiver(tmp_path) -> Iterator[CallbackReceiver]:
    with serve(tmp_path / "callbacks.sqlite") as served:
        yield served


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(config={}, connections=emulators.connections, retry=RetryPolicy(attempts=1))


def as_of_another_process(pending: Pending) -> Pending:
    return Pending.from_dict(json.loads(json.dumps(pending.to_dict())))


def both_came(receiver: CallbackReceiver, pending: Pending) -> None:
    """The emulator posts from a thread of its own."""
    for _ in range(1000):
        if len(receiver.deliveries(pending)) == 2:
            return
        threading.Event().wait(0.01)
    raise AssertionError(receiver.deliveries(pending))


@pytest.mark.parametrize(
    ("target", "fields", "text"),
    [("fluxprompt:ok", HELLO, "Echo: topic=hello"), ("flowgent:ok", {"text": "hello"}, "Echo: hello")],
)
def test_a_run_that_was_submitted_is_answered_by_callback(bridge, receiver, target, fields, text):
    pending = bridge.submit(target, callbacks=receiver, **fields)
    assert (pending.kind, pending.callback_id is not None) == ("callback", True)
    result = receiver.wait(as_of_another_process(pending), 10)
    assert (result.text, result.provider, result.agent) == (text, pending.provider, "ok")


@pytest.mark.parametrize(
    ("target", "fields", "error"),
    [
        ("fluxprompt:node-error", HELLO, errors.ExecutionError),
        ("flowgent:error-in-200", {"text": "hello"}, errors.QuotaExceededError),
        ("flowgent:tool-error", {"text": "hello"}, errors.ToolExecutionError),
    ],
)
def test_a_run_that_fails_raises_its_own_error_by_callback(bridge, receiver, target, fields, error):
    pending = bridge.submit(target, callbacks=receiver, **fields)
    with pytest.raises(error) as caught:
        receiver.wait(pending, 10)
    assert caught.value.provider == pending.provider


def test_a_failed_tool_is_reported_to_who_asks_for_that(bridge, receiver):
    pending = bridge.submit("flowgent:tool-error", "hello", callbacks=receiver)
    assert receiver.wait(pending, 10, tool_errors="report").tool_calls[0].error is not None


def test_a_callback_that_is_delivered_twice_is_one_answer(bridge, receiver):
    pending = bridge.submit("fluxprompt:callback-repeated", callbacks=receiver, **HELLO)
    assert receiver.wait(pending, 10).text == "Echo: topic=hello"
    both_came(receiver, pending)
    assert [each.verdict for each in receiver.deliveries(pending)] == ["answer", "duplicate"]


def test_a_node_that_calls_back_is_waited_for_past_its_empty_callback(bridge, receiver):
    pending = bridge.submit("fluxprompt:node-callbacks", callbacks=receiver, callback_input="hook", **HELLO)
    both_came(receiver, pending)
    assert [each.verdict for each in receiver.deliveries(pending)] == ["empty", "answer"]
    assert "hello" in receiver.wait(pending, 10).text


def test_a_run_with_an_id_can_be_polled_as_well(bridge, receiver):
    pending = bridge.submit("fluxprompt:ok", callbacks=receiver, **HELLO)
    assert bridge.wait(pending).text == "Echo: topic=hello"


def test_a_vendor_that_does_not_call_back_is_not_submitted_to(bridge, receiver):
    for target, fields in (("promptitude:ok", {"inputs": {"a": "b"}}), ("flowise:ok", {"text": "hello"})):
        with pytest.raises(errors.UnsupportedFeatureError, match="callback_url"):
            bridge.submit(target, callbacks=receiver, **fields)


def test_an_answer_may_go_to_one_place_only(bridge, receiver):
    with pytest.raises(errors.ConfigurationError, match="not both"):
        bridge.submit("flowgent:ok", "hello", callbacks=receiver, callback_url="https://me.example")
    said = Invocation(target="fluxprompt:ok", inputs={"hook": "x"})
    with pytest.raises(errors.ConfigurationError, match="takes the address"):
        bridge.submit(said, callbacks=receiver, callback_input="hook")


def test_the_signature_of_an_address_is_in_no_log_and_no_error(open_bridge, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    bridge = open_bridge(
        config={}, connections={"fluxprompt": Connection("fluxprompt", "http://127.0.0.1:1")}, retry=RetryPolicy(1)
    )
    with pytest.raises(errors.ConnectionFailedError) as caught:
        bridge.submit("fluxprompt:ok", callbacks=receiver, **HELLO)
    assert "callback_url" in str(caught.value.request)
    assert "agcb_" not in f"{caught.value!r}{caught.value.request}{caplog.text}"


def test_an_address_is_there_before_its_run_begins_and_gone_if_it_never_does(open_bridge, receiver):
    known: list[object] = []

    def answering(answer):
        def answer_it(send):
            run = send.request.json["callback_url"].rpartition("/")[2].partition(".")[0]
            known.append(receiver._store.run(run))
            return answer

        return answer_it

    for answer, stays in ((NoAnswer("connect"), False), (NoAnswer("lost"), True)):
        transport = MemoryTransport([answering(answer)])
        bridge = open_bridge(config={}, connections={"flowgent": Connection("flowgent")}, retry=RetryPolicy(1))
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        with pytest.raises(errors.TransportError) as caught:
            bridge.submit("flowgent:a-1", "hello", callbacks=receiver)
        assert known.pop() is not None
        run = transport.sent[0].request.json["callback_url"].rpartition("/")[2].partition(".")[0]
        assert (receiver._store.run(run) is not None) is stays
        assert (caught.value.pending is not None) is stays  # it may have begun: its callback may come


class _Refusing(Calling):
    """Breaks before anything is sent."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def build_request(self, invocation, call):
        return HttpRequest("POST", call.base_url, json={})

    def decoder(self, request):
        raise self._error


@pytest.mark.parametrize("error", [errors.UnsupportedFeatureError("text", "it is too long"), ValueError("a bug")])
def test_an_address_is_gone_where_the_plugin_refuses_before_anything_is_sent(open_bridge, receiver, monkeypatch, error):
    forgotten: list[object] = []
    monkeypatch.setattr(receiver, "forget", forgotten.append)
    registry = Registry(())
    registry.register(_Refusing(error))
    connections = {"calling": Connection("calling", "https://vendor.invalid")}
    bridge = open_bridge(config={}, connections=connections, registry=registry)
    with pytest.raises((errors.UnsupportedFeatureError, errors.PluginError)):
        bridge.submit("calling:a-1", "hello", callbacks=receiver)
    assert len(forgotten) == 1


@contextlib.contextmanager
def receiving(store: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The command, in a process of its own, killed without a chance to tidy up."""
    command = [sys.executable, "-m", "agentbridge", "callbacks", "--port", f"{port}", "--store", f"{store}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "Callbacks are taken at" in process.stdout.readline()
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        process.stdout.close()


def post(url: str, body: object) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("POST", parts.path, json.dumps(body))
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_receiver_that_is_killed_and_started_again_still_delivers(tmp_path):
    """Between submit and callback everything ends: the process that submitted, and the one that receives."""
    from agentbridge import Bridge
    from agentbridge.serving import listening

    store = tmp_path / "callbacks.sqlite"
    with listening(0) as listener:
        port = listener.getsockname()[1]
    with receiving(store, port):
        transport = MemoryTransport([ACKNOWLEDGED])
        submitting = CallbackReceiver(f"http://127.0.0.1:{port}", store=store)
        with Bridge({}, connections={"flowgent": Connection("flowgent")}, transport=transport) as bridge:
            document = json.dumps(bridge.submit("flowgent:a-1", "hello", callbacks=submitting).to_dict())
        url = transport.sent[0].request.json["callback_url"]
    del submitting, bridge
    with receiving(store, port):
        assert post(url, ANSWER) == 200
    waiting = CallbackReceiver("http://localhost", store=store)
    assert waiting.wait(Pending.from_dict(json.loads(document)), 10).text == "hi"


def test_a_store_that_fails_loses_no_run_and_hides_no_error(open_bridge, receiver, monkeypatch, caplog):
    def failing(*_: object) -> None:
        raise errors.ConfigurationError("the disk is full")

    outcomes = [ACKNOWLEDGED, HttpResponse(401, {}, b"{}")]
    transport = MemoryTransport(outcomes)
    bridge = open_bridge(config={}, connections={"flowgent": Connection("flowgent")}, retry=RetryPolicy(1))
    bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
    expect = receiver.expect
    calls: list[object] = []
    monkeypatch.setattr(
        receiver, "expect", lambda *given: calls.append(given) or expect(*given) if not calls else failing()
    )
    assert bridge.submit("flowgent:a-1", "hello", callbacks=receiver).callback_id is not None
    monkeypatch.setattr(receiver, "expect", expect)
    monkeypatch.setattr(receiver, "forget", failing)
    with pytest.raises(errors.AuthenticationError):
        bridge.submit("flowgent:a-1", "hello", callbacks=receiver)
    assert caplog.text.count("the disk is full") == 2


def test_the_address_is_in_nothing_that_is_kept_of_the_run(bridge, receiver):
    pending = bridge.submit("fluxprompt:ok", callbacks=receiver, callback_input="hook", **HELLO)
    assert pending.result is not None
    assert "agcb_" not in json.dumps(pending.result.response.request.json)


def test_what_makes_no_sense_together_is_refused(bridge, receiver):
    with pytest.raises(errors.ConfigurationError, match="give both"):
        bridge.submit("fluxprompt:ok", callback_input="hook", **HELLO)
    with pytest.raises(errors.ConfigurationError, match="takes a CallbackReceiver, not str"):
        bridge.submit("fluxprompt:ok", callbacks="https://me.example", **HELLO)
    with pytest.raises(errors.UnsupportedFeatureError, match="flowise cannot carry 'callbacks'"):
        bridge.submit("flowise:ok", "hello", callbacks=receiver, on_unsupported="drop")
