"""What observers and the log are told of a call, in both worlds: all of it, once, in order, and nothing secret."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

import attrs
import pytest
import servers
import vendor
from vendor import Ping, Say, Tiny

from agentbridge import (
    AnswerReceived,
    AsyncBridge,
    Bridge,
    Connection,
    Fault,
    FaultKind,
    HttpRequest,
    HttpResponse,
    Interrupt,
    InvocationFinished,
    InvocationStarted,
    Observation,
    Pending,
    Registry,
    RequestSent,
    Result,
    RetryPolicy,
    RetryScheduled,
    errors,
    fault_from_status,
)
from agentbridge.events import Completed
from agentbridge.testing import MemoryTransport
from agentbridge.wire import NoAnswer

CANARY = "canary-key-7f3a"
OK = HttpResponse(200, {}, b'{"text": "hi"}')
BUSY = HttpResponse(503, {}, b'{"message": "busy"}')
ACCEPTED = HttpResponse(200, {}, b'{"run": "r-1"}')
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class Later(Tiny):
    """Accepts a run, and is asked for it at /runs/ID. One that waits for a human is resumed."""

    name = "later"

    def read(self, response: HttpResponse) -> Any:
        body = response.json()
        if not response.ok:
            return fault_from_status(response.status)
        if "asks" in body:
            asked = Interrupt(body["asks"], ("yes", "no"))
            return Result(text=body["asks"], output="", status="waiting_for_input", interrupt=asked)
        return Pending("poll", body["run"], after=3.0) if "run" in body else super().read(response)

    def resume(self, interrupt, decision, feedback):
        return {"said": decision}

    def build_poll(self, pending, call):
        return HttpRequest("GET", f"{call.base_url}/runs/{pending.id}", auth={"X-Key": call.api_key or ""})


@pytest.fixture
def play(open_bridge):
    """A bridge over these answers, and all that one observer is told."""

    def make(*answers: Any, **options: Any):
        seen: list[Observation] = []
        registry = Registry(())
        registry.register(Tiny())
        registry.register(Later())
        connections = {name: Connection(name, "https://vendor.invalid", CANARY) for name in ("tiny", "later")}
        options = {"observers": [seen.append], "retry": RetryPolicy(first_delay=0), **options}
        bridge = open_bridge(config={}, connections=connections, registry=registry, **options)
        transport = MemoryTransport(answers)
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        return bridge, seen

    return make


def names(seen: list[Observation]) -> list[str]:
    return [type(one).__name__ for one in seen]


def facts(seen: list[Observation], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(one, field, None) for field in fields) for one in seen]


def last(seen: list[Observation]) -> InvocationFinished:
    (finished,) = [one for one in seen if isinstance(one, InvocationFinished)]
    assert seen[-1] is finished
    return finished


def test_an_answer_at_once_is_four_observations_with_one_id(play):
    bridge, seen = play(OK)
    before = time.time()
    result = bridge.invoke("tiny:a-1", "hello", session_id="s-1")
    assert names(seen) == ["InvocationStarted", "RequestSent", "AnswerReceived", "InvocationFinished"]
    assert set(facts(seen, "id", "kind", "provider", "connection", "agent")) == {
        (seen[0].id, "invoke", "tiny", "tiny", "a-1")
    }
    assert all(before <= one.time <= time.time() for one in seen)
    started, sent, received, finished = seen
    assert (started.url, started.session_id) == ("https://vendor.invalid/run/a-1", "s-1")
    assert (started.invocation.target, started.invocation.text) == ("tiny:a-1", "hello")
    assert started.operation is None
    assert (sent.attempt, sent.poll, sent.request) == (1, False, result.response.request)
    assert (received.attempt, received.poll, received.status, received.reason, received.size) == (
        1,
        False,
        200,
        None,
        14,
    )
    assert (finished.error, finished.closed, finished.attempts) == (None, False, 1)


def test_the_result_is_the_very_one_that_the_caller_gets(play):
    bridge, seen = play(OK)
    assert bridge.invoke("tiny:a-1", "hi") is last(seen).result


def test_two_calls_have_two_ids(play):
    bridge, seen = play(OK)
    bridge.invoke("tiny:a-1", "hi")
    bridge.invoke("tiny:a-1", "hi")
    assert len({one.id for one in seen}) == 2


def test_a_retry_is_told_between_its_requests(play):
    bridge, seen = play(BUSY, NoAnswer("connect", "refused"), OK, retry=RetryPolicy(first_delay=4.0))
    bridge.invoke("tiny:a-1", "hi")
    assert names(seen) == [
        "InvocationStarted",
        *["RequestSent", "AnswerReceived", "RetryScheduled"] * 2,
        "RequestSent", "AnswerReceived", "InvocationFinished",
    ]  # fmt: skip
    first, second = (one for one in seen if isinstance(one, RetryScheduled))
    assert (first.attempt, first.error, first.fault.kind) == (1, "UnavailableError", FaultKind.UNAVAILABLE)
    assert (second.attempt, second.error, second.fault.message) == (
        2,
        "ConnectionFailedError",
        "no connection: refused",
    )
    assert 0 <= first.delay <= 4.0
    assert [one.attempt for one in seen if isinstance(one, RequestSent)] == [1, 2, 3]
    received = [one for one in seen if isinstance(one, AnswerReceived)]
    assert facts(received, "status", "reason", "size") == [(503, None, 19), (None, "connect", None), (200, None, 14)]
    assert last(seen).attempts == 3
    assert last(seen).duration == first.delay + second.delay, "what was slept on the clock of the transport"


def test_an_error_is_the_very_one_that_the_caller_gets(play):
    bridge, seen = play(HttpResponse(401, {}, b"{}"))
    with pytest.raises(errors.AuthenticationError) as caught:
        bridge.invoke("tiny:a-1", "hi")
    assert last(seen).error is caught.value
    assert (last(seen).result, last(seen).closed, last(seen).attempts) == (None, False, 1)


def test_an_answer_that_broke_off_has_its_status_and_the_reason(play):
    bridge, seen = play(NoAnswer("lost", "cut", HttpResponse(200, {}, b"half")))
    with pytest.raises(errors.TransportError):
        bridge.invoke("tiny:a-1", "hi")
    assert facts(seen, "status", "reason", "size")[2] == (200, "lost", 4)


def test_polls_are_told_as_polls_and_the_wait_between_them_is_no_retry(play):
    bridge, seen = play(ACCEPTED, ACCEPTED, BUSY, OK)
    bridge.invoke("later:a-1", "hi")
    assert facts(seen, "__class__", "attempt", "poll") == [
        (InvocationStarted, None, None),
        (RequestSent, 1, False), (AnswerReceived, 1, False),
        (RequestSent, 1, True), (AnswerReceived, 1, True),
        (RequestSent, 1, True), (AnswerReceived, 1, True), (RetryScheduled, 1, True),
        (RequestSent, 1, True), (AnswerReceived, 1, True),
        (InvocationFinished, None, None),
    ]  # fmt: skip
    assert [one.request.url.rpartition("/")[2] for one in seen if isinstance(one, RequestSent)] == ["a-1"] + ["r-1"] * 3
    assert last(seen).attempts == 1


def test_a_submitted_run_is_observed_when_it_begins_and_when_it_is_asked_for(play):
    bridge, seen = play(ACCEPTED, ACCEPTED, ACCEPTED, OK)
    pending = bridge.submit("later:a-1", "hi")
    assert last(seen).result is pending
    del seen[:]
    assert bridge.poll(pending) is last(seen).result
    del seen[:]
    assert bridge.recover(pending) is last(seen).result
    assert seen[0].kind == "recover"
    del seen[:]
    assert bridge.wait(pending) is last(seen).result
    assert facts(seen, "kind", "attempt", "poll")[:2] == [("wait", None, None), ("wait", 0, True)]
    assert (seen[0].invocation, seen[0].agent, last(seen).attempts) == (None, "a-1", 0)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_run_that_is_continued_is_told_as_resumed(play, streamed):
    bridge, seen = play(HttpResponse(200, {}, b'{"asks": "Go?"}'), OK)
    paused = bridge.invoke("later:a-1", "hi")
    del seen[:]
    resumed = bridge.stream_resumed(paused, "yes", seen=[]) if streamed else bridge.resume(paused, "yes")
    assert {one.kind for one in seen} == {"resume"}
    assert last(seen).result is resumed
    assert seen[0].invocation.options == {"later": {"said": "yes"}}


def test_an_answer_that_is_there_already_is_no_call(play):
    bridge, seen = play(OK)
    pending = bridge.submit("later:a-1", "hi")
    del seen[:]
    assert bridge.wait(pending).text == "hi"
    assert seen == []


@pytest.mark.parametrize(("operation", "name"), [(Ping(), "Ping"), (Say(to="ann"), "say-it")])
def test_an_operation_is_told_by_its_name(play, monkeypatch, operation, name):
    monkeypatch.setattr(Say, "name", "say-it")
    bridge, seen = play(HttpResponse(200, {}, b"pong"))
    assert bridge.call(operation) is last(seen).result
    assert (seen[0].kind, seen[0].operation, seen[0].invocation, seen[0].agent) == ("call", name, None, "")


def test_what_is_refused_before_anything_is_sent_is_no_call(play):
    bridge, seen = play(OK)
    with pytest.raises(errors.UnsupportedFeatureError):
        bridge.invoke("tiny:a-1", "hi", user_id="u-1")
    assert seen == []


def test_an_observer_that_raises_harms_no_call_and_is_named_once(play, caplog):
    def broken(_: Observation) -> None:
        raise ValueError(CANARY)

    seen: list[Observation] = []
    bridge, _ = play(OK, observers=[broken, seen.append])
    assert bridge.invoke("tiny:a-1", "hi").text == "hi"
    assert bridge.invoke("tiny:a-1", "hi").text == "hi"
    assert len(seen) == 8
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert "broken raised ValueError" in record.getMessage()
    assert CANARY not in caplog.text


def test_an_observer_that_raised_is_still_called(play):
    called: list[Observation] = []

    def broken(one: Observation) -> None:
        called.append(one)
        raise ValueError

    bridge, _ = play(OK, observers=[broken])
    bridge.invoke("tiny:a-1", "hi")
    assert len(called) == 4


def test_an_interrupt_in_an_observer_is_no_failure_of_an_observer(play):
    class Interrupted(BaseException): ...

    seen: list[Observation] = []

    def interrupt(one: Observation) -> None:
        if isinstance(one, RequestSent):
            raise Interrupted

    bridge, _ = play(OK, observers=[seen.append, interrupt])
    with pytest.raises(Interrupted):
        bridge.invoke("tiny:a-1", "hi")
    assert (names(seen)[1:], last(seen).closed) == (["RequestSent", "InvocationFinished"], True)


class Awaitable:
    async def __call__(self, _: Observation) -> None: ...


@pytest.mark.parametrize(
    ("observers", "says"),
    [
        (print, r"observers=\[...\], not builtin_function"),
        (["print"], "str is not callable"),
        ([asyncio.sleep], "sleep is async"),
        ([Awaitable()], "Awaitable is async"),
    ],
)
@pytest.mark.parametrize("kind", [Bridge, AsyncBridge])
def test_what_cannot_observe_is_refused_when_the_bridge_is_made(kind, observers, says):
    with pytest.raises(errors.ConfigurationError, match=says):
        kind(config={}, observers=observers)


# --- streams ---


def pieces(*said: str):
    def script(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(SSE + b"".join(f"data: {piece}\n\n".encode() for piece in said))
        connection.shutdown(socket.SHUT_RDWR)

    return script


def endless(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(SSE + b"data: first\n\n")
    while not over.wait(0.01):
        connection.sendall(b"data: more\n\n")


@pytest.fixture
def listen(open_bridge):
    """A bridge that streams from a script, and all that one observer is told."""

    def make(script, **options):
        server = opened.enter_context(servers.serving(script))
        seen: list[Observation] = []
        options = {"retry": RetryPolicy(attempts=2, first_delay=0), "observers": [seen.append], **options}
        return open_bridge(**vendor.talking(server.url, **options)), seen

    with ExitStack() as opened:
        yield make


def read_one_event(bridge: Any, leave: Any) -> None:
    """Open a stream, take `Started` and one piece, and leave it in some way."""
    if bridge.world == "sync":
        stream = bridge.bridge.stream("talking:a-1", "hi")
        stream.__enter__()
        events = [next(stream), next(stream)]
        leave(stream, None)
    else:

        async def read() -> None:
            stream = bridge.bridge.stream("talking:a-1", "hi")
            await stream.__aenter__()
            events.extend([await anext(stream), await anext(stream)])
            if (left := leave(stream, None)) is not None:
                await left

        events: list[Any] = []
        bridge._runner.run(read())
    assert len(events) == 2


def test_a_stream_is_told_up_to_its_head_and_at_its_end(listen):
    bridge, seen = listen(pieces("Hello", " there", "[DONE]"))
    events: list[Any] = []
    result = bridge.stream("talking:a-1", "hi", seen=events)
    assert names(seen) == ["InvocationStarted", "RequestSent", "AnswerReceived", "InvocationFinished"]
    assert facts(seen, "kind", "status", "size")[2] == ("stream", 200, None)
    assert last(seen).result is result is events[-1].result
    assert isinstance(events[-1], Completed)
    assert not last(seen).closed


def test_a_stream_that_breaks_off_ends_with_its_error(listen):
    bridge, seen = listen(pieces("Hello"))
    with pytest.raises(errors.StreamInterruptedError) as caught:
        bridge.stream("talking:a-1", "hi", seen=[])
    assert last(seen).error is caught.value
    assert not last(seen).closed


def test_a_stream_that_failed_before_its_content_is_retried_and_told_so(listen):
    bridge, seen = listen(pieces("!busy"))
    with pytest.raises(errors.UnavailableError):
        bridge.stream("talking:a-1", "hi", seen=[])
    assert names(seen) == [
        "InvocationStarted", "RequestSent", "AnswerReceived", "RetryScheduled", "RequestSent", "AnswerReceived",
        "InvocationFinished",
    ]  # fmt: skip


LEAVE = {
    "closed": lambda stream, _: stream.close(),
    "left": lambda stream, error: (getattr(stream, "__aexit__", None) or stream.__exit__)(None, error, None),
    "left by an exception": lambda stream, _: (getattr(stream, "__aexit__", None) or stream.__exit__)(
        ValueError, ValueError(), None
    ),
}


@pytest.mark.parametrize("leave", LEAVE)
def test_a_stream_that_is_left_early_is_closed_once(listen, leave):
    bridge, seen = listen(endless)
    read_one_event(bridge, LEAVE[leave])
    assert (last(seen).closed, last(seen).result, last(seen).error) == (True, None, None)
    assert last(seen).attempts == 1
    gc.collect()
    last(seen)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_is_dropped_is_closed_when_it_is_collected(listen):
    bridge, seen = listen(endless)
    read_one_event(bridge, lambda *_: None)
    gc.collect()
    assert last(seen).closed


def test_a_stream_that_is_closed_after_its_end_is_not_told_again(listen):
    bridge, seen = listen(pieces("Hello", "[DONE]"))
    bridge.stream("talking:a-1", "hi", seen=[])
    gc.collect()
    assert last(seen).result.text == "Hello"


def test_a_stream_that_was_never_entered_is_no_call(listen):
    bridge, seen = listen(endless)
    bridge.bridge.stream("talking:a-1", "hi")
    gc.collect()
    assert seen == []


def test_a_stream_that_another_thread_closes_while_it_is_read_ends_with_an_error_and_is_told_once():
    reading = threading.Event()

    def then_silent(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(SSE + b"data: first\n\n")
        reading.set()
        over.wait(30)

    seen: list[Observation] = []
    with (
        servers.serving(then_silent) as server,
        Bridge(**vendor.talking(server.url, observers=[seen.append])) as bridge,
    ):
        with bridge.stream("talking:a-1", "hi") as stream:
            next(stream), next(stream)
            closing = threading.Timer(0.1, stream.close)
            closing.start()
            with pytest.raises(errors.StreamInterruptedError) as caught:
                next(stream)
            closing.join()
    assert last(seen).error is caught.value


def test_a_task_that_is_cancelled_is_told_with_the_time_that_it_took():
    seen: list[Observation] = []

    async def ask(url: str) -> None:
        async with AsyncBridge(**vendor.setup(url, observers=[seen.append])) as bridge:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await bridge.invoke("tiny:a-1", "hi")

    with servers.serving(servers.silence) as server:
        asyncio.run(ask(server.url))
    assert names(seen) == ["InvocationStarted", "RequestSent", "InvocationFinished"]
    assert last(seen).closed
    assert last(seen).duration >= 0.15


def test_calls_side_by_side_are_told_apart_by_their_ids():
    seen: list[Observation] = []

    async def ask() -> list[Result]:
        transport = MemoryTransport([OK]).asynchronous()
        options = vendor.setup("https://vendor.invalid", observers=[seen.append], transport=transport)
        async with AsyncBridge(**options) as bridge:
            return await asyncio.gather(*(bridge.invoke("tiny:a-1", str(number)) for number in range(20)))

    results = asyncio.run(ask())
    said = {one.id: one.invocation.text for one in seen if isinstance(one, InvocationStarted)}
    ended = {said[one.id]: one.result for one in seen if isinstance(one, InvocationFinished)}
    assert [ended[str(number)] for number in range(20)] == results


# --- secrets ---

ECHO = b'{"text": "your key is canary-key-7f3a", "message": "canary-key-7f3a is refused"}'
UNSAFE = {
    "an answer": [HttpResponse(200, {"x-echo": CANARY}, ECHO)],
    "an error": [HttpResponse(401, {"x-echo": CANARY}, ECHO)],
    "a retry": [HttpResponse(503, {}, ECHO), NoAnswer("connect", CANARY), HttpResponse(500, {}, ECHO)],
    "a poll": [ACCEPTED, HttpResponse(200, {}, ECHO)],
}


@pytest.mark.parametrize("case", UNSAFE)
def test_no_observation_and_no_record_shows_a_secret(play, caplog, case):
    bridge, seen = play(*UNSAFE[case], retry=RetryPolicy(first_delay=0, retry_unsafe=True))
    caplog.set_level(logging.DEBUG, "agentbridge")
    try:
        bridge.invoke(f"later:{CANARY}", f"is {CANARY} safe?", session_id=CANARY)
    except errors.InvocationError:
        assert case in {"an error", "a retry"}
    records = "".join(f"{record.getMessage()}{vars(record)}" for record in caplog.records)
    assert len(caplog.records) == len(seen) > 3
    assert CANARY not in f"{seen!r}{pickle.dumps(seen)!r}{records}"
    assert "***" in repr(seen)


def test_the_result_of_the_caller_is_left_as_it_was(play):
    bridge, seen = play(HttpResponse(200, {}, ECHO))
    assert bridge.invoke("tiny:a-1", "hi").text == f"your key is {CANARY}"
    assert last(seen).result.text == "your key is ***"


def test_what_nests_too_deeply_to_be_masked_is_not_shown_and_harms_no_call(play):
    deep: Any = []
    for _ in range(2000):
        deep = [deep]

    class Deep(Tiny):
        def read(self, response):
            return Result(text="hi", output=deep)

    bridge, seen = play(OK)
    registry = Registry(())
    registry.register(Deep())
    bridge.bridge._directory.registry = registry
    assert bridge.invoke("tiny:a-1", "hi").output is deep
    assert (last(seen).result, last(seen).error, last(seen).closed) == (None, None, False)


# --- the log ---


def test_nothing_is_wrapped_where_nobody_looks(play, monkeypatch):
    monkeypatch.setattr("agentbridge.observing.telling.observed", None)
    logging.getLogger("agentbridge").setLevel(logging.NOTSET)
    bridge, _ = play(OK, observers=())
    assert bridge.invoke("tiny:a-1", "hi").text == "hi"


def test_an_observer_is_wrapped_so_that_the_test_above_can_fail(play, monkeypatch):
    monkeypatch.setattr("agentbridge.observing.telling.observed", None)
    bridge, _ = play(OK)
    with pytest.raises(TypeError):
        bridge.invoke("tiny:a-1", "hi")


def test_the_log_tells_a_call_line_by_line(play, caplog):
    bridge, seen = play(BUSY, OK, observers=())
    caplog.set_level(logging.DEBUG, "agentbridge")
    bridge.invoke("tiny:a-1", "a prompt that is private")
    lines = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert lines[0] == "started"
    assert lines[1] == "attempt 1: POST https://vendor.invalid/run/a-1"
    assert lines[2].startswith("HTTP 503 after ")
    assert lines[3].startswith("UnavailableError in attempt 1, sent again in ")
    assert lines[4] == "attempt 2: POST https://vendor.invalid/run/a-1"
    assert lines[6].startswith("done after ")
    assert [record.levelname for record in caplog.records] == ["DEBUG"] * 3 + ["INFO"] + ["DEBUG"] * 3
    assert "private" not in "".join(f"{vars(record)}" for record in caplog.records)
    assert seen == []


def test_records_have_fields_for_programs(play, caplog):
    bridge, _ = play(HttpResponse(401, {}, b"{}"))
    caplog.set_level(logging.DEBUG, "agentbridge")
    with pytest.raises(errors.AuthenticationError):
        bridge.invoke("tiny:a-1", "hi")
    record = caplog.records[-1]
    assert {name: value for name, value in vars(record).items() if name.startswith("agentbridge_")} == {
        "agentbridge_event": "InvocationFinished",
        "agentbridge_id": caplog.records[0].agentbridge_id,
        "agentbridge_kind": "invoke",
        "agentbridge_provider": "tiny",
        "agentbridge_connection": "tiny",
        "agentbridge_agent": "a-1",
        "agentbridge_attempts": 1,
        "agentbridge_duration": 0,
        "agentbridge_closed": False,
        "agentbridge_error": "AuthenticationError",
    }


def test_at_info_the_log_tells_retries_alone(play, caplog):
    bridge, _ = play(BUSY, OK, observers=())
    caplog.set_level(logging.INFO, "agentbridge")
    bridge.invoke("tiny:a-1", "hi")
    (record,) = caplog.records
    assert (record.levelname, record.agentbridge_event, record.agentbridge_error) == (
        "INFO",
        "RetryScheduled",
        "UnavailableError",
    )


def test_the_log_can_be_turned_on_while_a_bridge_lives(play, caplog):
    bridge, _ = play(OK, observers=())
    bridge.invoke("tiny:a-1", "hi")
    assert caplog.records == []
    caplog.set_level(logging.DEBUG, "agentbridge")
    bridge.invoke("tiny:a-1", "hi")
    assert len(caplog.records) == 4


def test_observations_are_frozen_and_pickle(play):
    bridge, seen = play(BUSY, OK)
    bridge.invoke("tiny:a-1", "hi")
    assert pickle.loads(pickle.dumps(seen)) == seen
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        seen[0].id = "other"
    assert isinstance(seen[3].fault, Fault)
