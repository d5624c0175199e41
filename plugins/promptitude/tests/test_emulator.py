"""The emulator through both bridges: what each of its scenarios becomes, and that it refuses what is undocumented."""

from __future__ import annotations

import json

import pytest

from agentbridge import RetryPolicy, Timeouts, errors

FAILURES = {
    "no-result": (errors.MalformedResponseError, 200, None),
    "error-in-200": (errors.ProviderError, 200, "500"),
    "code-in-200": (errors.QuotaExceededError, 200, "402"),
    "error-flag-only": (errors.ExecutionError, 200, "200"),
    "error-with-result": (errors.ProviderError, 200, "500"),
    "unauthorized": (errors.AuthenticationError, 401, "401"),
    "not-found": (errors.NotFoundError, 404, "404"),
    "busy": (errors.RateLimitError, 429, "429"),
    "server-error": (errors.ProviderError, 500, "500"),
    "html": (errors.MalformedResponseError, 200, None),
    "empty": (errors.MalformedResponseError, 200, None),
    "truncated": (errors.MalformedResponseError, 200, None),
    "bad-gateway": (errors.UnavailableError, 502, None),
    "redirect": (errors.ProviderError, 302, None),
    "slow": (errors.ResponseTimeoutError, None, None),
}
ANSWERS = {
    "ok": 'Echo: {"name": "Andres"} | user u-1',
    "list": "name: Andres",
    "object": '{\n  "said": "Echo: {\\"name\\": \\"Andres\\"} | user u-1",\n  "score": 7\n}',
    "json-text": '{"said": "Echo: {\\"name\\": \\"Andres\\"} | user u-1"}',
    "blank": " ",
}


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=1), timeouts=Timeouts(answer=0.5))


def test_every_scenario_is_tested_here(emulators):
    assert set(emulators.emulators["promptitude"].scenarios) == FAILURES.keys() | ANSWERS.keys()


@pytest.mark.parametrize("scenario", sorted(FAILURES))
def test_a_failing_scenario_is_raised_as_its_class(bridge, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.invoke(f"promptitude:{scenario}", inputs={"name": "Andres"})
    assert (type(caught.value), caught.value.status, caught.value.code) == FAILURES[scenario]


@pytest.mark.parametrize("scenario", sorted(ANSWERS))
def test_an_answering_scenario_says_what_it_was_asked(bridge, scenario):
    result = bridge.invoke(f"promptitude:{scenario}", inputs={"name": "Andres"}, user_id="u-1")
    assert result.text == ANSWERS[scenario]
    assert result.id.startswith("log-")
    assert result.warnings == (("empty answer",) if scenario == "blank" else ())


def test_a_list_stays_a_list_in_output(bridge):
    result = bridge.invoke("promptitude:list", inputs={"a": "1", "b": "2"})
    assert (result.output, result.text) == (["a: 1", "b: 2"], "a: 1\nb: 2")


def test_steps_and_their_empty_lists_arrive(bridge, emulators):
    steps = {"step1": {"context": {"folders": {"ids": []}}}}
    bridge.invoke("promptitude:ok", inputs={"a": "1"}, options={"promptitude": {"steps": steps}})
    seen = emulators.emulators["promptitude"].seen[-1]
    assert json.loads(seen.body) == {"flow": {"inputs": {"a": "1"}}, "steps": steps}


def test_what_came_with_an_error_is_partial(bridge):
    with pytest.raises(errors.ProviderError) as caught:
        bridge.invoke("promptitude:error-with-result")
    assert caught.value.partial.text == "Half of an answer"
    assert caught.value.may_have_run


def test_a_busy_vendor_says_when_to_come_back(bridge):
    with pytest.raises(errors.RateLimitError) as caught:
        bridge.invoke("promptitude:busy")
    assert (caught.value.retry_after, caught.value.retryable, caught.value.may_have_run) == (1.0, True, False)


@pytest.mark.parametrize(
    "options", [{"userId": 7}, {"steps": []}, {"flow": []}, {"flow": {"inputs": "x"}}, {"flow": {"id": 1}}, {"x": 1}]
)
def test_the_emulator_refuses_what_is_not_documented(bridge, options):
    with pytest.raises(errors.InvalidRequestError):
        bridge.invoke("promptitude:ok", options={"promptitude": options})


def test_a_wrong_key_and_an_unknown_flow(open_bridge, emulators):
    wrong = {"promptitude": {"provider": "promptitude", "api_key": "wrong-key"}}
    wrong["promptitude"]["base_url"] = emulators.connections["promptitude"].base_url
    with pytest.raises(errors.AuthenticationError):
        open_bridge(connections=wrong).invoke("promptitude:ok")
    with pytest.raises(errors.NotFoundError):
        open_bridge(connections=emulators.connections).invoke("promptitude:unheard-of")
