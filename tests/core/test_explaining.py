"""`explain`: what one reply becomes, what decided it, and what nobody read."""

from __future__ import annotations

import json
import pickle
from typing import Any, ClassVar

import pytest
from hypothesis import given, strategies as st
from vendor import Say, Talking, Tiny

from agentbridge import Fault, FaultKind, FaultRule, HttpResponse, Pending, Result, errors
from agentbridge.explaining import explain
from agentbridge.reading import Lenient, Reply

KEY = "canary-key-7f3a"


class Part(Reply):
    text: str


class Body(Reply):
    known: ClassVar = frozenset({"took"})

    text: str
    parts: Lenient[list[Lenient[Part]]] = None
    whole: Any = None


class Modelled(Tiny):
    """One of each way to read."""

    def read(self, response: HttpResponse) -> Any:
        body = response.json()
        if body.get("error"):
            return self._failed({**body})
        if "later" in body:
            return Pending("callback" if body["later"] == "called" else "poll", "run-1")
        found, warnings = Body.parse({**body.get("inner", {}), **body} if "inner" in body else body)
        return Result(text=found.text, output=found.whole, warnings=warnings)

    def _failed(self, details: Any) -> Fault:
        """The vendor's own word."""
        return Fault(FaultKind.QUOTA_EXCEEDED, str(details["error"]))


def reply(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def explained(body: Any, *rules: FaultRule, status: int = 200, **more: Any) -> Any:
    return explain(Modelled(), reply(body, status), rules, **more)


def test_a_result_is_told_with_the_line_that_made_it():
    found = explained({"text": "hi"})
    assert (found.outcome.text, found.decided_by, found.unread, found.drift) == ("hi", "provider", (), ())
    assert found.where.startswith("core/test_explaining.py:")
    assert found.where.endswith(" Modelled.read")


def test_a_fault_is_told_with_the_check_that_saw_it_and_its_own_words():
    found = explained({"error": "no credits"})
    assert type(found.outcome) is errors.QuotaExceededError
    assert (found.decided_by, found.where.split()[1], found.why) == (
        "provider",
        "Modelled._failed",
        "The vendor's own word.",
    )


def test_a_missing_proof_is_named():
    found = explained({"took": 1})
    assert type(found.outcome) is errors.MalformedResponseError
    assert (found.decided_by, found.why) == ("provider", "the proof is missing: Body.text")
    assert found.where.endswith(" Modelled.read")


def test_a_proof_of_the_wrong_type_is_named_without_its_value():
    found = explained({"text": [KEY]})
    assert found.why == "Body.text: Input should be a valid string"


def test_a_rule_that_decides_is_named_and_what_it_looks_at_is_read():
    rules = [
        FaultRule(path="a", equals=1, kind="unknown"),
        FaultRule(path="data.state", matches="de.*", kind="permission"),
    ]
    found = explained({"text": "hi", "data": {"state": "denied", "other": 1}}, *rules)
    assert type(found.outcome) is errors.PermissionDeniedError
    assert found.outcome.partial.text == "hi"
    assert (found.decided_by, found.where) == ("rule", "fault rule 2")
    assert "data.state matches 'de.*' -> permission" in found.why
    assert found.unread == ("data.other",)


CORE = [
    ({"text": "hi"}, 404, errors.NotFoundError, "the HTTP status"),
    ({"later": "called"}, 200, errors.InvocationError, "waiting"),
    (b"<html>", 502, errors.UnavailableError, "the HTTP status"),
]


@pytest.mark.parametrize(("body", "status", "kind", "where"), CORE)
def test_what_the_core_decides_is_said_so(body, status, kind, where):
    found = explained(body, status=status)
    assert (type(found.outcome), found.decided_by, found.where) == (kind, "core", where)


def test_a_page_has_no_fields_that_could_be_read():
    found = explained(b"<html>", status=200)
    assert (type(found.outcome), found.unread) == (errors.MalformedResponseError, None)
    assert found.why.startswith("JSONDecodeError")


def test_a_run_that_answers_later_is_a_pending():
    assert explained({"later": "polled"}).outcome == Pending("poll", "run-1")


UNREAD = [
    ({"text": "hi", "took": 3}, ("took",)),
    ({"text": "hi", "new": {"a": 1, "b": [1]}}, ("new",)),
    ({"text": "hi", "whole": {"a": {"b": 1}, "c": []}}, ()),
    ({"text": "hi", "parts": [{"text": "a", "x": 1}, {"text": "b"}]}, ("parts.0.x",)),
    ({"text": "hi", "inner": {"parts": [], "deep": {"x": 1}}}, ("inner.deep",)),
    ({"error": "no", "detail": "more"}, ()),  # copied whole
]


@pytest.mark.parametrize(("body", "unread"), UNREAD)
def test_what_nobody_read_is_listed_by_its_path(body, unread):
    assert explained(body).unread == unread


def test_what_nobody_knows_is_told_too():
    assert [str(each) for each in explained({"text": "hi", "new": 1}).drift] == ["unknown field Body.new, 1 time"]


def test_a_secret_is_masked_everywhere():
    found = explained({"error": f"bad key {KEY}", "x": KEY}, secrets=frozenset({KEY}))
    assert KEY not in f"{found!r} {found.outcome} {found.outcome.response!r}"
    raised = explained({"text": [1], KEY: 1}, secrets=frozenset({KEY}))
    assert KEY not in f"{raised.why} {raised.drift}"


def test_the_reply_to_an_operation_is_explained_by_its_own_reading():
    found = explain(Tiny(), reply({"text": "hi"}), operation=Say("hello"))
    assert (found.outcome.text, found.outcome.agent) == ('{"text": "hi"}', "hello")


def test_a_stream_is_decoded():
    content = b"data: a\n\ndata: b\n\n"
    found = explain(Talking(), reply(content + b"data: [DONE]\n\n", **{"content-type": "text/event-stream"}))
    assert (found.outcome.text, found.unread) == ("ab", None)
    cut = explain(Talking(), reply(content, **{"content-type": "text/event-stream"}))
    assert type(cut.outcome) is errors.StreamInterruptedError
    assert cut.outcome.partial.text == "ab"


def test_an_explanation_pickles():
    found = explained({"text": "hi", "whole": {"a": 1}, "new": 1})
    assert pickle.loads(pickle.dumps(found)) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "error", "inner", "later", "parts", "", "a.b"]), inner, max_size=4)
    ),
)


@given(JSON, st.sampled_from([200, 302, 404, 503]))
def test_any_reply_has_an_explanation(body, status):
    found = explained(body, status=status)
    assert found.where
    assert isinstance(found.outcome, (Result, Pending, errors.InvocationError))


def test_a_reply_that_is_nested_too_deeply_has_one_too():
    deep = b'{"text": "hi", "whole": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert explained(deep).outcome is not None
