"""What is sent to Promptitude, field by field."""

from __future__ import annotations

import pytest

from agentbridge import Call, Connection, Invocation, UnsupportedFeatureError
from agentbridge_promptitude import Promptitude, endpoint, wire

BASE = "https://api.promptitude.io/v1"


def build(agent="f-42", api_key="secret-key", options=None, **fields):
    call = Call(base_url=BASE, agent=agent, api_key=api_key, options=options or {})
    return Promptitude().build_request(Invocation(target=f"promptitude:{agent}", **fields), call)


def test_the_documented_example():
    request = build(inputs={"name": "Andres", "lastName": "Lopez"}, user_id="9hhsOa6p")
    assert (request.method, request.url) == ("POST", f"{BASE}/flows/f-42/generate")
    assert request.auth == {"Authorization": "Bearer secret-key"}
    assert request.json == {"flow": {"inputs": {"name": "Andres", "lastName": "Lopez"}}, "userId": "9hhsOa6p"}
    assert request.headers == {}
    assert not request.idempotent


def test_what_is_not_said_is_not_sent():
    assert build().json == {"flow": {"inputs": {}}}
    assert build(api_key=None).auth == {}


def test_an_input_keeps_its_type():
    inputs = {"count": 3, "tags": [], "more": {"a": None}, "flag": False}
    assert build(inputs=inputs).json["flow"]["inputs"] == inputs


@pytest.mark.parametrize(
    ("agent", "path"),
    [
        ("a/b?c d", "/flows/a%2Fb%3Fc%20d/generate"),
        ("fl%C3%BC", "/flows/fl%25C3%25BC/generate"),
        (f"{BASE}/flows/f-42/generate", "/flows/f-42/generate"),
        (f"{BASE}/flows/f-42/generate/?x=1#y", "/flows/f-42/generate"),
        (f"{BASE}/flows/a%2Fb/generate", "/flows/a%2Fb/generate"),
        ("https://elsewhere.example/v1/flows/f-42/generate", "/flows/f-42/generate"),
    ],
)
def test_the_flow_id_is_encoded_and_may_be_a_copied_url(agent, path):
    assert build(agent=agent).url == BASE + path


def test_the_deprecated_key_in_the_body_is_refused_without_naming_it():
    with pytest.raises(UnsupportedFeatureError) as caught:
        build(options={"apiKey": "canary-key"})
    assert str(caught.value) == (
        "this provider cannot carry \"options['apiKey']\": the key travels in the Authorization header only."
        " Give it as the connection's api_key"
    )


def test_a_base_url_with_a_query_is_refused_since_it_would_end_up_inside_of_the_path():
    call = Call(base_url=f"{BASE}?x=1", agent="f-42", api_key=None, options={})
    with pytest.raises(UnsupportedFeatureError) as caught:
        Promptitude().build_request(Invocation(target="promptitude:f-42"), call)
    assert caught.value.args == ("base_url", "a query there would end up in the middle of the URL. Leave it out")


def test_a_body_has_only_what_was_said():
    assert endpoint.said(wire.Generate(prompt=wire.AskedPrompt(promptId="p-1"))) == {"prompt": {"promptId": "p-1"}}


@pytest.fixture
def bridge(open_bridge):
    return open_bridge(connections={"promptitude": Connection("promptitude", api_key="secret-key")}, config={})


def test_an_empty_list_in_a_context_passes_and_none_is_added(bridge):
    steps = {"step1": {"context": {"folders": {"ids": []}, "tags": {"names": ["my tag"]}}}}
    prepared = bridge.prepare("promptitude:f-42", inputs={"a": "b"}, options={"promptitude": {"steps": steps}})
    assert prepared.request.url == f"{BASE}/flows/f-42/generate"
    assert prepared.request.json == {"flow": {"inputs": {"a": "b"}}, "steps": steps}


@pytest.mark.parametrize(
    ("field", "value"), [("text", "hello"), ("session_id", "s-1"), ("callback_url", "https://example.com/hook")]
)
def test_what_it_cannot_carry_is_refused_by_name(bridge, field, value):
    with pytest.raises(UnsupportedFeatureError, match=f"promptitude cannot carry '{field}'"):
        bridge.prepare("promptitude:f-42", **{field: value})


def test_a_session_may_be_dropped(bridge):
    prepared = bridge.prepare("promptitude:f-42", inputs={"a": 1}, session_id="s-1", on_unsupported="drop")
    assert prepared.dropped == ("session_id",)
    assert prepared.request.json == {"flow": {"inputs": {"a": 1}}}
