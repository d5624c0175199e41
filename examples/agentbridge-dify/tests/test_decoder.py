"""The decoder, fed by hand: any chunking, and streams that the pages describe but the emulator does not play."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from agentbridge import Event, Fault, FaultKind, Result, StepChanged, TextDelta, VendorEvent
from agentbridge_dify import emulator as stand_in, emulator_bodies as say
from agentbridge_dify.decoder import DifyDecoder

CHAT = say.chat_script(say.CONVERSATION)
FLOW = say.Script()
SCENARIOS = ["chat", "agent-app", "new-agent", "flow", "flow-failed", "replaced", "error-in-stream", "paused"]


def read(content: bytes, cuts: tuple[int, ...] = ()) -> tuple[list[Event], Result | Fault]:
    decoder, events, begin = DifyDecoder("abc-123"), [], 0
    for cut in (*sorted(cuts), len(content)):
        events += decoder.feed(content[begin:cut])
        begin = cut
    return events, decoder.finish()


def finish(*events: dict[str, Any]) -> Result | Fault:
    return read(say.sse(events))[1]


def result(*events: dict[str, Any]) -> Result:
    outcome = finish(*events)
    assert isinstance(outcome, Result)
    return outcome


def fault(*events: dict[str, Any]) -> Fault:
    outcome = finish(*events)
    assert isinstance(outcome, Fault)
    return outcome


@given(scenario=st.sampled_from(SCENARIOS), cuts=st.lists(st.integers(0, 4000), max_size=40))
def test_any_chunking_gives_the_same(scenario: str, cuts: list[int]) -> None:
    content = say.sse(stand_in._chat_events(scenario, "Grüße an alle 👋", say.CONVERSATION))
    assert read(content, tuple(min(cut, len(content)) for cut in cuts)) == read(content)


@pytest.mark.parametrize("scenario", ["published", "two", "failed", "stopped", "partial", "paused", "breaks-off"])
def test_byte_by_byte_gives_the_same_of_workflows(scenario: str) -> None:
    content = say.sse(stand_in._workflow_events(scenario, stand_in._run(scenario, {"a": "Grüße 👋"})))
    assert read(content, tuple(range(len(content)))) == read(content)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_byte_by_byte_gives_the_same(scenario: str) -> None:
    content = say.sse(stand_in._chat_events(scenario, "Grüße 👋", say.CONVERSATION))
    assert read(content, tuple(range(len(content)))) == read(content)


def test_every_cut_short_stream_is_a_fault_and_never_a_result() -> None:
    events = stand_in._chat_events("flow", "hello there", say.CONVERSATION)
    for length in range(len(events)):
        assert fault(*events[:length]).kind is FaultKind.INTERRUPTED


def test_a_chatflow_needs_its_workflow_to_finish() -> None:
    begun, end = CHAT.begun(), CHAT.event("message_end", metadata=say.METADATA)
    interrupted = fault(*begun, CHAT.event("message", answer="hi"), end)
    assert interrupted.kind is FaultKind.INTERRUPTED
    assert interrupted.partial is not None
    assert interrupted.partial.text == "hi"


def test_a_failed_chatflow_without_its_error_event_is_a_failure_all_the_same() -> None:
    failed = CHAT.flow("workflow_finished", **say.run_data("failed", None, "boom"))
    assert (fault(*CHAT.begun(), failed).kind, fault(*CHAT.begun(), failed).message) == (FaultKind.EXECUTION, "boom")


def test_an_unknown_status_of_a_run_is_no_answer() -> None:
    events = [*CHAT.begun(), CHAT.event("message", answer="hi"), CHAT.event("message_end", metadata={})]
    unknown = fault(*events, CHAT.flow("workflow_finished", **say.run_data("unheard-of", {"answer": "hi"})))
    assert unknown.kind is FaultKind.INTERRUPTED


def test_an_unknown_code_after_a_failed_run_is_a_failed_run() -> None:
    failed = CHAT.flow("workflow_finished", **say.run_data("failed", None, "boom"))
    error = CHAT.event("error", **say.error(400, "invalid_param", "variable missing"))
    assert fault(*CHAT.begun(), failed, error).kind is FaultKind.EXECUTION


def test_an_error_that_comes_first_did_not_run() -> None:
    refused = fault(CHAT.event("error", **say.error(400, "app_unavailable", "App unavailable")))
    assert (refused.kind, refused.may_have_run) == (FaultKind.INVALID_REQUEST, False)


def test_an_error_after_some_text_may_have_run() -> None:
    error = CHAT.event("error", **say.error(401, "unauthorized", "no"))
    assert fault(CHAT.event("message", answer="hi"), error).may_have_run is True


def test_pings_with_and_without_data_are_no_events() -> None:
    content = b'event: ping\n\ndata: {"event": "ping"}\n\n' + say.sse([CHAT.event("message_end", metadata={})])
    events, outcome = read(content)
    assert isinstance(outcome, Result)
    assert [event.name for event in events if isinstance(event, VendorEvent)] == ["ids"]
    assert len(events) == 1


def test_the_ids_are_told_by_the_first_event_that_has_them() -> None:
    events, _ = read(say.sse([{"event": "a_new_event"}, CHAT.event("message", answer="hi")]))
    assert [event.name for event in events if isinstance(event, VendorEvent)] == ["a_new_event", "ids"]


def test_a_broken_usage_figure_loses_no_answer() -> None:
    end = CHAT.event("message_end", metadata={"usage": "a lot", "retriever_resources": None})
    answered = result(CHAT.event("message", answer="hi"), end)
    assert (answered.text, answered.usage) == ("hi", None)


def test_a_thought_that_grows_is_reported_once() -> None:
    thought = {"id": "t-1", "tool": "a;b", "tool_input": '{"a": 1, "b": 2}'}
    events, _ = read(
        say.sse(
            [
                CHAT.event("agent_thought", thought="I ", id="t-1"),
                CHAT.event("agent_thought", thought="I think", **thought, observation="no JSON"),
                CHAT.event("agent_thought", thought="I think", **thought, observation="no JSON"),
            ]
        )
    )
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["VendorEvent", "ReasoningDelta", "ReasoningDelta", "ToolCalled", "ToolCalled"]


def test_text_of_a_workflow_is_replaced_and_reasoning_is_apart() -> None:
    events = [
        FLOW.flow("workflow_started", id=say.RUN),
        FLOW.flow("reasoning_chunk", reasoning="hm", is_final=False),
        FLOW.flow("text_chunk", text="bad"),
        FLOW.flow("text_replace", text="good"),
    ]
    broken = fault(*events)
    assert broken.partial is not None
    assert (broken.partial.text, broken.partial.id) == ("good", say.RUN)


def test_a_failed_node_shows_its_status() -> None:
    events, _ = read(say.sse([FLOW.flow("node_finished", node_id="n-1", status="failed")]))
    assert StepChanged("n-1", "failed") in events


def test_a_form_that_goes_by_email_cannot_be_resumed() -> None:
    form = {**say.FORM, "form_token": None}
    required, paused = FLOW.flow("human_input_required", **form), FLOW.flow("workflow_paused", status="paused")
    waiting = result(*FLOW.begun(), required, paused)
    assert waiting.interrupt is not None
    assert (waiting.status, waiting.interrupt.resume) == ("waiting_for_input", None)


def test_what_trails_the_last_event_is_not_read() -> None:
    end = CHAT.event("message_end", metadata=say.METADATA)
    decoder = DifyDecoder()
    decoder.feed(say.sse([CHAT.event("message", answer="hi"), end, CHAT.event("error", **say.FAILED)]))
    assert decoder.done
    assert isinstance(decoder.finish(), Result)


@pytest.mark.parametrize("content", [b"data: not json\n\n", b"data: []\n\n", b'data: {"answer": "hi"}\n\n'])
def test_what_is_no_event_ends_the_stream_and_loses_nothing_before_it(content: bytes) -> None:
    events, outcome = read(say.sse([CHAT.event("message", answer="hi")]) + content)
    assert events[-1] == TextDelta("hi")
    assert isinstance(outcome, Fault)
    assert outcome.kind is FaultKind.INTERRUPTED
    assert outcome.partial is not None
    assert outcome.partial.text == "hi"
