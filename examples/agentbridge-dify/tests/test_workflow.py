"""Workflow apps, called through both bridges."""

import json
from functools import partial

import pytest

from agentbridge import (
    ExecutionError,
    InvocationError,
    Pending,
    StreamInterruptedError,
    TextDelta,
    UnavailableError,
    UnsupportedFeatureError,
)
from agentbridge.emulator.serving import Served
from agentbridge_dify import emulator_bodies as say
from worlds import World


def test_inputs_become_outputs(world: World) -> None:
    result = world.do("invoke", "dify-workflow:published", inputs={"topic": "tides"})
    assert (result.text, result.output) == ("Echo: topic=tides", {"result": "Echo: topic=tides"})
    assert (result.id, result.usage.total_tokens, result.usage.duration_ms) == (say.RUN, 150, 1500.0)


def test_a_version_is_asked_for_by_its_id(world: World, vendors: Served) -> None:
    world.do("invoke", "dify-workflow:two", inputs={"a": "b"})
    assert vendors.emulators["dify-workflow"].seen[-1].path.endswith("/v1/workflows/two/run")


def test_a_stream_ends_with_the_same_result_as_a_call(world: World) -> None:
    events, result = world.stream("dify-workflow:published", inputs={"topic": "tides"})
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == result.text == "Echo: topic=tides"
    called = world.do("invoke", "dify-workflow:published", inputs={"topic": "tides"})
    assert (called.text, called.output, called.id, called.usage) == (
        result.text,
        result.output,
        result.id,
        result.usage,
    )


@pytest.mark.parametrize("status", ["failed", "stopped"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_run_that_failed_or_was_stopped_in_a_200_is_raised(world: World, status: str, streams: bool) -> None:
    call = world.stream if streams else partial(world.do, "invoke")
    with pytest.raises(ExecutionError) as caught:
        call(f"dify-workflow:{status}", inputs={})
    assert (caught.value.status, caught.value.code, caught.value.may_have_run) == (200, status, True)
    assert caught.value.partial is not None
    assert caught.value.partial.id == say.RUN


def test_a_partial_success_is_an_answer_with_a_warning(world: World) -> None:
    result = world.do("invoke", "dify-workflow:partial", inputs={"a": "b"})
    assert (result.text, result.warnings) == ("Echo: a=b", ("partial-succeeded: node Search failed",))


@pytest.mark.parametrize("field", [{"text": "hi"}, {"session_id": "s-1"}])
def test_text_and_sessions_are_refused(world: World, field: dict[str, str]) -> None:
    with pytest.raises(UnsupportedFeatureError):
        world.do("invoke", "dify-workflow:published", inputs={"a": "b"}, **field)


def test_a_session_is_dropped_where_that_is_asked_for(world: World) -> None:
    result = world.do("invoke", "dify-workflow:published", inputs={}, session_id="s-1", on_unsupported="drop")
    assert result.dropped == ("session_id",)


def test_a_lost_answer_is_found_by_the_user_of_its_run(world: World, vendors: Served) -> None:
    with pytest.raises(UnavailableError) as caught:
        world.do("invoke", "dify-workflow:late", inputs={"topic": "tides"})
    found = world.do("recover", caught.value)
    assert isinstance(found, Pending)
    assert world.do("wait", found).text == "Echo: topic=tides"
    started = [seen for seen in vendors.emulators["dify-workflow"].seen if seen.path.endswith("/late/run")][-1]
    logs = [seen for seen in vendors.emulators["dify-workflow"].seen if seen.path.endswith("/logs")][-1]
    assert logs.query == f"created_by_end_user_session_id={json.loads(started.body)['user']}"


def test_a_run_of_the_callers_user_is_not_guessed_at(world: World) -> None:
    with pytest.raises(UnavailableError) as caught:
        world.do("invoke", "dify-workflow:late", inputs={}, user_id="abc-123")
    assert caught.value.pending is None
    with pytest.raises(UnsupportedFeatureError):
        world.do("recover", caught.value)


def test_a_broken_stream_is_recovered(world: World) -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        world.stream("dify-workflow:breaks-off", inputs={"a": "b"})
    assert world.do("recover", caught.value).text == "Echo: a=b"


def test_a_run_is_submitted_and_waited_for(world: World) -> None:
    pending = world.do("submit", "dify-workflow:published", inputs={"a": "b"})
    assert world.do("wait", Pending.from_dict(json.loads(json.dumps(pending.to_dict())))).text == "Echo: a=b"


def test_a_paused_run_is_resumed_also_as_a_stream(world: World) -> None:
    _, paused = world.stream("dify-workflow:paused", inputs={})
    assert world.do("resume", paused, "approve", feedback="fine").text == "approve: fine"
    _, result = world.stream(paused, "approve", feedback="fine", method="resume", stream=True)
    assert (result.text, result.synthetic) == ("approve: fine", True)


def test_a_decision_that_the_form_does_not_offer_is_refused(world: World) -> None:
    _, paused = world.stream("dify-workflow:paused", inputs={})
    with pytest.raises(Exception, match="approve") as caught:
        world.do("resume", paused, "perhaps")
    assert not isinstance(caught.value, InvocationError)
