"""The emulator through both bridges: what each of its scenarios becomes."""

from __future__ import annotations

import pytest

from agentbridge import RetryPolicy, Timeouts, errors

FAILURES = {
    "error-in-200": errors.MalformedResponseError,
    "tool-error": errors.ToolExecutionError,
    "unauthorized": errors.AuthenticationError,
    "execution-failed": errors.ExecutionError,
    "not-found": errors.NotFoundError,
    "busy": errors.RateLimitError,
    "forbidden": errors.PermissionDeniedError,
    "html": errors.MalformedResponseError,
    "empty": errors.MalformedResponseError,
    "truncated": errors.MalformedResponseError,
    "bad-gateway": errors.UnavailableError,
    "redirect": errors.ProviderError,
    "slow": errors.ResponseTimeoutError,
    "late": errors.ResponseTimeoutError,
    "late-failed": errors.ResponseTimeoutError,
    "late-chatflow": errors.ResponseTimeoutError,
}
ANSWERS = {"ok", "cut", "keyed", "chatflow", "agentflow-v1", "json", "blank", "paused"}


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(
        connections=emulators.connections, retry=RetryPolicy(attempts=1), timeouts=Timeouts(answer=0.3, idle=0.3)
    )


def test_every_scenario_is_tested_here(emulators):
    assert set(emulators.emulators["flowise"].scenarios) == FAILURES.keys() | ANSWERS


@pytest.mark.parametrize("scenario", sorted(FAILURES))
def test_a_failing_scenario_is_raised_as_its_class(bridge, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.invoke(f"flowise:{scenario}", "hello")
    assert type(caught.value) is FAILURES[scenario]


@pytest.mark.parametrize("scenario", ["ok", "keyed", "chatflow", "agentflow-v1"])
def test_an_answering_scenario_echoes_the_question(bridge, scenario):
    result = bridge.invoke(f"flowise:{scenario}", "hello", session_id="s-1")
    assert (result.text, result.session_id, result.warnings) == ("Echo: hello", "s-1", ())


def test_a_pause_is_no_answer_and_can_be_resumed_through_options(bridge):
    paused = bridge.invoke("flowise:paused", "launch")
    assert (paused.status, paused.interrupt.choices) == ("waiting_for_input", ("proceed", "reject"))

    human = {"type": "proceed", "startNodeId": paused.interrupt.resume["nodeId"], "feedback": "go"}
    resumed = bridge.invoke("flowise:paused", session_id=paused.session_id, options={"flowise": {"humanInput": human}})

    assert (resumed.status, resumed.text) == ("completed", "approved: go")


STREAMED = {
    **FAILURES,
    "cut": errors.StreamInterruptedError,
    "not-found": errors.ResponseTimeoutError,  # the real server never answers
}


@pytest.mark.parametrize("scenario", sorted(STREAMED))
def test_a_failing_scenario_is_raised_as_its_class_when_streamed(bridge, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.stream(f"flowise:{scenario}", "hello there", seen=[])
    assert type(caught.value) is STREAMED[scenario]


@pytest.mark.parametrize("scenario", ["ok", "keyed", "chatflow", "agentflow-v1", "json", "blank", "paused"])
def test_a_stream_ends_in_the_result_that_a_call_gives(bridge, scenario):
    seen = []
    streamed = bridge.stream(f"flowise:{scenario}", "hello there", session_id="s-2", seen=seen)
    called = bridge.invoke(f"flowise:{scenario}", "hello there", session_id="s-2")
    same = ("output", "session_id", "status", "warnings", "usage", "tool_calls")
    assert {name: getattr(streamed, name) for name in same} == {name: getattr(called, name) for name in same}
    assert streamed.synthetic is (scenario == "json")


def test_silence_where_a_stream_should_begin_says_where_the_reason_is(bridge):
    with pytest.raises(errors.ResponseTimeoutError, match=r"invoke\(\) shows why") as caught:
        bridge.stream("flowise:not-found", "hello", seen=[])
    with pytest.raises(errors.NotFoundError):
        bridge.invoke("flowise:not-found", "hello")
    assert caught.value.pending is not None
