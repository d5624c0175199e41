from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from agentbridge import Binding, ConfigurationError, File, Invocation, Link, UnsupportedFeatureError, bind


def call(**fields) -> Invocation:
    return Invocation(target="support", **fields)


def test_text_goes_into_the_input_that_takes_it():
    bound = bind(
        call(text="hi", inputs={"vendor": "Acme"}), Binding(agent="a", text="node-1", inputs={"vendor": "node-2"})
    )
    assert (bound.text, bound.inputs) == (None, {"node-1": "hi", "node-2": "Acme"})


def test_a_template_takes_inputs_into_the_text():
    bound = bind(call(text="hi", inputs={"vendor": "Acme"}), Binding(agent="a", template="Vendor: {vendor}\n\n{text}"))
    assert (bound.text, bound.inputs) == ("Vendor: Acme\n\nhi", {})


def test_a_value_that_is_no_text_is_written_as_json():
    bound = bind(call(inputs={"order": {"id": 7}}), Binding(agent="a", template="Order {order}"))
    assert bound.text == 'Order {"id": 7}'


@pytest.mark.parametrize("braces", ['{"a": 1}', "{ }", "{}", "{text.__class__}", "{0}", "{a b}", "{{"])
def test_braces_that_are_no_name_stay(braces):
    assert bind(call(text="hi"), Binding(agent="a", template=braces + " {text}")).text == braces + " hi"


@given(st.text())
def test_a_value_is_never_read_as_a_template(value):
    bound = bind(call(text=value, inputs={"a": "{text}"}), Binding(agent="a", template="<{a}|{text}>"))
    assert bound.text == "<{text}|" + value + ">"


def test_an_input_that_is_not_mapped_is_an_error_that_names_it_and_the_place():
    binding = Binding(agent="a", inputs={"vendor": "v"}, where="agentbridge.toml: [agents.support.on.flowgent]")
    with pytest.raises(
        UnsupportedFeatureError,
        match=r"inputs\['vendr'\].*agents\.support\.on\.flowgent\] does not map it \(mapped: vendor\)",
    ):
        bind(call(inputs={"vendr": "x"}), binding)


def test_an_input_that_the_template_needs_and_the_call_lacks_is_an_error():
    with pytest.raises(UnsupportedFeatureError, match="inputs\\['vendor'\\].*needs it"):
        bind(call(text="hi"), Binding(agent="a", template="{vendor} {text}"))


def test_text_is_never_lost_in_a_template_without_a_place_for_it():
    with pytest.raises(UnsupportedFeatureError, match="'text'.*has no {text}"):
        bind(call(text="hi", inputs={"a": "b"}), Binding(agent="a", template="{a}"))


def test_constants_are_further_inputs_and_cannot_be_overwritten():
    binding = Binding(agent="a", inputs={"lang": "language"}, constants={"language": "en", "tone": 1})
    assert bind(call(), binding).inputs == {"language": "en", "tone": 1}
    with pytest.raises(ConfigurationError, match="'language' two values"):
        bind(call(inputs={"lang": "de"}), binding)


def test_constants_serve_the_template_first():
    bound = bind(call(text="hi"), Binding(agent="a", template="{tone}: {text}", constants={"tone": "kind"}))
    assert (bound.text, bound.inputs) == ("kind: hi", {})


def test_two_canonical_inputs_never_meet_at_one_vendor_input():
    with pytest.raises(ConfigurationError, match="'x' two values"):
        bind(call(inputs={"a": 1, "b": 2}), Binding(agent="a", inputs={"a": "x", "b": "x"}))


def test_files_go_to_the_input_that_takes_them():
    files = (File("a", b""), Link("https://x", input="invoice"), File("b", b"", input="node-9"))
    bound = bind(call(files=files), Binding(agent="a", files="node-9", inputs={"invoice": "node-2"}))
    assert [file.input for file in bound.files] == ["node-9", "node-2", "node-9"]


def test_a_file_for_an_input_that_is_not_mapped_is_an_error():
    with pytest.raises(UnsupportedFeatureError, match="inputs\\['other'\\]"):
        bind(call(files=(File("a", b"", input="other"),)), Binding(agent="a", files="node-9"))


def test_binding_changes_nothing_else():
    invocation = call(text="hi", session_id="s", metadata={"a": "b"}, options={"flowise": {"x": 1}})
    assert bind(invocation, Binding(agent="a")) == invocation
