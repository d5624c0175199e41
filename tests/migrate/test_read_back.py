"""A request that a plugin builds is read back as the call that it was built from."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from agentbridge import Call, File, HttpRequest, Invocation, Message, Registry, UnsupportedFeatureError
from agentbridge.migrate.importers.exchanges import recorded_request
from agentbridge.planning.building import fixed

PROVIDERS = {name: Registry()[name] for name in ("fluxprompt", "promptitude", "flowgent", "flowise")}
FRESH = "3f2b8f1e-6d3c-4b1a-9a57-0c9e1d2f4a5b"
WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
NAMES = st.text("abcdefgh_.0123456789", min_size=1, max_size=8)
FIELDS = {
    "text": WORDS,
    "messages": st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), WORDS), max_size=3).map(tuple),
    "inputs": st.dictionaries(NAMES, WORDS, max_size=3),
    "files": st.lists(st.builds(File, st.just("a.txt"), WORDS.map(str.encode), input=st.none()), max_size=1).map(tuple),
    "session_id": st.none() | NAMES,
    "user_id": st.none() | NAMES,
    "callback_url": st.none() | NAMES.map("https://caller.invalid/?x={}".format),
}


def _sent(provider, invocation, agent) -> HttpRequest:
    call = Call(base_url="https://vendor.invalid/base", agent=agent, api_key="canary-key-1234", fresh_id=FRESH)
    send = fixed(provider.build_request(invocation, call), provider, None)
    return recorded_request(send.request.method, send.url, b"".join(send.body.pieces()))


@pytest.mark.parametrize("name", PROVIDERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_was_built_is_read_back(name, data):
    provider, agent = PROVIDERS[name], data.draw(NAMES.filter(lambda name: name.strip(".")))
    said = {field: data.draw(FIELDS[field]) for field in sorted(provider.accepts)}
    if name == "flowise" and said["inputs"]:  # a flow takes a text or a form
        said["text"] = None
    if name == "fluxprompt":  # each file belongs to an input
        said["inputs"] = said["inputs"] or {"in": "x"}
        said["files"] = tuple(attrs.evolve(file, input=next(iter(said["inputs"]))) for file in said["files"])
    invocation = Invocation(target=f":{agent}", **said)
    try:
        request = _sent(provider, invocation, agent)
    except UnsupportedFeatureError:
        return
    assert provider.read_request(request) == invocation


def test_the_id_that_each_call_has_of_its_own_is_no_session():
    request = _sent(PROVIDERS["flowise"], Invocation(target=":a", text="hi"), "a")
    assert request.json["chatId"] == FRESH
    assert PROVIDERS["flowise"].read_request(request).session_id is None


@pytest.mark.parametrize(
    ("config", "session"), [({}, "c-1"), ({"overrideConfig": {}}, "c-1"), ({"overrideConfig": {"sessionId": "s"}}, "s")]
)
def test_a_chat_that_somebody_named_is_the_session_where_there_is_no_other(config, session):
    request = _sent(PROVIDERS["flowise"], Invocation(target=":a", text="hi"), "a")
    request = attrs.evolve(request, json={"question": "hi", "chatId": "c-1", **config})
    assert PROVIDERS["flowise"].read_request(request).session_id == session


@pytest.mark.parametrize(
    ("name", "path", "body", "why"),
    [
        ("fluxprompt", "/flux/api-v2?flowId=a", {}, "no object with a list of variableInputs"),
        ("fluxprompt", "/flux/api-v2", {"variableInputs": []}, "names no flowId"),
        ("fluxprompt", "/flux/api-v2?flowId=a&odd=1", {"variableInputs": []}, "nobody knows 'odd' in its query"),
        ("fluxprompt", "/flux/api-v2?flowId=a", {"variableInputs": [{"inputText": "x"}]}, "an inputId"),
        ("fluxprompt", "/flux/api-v2?flowId=a", {"variableInputs": [{"inputId": "x", "odd": 1}]}, "nobody knows 'odd'"),
        (
            "fluxprompt",
            "/flux/api-v2?flowId=a",
            {"variableInputs": [{"inputId": "x", "files": [{"name": "a", "base64": "***"}]}]},
            "not base64, as where a recorder masked it",
        ),
        ("promptitude", "/flows/f/generate", {"inputs": {}}, "no object with a flow"),
        ("promptitude", "/flows/f/generate", {"flow": {"inputs": []}, "x": 1}, None),
        ("promptitude", "/flows/f/generate", {"flow": {"inputs": [1]}}, "flow.inputs are no object"),
        ("flowgent", "/agent/a/chat", {"thread_id": "t"}, "no object with messages"),
        (
            "flowgent",
            "/agent/a/chat",
            {"messages": [{"role": "system", "content": "x"}]},
            "of neither user nor assistant",
        ),
        ("flowgent", "/agent/a/chat", {"messages": [{"role": "user", "content": [1]}]}, "a content that is no text"),
        ("flowise", "/api/v1/prediction/f", {"question": 1}, "its question is no text"),
        ("flowise", "/api/v1/prediction/f", {"history": [{"role": "system"}]}, "none of userMessage and apiMessage"),
        ("flowise", "/api/v1/prediction/f", {"uploads": [{"name": "a"}]}, "has no name, data and type"),
    ],
)
def test_what_no_invocation_can_say_is_refused_by_name(name, path, body, why):
    request = attrs.evolve(recorded_request("POST", f"https://vendor.invalid{path}", b""), json=body)
    if why is None:
        assert PROVIDERS[name].read_request(request).options == {"promptitude": {"x": 1}}
        return
    with pytest.raises(ValueError, match=why):
        PROVIDERS[name].read_request(request)


def test_a_key_in_a_body_is_not_taken_over():
    body = {"apiKey": "canary-key", "flow": {"inputs": {"a": "b"}, "steps": []}}
    request = attrs.evolve(recorded_request("POST", "https://vendor.invalid/v1/flows/f/generate", b""), json=body)
    said = PROVIDERS["promptitude"].read_request(request)
    assert said.options == {"promptitude": {"flow": {"steps": []}}}


def test_settings_and_kinds_of_uploads_become_options():
    upload = {
        "type": "file:rag",
        "name": "a.pdf",
        "mime": "application/pdf",
        "data": "data:application/pdf;base64,eA==",
    }
    link = {"type": "url", "name": "https://x.invalid/a.png", "mime": "image/png", "data": "https://x.invalid/a.png"}
    body = {"question": "hi", "uploads": [upload, link], "overrideConfig": {"sessionId": "s", "temperature": 0}}
    request = attrs.evolve(recorded_request("POST", "https://vendor.invalid/api/v1/prediction/f", b""), json=body)
    said = PROVIDERS["flowise"].read_request(request)
    assert said.options == {"flowise": {"overrideConfig": {"temperature": 0}, "uploadType": {"a.pdf": "file:rag"}}}
    assert (said.session_id, said.files[0].content, said.files[1].url) == ("s", b"x", "https://x.invalid/a.png")
    call = Call(base_url="https://vendor.invalid", agent="f", fresh_id="c", options=said.options["flowise"])
    send = fixed(PROVIDERS["flowise"].build_request(said, call), PROVIDERS["flowise"], None)
    assert recorded_request("POST", send.url, b"".join(send.body.pieces())).json["uploads"] == [upload, link]


@pytest.mark.parametrize(
    "messages",
    ["hi", {"role": "user", "content": "hi"}, [{"role": "user", "content": "hi"}]],
    ids=["text", "one", "list"],
)
def test_each_documented_form_of_messages_is_read(messages):
    body = {"messages": messages}
    request = attrs.evolve(recorded_request("POST", "https://vendor.invalid/agent/a/chat", b""), json=body)
    assert PROVIDERS["flowgent"].read_request(request) == Invocation(target=":a", text="hi")
