"""Runs that outlive the call: submitted, asked for, waited for, found again, continued. Both worlds, no network."""

from __future__ import annotations

import json
import pickle
from typing import Any

import attrs
import pytest
import servers
from vendor import Pieces, Tiny

from agentbridge import (
    Bridge,
    Connection,
    Fault,
    FaultKind,
    HttpRequest,
    HttpResponse,
    Interrupt,
    Operation,
    Pending,
    Registry,
    Result,
    RetryPolicy,
    TextDelta,
    Timeouts,
    UnsupportedFeatureError,
    errors,
    fault_from_status,
)
from agentbridge.testing import MemoryTransport
from agentbridge.wire import NoAnswer

ACCEPTED = HttpResponse(202, {}, b'{"run": "r-1"}')
RUNNING = HttpResponse(200, {}, b'{"run": "r-1", "state": "running"}')
DONE = HttpResponse(200, {}, b'{"text": "hi", "session": "s-1"}')
FAILED = HttpResponse(200, {}, b'{"failed": "node exploded"}')
ELSEWHERE = HttpResponse(200, {}, b'{"look": "elsewhere"}')
PAUSED = HttpResponse(200, {}, b'{"asks": "Launch?", "session": "s-1"}')
SILENCE = NoAnswer("timeout")


class Later(Tiny):
    """Answers later: accepts with a 202, is asked at /runs/ID, and can be found again by the say of its request."""

    name = "later"

    def read(self, response: HttpResponse) -> Any:
        body = response.json()
        if not response.ok:
            return fault_from_status(response.status)
        if "failed" in body:
            return Fault(FaultKind.EXECUTION, body["failed"])
        if "look" in body:
            return Pending("poll", step=body["look"], after=0)
        if "run" in body:
            return Pending("poll", body["run"], after=3.0)
        if "asks" in body:
            asked = Interrupt(body["asks"], ("proceed", "reject"), resume={"at": "node-1"})
            return Result(text=body["asks"], output="", status="waiting_for_input", interrupt=asked, session_id="s-1")
        return Result(text=body["text"], output=body["text"], session_id=body.get("session"))

    def build_poll(self, pending, call):
        return HttpRequest("GET", f"{call.base_url}/{pending.step or 'runs'}/{pending.id}")

    def recover(self, request):
        return Pending("poll", f"run of {request.json['say']}")

    def resume(self, interrupt, decision, feedback):
        if feedback == "too long":
            raise UnsupportedFeatureError("feedback", "it is too long. Say less")
        return {"decision": decision, "feedback": feedback, "at": interrupt.resume["at"]}


@pytest.fixture
def play(open_bridge):
    """A bridge that hears these answers one after the other, and its transport."""

    def make(*answers: Any, **options: Any):
        transport = MemoryTransport(answers)
        bridge = open_bridge(config={}, **where(), retry=RetryPolicy(attempts=1), **options)
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        return bridge, transport

    return make


def where() -> dict[str, Any]:
    registry = Registry(())
    registry.register(Later())
    registry.register(Tiny())
    connections = {name: Connection(name, "https://vendor.invalid", "canary-key-7f3a") for name in ("later", "tiny")}
    return {"registry": registry, "connections": connections}


def paths(transport: MemoryTransport) -> list[str]:
    return [f"{send.request.method} {send.url.partition('.invalid')[2]}" for send in transport.sent]


# submit


def test_a_submitted_run_is_sent_once_and_not_waited_for(play):
    bridge, transport = play(ACCEPTED)
    pending = bridge.submit("later:a-1", "hello", session_id="s-1")
    known = (pending.kind, pending.id, pending.provider, pending.connection, pending.agent, pending.session_id)
    assert known == ("poll", "r-1", "later", "later", "a-1", "s-1")
    assert pending.result is None
    assert paths(transport) == ["POST /run/a-1"]
    assert transport.slept == []


def test_a_vendor_that_only_answers_at_once_is_not_submitted_to(play):
    bridge, transport = play(DONE)
    with pytest.raises(errors.UnsupportedFeatureError, match="tiny cannot carry 'submit': it answers at once. Use inv"):
        bridge.submit("tiny:a-1", "hello")
    assert transport.sent == []


def test_an_answer_that_came_at_once_travels_with_the_run_and_nobody_is_asked_again(play):
    bridge, transport = play(DONE)
    pending = Pending.from_dict(json.loads(json.dumps(bridge.submit("later:a-1", "hello").to_dict())))
    assert bridge.wait(pending).text == bridge.poll(pending).text == "hi"
    assert len(transport.sent) == 1


def test_a_submission_that_fails_is_raised_like_a_call(play):
    bridge, _ = play(FAILED)
    with pytest.raises(errors.ExecutionError, match="node exploded"):
        bridge.submit("later:a-1", "hello")


# wait and poll


def test_a_run_is_waited_for_by_another_process(play):
    first, _ = play(ACCEPTED)
    document = json.dumps(first.submit("later:a-1", "hello", session_id="s-1").to_dict())
    second, transport = play(RUNNING, RUNNING, DONE)
    result = second.wait(Pending.from_dict(json.loads(document)))
    assert (result.text, result.provider, result.agent, result.session_id) == ("hi", "later", "a-1", "s-1")
    assert paths(transport) == ["GET /runs/r-1"] * 3
    assert transport.slept == [3.0, 3.0]


def test_a_poll_asks_once_and_hands_back_what_to_ask_for_next(play):
    bridge, transport = play(ACCEPTED, RUNNING, DONE)
    pending = bridge.submit("later:a-1", "hello")
    again = bridge.poll(pending)
    assert attrs.evolve(again, started_at=None) == attrs.evolve(pending, started_at=None)
    assert again.started_at == pending.started_at
    assert bridge.poll(again).text == "hi"
    assert transport.slept == []


def test_a_vendor_may_need_more_than_one_request_to_say_how_a_run_is(play):
    bridge, transport = play(ACCEPTED, ELSEWHERE, DONE)
    assert bridge.poll(bridge.submit("later:a-1", "hello")).text == "hi"
    assert paths(transport)[1:] == ["GET /runs/r-1", "GET /elsewhere/r-1"]


def test_a_plugin_that_always_looks_elsewhere_does_not_turn_in_circles(play):
    bridge, transport = play(ACCEPTED, ELSEWHERE)
    assert isinstance(bridge.poll(bridge.submit("later:a-1", "hello")), Pending)
    assert len(transport.sent) <= 6


def test_a_run_that_failed_meanwhile_raises_its_own_error_and_keeps_the_run(play):
    bridge, _ = play(ACCEPTED, RUNNING, FAILED)
    pending = bridge.submit("later:a-1", "hello")
    with pytest.raises(errors.ExecutionError, match="node exploded") as caught:
        bridge.wait(pending)
    assert caught.value.pending.id == "r-1"
    assert caught.value.may_have_run
    assert caught.value.attempts == 0  # it was started elsewhere


@pytest.mark.parametrize("limits", [Timeouts(answer=10), Timeouts(total=10)], ids=["answer", "total"])
def test_a_wait_has_an_end(play, limits):
    bridge, transport = play(ACCEPTED, RUNNING)
    with pytest.raises((errors.ResponseTimeoutError, errors.DeadlineExceededError)) as caught:
        bridge.wait(bridge.submit("later:a-1", "hello"), timeouts=limits)
    assert sum(transport.slept) <= 10
    assert caught.value.pending.id == "r-1"


@pytest.mark.parametrize(
    ("pending", "message"),
    [
        (Pending("poll", "r-1"), "names no connection"),
        (Pending("poll", "r-1", connection="gone"), "no connection 'gone'"),
        (Pending("poll", connection="later", agent="a"), "cannot be asked for a run again"),
        (Pending("callback", connection="later", agent="a"), "comes by callback"),
        (Pending("poll", "r-1", connection="tiny", agent="a"), "cannot be asked for a run again"),
        ("r-1", "expected a Pending, not str"),
    ],
)
def test_a_run_that_cannot_be_asked_for_is_refused_before_anything_is_sent(play, pending, message):
    bridge, transport = play(DONE)
    for ask in (bridge.wait, bridge.poll):
        with pytest.raises(errors.AgentBridgeError, match=message):
            ask(pending)
    assert transport.sent == []


def test_a_setting_that_there_is_not_is_named(play):
    bridge, _ = play(DONE)
    with pytest.raises(errors.ConfigurationError, match="takes retry, timeouts.*not 'timeout'"):
        bridge.wait(Pending("poll", "r-1", connection="later", agent="a"), timeout=3)


def test_a_run_with_its_answer_pickles_and_round_trips(play):
    bridge, _ = play(DONE)
    pending = bridge.submit("later:a-1", "hello")
    assert pickle.loads(pickle.dumps(pending)) == pending
    assert Pending.from_dict(json.loads(json.dumps(pending.to_dict()))) == pending


# recover


def test_an_answer_that_was_lost_is_found_again(play):
    bridge, transport = play(SILENCE, RUNNING, DONE)
    with pytest.raises(errors.ResponseTimeoutError, match=r"bridge\.recover\(error\)") as caught:
        bridge.invoke("later:a-1", "hello", session_id="s-1")
    found = bridge.recover(pickle.loads(pickle.dumps(caught.value)))
    assert isinstance(found, Pending)
    assert (found.connection, found.agent, found.session_id) == ("later", "a-1", "s-1")
    assert bridge.wait(found).text == "hi"
    assert paths(transport)[0] == "POST /run/a-1"
    assert all(path.startswith("GET") for path in paths(transport)[1:])  # it is never started again


def test_a_lost_run_that_failed_raises_its_own_error(play):
    bridge, _ = play(NoAnswer("lost"), FAILED)
    with pytest.raises(errors.TransportError) as caught:
        bridge.invoke("later:a-1", "hello")
    with pytest.raises(errors.ExecutionError, match="node exploded"):
        bridge.recover(caught.value)


def test_a_gateway_that_gave_up_loses_no_answer(play):
    bridge, _ = play(HttpResponse(504, {}, b"<html>"), DONE)
    with pytest.raises(errors.UnavailableError) as caught:
        bridge.invoke("later:a-1", "hello")
    assert bridge.recover(caught.value).text == "hi"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (NoAnswer("connect"), "nothing ran, so there is nothing to find"),
        (HttpResponse(401, {}, b"{}"), "nothing ran, so there is nothing to find"),
        (FAILED, "the answer arrived, and this error is what it says"),
    ],
)
def test_what_has_no_other_answer_is_not_looked_for(play, answer, message):
    bridge, transport = play(answer)
    with pytest.raises(errors.InvocationError) as caught:
        bridge.invoke("later:a-1", "hello")
    assert caught.value.pending is None
    with pytest.raises(errors.ConfigurationError, match=message):
        bridge.recover(caught.value)
    assert len(transport.sent) == 1


def test_a_vendor_that_cannot_find_runs_again_says_so(play):
    bridge, _ = play(SILENCE)
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        bridge.invoke("tiny:a-1", "hello")
    with pytest.raises(errors.UnsupportedFeatureError, match="tiny cannot carry 'recover': it gives no way"):
        bridge.recover(caught.value)


def test_what_is_no_run_is_not_looked_for(play):
    bridge, _ = play(DONE)
    with pytest.raises(errors.ConfigurationError, match="expected a Pending, or the error of a call, not KeyError"):
        bridge.recover(KeyError("x"))


def test_a_plugin_that_cannot_say_how_to_find_a_run_hides_no_error(play, monkeypatch):
    monkeypatch.setattr(Later, "recover", lambda *_: 1 / 0)
    bridge, _ = play(SILENCE)
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        bridge.invoke("later:a-1", "hello")
    assert caught.value.pending is None


# resume


def test_a_paused_run_is_continued_where_it_waits(play):
    bridge, transport = play(PAUSED, DONE)
    result = bridge.resume(bridge.invoke("later:a-1", "launch"), "proceed", feedback="go")
    assert result.text == "hi"
    sent = transport.sent[1]
    assert sent.url.endswith("/run/a-1")
    assert sent.request.json["session"] == "s-1"
    assert {name: sent.request.json[name] for name in ("decision", "feedback", "at")} == {
        "decision": "proceed",
        "feedback": "go",
        "at": "node-1",
    }


def test_more_may_be_said_when_a_run_is_continued(play):
    bridge, transport = play(PAUSED, DONE)
    paused = bridge.invoke("later:a-1", "launch")
    bridge.resume(paused, "reject", text="why", options={"later": {"tone": "kind"}})
    assert {"say": "why", "tone": "kind", "decision": "reject"}.items() <= transport.sent[1].request.json.items()


def test_a_continued_run_streams_like_any_other(play):
    bridge, _ = play(PAUSED, DONE)
    seen: list[Any] = []
    result = bridge.stream_resumed(bridge.invoke("later:a-1", "launch"), "proceed", seen=seen)
    assert (result.text, result.synthetic, len(seen)) == ("hi", True, 3)


@pytest.mark.parametrize(
    ("decision", "feedback", "message"),
    [
        ("yes", None, "this run waits for 'proceed' or 'reject', not 'yes'"),
        (True, None, "this run waits for 'proceed' or 'reject', not True"),
        ("proceed", "too long", "later cannot carry 'feedback': it is too long"),
    ],
)
def test_a_decision_that_cannot_be_carried_is_refused_before_anything_is_sent(play, decision, feedback, message):
    bridge, transport = play(PAUSED)
    paused = bridge.invoke("later:a-1", "launch")
    with pytest.raises(errors.AgentBridgeError, match=message):
        bridge.resume(paused, decision, feedback=feedback)
    assert len(transport.sent) == 1


def test_only_a_run_that_waits_is_continued(play):
    bridge, _ = play(DONE)
    with pytest.raises(errors.ConfigurationError, match="waiting_for_input"):
        bridge.resume(bridge.invoke("later:a-1", "hello"), "proceed")


def test_a_vendor_without_pauses_says_so(play):
    bridge, _ = play(PAUSED)
    paused = attrs.evolve(bridge.invoke("later:a-1", "launch"), connection="tiny")
    with pytest.raises(errors.UnsupportedFeatureError, match="tiny cannot carry 'resume': its runs do not pause"):
        bridge.resume(paused, "proceed")


# a vendor that streams


class Streaming(Later):
    """Streams, and cannot be left: it gives no way to find a run whose answer was lost."""

    name = "streaming"

    def build_request(self, invocation, call):
        request = super().build_request(invocation, call)
        return attrs.evolve(request, json={**request.json, "stream": call.streaming})

    def decoder(self, request):
        return Pieces() if request.json["stream"] else None

    def recover(self, request):
        return None


@pytest.mark.parametrize(
    ("body", "outcome"),
    [(b"data: hel\n\ndata: lo\n\ndata: [DONE]\n\n", "hello"), (b"data: hel\n\n", errors.StreamInterruptedError)],
)
def test_a_stream_that_cannot_be_left_is_submitted_to_its_end(open_bridge, body, outcome):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    registry = Registry(())
    registry.register(Streaming())
    with servers.serving(lambda connection, _: connection.sendall(head + body)) as server:
        connections = {"streaming": Connection("streaming", server.url)}
        bridge = open_bridge(config={}, registry=registry, connections=connections, retry=RetryPolicy(attempts=1))
        if isinstance(outcome, str):
            assert bridge.submit("streaming:a-1", "hello").result.text == outcome
        else:
            with pytest.raises(outcome) as caught:
                bridge.submit("streaming:a-1", "hello")
            assert caught.value.partial.text == "hel"


def test_a_run_that_an_operation_began_is_waited_for_like_any_other(play):
    @attrs.frozen
    class Start(Operation[Result]):
        provider = "later"

        def build_request(self, call):
            return HttpRequest("POST", f"{call.base_url}/start")

        def read(self, response):
            return Later().read(response)

    bridge, _ = play(ACCEPTED, RUNNING, DONE)
    pending = bridge.call(Start())
    assert (pending.provider, pending.connection) == ("later", "later")
    assert bridge.wait(pending).text == "hi"


def test_a_stream_that_was_left_can_be_asked_for_again(emulators):
    with Bridge({}, connections=emulators.connections) as bridge:
        with bridge.stream("flowise:ok", "hello there") as events:
            next(events)
        assert events.pending.connection == "flowise"
        assert bridge.wait(events.pending).text == "Echo: hello there"
        with bridge.stream("flowgent:ok", "hello") as events:
            assert events.pending is None


class NamingPieces(Pieces):
    """A stream that names its run."""

    def finish(self):
        value = super().finish()
        return attrs.evolve(value, pending=self.named()) if isinstance(value, Fault) else value

    def named(self):
        return Pending("poll", "r-1", after=0.1)


class RaisingPieces(NamingPieces):
    def named(self):
        raise ValueError("that should not be")


class FailedPieces(NamingPieces):
    """The answer is there, and is an error: there is no other to find."""

    def finish(self):
        return attrs.evolve(super().finish(), kind=FaultKind.EXECUTION)


@pytest.fixture
def talking():
    """A server that says a word of a stream, and how to reach it."""
    body = b"data: hel\n\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    registry = Registry(())
    registry.register(Streaming())
    with servers.serving(lambda connection, _: connection.sendall(head + body)) as server:
        connections = {"streaming": Connection("streaming", server.url)}
        yield {"config": {}, "registry": registry, "connections": connections, "retry": RetryPolicy(attempts=1)}


@pytest.mark.parametrize(("pieces", "found"), [(NamingPieces, "r-1"), (RaisingPieces, None), (FailedPieces, None)])
def test_a_stream_that_named_its_run_and_was_left_is_found_by_that_name(talking, monkeypatch, pieces, found):
    monkeypatch.setattr(Streaming, "decoder", lambda self, request: pieces())
    with Bridge(**talking) as bridge:
        with bridge.stream("streaming:a-1", "hello") as events:
            next(event for event in events if isinstance(event, TextDelta))
        assert events.pending == (found and Pending("poll", "r-1", 0.1, "streaming", "a-1", provider="streaming"))


def test_a_stream_that_named_its_run_and_broke_off_is_found_by_that_name(talking, open_bridge, monkeypatch):
    monkeypatch.setattr(Streaming, "decoder", lambda self, request: NamingPieces() if request.json["stream"] else None)
    bridge = open_bridge(**talking)
    with pytest.raises(errors.StreamInterruptedError) as caught:
        bridge.stream("streaming:a-1", "hello", seen=[])
    assert (caught.value.pending.id, caught.value.pending.connection) == ("r-1", "streaming")
