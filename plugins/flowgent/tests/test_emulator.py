"""The emulator through both bridges: what each of its scenarios becomes, and that it refuses what is undocumented."""

from __future__ import annotations

import json

import pytest

from agentbridge import Message, RetryPolicy, Timeouts, errors

FAILURES = {
    "no-answer": (errors.MalformedResponseError, 200, None),
    "tool-error": (errors.ToolExecutionError, 200, None),
    "error-in-200": (errors.QuotaExceededError, 200, "402"),
    "busy": (errors.UnavailableError, 200, "503"),
    "server-error-in-200": (errors.ProviderError, 200, "500"),
    "no-credits-402": (errors.QuotaExceededError, 402, "402"),
    "busy-503": (errors.UnavailableError, 503, "503"),
    "unauthorized": (errors.AuthenticationError, 401, None),
    "forbidden": (errors.PermissionDeniedError, 403, None),
    "not-found": (errors.NotFoundError, 404, None),
    "html": (errors.MalformedResponseError, 200, None),
    "empty": (errors.MalformedResponseError, 200, None),
    "truncated": (errors.MalformedResponseError, 200, None),
    "bad-gateway": (errors.UnavailableError, 502, None),
    "redirect": (errors.ProviderError, 302, None),
    "slow": (errors.ResponseTimeoutError, None, None),
}
ANSWERS = {"ok": "Echo: hello", "parts": "Echo: hello", "body-as-string": "Echo: hello", "blank": " "}


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=1), timeouts=Timeouts(answer=0.5))


def test_every_scenario_is_tested_here(emulators):
    assert set(emulators.emulators["flowgent"].scenarios) == FAILURES.keys() | ANSWERS.keys()


@pytest.mark.parametrize("scenario", sorted(FAILURES))
def test_a_failing_scenario_is_raised_as_its_class(bridge, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.invoke(f"flowgent:{scenario}", "hello")
    assert (type(caught.value), caught.value.status, caught.value.code) == FAILURES[scenario]


@pytest.mark.parametrize("scenario", sorted(ANSWERS))
def test_an_answering_scenario_says_what_it_was_asked(bridge, scenario):
    result = bridge.invoke(f"flowgent:{scenario}", "hello", session_id="thread_1")
    assert (result.text, result.session_id, result.usage.credits) == (ANSWERS[scenario], "thread_1", 1)
    assert result.usage.duration_ms is None
    assert result.warnings == (("empty answer",) if scenario == "blank" else ())


def test_a_thread_is_begun_and_continued(bridge):
    begun = bridge.invoke("flowgent:ok", "hello")
    assert begun.session_id.startswith("thread_")
    assert bridge.invoke("flowgent:ok", "again", session_id=begun.session_id).session_id == begun.session_id


def test_earlier_turns_arrive_before_the_text(bridge, emulators):
    result = bridge.invoke("flowgent:ok", "now", messages=[Message("user", "before"), Message("assistant", "yes")])
    assert result.text == "Echo: now | user: before | assistant: yes"
    seen = emulators.emulators["flowgent"].seen[-1]
    assert [turn["content"] for turn in json.loads(seen.body)["messages"]] == ["before", "yes", "now"]


def test_the_object_form_goes_through_an_option(bridge):
    message = {"role": "user", "content": "hello"}
    assert bridge.invoke("flowgent:ok", options={"flowgent": {"messages": message}}).text == "Echo: hello"


def test_a_failed_tool_is_raised_with_the_answer_or_reported_on_its_call(bridge):
    with pytest.raises(errors.ToolExecutionError) as caught:
        bridge.invoke("flowgent:tool-error", "hello")
    assert caught.value.partial.text == "Echo: hello"
    result = bridge.invoke("flowgent:tool-error", "hello", tool_errors="report")
    assert (result.text, result.tool_calls[0].error) == ("Echo: hello", "the order service timed out")


def test_a_busy_provider_inside_a_200_is_tried_again_and_no_credits_are_not(open_bridge, emulators):
    bridge = open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=3, first_delay=0))
    for scenario, attempts in (("busy", 3), ("error-in-200", 1), ("server-error-in-200", 1)):
        with pytest.raises(errors.ProviderError) as caught:
            bridge.invoke(f"flowgent:{scenario}", "hello")
        assert caught.value.attempts == attempts


@pytest.mark.parametrize("scenario", ["ok", "busy"])
def test_an_acknowledgement_is_never_an_answer(bridge, scenario):
    options = {"flowgent": {"callback_url": "https://example.com/hook"}}
    with pytest.raises(errors.InvocationError, match="comes by callback") as caught:
        bridge.invoke(f"flowgent:{scenario}", "hello", options=options)
    pending = caught.value.pending
    assert (pending.kind, pending.id, pending.agent) == ("callback", None, scenario)
    assert caught.value.may_have_run


@pytest.mark.parametrize(
    "options",
    [
        {"messages": []},
        {"messages": [{"role": "system", "content": "x"}]},
        {"messages": {"role": "user"}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        {"thread_id": 7},
        {"agent_id": "a-1"},
    ],
)
def test_the_emulator_refuses_what_is_not_documented(bridge, options):
    with pytest.raises(errors.InvalidRequestError):
        bridge.invoke("flowgent:ok", "hello", options={"flowgent": options})


@pytest.mark.parametrize(("key", "said"), [("Bearer emulator-key", "Invalid API key"), (None, "API key is required")])
def test_the_emulator_takes_the_raw_key_only(open_bridge, emulators, key, said):
    base_url = emulators.connections["flowgent"].base_url
    connections = {"flowgent": {"provider": "flowgent", "base_url": base_url, "api_key": key}}
    with pytest.raises(errors.AuthenticationError, match=said):
        open_bridge(connections=connections).invoke("flowgent:ok", "hello")


def test_an_unknown_agent_and_a_wrong_path(open_bridge, emulators):
    with pytest.raises(errors.NotFoundError):
        open_bridge(connections=emulators.connections).invoke("flowgent:unheard-of", "hello")
    base_url = emulators.connections["flowgent"].base_url.replace("/api/public", "")
    connections = {"flowgent": {"provider": "flowgent", "base_url": base_url, "api_key": "emulator-key"}}
    with pytest.raises(errors.NotFoundError):
        open_bridge(connections=connections).invoke("flowgent:ok", "hello")
