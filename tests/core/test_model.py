from __future__ import annotations

import json
import math
import pickle
import string

import attrs
import pytest
from hypothesis import given, strategies as st

from agentbridge import (
    SHARED,
    DataUrl,
    File,
    HttpRequest,
    HttpResponse,
    Interrupt,
    Invocation,
    Link,
    Message,
    Outcome,
    Pending,
    Prepared,
    Result,
    Source,
    ToolCall,
    Usage,
    events,
)  # fmt: skip

BLANKS = " " * 50_000
"""Behind JSON they make it large, which is read by another reader."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.none() | st.text()
NAMES = st.text(string.ascii_letters, min_size=1)
FILES = st.builds(File, NAMES, content=st.none() | st.binary(), path=TEXT, media_type=TEXT, input=TEXT) | st.builds(
    Link, st.text(), name=TEXT, input=TEXT
)
MESSAGES = st.lists(
    st.builds(Message, st.sampled_from(["user", "assistant"]), st.text(), st.lists(JSON, max_size=2)), max_size=2
)
INVOCATIONS = st.builds(
    Invocation,
    target=st.text(),
    text=TEXT,
    messages=MESSAGES,
    inputs=st.dictionaries(st.text(), JSON, max_size=2),
    files=st.lists(FILES, max_size=2),
    session_id=TEXT,
    options=st.dictionaries(NAMES, st.dictionaries(NAMES, JSON, max_size=2), max_size=2),
    metadata=st.dictionaries(NAMES, st.text(), max_size=2),
)
RESULTS = st.builds(
    Result,
    text=st.text(),
    output=JSON,
    id=TEXT,
    messages=MESSAGES,
    tool_calls=st.lists(st.builds(ToolCall, NAMES, JSON, JSON, TEXT, TEXT), max_size=2),
    sources=st.lists(st.builds(Source, st.text(), TEXT, TEXT, st.dictionaries(NAMES, JSON, max_size=2)), max_size=2),
    usage=st.none() | st.builds(Usage, credits=st.none() | st.integers(), model=TEXT),
    interrupt=st.none() | st.builds(Interrupt, st.text(), st.lists(st.text(), max_size=2), JSON, JSON),
    response=st.builds(
        HttpResponse, st.integers(100, 599), st.dictionaries(NAMES, st.text(), max_size=2), st.binary(),
        st.none() | st.builds(HttpRequest, NAMES, NAMES, json=JSON),
    ),
)  # fmt: skip


@given(INVOCATIONS)
def test_an_invocation_round_trips_through_json(invocation):
    assert Invocation.from_dict(json.loads(json.dumps(invocation.to_dict()))) == invocation


@given(RESULTS)
def test_a_result_round_trips_through_json(result):
    assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_a_pending_run_round_trips_through_json():
    pending = Pending("poll", "run-1", 1.5, "account", "a-1", "s-1", "2026-11-22T00:00:00Z")
    assert Pending.from_dict(json.loads(json.dumps(pending.to_dict()))) == pending


@pytest.mark.parametrize(
    "value",
    [
        Result(text="", output={"$base64": "aGk="}),
        Result(text="", output={"$text": "hi"}),
        Result(
            text="", output="",
            response=HttpResponse(200, {}, b"\xff", HttpRequest("POST", "https://x", json={"f": [DataUrl(File("a", b"b")), File("c", b"\xff")]})),
        ),
        Invocation(target="a:b", options={"flowise": {"f": File("a", b"b")}}),
    ],
)  # fmt: skip
def test_what_looks_like_our_own_marks_and_files_in_requests_round_trip(value):
    assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value


def test_documents_carry_a_schema_version():
    assert Invocation(target="a:b").to_dict()["schema_version"] == 1


@pytest.mark.parametrize(
    "data",
    [
        {}, {"schema_version": 2, "target": "a:b"}, {"schema_version": 1}, {"schema_version": 1, "target": "a", "texxt": "b"},
        {"schema_version": 1, "target": "a", "messages": ["no message"]}, [], None,
    ],
)  # fmt: skip
def test_what_is_no_invocation_is_refused_by_name(data):
    with pytest.raises(ValueError, match="Invocation|Message"):
        Invocation.from_dict(data)


def test_serialized_requests_hold_no_secret():
    request = HttpRequest("GET", "https://x", auth={"api-key": "secret-key"})
    result = Result(text="", output="", response=HttpResponse(200, request=request))
    assert "secret-key" not in json.dumps(result.to_dict())


VALUES = [
    Invocation(target="a:b", files=(File("a.txt", b"x"), Link("https://x"))),
    Result(text="t", output={"a": [1]}, response=HttpResponse(200, {"A": "b"}, b"{}", HttpRequest("GET", "https://x"))),
    Message("user", "hi"), File("a"), Link("u"), ToolCall("t"), Source("s"), Usage(credits=1), Interrupt("q"),
    Pending("poll"), Outcome(0, Invocation(target="a:b")), Prepared(HttpRequest("GET", "https://x")),
    events.Started("s"), events.TextDelta("t"), events.VendorEvent("n", {"a": 1}), events.Completed(Result(text="", output="")),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_everything_public_pickles_and_compares_by_value(value):
    assert pickle.loads(pickle.dumps(value)) == value


def test_values_are_frozen_and_copy_what_they_are_given():
    inputs = {"a": 1}
    invocation = Invocation(target="a:b", inputs=inputs)
    inputs["a"] = 2
    assert invocation.inputs == {"a": 1}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        invocation.text = "x"


def test_shared_survives_json():
    assert json.loads(json.dumps(SHARED)) == SHARED


class TestHttpResponse:
    def test_header_names_are_lower_case(self):
        assert HttpResponse(200, {"Content-Type": "Text/HTML; charset=x"}).content_type == "text/html"

    @pytest.mark.parametrize(
        "content", [b"NaN", b'{"a": Infinity}', b"[-Infinity]", b"", b"<html>", b"\xff", b"[" * 100_000]
    )
    def test_what_is_not_json_is_a_value_error(self, content):
        with pytest.raises(ValueError):
            HttpResponse(200, {}, content).json()
        with pytest.raises(ValueError):
            HttpResponse(200, {}, content + BLANKS.encode()).json()

    def test_a_byte_order_mark_is_skipped(self):
        assert HttpResponse(200, {}, b'\xef\xbb\xbf{"a": 1}').json() == {"a": 1}

    def test_of_a_name_that_is_there_twice_the_last_value_counts(self):
        assert HttpResponse(200, {}, b'{"a": 1, "a": {"b": 2, "b": 3}}').json() == {"a": {"b": 3}}

    @pytest.mark.parametrize("blanks", [b"", BLANKS.encode()], ids=["small", "large"])
    def test_a_number_too_large_for_a_float_is_infinite_and_can_be_written_all_the_same(self, blanks):
        decoded = HttpResponse(200, {}, b'{"text": "hi", "costs": [1e999, -1e999]}' + blanks).json()
        assert decoded == {"text": "hi", "costs": [math.inf, -math.inf]}
        assert Result(text="hi", output=decoded).to_dict()["output"]["costs"] == ["1e999", "-1e999"]

    @pytest.mark.parametrize(
        "text",
        ['"\\ud800"', "[" * 500 + "]" * 500, "9" * 5000, '\n {"a" : [1.5e3, -0.0, 1E-400, 12345678901234567890]}\t'],
        ids=["half a pair", "deep", "long", "blanks and numbers"],
    )
    def test_what_is_json_is_read_though_it_is_odd(self, text):
        expected = text if text.isdigit() else json.loads(text)
        assert HttpResponse(200, {}, text.encode()).json() == expected
        assert HttpResponse(200, {}, (text + BLANKS).encode()).json() == expected

    @pytest.mark.parametrize("level", ["[%s]", '{"a": %s}'])
    def test_what_is_nested_as_deeply_as_can_be_read_can_be_written_too(self, level):
        text = "1"
        for _ in range(800):
            text = level % text
        deep = Result(text="hi", output=HttpResponse(200, {}, text.encode()).json())
        assert Result.from_dict(json.loads(json.dumps(deep.to_dict()))).output == json.loads(text)

    @given(JSON, st.booleans())
    def test_json_is_read_as_by_python(self, value, ascii_only):
        written = json.dumps(value, ensure_ascii=ascii_only)
        assert HttpResponse(200, {}, written.encode()).json() == value
        assert HttpResponse(200, {}, (written + BLANKS).encode()).json() == value

    def test_json_is_decoded_once(self):
        response = HttpResponse(200, {}, b'{"a": 1}')
        assert response.json() is response.json()

    def test_repr_shows_the_first_bytes_only(self):
        assert len(repr(HttpResponse(200, {}, b"x" * 100_000))) < 500


class TestHttpRequest:
    REQUEST = HttpRequest("POST", "https://x", auth={"api-key": "secret-key"})

    def test_secrets_are_not_shown_compared_copied_or_pickled(self):
        assert "secret-key" not in repr(self.REQUEST)
        assert HttpRequest("POST", "https://x") == self.REQUEST
        assert pickle.loads(pickle.dumps(self.REQUEST)).auth == {}

    @pytest.mark.parametrize(
        ("method", "idempotent"), [("GET", True), ("HEAD", True), ("POST", False), ("DELETE", False)]
    )
    def test_reading_is_idempotent_unless_said_otherwise(self, method, idempotent):
        assert HttpRequest(method, "https://x").idempotent is idempotent
        assert HttpRequest(method, "https://x", idempotent=True).idempotent is True
