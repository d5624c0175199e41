"""What is sent to FlowGent, field by field."""

from __future__ import annotations

import pytest

from agentbridge import SHARED, Call, Connection, Invocation, Message, UnsupportedFeatureError
from agentbridge_flowgent import FlowGent

BASE = "https://flowgent.ai/api/public"
EARLIER = (Message("user", "Hello"), Message("assistant", "Hi, what is it?"))


def build(agent="a-1", api_key="secret-key", options=None, **fields):
    call = Call(base_url=BASE, agent=agent, api_key=api_key, options=options or {})
    return FlowGent().build_request(Invocation(target=f"flowgent:{agent}", **fields), call)


def test_a_text_alone_is_sent_as_a_text():
    request = build(text="Where is my order?", session_id="thread_123456", callback_url="https://example.com/hook")
    assert (request.method, request.url) == ("POST", f"{BASE}/agent/a-1/chat")
    assert request.json == {
        "messages": "Where is my order?",
        "thread_id": "thread_123456",
        "callback_url": "https://example.com/hook",
    }
    assert not request.idempotent


def test_the_key_has_no_scheme_and_stands_in_auth_only():
    request = build(text="x")
    assert (request.auth, request.headers) == ({"Authorization": "secret-key"}, {})
    assert build(text="x", api_key=None).auth == {}


def test_earlier_turns_come_first_and_the_text_last():
    asked = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi, what is it?"}]
    assert build(text="An order", messages=EARLIER).json == {
        "messages": [*asked, {"role": "user", "content": "An order"}]
    }
    assert build(messages=EARLIER[:1]).json == {"messages": asked[:1]}


@pytest.mark.parametrize("role", ["system", "tool"])
def test_other_roles_are_refused_by_name(role):
    with pytest.raises(UnsupportedFeatureError, match=f"'messages'.*{role!r}. Leave such messages out"):
        build(text="x", messages=[Message(role, "Be brief")])


def test_nothing_to_say_is_refused():
    with pytest.raises(UnsupportedFeatureError) as caught:
        build(session_id="thread_1")
    assert caught.value.args == ("text", "an agent answers messages, and there is none. Give text or messages")


def test_messages_may_stand_in_an_option_instead():
    assert build(options={"messages": "hello"}).json == {}


def test_a_base_url_with_a_query_is_refused_since_it_would_end_up_inside_of_the_path():
    call = Call(base_url=f"{BASE}?x=1", agent="a-1", api_key=None, options={})
    with pytest.raises(UnsupportedFeatureError) as caught:
        FlowGent().build_request(Invocation(target="flowgent:a-1", text="x"), call)
    assert caught.value.args == ("base_url", "a query there would end up in the middle of the URL. Leave it out")


@pytest.mark.parametrize(
    ("agent", "path"),
    [
        ("a/b?c d", "/agent/a%2Fb%3Fc%20d/chat"),
        (f"{BASE}/agent/a-1/chat", "/agent/a-1/chat"),
        (f"{BASE}/agent/a-1/chat/?x=1#y", "/agent/a-1/chat"),
        (f"{BASE}/agent/a%2Fb/chat", "/agent/a%2Fb/chat"),
        ("https://elsewhere.example/api/public/agent/a-1/chat", "/agent/a-1/chat"),
    ],
)
def test_the_agent_id_is_encoded_and_may_be_a_copied_url(agent, path):
    assert build(agent=agent, text="x").url == BASE + path


@pytest.fixture
def bridge(open_bridge):
    return open_bridge(connections={"flowgent": Connection("flowgent", api_key="secret-key")}, config={})


def test_an_option_may_give_the_message_as_an_object(bridge):
    message = {"role": "user", "content": "Hello"}
    for text in (None, "replaced"):
        prepared = bridge.prepare("flowgent:a-1", text, options={"flowgent": {"messages": message}})
        assert prepared.request.json == {"messages": message}


@pytest.mark.parametrize(("field", "value"), [("inputs", {"a": "b"}), ("user_id", "u-1"), ("session_id", SHARED)])
def test_what_it_cannot_carry_is_refused_by_name(bridge, field, value):
    with pytest.raises(UnsupportedFeatureError, match=f"flowgent cannot carry '{field}'"):
        bridge.prepare("flowgent:a-1", "x", **{field: value})


def test_a_wait_for_a_callback_is_refused_before_sending(bridge):
    with pytest.raises(UnsupportedFeatureError, match="callback"):
        bridge.invoke("flowgent:a-1", "x", callback_url="https://example.com/hook")
