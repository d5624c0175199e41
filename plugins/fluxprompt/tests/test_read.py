"""What answers mean: `read` on every documented shape, and on whatever else a vendor may send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from agentbridge import Fault, FaultKind, HttpRequest, HttpResponse, Pending, Result, Usage
from agentbridge.drift import Drifts, watched_by
from agentbridge_fluxprompt import FluxPrompt, wire
from agentbridge_fluxprompt.failures import failure

ID = "7f3c0e0e-7f1c-4c62-9d3b-0d0f6f6d1f11"
STATUS_URL = f"https://api.fluxprompt.ai/flux/executions/{ID}"
START = HttpRequest("POST", "https://api.fluxprompt.ai/flux/api-v2", query={"flowId": "f", "sessionId": "s"})
CALLBACK = HttpRequest("POST", START.url, query={"flowId": "f", "callback_url": "https://me.example/cb"})
POLL = HttpRequest("GET", STATUS_URL)


def read(body: Any, status: int = 200, request: HttpRequest | None = START) -> Result | Pending | Fault:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FluxPrompt().read(HttpResponse(status, {}, content, request))


def item(text: Any, number: int = 1) -> dict[str, Any]:
    return {"timestamp": "3/14/2026, 1:48:21 AM", "text": text, "outputId": f"outputObjectNode_{number}"}


def envelope(*items: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"message": list(items)}, **more}


def error(message: Any) -> dict[str, Any]:
    return {"status": "error", "data": {"message": message}}


def nest(status: Any, message: Any = "Refused by a guard") -> dict[str, Any]:
    return {"statusCode": status, "message": message, "error": "Bad Request"}


def polled(status: Any, **more: Any) -> dict[str, Any]:
    times = {"createdAt": "2026-09-01T10:00:00.000Z", "startedAt": None, "finishedAt": None}
    return {"executionId": ID, "flowId": "f", "status": status, **times, **more}


def refuses(body: Any, status: int = 200, request: HttpRequest | None = START) -> bool:
    with pytest.raises(ValueError):
        read(body, status, request)
    return True


# the envelope


def test_one_output_is_a_text():
    assert read(envelope(item("Hello"))) == Result(text="Hello", output="Hello")


def test_several_outputs_are_joined_and_all_kept():
    items = [item("one"), item(" ", 2), item("two", 3)]
    assert read(envelope(*items)) == Result(text="one\n\ntwo", output=items)


def test_a_blank_output_is_an_answer_of_the_vendor():
    assert read(envelope(item(" "))) == Result(text="", output=" ")


def test_an_unreadable_output_beside_a_readable_one_is_a_warning():
    result = read(envelope(item("one"), {"outputId": "x"}))
    assert (result.text, len(result.output)) == ("one", 2)
    assert result.warnings == ("output 2 of 2 has no readable text and is left out of the answer's",)


def test_an_id_in_the_envelope_is_taken():
    assert read(envelope(item("x"), executionId=ID)).id == ID


def test_an_unreadable_optional_field_is_a_warning():
    result = read(envelope(item("x"), executionId={}))
    assert (result.text, result.id, len(result.warnings)) == ("x", None, 1)


def test_an_unknown_status_beside_an_answer_is_a_warning():
    body = {**envelope(item("x")), "status": "partial"}
    assert read(body).warnings == ("unknown status 'partial' beside an answer",)
    assert read({"data": {"message": [item("x")]}}).warnings == ()


@pytest.mark.parametrize(
    "body",
    [
        envelope(), envelope({}), envelope(item(None)), envelope(item({})), envelope("text"), envelope(None),
        {"status": "success", "data": {"message": "a string is an error's"}}, {"data": {"message": "boom"}},
        {"status": "success", "data": {"message": {}}}, {"status": "success", "data": {"message": None}},
        {"status": "success", "data": {}}, {"status": "success", "data": None}, {"status": "success"},
        {"status": "success", "data": []}, {"message": "ok"}, {"text": "ok"}, {"output": "ok"},
        {}, [], "", "ok", 7, None, True, [item("x")], b"", b"<html></html>", b"{", b"NaN", b'{"status": NaN}',
        {"executionId": ID}, {"executionId": ID, "status": ""}, {"executionId": "", "status": "completed", "output": "x"},
        {"executionId": {}, "status": "in_progress"}, {"status": "completed", "output": "x"},
        {"executionId": "..", "status": "in_progress"},
    ],
)  # fmt: skip
def test_what_proves_nothing_is_no_answer(body):
    assert refuses(body)


# failures


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (200, error("the model refused"), FaultKind.EXECUTION, "the model refused"),
        (200, error(["a", "b"]), FaultKind.EXECUTION, "a; b"),
        (200, error([item("boom")]), FaultKind.EXECUTION, "boom"),
        (200, error(None), FaultKind.EXECUTION, "the vendor reported a failure without a message"),
        (200, {"status": "error"}, FaultKind.EXECUTION, "the vendor reported a failure without a message"),
        (200, {"success": False, "error": "error", "data": {"message": "no"}}, FaultKind.EXECUTION, "no"),
        (200, {"success": False, "error": "stopped"}, FaultKind.EXECUTION, "stopped"),
        (200, {**envelope(item("x")), "success": False}, FaultKind.EXECUTION, "x"),
        (200, {**envelope(item("x")), "success": "false"}, FaultKind.EXECUTION, "x"),
        (200, {**envelope(item("x")), "success": 0}, FaultKind.EXECUTION, "x"),
        (200, {"executionId": ID, "statusUrl": STATUS_URL, "error": "threw"}, FaultKind.EXECUTION, "threw"),
        (202, {"executionId": ID, "statusUrl": STATUS_URL, "error": "threw"}, FaultKind.EXECUTION, "threw"),
        (200, polled("error", errorMessage="node failed"), FaultKind.EXECUTION, "node failed"),
        (200, polled("ERROR"), FaultKind.EXECUTION, "the vendor reported a failure without a message"),
        (200, polled("stopped", errorMessage="ceiling"), FaultKind.EXECUTION, "ceiling"),
        (200, polled("completed", output=error("inside")), FaultKind.EXECUTION, "inside"),
        (200, {**envelope(item("x")), "error": {"message": "no"}}, FaultKind.EXECUTION, "no"),
        (200, polled("completed", output="x", error={"message": "no"}), FaultKind.EXECUTION, "no"),
        (200, {**envelope(item("x")), "code": 402, "error": "no credits"}, FaultKind.QUOTA_EXCEEDED, None),
        (200, {**envelope(item("x")), **nest("503")}, FaultKind.UNAVAILABLE, None),
        (200, {**envelope(item("x")), "success": "False"}, FaultKind.EXECUTION, "x"),
        (200, {"data": {"message": []}, "error": "threw"}, FaultKind.EXECUTION, "threw"),
        (200, nest(401), FaultKind.AUTHENTICATION, "Refused by a guard"),
        (200, nest(429), FaultKind.RATE_LIMITED, "Refused by a guard"),
        (400, error("the model refused"), FaultKind.EXECUTION, "the model refused"),
        (400, error("callback_url is not a valid URL"), FaultKind.INVALID_REQUEST, "callback_url is not a valid URL"),
        (400, error("node says: callback_url is not a valid URL"), FaultKind.EXECUTION, None),
        (400, nest(400, ["flowId must be a UUID", "x"]), FaultKind.INVALID_REQUEST, "flowId must be a UUID; x"),
        (400, nest(400, ""), FaultKind.INVALID_REQUEST, "Bad Request"),
        (400, nest(404), FaultKind.NOT_FOUND, "Refused by a guard"),
        (401, error("Invalid API key"), FaultKind.AUTHENTICATION, "Invalid API key"),
        (401, nest(500), FaultKind.AUTHENTICATION, "Refused by a guard"),
        (401, {"message": "no"}, FaultKind.AUTHENTICATION, "no"),
        (403, {"error": {"message": "space"}}, FaultKind.PERMISSION, "space"),
        (403, nest(500), FaultKind.PERMISSION, "Refused by a guard"),
        (404, error("Execution not found"), FaultKind.NOT_FOUND, "Execution not found"),
        (402, {"error": "no credits"}, FaultKind.QUOTA_EXCEEDED, "no credits"),
        (422, error("cannot be cancelled"), FaultKind.INVALID_REQUEST, "cannot be cancelled"),
        (429, nest(429), FaultKind.RATE_LIMITED, "Refused by a guard"),
        (500, {"executionId": ID, "statusUrl": STATUS_URL, "error": "threw"}, FaultKind.EXECUTION, "threw"),
        (500, nest(500, "Internal server error"), FaultKind.UNKNOWN, "Internal server error"),
        (500, error("boom"), FaultKind.UNKNOWN, "boom"),
        (503, {"executionId": ID, "error": "restarting"}, FaultKind.UNAVAILABLE, "restarting"),
    ],
)
def test_a_failure_is_a_fault_of_its_kind(status, body, kind, message):
    fault = read(body, status)
    assert (type(fault), fault.kind) == (Fault, kind)
    assert message is None or fault.message == message


def test_the_code_of_a_failure_is_its_inner_status_or_the_word_that_nobody_knows():
    assert (read(nest(401)).code, read(nest(404), 400).code, read(nest(500), 403).code) == ("401", "404", "500")
    assert read(polled("stopped", errorMessage=" ceiling ")) == Fault(FaultKind.EXECUTION, "ceiling", "stopped")


@pytest.mark.parametrize(
    ("execution_id", "partial"), [(ID, Result(text="", output=None, id=ID)), (7, None), (None, None)]
)
def test_a_run_that_threw_is_named_where_its_id_can_be_read(execution_id, partial):
    assert read({"executionId": execution_id, "error": "threw"}, 500).partial == partial


def test_the_callback_refusals_are_matched_whole():
    for sentence in ("must be a single string value", "is not a valid URL", "must use http or https protocol"):
        assert read(error(f"callback_url {sentence}"), 400).kind is FaultKind.INVALID_REQUEST


def test_a_400_of_a_poll_is_no_failed_node():
    assert read(error("executionId must be a UUID"), 400, POLL).kind is FaultKind.INVALID_REQUEST


@pytest.mark.parametrize("body", [{}, [], "no", None, b"<html>", b""])
@pytest.mark.parametrize("status", [301, 400, 401, 404, 500, 502])
def test_a_refusal_without_a_message_is_left_to_the_core(status, body):
    assert refuses(body, status)


@pytest.mark.parametrize("status", [302, 400, 500, 502])
@pytest.mark.parametrize("body", [envelope(item("x")), polled("completed", output="x"), polled("in_progress")])
def test_a_success_in_a_refusal_is_none(status, body):
    try:
        assert isinstance(read(body, status), Fault)
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("code", "status"),
    [(399, None), (400, 400), (599, 599), (600, None), ("404", 404), (404.0, 404), (True, None), (None, None)],
)
def test_an_inner_status_is_a_number_that_means_an_error(code, status):
    assert wire.inner_status({"statusCode": code}) == status


def wrapped(levels: int, *, in_lists: bool = False) -> Any:
    value: Any = "no"
    for _ in range(levels):
        value = [value] if in_lists else {"message": value}
    return value


@pytest.mark.parametrize("in_lists", [False, True])
def test_a_message_is_looked_for_four_levels_deep(in_lists):
    assert wire.message_of({"message": wrapped(4, in_lists=in_lists)}) == "no"
    assert wire.message_of({"message": wrapped(5, in_lists=in_lists)}) == ""


def test_an_error_beside_a_status_that_is_none_is_no_failure():
    assert isinstance(read(polled("in_progress", error="slow")), Pending)
    assert read(polled("completed", output="x", error="slow")).text == "x"


def test_what_is_new_in_a_failure_is_noticed():
    drifts = Drifts()
    body = {"status": "error", "data": {"message": "no", "pods": [], "trace": 1}, "trace": 1}
    watched_by(drifts, read, body)
    assert {drift.name for drift in drifts.seen()} == {"Failure.trace", "Failure.data.trace"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"status": "error", "data": {"message": [item("half"), item("done")]}, "executionId": ID}, "half\n\ndone"),
        (polled("error", output="half", errorMessage="boom"), "half"),
        (polled("completed", output=[item("half")], success=False), "half"),
        (polled("aborted", output="half", errorMessage="boom"), "half"),
    ],
)
def test_an_answer_beside_a_failure_is_kept_for_it_was_paid_for(body, said):
    failed = read(body)
    assert (type(failed), failed.partial.text, failed.partial.id) == (Fault, said, ID)


@pytest.mark.parametrize("said", [True, "true", " TRUE ", 1, "1", None])
def test_a_success_that_is_said_or_not_spoken_of_is_not_denied(said):
    assert not wire.is_denied({"success": said})


@pytest.mark.parametrize(("body", "is_one"), [({"error": "x"}, True), ({"error": {}}, False), ({}, False)])
def test_an_error_that_is_filled_is_one_where_nothing_else_is_documented(body, is_one):
    assert wire.has_error(body) == is_one


def test_a_status_of_299_is_a_success_and_300_is_none():
    assert failure({"text": "hi"}, 299) is None
    with pytest.raises(ValueError, match="a refusal without a message"):
        failure({"text": "hi"}, 300)


def test_an_id_that_is_none_names_no_run():
    failed = read(polled("error", output="half") | {"executionId": 7})
    assert (failed.partial.text, failed.partial.id) == ("half", None)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "error", "data": {"message": "boom"}},
        {"status": "error", "data": {}},
        polled("error", output=None, errorMessage="boom"),
        polled("error", output=" ", errorMessage="boom"),
        polled("error", output={"status": "error", "data": {"message": "boom"}}),
    ],
)
def test_the_words_of_a_failure_are_no_answer(body):
    assert read(body).partial is None


def test_a_list_is_no_envelope():
    assert not wire.is_envelope([item("x")])


# runs that answer later


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (202, {"executionId": ID, "statusUrl": STATUS_URL, "status": "in_progress"}),
        (202, {"executionId": ID, "statusUrl": STATUS_URL}),
        (202, {"executionId": ID}),
        (202, {"executionId": ID, "status": {}}),
        (200, {"executionId": ID, "statusUrl": STATUS_URL}),
        (200, polled("pending")),
        (200, polled("in_progress", output=None)),
        (200, polled("in_progress", data={"message": [item("half")]})),
        (200, polled("hibernating")),
    ],
)
def test_an_accepted_run_is_pending(status, body):
    pending = read(body, status)
    assert (type(pending), pending.kind, pending.id, pending.after) == (Pending, "poll", ID, 2.0)
    assert pending.session_id == "s"


def test_with_a_callback_the_answer_goes_there():
    assert read({"executionId": ID, "statusUrl": STATUS_URL}, 202, CALLBACK).kind == "callback"
    in_url = HttpRequest("POST", START.url + "?callback_url=x")
    assert read({"executionId": ID}, 202, in_url).kind == "callback"
    assert read({"executionId": ID}, 202, None).kind == "poll"
    assert read(polled("in_progress"), 200, POLL).kind == "poll"


def test_a_pending_run_knows_since_when():
    assert read(polled("in_progress")).started_at == "2026-09-01T10:00:00.000Z"


OUTPUTS = [
    ("plain", "plain", "plain"),
    ("", "", ""),
    ([item("one")], "one", "one"),
    ([item("one"), item("two")], "one\n\ntwo", [item("one"), item("two")]),
    ([{"text": "one"}], "one", "one"),
    (envelope(item("one")), "one", "one"),
    ({"data": {"message": "one"}}, "one", "one"),
    ({"message": [item("one")]}, "one", "one"),
    ({"message": "one"}, "one", "one"),
    ({"message": ""}, "", ""),
    (item("one"), "one", "one"),
    (["one", "two"], "one\n\ntwo", ["one", "two"]),
    ({"score": 7}, '{\n  "score": 7\n}', {"score": 7}),
    ({"größe": 7}, '{\n  "größe": 7\n}', {"größe": 7}),
    ({"text": "hi", "score": 7}, '{\n  "text": "hi",\n  "score": 7\n}', {"text": "hi", "score": 7}),
    ([{"score": 7}], '[\n  {\n    "score": 7\n  }\n]', [{"score": 7}]),
    ({"message": "hi", "score": 7}, '{\n  "message": "hi",\n  "score": 7\n}', {"message": "hi", "score": 7}),
    ({"statusCode": 404}, '{\n  "statusCode": 404\n}', {"statusCode": 404}),
    ([1, None], "[\n  1,\n  null\n]", [1, None]),
    (7, "7", 7),
    (False, "false", False),
]


@pytest.mark.parametrize(("output", "text", "value"), OUTPUTS)
@pytest.mark.parametrize("status", ["completed", "success"])
def test_a_completed_run_is_an_answer_whatever_the_type_of_its_output(output, text, value, status):
    assert read(polled(status, output=output), 200, POLL) == Result(text=text, output=value, id=ID)


@pytest.mark.parametrize(
    "more",
    [
        {}, {"output": None}, {"output": []}, {"output": {}}, {"output": [None]}, {"output": [[], {}]},
        {"output": envelope()}, {"output": {"message": []}}, {"output": {"message": None}}, {"output": [item(None)]},
        {"output": {"data": {"message": {}}}}, {"output": [{"outputId": "o"}]},
    ],
)  # fmt: skip
def test_a_completed_run_without_an_output_proves_nothing(more):
    assert refuses(polled("completed", **more), 200, POLL)


def test_usage_is_what_a_poll_reports():
    result = read(polled("completed", output="x", tokensUsed=42, totalCost="0.0021", durationMs=40000))
    assert result.usage == Usage(total_tokens=42, cost=0.0021, duration_ms=40000)


def test_unreadable_usage_is_a_warning():
    body = json.dumps(polled("completed", output="x", tokensUsed="many", totalCost={}, durationMs=0)).encode()
    result = read(body.replace(b'"durationMs": 0', b'"durationMs": 1e999'))
    assert (result.text, result.usage, len(result.warnings)) == ("x", None, 3)


# whatever else

KEYS = st.sampled_from(
    [
        "status", "data", "message", "text", "outputId", "executionId", "statusUrl", "output", "error", "errorMessage",
        "success", "statusCode", "tokensUsed", "totalCost", "durationMs", "createdAt",
    ]
)  # fmt: skip
WORDS = st.sampled_from(["success", "error", "completed", "pending", "in_progress", "", " ", ID, "boom"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.text()
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(), inner, max_size=5)
)
ANSWERS = JSON | st.fixed_dictionaries({"executionId": JSON, "status": WORDS | JSON, "output": JSON})
ENVELOPES = st.fixed_dictionaries({"status": WORDS | JSON, "data": st.fixed_dictionaries({"message": JSON})})


def has_proof(body: Any) -> bool:
    """Said once more, and more simply: there is an output that is not an empty container."""
    data = body.get("data")
    message = data.get("message") if isinstance(data, dict) else None
    return (isinstance(message, list) and bool(message)) or body.get("output") not in (None, [], {})


@given(body=ANSWERS | ENVELOPES, status=st.sampled_from([200, 201, 202]))
def test_whatever_comes_is_one_of_three_things_or_refused(body, status):
    try:
        value = read(body, status)
    except ValueError:
        return
    assert isinstance(value, (Result, Pending, Fault))
    assert isinstance(body, dict)
    if isinstance(value, Result):
        assert isinstance(value.text, str)
        assert has_proof(body)
        assert body.get("status") != "error"
        assert body.get("success") is not False
    if isinstance(value, Pending):
        assert value.id
    if isinstance(value, Fault):
        assert value.message


@given(body=ANSWERS | ENVELOPES, status=st.sampled_from([301, 400, 401, 404, 429, 500, 503]))
def test_whatever_comes_in_a_refusal_is_a_fault_or_refused(body, status):
    try:
        value = read(body, status)
    except ValueError:
        return
    assert isinstance(value, Fault)
    assert status != 401 or value.kind is FaultKind.AUTHENTICATION


@given(content=st.binary())
def test_bytes_that_are_no_json_are_refused(content):
    assert refuses(b"<html>" + content)


def test_json_nested_too_deeply_is_refused():
    deep = b'{"message": ' * 900 + b'"x"' + b"}" * 900
    body = b'{"executionId": "a", "status": "completed", "output": ' + deep + b"}"
    assert read(body).text == "x"
    assert refuses(b'{"message": ' * 100_000)
