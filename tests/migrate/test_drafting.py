"""A binding file is drafted from samples: it loads, it hides what people said, and filled in it moves the samples."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings, strategies as st

from agentbridge import Bridge, ConfigurationError, File, Invocation, UnknownTargetError
from agentbridge.config import load
from agentbridge.migrate import Sample, draft, plan
from agentbridge.migrate.studying import readable

MESSAGE, SHOP, LANGUAGE = "varInputNode_1769719132696_0.4717", "varInputNode_1769719379599_0.0454", "replyLanguage"
CONNECTIONS = {
    "fluxprompt": {"provider": "fluxprompt"},
    "fluxprompt-eu": {"provider": "fluxprompt"},
    "flowise": {"provider": "flowise", "base_url": "https://flows.example"},
    "flowgent": {"provider": "flowgent"},
    "promptitude": {"provider": "promptitude"},
}


@pytest.fixture
def bridge():
    with Bridge({}, connections=CONNECTIONS) as bridge:
        yield bridge


def calls(count=4, **said):
    for number in range(count):
        inputs = {MESSAGE: f"Where is parcel {number}? I am Ann.", SHOP: ["Acme", "Bolt"][number % 2], LANGUAGE: "en"}
        fields = {"target": "fluxprompt:a176fb62-dc8c", "inputs": inputs, **said}
        yield Sample(id=str(number), invocation=Invocation(**fields))


def drafted(bridge, to, samples):
    text = draft(samples, to, bridge)
    return text, tomllib.loads(text)["agents"]


def test_the_old_binding_has_the_message_readable_names_and_constants(bridge):
    _, agents = drafted(bridge, "flowgent", calls())
    assert agents["agent"]["default"] == "fluxprompt"
    assert agents["agent"]["on"]["fluxprompt"] == {
        "agent": "a176fb62-dc8c",
        "text": MESSAGE,
        "inputs": {"input_1": SHOP},
        "constants": {LANGUAGE: "en"},
    }


@pytest.mark.parametrize("to", ["flowgent", "flowise"])
def test_a_vendor_of_one_message_gets_a_template(bridge, to):
    _, agents = drafted(bridge, to, calls())
    assert agents["agent"]["on"][to] == {
        "agent": "FILL_IN",
        "template": "Reply language: {reply_language}\nInput 1: {input_1}\n\n{text}",
        "constants": {"reply_language": "en"},
    }


def test_a_vendor_of_inputs_gets_inputs_to_be_filled_in(bridge):
    _, agents = drafted(bridge, "promptitude", calls())
    assert agents["agent"]["on"]["promptitude"] == {
        "agent": "FILL_IN",
        "text": "FILL_IN_text",
        "inputs": {"input_1": "FILL_IN_input_1"},
        "constants": {"reply_language": "en"},
    }


def test_another_account_at_the_same_vendor_has_the_same_names(bridge):
    _, agents = drafted(bridge, "fluxprompt-eu", calls())
    new, old = agents["agent"]["on"]["fluxprompt-eu"], agents["agent"]["on"]["fluxprompt"]
    assert new == {**old, "agent": "FILL_IN"}


def test_no_value_that_varies_is_shown(bridge):
    text, _ = drafted(bridge, "flowgent", calls())
    assert "Ann" not in text
    assert "Acme" not in text


def test_two_calls_make_no_constant(bridge):
    _, agents = drafted(bridge, "flowgent", calls(2))
    assert "constants" not in agents["agent"]["on"]["fluxprompt"]
    assert agents["agent"]["on"]["fluxprompt"]["inputs"] == {"input_1": SHOP, "reply_language": LANGUAGE}


def test_calls_with_a_text_need_no_input_for_it(bridge):
    samples = list(calls(target="flowise:p-1", text="hi", inputs={}))
    _, agents = drafted(bridge, "flowgent", samples)
    assert agents["p-1"]["on"] == {"flowise": {"agent": "p-1"}, "flowgent": {"agent": "FILL_IN"}}


def test_an_input_for_files_is_found_and_asked_for(bridge):
    samples = list(calls(files=(File("a.txt", b"x", input="varDoc"),)))
    _, agents = drafted(bridge, "flowise", samples)
    assert agents["agent"]["on"]["fluxprompt"]["files"] == "varDoc"
    assert "files" not in agents["agent"]["on"]["flowise"]
    samples = list(calls(target="flowise:p-1", text="hi", inputs={}, files=(File("a.txt", b"x"),)))
    _, agents = drafted(bridge, "fluxprompt", samples)
    assert agents["p-1"]["on"]["fluxprompt"]["files"] == "FILL_IN_files"


def test_agents_have_names_that_can_be_read_and_told_apart(bridge):
    targets = ("promptitude:joke-teller", "promptitude:Joke Teller", "fluxprompt:a176fb62", "flowise:8a92ec5b-1473")
    samples = [Sample(id=target, invocation=Invocation(target=target, inputs={"a": "b"})) for target in targets]
    _, agents = drafted(bridge, "flowgent", samples)
    assert list(agents) == ["joke-teller", "joke-teller-2", "agent", "agent-2"]


def test_what_is_portable_or_there_already_is_said(bridge):
    samples = [*calls(1), *calls(2, target="support@fluxprompt"), *calls(1, target="flowgent:there\nagents = 1")]
    text, agents = drafted(bridge, "flowgent", samples)
    assert "# Drafted from 1 sample. " in text
    assert '# Portable already, by 2 samples: "support@fluxprompt"' in text
    assert r'# At "flowgent" already: "there\nagents = 1"' in text
    assert list(agents) == ["agent"]


def test_nothing_to_draft_is_an_error(bridge):
    with pytest.raises(ConfigurationError, match=r"nothing to draft \(portable agents: support\)"):
        draft(calls(target="support"), "flowgent", bridge)
    with pytest.raises(ConfigurationError, match="at another vendor than 'fluxprompt'"):
        draft(calls(), "fluxprompt", bridge)


def test_a_connection_that_is_not_there_is_an_error(bridge):
    with pytest.raises(UnknownTargetError, match="'nowhere'"):
        draft(calls(), "nowhere", bridge)


@pytest.mark.parametrize("to", ["flowgent", "flowise", "promptitude", "fluxprompt-eu"])
def test_filled_in_it_moves_every_sample_it_was_drafted_from(bridge, to):
    text = draft(calls(), to, bridge)
    agents = tomllib.loads(text)["agents"]
    with Bridge({}, connections=CONNECTIONS, agents=agents) as waiting:
        assert not plan(calls(), waiting, to).ok
    agents = tomllib.loads(text.replace("FILL_IN", "filled"))["agents"]
    with Bridge({}, connections=CONNECTIONS, agents=agents) as moved:
        made = plan(calls(), moved, to)
    assert made.ok, made.to_text()
    assert made.calls == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


@settings(max_examples=60, deadline=None)
@given(
    inputs=st.dictionaries(TEXT, JSON, min_size=1, max_size=4),
    agent=TEXT,
    count=st.integers(1, 4),
    to=st.sampled_from(["flowgent", "promptitude", "fluxprompt-eu"]),
)
def test_whatever_the_samples_say_the_draft_loads(inputs, agent, count, to):
    samples = [
        Sample(id=str(n), invocation=Invocation(target=f"fluxprompt:{agent}", inputs=inputs)) for n in range(count)
    ]
    with Bridge({}, connections=CONNECTIONS) as bridge:
        (made,) = load(tomllib.loads(draft(samples, to, bridge))).agents.values()
    assert made.on["fluxprompt"].agent == agent
    names = {*made.on["fluxprompt"].inputs.values(), *made.on["fluxprompt"].constants, made.on["fluxprompt"].text}
    assert names - {None} == set(inputs)


@pytest.mark.parametrize(
    ("names", "readables"),
    [
        (["customerName", "orderID", "user-email"], ["customer_name", "order_id", "user_email"]),
        (["varInputNode_17_0.4", "varInputNode_18_0.2"], ["input_1", "input_2"]),
        (["varInputNode_17_0.4"], ["input_1"]),
        (["42", "\u00e9"], ["input_1", "input_2"]),
        (["text", "Text_2"], ["input_1", "input_2"]),
    ],
)
def test_vendors_names_become_readable(names, readables):
    assert list(readable(names).values()) == readables
