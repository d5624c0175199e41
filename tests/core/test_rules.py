"""Fault rules: errors that no document tells of, taught by configuration."""

from __future__ import annotations

import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as st
from vendor import registry

from agentbridge import Bridge, Connection, FaultKind, FaultRule, HttpResponse, RetryPolicy, errors
from agentbridge.config import load
from agentbridge.rules import found
from agentbridge.testing import MemoryTransport

DENIED = FaultRule(path="data.status", equals="denied", kind="quota_exceeded", message="data.why")


@pytest.fixture
def play(open_bridge):
    def make(body: Any, *rules: FaultRule, status: int = 200, **options: Any):
        answer = HttpResponse(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
        connection = Connection("tiny", "https://tiny.invalid", "canary-key-7f3a", faults=rules)
        bridge = open_bridge(
            config={}, connections={"tiny": connection}, registry=registry(), retry=RetryPolicy(attempts=1), **options
        )
        transport = MemoryTransport([answer])
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        return bridge

    return make


def test_an_answer_that_a_rule_knows_is_raised_as_its_fault(play):
    bridge = play({"text": "hi", "data": {"status": "denied", "why": "no credits left"}}, DENIED)
    with pytest.raises(errors.QuotaExceededError, match="no credits left") as caught:
        bridge.invoke("tiny:a", "hello")
    assert (caught.value.status, caught.value.retryable) == (200, False)
    assert caught.value.partial.text == "hi"  # what the provider would have read is not lost


def test_an_answer_that_no_rule_knows_is_read_as_ever(play):
    assert play({"text": "hi", "data": {"status": "fine"}}, DENIED).invoke("tiny:a", "hello").text == "hi"


def test_a_rule_overrides_the_providers_own_class(play):
    rule = FaultRule(path="code", equals=17, kind="unavailable", may_have_run=False)
    with pytest.raises(errors.UnavailableError) as caught:
        play({"message": "later", "code": 17}, rule, status=400).invoke("tiny:a", "hello")
    assert (caught.value.retryable, caught.value.may_have_run) == (True, False)


def test_the_first_rule_that_fits_decides(play):
    rules = [DENIED, FaultRule(path="data.status", present=True, kind="permission")]
    with pytest.raises(errors.QuotaExceededError):
        play({"data": {"status": "denied"}}, *rules).invoke("tiny:a", "hello")
    with pytest.raises(errors.PermissionDeniedError, match="data.status is 'other'"):
        play({"data": {"status": "other"}}, *rules).invoke("tiny:a", "hello")


def test_a_rule_may_be_of_one_status_only(play):
    rule = attrs.evolve(DENIED, status=400)
    assert play({"text": "hi", "data": {"status": "denied"}}, rule).invoke("tiny:a", "hello").text == "hi"


def test_what_a_rule_says_is_masked_like_everything(play):
    bridge = play({"data": {"status": "denied", "why": "bad key canary-key-7f3a"}}, DENIED)
    with pytest.raises(errors.QuotaExceededError) as caught:
        bridge.invoke("tiny:a", "hello")
    assert "canary" not in f"{caught.value} {caught.value.fault!r}"


HOLDS = [
    ({"path": "a.0.b", "equals": 1}, {"a": [{"b": 1}]}, True),
    ({"path": "a", "equals": True}, {"a": 1}, False),
    ({"path": "a", "equals": 1}, {"a": True}, False),
    ({"path": "a", "equals": None}, {"a": None}, True),
    ({"path": "a", "equals": []}, {"a": []}, True),
    ({"path": "a", "present": True}, {"a": ""}, True),
    ({"path": "a", "present": True}, {"a": None}, False),
    ({"path": "a", "present": False}, {}, True),
    ({"path": "a.b", "present": False}, {"a": 7}, True),
    ({"path": "a", "matches": "quota .*"}, {"a": "quota exceeded\nfor today"}, True),
    ({"path": "a", "matches": "quota"}, {"a": "your quota"}, False),
    ({"path": "a", "matches": "7"}, {"a": 7}, False),
]


@pytest.mark.parametrize(("rule", "body", "holds"), HOLDS)
def test_a_condition_holds_for_exactly_what_it_says(rule, body, holds):
    fault = FaultRule(**rule, kind="execution").fault(HttpResponse(200), body)
    assert (fault is not None) is holds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.text(min_size=1))
def test_any_path_into_any_body_finds_a_value_or_nothing(body, path):
    found(body, path)


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff"])
def test_a_body_that_is_no_json_is_left_to_the_provider(play, body):
    with pytest.raises(errors.MalformedResponseError):
        play(body, DENIED).invoke("tiny:a", "hello")


TOML = """
[[connections.flowise.faults]]
path = "text"
matches = "The provider refused.*"
kind = "execution"
may_have_run = true
"""


def test_rules_are_read_from_the_configuration(tmp_path):
    path = tmp_path / "agentbridge.toml"
    path.write_text(TOML)
    (rule,) = load(path).connections["flowise"].faults
    assert rule == FaultRule(path="text", matches="The provider refused.*", kind=FaultKind.EXECUTION, may_have_run=True)
    assert str(rule) == "text matches 'The provider refused.*' -> execution"


WRONG = {
    'kind = "quota"': "a fault rule's kind is one of authentication, .* not 'quota'",
    'kind = "execution"\nequals = 1\npresent = true': "give one of equals, present and matches, not equals and present",
    'kind = "execution"': "give one of equals, present and matches, not none",
    'kind = "execution"\nmatches = "("': "matches is no regular expression",
    'kind = "execution"\nequals = 1\nmessage = "a..b"': "'a..b' is no path",
    'kind = "execution"\nequals = 1\nmesage = "a"': "unknown key 'connections.flowise.faults.0.mesage'. Did you mean 'message'",
}


@pytest.mark.parametrize(("lines", "message"), WRONG.items())
def test_a_rule_that_is_wrong_is_said_to_be_when_the_file_is_read(tmp_path, lines, message):
    path = tmp_path / "agentbridge.toml"
    path.write_text(f'[[connections.flowise.faults]]\npath = "a"\n{lines}')
    with pytest.raises(errors.ConfigurationError, match=message):
        load(path)


def test_rules_pickle_and_compare():
    assert pickle.loads(pickle.dumps(DENIED)) == DENIED
    assert DENIED != attrs.evolve(DENIED, equals="other")


def test_what_is_no_rule_is_refused():
    with pytest.raises(errors.ConfigurationError, match="faults takes FaultRule values, not dict"):
        Bridge({}, connections={"tiny": Connection("tiny", faults=({},))})
