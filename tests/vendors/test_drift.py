"""What a vendor changes in silence is counted; what is documented, recorded or emulated is no drift."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import recorded

from agentbridge import (
    Bridge,
    Connection,
    Drift,
    HttpResponse,
    InvocationError,
    Registry,
    RetryPolicy,
    StreamDecoder,
    Timeouts,
)
from agentbridge.drift import Drifts, watched_by
from agentbridge.explaining import explain
from agentbridge.wire import HttpRequest

PROVIDERS = Registry()
RUNS = dict(recorded.runs())
OPERATIONS = [(name, operation, response) for name, operation, response in recorded.operations()]
STREAMS = dict(recorded.streams())
CALLS = {
    "flowise": {"text": "hi"}, "flowgent": {"text": "hi"}, "fluxprompt": {"inputs": {"a": "b"}},
    "promptitude": {"inputs": {"a": "b"}},
}  # fmt: skip
STREAMED = HttpRequest("POST", "http://flowise.test", json={"streaming": True})


def drift(read: Callable[..., Any], *arguments: Any) -> tuple[Drift, ...]:
    """What drifted in one reading, whatever else came of it."""
    drifts = Drifts()
    try:
        watched_by(drifts, read, *arguments)
    except ValueError:  # no proof of an answer
        pass
    return drifts.seen()


def run(name: str, response: HttpResponse) -> tuple[Drift, ...]:
    return drift(PROVIDERS[name.partition("/")[0]].read, response)


def decoded(response: HttpResponse) -> Any:
    decoder = PROVIDERS["flowise"].decoder(STREAMED)
    assert isinstance(decoder, StreamDecoder)
    decoder.feed(response.content)
    return decoder.finish()


def names(found: tuple[Drift, ...]) -> set[str]:
    return {f"{each.kind} {each.name}" for each in found}


@pytest.mark.parametrize("name", RUNS)
def test_no_recorded_or_documented_answer_drifts(name):
    assert run(name, RUNS[name]) == ()


@pytest.mark.parametrize(("name", "operation", "response"), OPERATIONS, ids=[each[0] for each in OPERATIONS])
def test_no_recorded_or_documented_answer_of_an_operation_drifts(name, operation, response):
    assert drift(operation.read, response) == ()


@pytest.mark.parametrize("name", STREAMS)
def test_no_recorded_stream_drifts(name):
    assert drift(decoded, STREAMS[name]) == ()


def test_there_is_much_to_read():
    assert len(RUNS) > 190
    assert len(STREAMS) > 40
    assert len(OPERATIONS) > 80


SCENARIOS = [
    (vendor, scenario)
    for vendor, connection in CALLS.items()
    for scenario in importlib.import_module(f"agentbridge_{vendor}.emulator").make().scenarios
    if scenario
    not in {"slow", "late", "late-failed", "late-chatflow"}  # their answers are lost, and recorded ones read
]


@pytest.mark.parametrize(("vendor", "scenario"), SCENARIOS)
def test_no_scenario_of_an_emulator_drifts(open_bridge, emulators, vendor, scenario):
    bridge = open_bridge(
        config={},
        connections=emulators.connections,
        retry=RetryPolicy(attempts=1),
        timeouts=Timeouts(answer=0.5),
    )
    # what does not stream answers a stream with the same answer
    calls = [bridge.invoke, *[lambda *said, **fields: bridge.stream(*said, seen=[], **fields)] * (vendor == "flowise")]
    for call in calls:
        try:
            call(f"{vendor}:{scenario}", **CALLS[vendor])
        except InvocationError:
            continue  # a failure may drift too
    assert bridge.bridge.drift == {}


def planted(response: HttpResponse, change: Callable[[Any], Any]) -> HttpResponse:
    """The same answer with one thing changed."""
    body = json.loads(response.content)
    change(body)
    return attrs.evolve(response, content=json.dumps(body).encode())


def put(*path: Any) -> Callable[[Any], None]:
    """Puts the last of the path to where the rest of it leads."""
    *steps, name, value = path

    def change(body: Any) -> None:
        for step in steps:
            body = body[step]
        body[name] = value

    return change


PLANTED = [
    ("flowgent/answer/1", put("body", "metadata", "trace_id", "t-1"), "field Metadata.trace_id"),
    ("flowgent/answer/1", put("body", "region", "eu"), "field Answer.region"),
    ("flowgent/answer/1", put("requestId", "r"), "field Envelope.requestId"),
    ("flowgent/answer/1", put("body", "status", "queued"), "value status: queued"),
    ("flowgent/answer/1", put("body", "conversation_history", 0, "role", "moderator"), "value role: moderator"),
    (
        "flowgent/older-answer/1",
        put("body", "conversation_history", 1, "content", [{"type": "chart", "data": "secret"}]),
        "value type: chart",
    ),
    (
        "flowgent/older-answer/1",
        put("body", "conversation_history", 1, "content", [{"type": "text", "text": "hi", "lang": "en"}]),
        "field TextPart.lang",
    ),
    ("flowgent/acknowledged/1", put("job", "j-1"), "field Envelope.job"),
    ("flowgent/busy-in-200/1", put("body", "retry_in", 3), "field Answer.retry_in"),
    ("promptitude/answer/1", put("results", "tokens", 7), "field Results.tokens"),
    ("promptitude/error-in-200/1", put("hint", "h"), "field Envelope.hint"),
    ("fluxprompt/answer/1", put("traceId", "t"), "field Envelope.traceId"),
    ("fluxprompt/answer/1", put("status", "archived"), "value status: archived"),
    ("fluxprompt/answer/1", put("data", "message", 0, "markdown", "*"), "field OutputItem.markdown"),
    ("fluxprompt/polled/2", put("queuePosition", 3), "field Execution.queuePosition"),
    ("fluxprompt/polled/2", put("status", "paused"), "value status: paused"),
    ("fluxprompt/node-failed/1", put("docs", "https://"), "field Failure.docs"),
    ("fluxprompt/error-in-200/1", put("data", "node", "n"), "field Failure.data.node"),
    ("flowise/raw/af_direct", put("latencyMs", 3), "field Prediction.latencyMs"),
    ("flowise/raw/af_llm", put("agentFlowExecutedData", 0, "status", "SKIPPED"), "value status: SKIPPED"),
    ("flowise/raw/af_llm", put("agentFlowExecutedData", 0, "data", "cost", 1), "field NodeData.cost"),
    ("flowise/raw/af_throw", put("traceId", "t"), "field Failure.traceId"),
    ("flowise/recovery/af_human/chatmessage", put(0, "role", "systemMessage"), "value role: systemMessage"),
    ("flowise/recovery/af_human/executions", put("data", 0, "state", "SLEEPING"), "value state: SLEEPING"),
]


@pytest.mark.parametrize(("name", "change", "expected"), PLANTED, ids=[f"{each[0]}: {each[2]}" for each in PLANTED])
def test_what_a_vendor_adds_is_counted_once(name, change, expected):
    found = run(name, planted(RUNS[name], change))
    assert expected in names(found)
    assert {each.count for each in found} == {1}


PLANTED_OPERATIONS = [
    ("flowgent/usage", put("currency", "EUR"), "field UsageAnswer.currency"),
    ("flowgent/usage-denied", put("hint", "h"), "field Envelope.hint"),
    ("promptitude/folders", put("results", "folders", 0, "type", "github"), "value type: github"),
    ("fluxprompt/list-pods", put("data", "pods", 0, "files", 0, "status", "Frozen"), "value status: Frozen"),
    ("fluxprompt/get-execution", put("status", "paused"), "value status: paused"),
    ("fluxprompt/model-missing", put("error", "code", "model_asleep"), "value code: model_asleep"),
    ("flowise/flow", put("type", "WORKFLOW"), "value type: WORKFLOW"),
    ("flowise/feedback", put(0, "rating", "SHRUG"), "value rating: SHRUG"),
    ("flowise/version", put("edition", "e"), "field Version.edition"),
]


@pytest.mark.parametrize(
    ("name", "change", "expected"), PLANTED_OPERATIONS, ids=[each[2] for each in PLANTED_OPERATIONS]
)
def test_what_a_vendor_adds_to_another_endpoint_is_counted(name, change, expected):
    operation, response = next((operation, response) for known, operation, response in OPERATIONS if known == name)
    assert expected in names(drift(operation.read, planted(response, change)))


def sent(event: str, data: Any) -> bytes:
    return f"message:\ndata:{json.dumps({'event': event, 'data': data})}\n\n".encode()


@pytest.mark.parametrize(
    ("event", "data", "expected"),
    [
        ("agentPaused", "x", "event agentPaused"),
        ("nextAgentFlow", {"nodeLabel": "a", "status": "SKIPPED"}, "value nextAgentFlow: SKIPPED"),
        ("nextAgentFlow", {"nodeLabel": "a", "status": "FINISHED", "cost": 1}, "field nextAgentFlow.cost"),
        ("metadata", {"chatId": "c", "traceId": "t"}, "field metadata.traceId"),
        ("usedTools", [{"tool": "t", "seconds": 1}], "field UsedTool.seconds"),
    ],
)
def test_what_a_stream_adds_is_counted(event, data, expected):
    stream = HttpResponse(200, {}, sent(event, data) + STREAMS["flowise/streams/af_llm_stream"].content)
    assert expected in names(drift(decoded, stream))


def test_a_field_that_came_with_a_structured_output_is_the_flows_own():
    change = put("agentFlowExecutedData", 0, "data", "output", "headline", "h")
    assert run("flowise/raw/af_llm", planted(RUNS["flowise/raw/af_llm"], change)) == ()


def test_a_bridge_counts_what_a_stream_adds():
    stream = STREAMS["flowise/streams/af_llm_stream"]
    stream = attrs.evolve(stream, content=sent("agentPaused", "x") * 2 + stream.content)
    connections = {"flowise": Connection("flowise", "http://flowise.test", "any-key")}
    with Bridge({}, connections=connections, transport=recorded.Playing(stream)) as bridge:
        with bridge.stream("flowise:a", "hi") as events:
            assert len(list(events)) > 3
        assert bridge.drift == {"flowise": (Drift("event", "agentPaused", 2),)}


@pytest.mark.parametrize("vendor", CALLS)
def test_explain_names_what_a_vendor_adds_and_nobody_reads(vendor):
    name = {"flowise": "flowise/raw/af_direct"}.get(vendor, f"{vendor}/answer/1")
    before = explain(PROVIDERS[vendor], RUNS[name])
    after = explain(PROVIDERS[vendor], planted(RUNS[name], put("trace", {"id": "t"})))
    assert set(after.unread) - set(before.unread) == {"trace"}
    assert [each.name.partition(".")[2] for each in after.drift] == ["trace"]
