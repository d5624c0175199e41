"""Spans of calls, taken from the real SDK of OpenTelemetry, in both worlds."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import threading
from typing import Any

import pytest
import servers
import vendor
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from vendor import Ping, Tiny

from agentbridge import (
    Agent,
    AsyncBridge,
    Binding,
    Bridge,
    Connection,
    HttpResponse,
    Message,
    Pending,
    Registry,
    Result,
    RetryPolicy,
    ToolCall,
    Usage,
    errors,
)
from agentbridge.otel import OpenTelemetryObserver
from agentbridge.testing import MemoryTransport

CANARY = "canary-key-7f3a"
OK = HttpResponse(200, {}, b'{"text": "a private answer"}')
BUSY = HttpResponse(503, {}, b'{"message": "a private refusal"}')


class Rich(Tiny):
    """Says all that a span can hold; the first answer to a submitted run is that it goes on."""

    name = "rich"
    accepts = frozenset({"text", "messages", "inputs", "session_id"})

    def read(self, response):
        read = super().read(response)
        if not isinstance(read, Result):
            return read
        usage = Usage(credits=2, input_tokens=10, output_tokens=20, cost=0.5, model="m-1")
        calls = (ToolCall("search", {"q": "tides"}, id="c-1"),)
        return Result(text=read.text, output=read.text, id="r-1", session_id="s-1", usage=usage, tool_calls=calls)

    def build_poll(self, pending, call):
        return self.build_request(vendor.Invocation(target="x"), call)


@pytest.fixture
def traced():
    """A tracer provider, and what it exported."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter.get_finished_spans
    provider.shutdown()


@pytest.fixture
def play(open_bridge, traced):
    """A bridge over these answers, whose calls are traced."""

    def make(*answers: Any, capture_content: bool = False, **options: Any):
        registry = Registry(())
        registry.register(Tiny())
        registry.register(Rich())
        connections = {name: Connection(name, "https://vendor.invalid:8443", CANARY) for name in ("tiny", "rich")}
        observer = OpenTelemetryObserver(traced[0], capture_content=capture_content)
        options = {"retry": RetryPolicy(first_delay=0), "agents": {}, **options}
        bridge = open_bridge(config={}, connections=connections, registry=registry, observers=[observer], **options)
        transport = MemoryTransport(answers)
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        return bridge

    return make


def test_a_call_is_one_client_span_by_the_conventions(play, traced):
    play(OK).invoke("rich:a-1", "hi")
    (span,) = traced[1]()
    assert (span.name, span.kind, span.status.status_code) == ("invoke_agent a-1", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.instrumentation_scope.name == "agentbridge"
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "rich",
        "gen_ai.agent.id": "a-1",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.response.id": "r-1",
        "gen_ai.response.model": "m-1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20,
        "server.address": "vendor.invalid",
        "server.port": 8443,
        "http.response.status_code": 200,
        "agentbridge.kind": "invoke",
        "agentbridge.connection": "rich",
        "agentbridge.attempts": 1,
        "agentbridge.status": "completed",
        "agentbridge.usage.credits": 2,
        "agentbridge.usage.cost": 0.5,
    }


def test_a_portable_agent_names_its_span(play, traced):
    agents = {"support": Agent(default="tiny", on={"tiny": Binding(agent="a-1")})}
    play(OK, agents=agents).invoke("support@tiny", "hi", session_id="s-2")
    (span,) = traced[1]()
    assert span.name == "invoke_agent support"
    assert (span.attributes["gen_ai.agent.name"], span.attributes["gen_ai.agent.id"]) == ("support", "a-1")
    assert span.attributes["gen_ai.conversation.id"] == "s-2"


def test_a_failure_is_a_span_with_its_class_and_status(play, traced):
    with pytest.raises(errors.AuthenticationError):
        play(HttpResponse(401, {}, b'{"message": "a private refusal"}')).invoke("tiny:a-1", "hi")
    (span,) = traced[1]()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes["error.type"], span.attributes["http.response.status_code"]) == ("AuthenticationError", 401)


def test_retries_are_events_of_the_one_span(play, traced):
    play(BUSY, BUSY, OK).invoke("tiny:a-1", "hi")
    (span,) = traced[1]()
    assert [(event.name, dict(event.attributes)) for event in span.events] == [
        ("agentbridge.retry", {"agentbridge.attempt": 1, "agentbridge.delay": 0.0, "error.type": "UnavailableError"}),
        ("agentbridge.retry", {"agentbridge.attempt": 2, "agentbridge.delay": 0.0, "error.type": "UnavailableError"}),
    ]
    assert (span.status.status_code, span.attributes["agentbridge.attempts"]) == (StatusCode.UNSET, 3)


def test_an_operation_is_no_invocation_of_an_agent(play, traced):
    play(HttpResponse(200, {}, b"pong")).call(Ping())
    (span,) = traced[1]()
    assert (span.name, span.attributes["agentbridge.operation"]) == ("call Ping", "Ping")
    assert "gen_ai.operation.name" not in span.attributes
    assert "gen_ai.agent.id" not in span.attributes


def test_to_wait_for_a_run_is_not_to_invoke_it_again(play, traced):
    play(OK).wait(Pending("poll", "r-1", connection="rich", agent="a-1"))
    (span,) = traced[1]()
    assert span.name == "wait a-1"
    assert "gen_ai.operation.name" not in span.attributes
    assert span.attributes["gen_ai.usage.output_tokens"] == 20


def test_the_parent_is_the_span_that_is_current_where_the_call_starts(play, traced):
    tracer = traced[0].get_tracer("test")
    play(OK).invoke("tiny:a-1", "hi")
    with tracer.start_as_current_span("caller") as caller:
        play(OK).invoke("tiny:a-1", "hi")
    alone, below, _ = traced[1]()
    assert below.parent.span_id == caller.get_span_context().span_id
    assert alone.parent is None


def test_what_was_said_is_not_recorded_unless_it_is_asked_for(play, traced):
    bridge = play(BUSY, OK)
    bridge.invoke("rich:a-1", "a private prompt", inputs={"a": "private input"})
    bridge = play(BUSY, retry=RetryPolicy(attempts=1))
    with pytest.raises(errors.UnavailableError):
        bridge.invoke("rich:a-1", "a private prompt")
    assert "private" not in "".join(span.to_json() for span in traced[1]())


def test_what_was_said_is_recorded_where_it_is_asked_for(play, traced):
    bridge = play(OK, capture_content=True)
    bridge.invoke("rich:a-1", "and now?", inputs={"topic": "tides"}, messages=[Message("assistant", "Hello")])
    (span,) = traced[1]()
    assert json.loads(span.attributes["gen_ai.input.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}]},
        {
            "role": "user",
            "parts": [{"type": "text", "content": "and now?"}, {"type": "inputs", "inputs": {"topic": "tides"}}],
        },
    ]
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "id": "c-1", "name": "search", "arguments": {"q": "tides"}},
                {"type": "text", "content": "a private answer"},
            ],
            "finish_reason": "stop",
        }
    ]


def test_the_words_of_an_error_are_content_too(play, traced):
    with pytest.raises(errors.UnavailableError):
        play(BUSY, capture_content=True, retry=RetryPolicy(attempts=1)).invoke("tiny:a-1", "hi")
    (span,) = traced[1]()
    assert span.status.description == "[tiny] a private refusal (HTTP 503)"


@pytest.mark.parametrize("status", [200, 401])
def test_no_span_shows_a_secret(play, traced, status):
    echo = HttpResponse(status, {}, b'{"text": "key canary-key-7f3a", "message": "key canary-key-7f3a"}')
    bridge = play(echo, capture_content=True)
    try:
        bridge.invoke(f"rich:{CANARY}", f"is {CANARY} safe?", session_id=CANARY)
    except errors.AuthenticationError:
        assert status == 401
    (span,) = traced[1]()
    assert CANARY not in span.to_json()
    assert "key ***" in span.to_json()


# --- streams ---


def sse(*pieces: str, then_more: bool = False):
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        connection.sendall(b"".join(f"data: {piece}\n\n".encode() for piece in pieces))
        while then_more and not over.wait(0.01):
            connection.sendall(b"data: more\n\n")
        connection.shutdown(socket.SHUT_RDWR)

    return script


def traced_stream(open_bridge, traced, url: str):
    return open_bridge(**vendor.talking(url, observers=[OpenTelemetryObserver(traced[0])]))


def test_a_stream_is_one_span_to_its_end(open_bridge, traced):
    with servers.serving(sse("Hello", "[DONE]")) as server:
        result = traced_stream(open_bridge, traced, server.url).stream("talking:a-1", "hi", seen=[])
    (span,) = traced[1]()
    assert (span.name, span.attributes["agentbridge.kind"], result.text) == ("invoke_agent a-1", "stream", "Hello")
    assert (span.status.status_code, "agentbridge.closed" in span.attributes) == (StatusCode.UNSET, False)


def test_a_stream_that_breaks_off_is_a_failed_span(open_bridge, traced):
    with servers.serving(sse("Hello")) as server, pytest.raises(errors.StreamInterruptedError):
        traced_stream(open_bridge, traced, server.url).stream("talking:a-1", "hi", seen=[])
    (span,) = traced[1]()
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "StreamInterruptedError")


@pytest.mark.parametrize("how", ["break", "exception"])
def test_a_stream_that_is_left_early_ends_its_span_and_nothing_is_logged(open_bridge, traced, caplog, how):
    """The way of https://github.com/Arize-ai/openinference/issues/1769: "Failed to detach context"."""
    tracer = traced[0].get_tracer("test")
    with servers.serving(sse("first", then_more=True)) as server:
        bridge = traced_stream(open_bridge, traced, server.url)
        with tracer.start_as_current_span("caller"):
            leave_early(bridge, how)
            gc.collect()
    span, caller = traced[1]()
    assert (span.attributes["agentbridge.closed"], span.status.status_code) == (True, StatusCode.UNSET)
    assert span.parent.span_id == caller.context.span_id
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_the_span_of_a_stream_is_never_current_in_the_code_that_reads_it(traced):
    with servers.serving(sse("first", then_more=True)) as server:
        bridge = Bridge(**vendor.talking(server.url, observers=[OpenTelemetryObserver(traced[0])]))
        with bridge, traced[0].get_tracer("test").start_as_current_span("caller") as caller:
            with bridge.stream("talking:a-1", "hi") as stream:
                next(stream)
                assert trace.get_current_span() is caller
            assert trace.get_current_span() is caller


def leave_early(bridge: Any, how: str) -> None:
    def step() -> None:
        if how == "exception":
            raise KeyError

    async def read() -> None:
        async with bridge.bridge.stream("talking:a-1", "hi") as stream:
            async for _ in stream:
                step()
                break

    try:
        if bridge.world == "async":
            bridge._runner.run(read())
        else:
            with bridge.bridge.stream("talking:a-1", "hi") as stream:
                for _ in stream:
                    step()
                    break
    except KeyError:
        assert how == "exception"


def test_tasks_side_by_side_have_each_their_own_parent(traced):
    tracer = traced[0].get_tracer("test")

    async def one(bridge: AsyncBridge, number: int) -> None:
        with tracer.start_as_current_span(f"caller {number}"):
            await bridge.invoke(f"tiny:a-{number}", "hi")

    async def ask(url: str) -> None:
        observer = OpenTelemetryObserver(traced[0])
        async with AsyncBridge(**vendor.setup(url, observers=[observer])) as bridge:
            await asyncio.gather(*(one(bridge, number) for number in range(8)))

    with servers.serving(servers.answer("200 OK", b'{"text": "hi"}')) as server:
        asyncio.run(ask(server.url))
    spans = {span.name: span for span in traced[1]()}
    assert len(spans) == 16
    for number in range(8):
        parent = spans[f"caller {number}"].context
        assert spans[f"invoke_agent a-{number}"].parent == parent


def test_a_task_that_is_cancelled_ends_its_span(traced):
    async def ask(url: str) -> None:
        observer = OpenTelemetryObserver(traced[0])
        async with AsyncBridge(**vendor.setup(url, observers=[observer])) as bridge:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await bridge.invoke("tiny:a-1", "hi")

    with servers.serving(servers.silence) as server:
        asyncio.run(ask(server.url))
    (span,) = traced[1]()
    assert span.attributes["agentbridge.closed"] is True


def test_spans_whose_end_never_comes_are_not_kept_for_ever(play, traced, monkeypatch):
    monkeypatch.setattr("agentbridge.otel._MOST", 3)
    observer = OpenTelemetryObserver(traced[0])
    seen: list[Any] = []
    bridge = play(OK)
    bridge.bridge._listeners[0]._observer = seen.append
    for _ in range(5):
        bridge.invoke("tiny:a-1", "hi")
    for one in seen:
        if type(one).__name__ == "InvocationStarted":
            observer(one)
    assert len(observer._open) == 3
    assert len(traced[1]()) == 2
