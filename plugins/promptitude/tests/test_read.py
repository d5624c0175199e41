"""What Promptitude's answers mean: documented shapes, every combination of its three error signals, and noise."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import example, given, strategies as st

from agentbridge import Fault, FaultKind, HttpResponse, Pending, Result
from agentbridge_promptitude import Promptitude

JOKE = "Why did the developer need glasses? Because he couldn't C#!"
SUCCESS = {"code": 200, "message": "OK", "error": False, "results": {"result": JOKE, "logId": "Z2gV2otfCKIt17t76KFJ"}}


def read(body, status=200):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Promptitude().read(HttpResponse(status, {"Content-Type": "application/json"}, content))


def test_the_documented_success():
    assert read(SUCCESS) == Result(text=JOKE, output=JOKE, id="Z2gV2otfCKIt17t76KFJ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["one", "two"], "one\ntwo"),
        (["one", 2], '[\n  "one",\n  2\n]'),
        ({"größe": [1]}, '{\n  "größe": [\n    1\n  ]\n}'),
        ('{"a": 1}', '{"a": 1}'),
        (" two\n", " two\n"),
        (7, "7"),
        (0, "0"),
        (False, "false"),
        (" ", " "),
        ("", ""),
    ],
)
def test_any_json_value_is_an_answer_and_output_keeps_it(value, text):
    result = read({**SUCCESS, "results": {"result": value}})
    assert (result.text, result.output, result.id) == (text, value, None)


def test_a_number_that_no_float_holds_costs_no_answer():
    body = json.dumps({**SUCCESS, "results": {"result": {"cost": "@"}}}).replace('"@"', "1e999")
    assert read(body.encode()).output == {"cost": math.inf}


@pytest.mark.parametrize(
    "change",
    [
        {"code": "200"},
        {"code": " 200 "},
        {"code": 200.0},
        {"code": 299},
        {"code": None},
        {"error": None},
        {"error": "false"},
        {"error": 0},
        {"error": ""},
        {"message": None},
        {"message": ["x"]},
        {"extra": 1},
    ],
)
def test_spellings_of_success(change):
    assert read({**SUCCESS, **change}).text == JOKE


@pytest.mark.parametrize("missing", ["code", "message", "error"])
def test_what_is_not_the_proof_may_be_missing(missing):
    assert read({key: value for key, value in SUCCESS.items() if key != missing}).text == JOKE


def test_an_unreadable_log_id_is_a_warning():
    result = read({**SUCCESS, "results": {"result": "x", "logId": {"a": 1}}})
    assert (result.text, result.id) == ("x", None)
    assert result.warnings == ("logId of the answer is unreadable and left out",)
    assert read({**SUCCESS, "results": {"result": "x", "logId": 17}}).id == "17"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "",
        None,
        7,
        "text",
        {"code": 200},
        {"code": 200, "message": "OK", "error": False},
        {**SUCCESS, "results": None},
        {**SUCCESS, "results": {}},
        {**SUCCESS, "results": []},
        {**SUCCESS, "results": JOKE},
        {**SUCCESS, "results": {"result": None, "logId": "x"}},
        {**SUCCESS, "results": {"result": {}, "logId": "x"}},
        {**SUCCESS, "results": {"result": [], "logId": "x"}},
        {**SUCCESS, "results": {"logId": "x"}},
        {**SUCCESS, "code": True},
        {**SUCCESS, "code": "fine"},
        {**SUCCESS, "code": ""},
        {**SUCCESS, "code": 200.5},
        b"",
        b"<html>Sign in</html>",
        b'{"results": {"result": "half',
        b'{"code": 200, "results": {"result": NaN}}',
    ],
)
def test_what_proves_nothing_is_no_answer(body):
    with pytest.raises(ValueError):
        read(body)


@pytest.mark.parametrize(
    ("body", "status", "missing"),
    [
        ({**SUCCESS, "results": {}}, 200, "no results.result"),
        ({**SUCCESS, "code": "fine"}, 200, "a code that is neither a success nor an error"),
        ({"detail": "x"}, 404, "an error, but not in Promptitude's envelope"),
    ],
)
def test_what_is_missing_is_named(body, status, missing):
    with pytest.raises(ValueError) as caught:
        read(body, status)
    assert str(caught.value) == missing


KINDS = {
    400: FaultKind.INVALID_REQUEST,
    401: FaultKind.AUTHENTICATION,
    402: FaultKind.QUOTA_EXCEEDED,
    403: FaultKind.PERMISSION,
    404: FaultKind.NOT_FOUND,
    422: FaultKind.INVALID_REQUEST,
    429: FaultKind.RATE_LIMITED,
    500: FaultKind.UNKNOWN,
    502: FaultKind.UNAVAILABLE,
    503: FaultKind.UNAVAILABLE,
}
ABSENT = object()
RESULTS = [ABSENT, None, {}, {"result": "half", "logId": "log-1"}, {"logId": "log-1"}]


@pytest.mark.parametrize("results", RESULTS)
@pytest.mark.parametrize("flag", [True, False, "true", 1, None, ABSENT])
@pytest.mark.parametrize(
    ("code", "status"), list(itertools.product([200, None, 402, "402", 503], [200, 401, 500, 503]))
)
def test_any_combination_of_flag_code_and_status_is_a_failure(flag, code, status, results):
    if flag in (False, None, ABSENT) and code in (200, None) and status == 200:
        return  # the one combination that is none
    body = {"code": code, "message": "The flow broke", "error": flag, "results": results}
    fault = read({key: value for key, value in body.items() if value is not ABSENT}, status)
    number = None if code is None else int(code)
    expected = KINDS.get(number) or KINDS.get(status) or FaultKind.EXECUTION
    assert (fault.kind, fault.message, fault.code) == (expected, "The flow broke", None if code is None else str(code))
    arrived = results in RESULTS[3:]
    assert (fault.partial.id if fault.partial else None) == ("log-1" if arrived else None)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_the_code_of_the_body_decides(code, kind, status):
    fault = read({"code": code, "message": "No", "error": True}, status)
    assert (fault.kind, fault.code, fault.message) == (kind, str(code), "No")


def test_retryable_and_may_have_run_follow_the_code():
    busy, broken, failed = (read({"code": code, "message": "No", "error": True}) for code in (503, 500, 200))
    assert (busy.retryable, busy.may_have_run) == (True, False)
    assert (broken.retryable, broken.may_have_run) == (False, True)
    assert (failed.kind, failed.retryable, failed.may_have_run) == (FaultKind.EXECUTION, None, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": True, "message": "OK", "code": 200}, "it failed without a message"),
        ({"error": True}, "it failed without a message"),
        ({"error": "True"}, "it failed without a message"),
        ({"error": 1}, "it failed without a message"),
        ({"error": {"reason": "größe"}}, '{"reason": "größe"}'),
        ({"error": "Out of memory"}, "Out of memory"),
        ({"error": {"reason": "x"}}, '{"reason": "x"}'),
        ({"error": True, "message": ["name is required"]}, '["name is required"]'),
        ({"code": 402, "message": "OK"}, "Payment Required"),
        ({"code": 0, "message": ""}, "the vendor reported a failure without a message"),
    ],
)
def test_where_the_error_text_stands(body, message):
    assert read(body).message == message


def test_an_odd_code_beside_the_flag_is_kept():
    assert read({"error": True, "code": "E_STEP", "message": "No"}).code == "E_STEP"


def test_what_came_with_an_error_is_kept():
    fault = read({"code": 500, "error": True, "results": {"result": ["a", "b"], "logId": "log-1"}})
    assert fault.partial == Result(text="a\nb", output=["a", "b"], id="log-1")
    named = read({"code": 500, "error": True, "results": {"logId": "log-1"}})
    assert named.partial == Result(text="", output=None, id="log-1")
    assert read({"code": 500, "error": True, "results": {}}).partial is None


def test_a_code_of_300_is_no_success():
    assert read({**SUCCESS, "code": 300}).kind is FaultKind.UNKNOWN


def test_the_code_of_an_error_is_said_as_a_number():
    assert read({**SUCCESS, "code": 402.0}).code == "402"


@pytest.mark.parametrize("body", [{"detail": "no such page"}, [], b"<html>", b"", {}])
def test_an_error_page_of_someone_else_is_left_to_the_core(body):
    with pytest.raises(ValueError):
        read(body, 404)


SCALARS = st.none() | st.booleans() | st.integers(-10, 700) | st.floats() | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
ODD = JSON | st.sampled_from([200, "200", 201, "402", 503, True, "true", "OK", 1e308])
ENVELOPES = st.builds(
    lambda change, results: {**SUCCESS, "results": {**SUCCESS["results"], **results}, **change},
    st.fixed_dictionaries({}, optional={"code": ODD, "message": ODD, "error": ODD, "results": ODD}),
    st.fixed_dictionaries({}, optional={"result": JSON, "logId": JSON}),
)


@given(body=JSON | ENVELOPES, status=st.sampled_from([200, 201, 204, 302, 400, 401, 429, 500, 503]))
@example(body={"code": 1e308, "results": {"result": "x"}}, status=200)
@example(body={"code": 201, "results": {"result": "x"}}, status=200)
def test_whatever_comes_is_an_answer_with_its_proof_or_no_answer(body, status):
    try:
        value = read(body, status)
    except ValueError:
        return  # guarded by the core: a MalformedResponseError, or the status's own error
    if isinstance(value, Fault):
        assert isinstance(value.message, str)
        assert value.message.strip()
        return
    assert not isinstance(value, Pending)
    assert isinstance(value.text, str)
    assert status in range(200, 300)
    assert not isinstance(body.get("code"), bool)
    assert body.get("code") is None or 200 <= float(str(body["code"])) <= 299
    assert body.get("error") is not True
    assert body["results"]["result"] not in (None, {}, [])
