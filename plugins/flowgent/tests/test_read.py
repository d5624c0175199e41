"""What FlowGent's answers mean: documented shapes, and both statuses against each other."""

from __future__ import annotations

import json

import pytest
from flowgent_answers import ANSWER, QUESTION, TRAFFIC, assistant, read, success, text, tool_call, tool_result

from agentbridge import FaultKind, Message, Pending, Result, ToolCall, Usage
from agentbridge.drift import Drifts, watched_by


def test_the_documented_success_in_the_newer_form():
    assert read(success(QUESTION, ANSWER)) == Result(
        text=ANSWER["content"],
        output=ANSWER["content"],
        id="meta_xyz789",
        session_id="thread_123456",
        messages=(Message("user", QUESTION["content"]), Message("assistant", ANSWER["content"])),
        usage=Usage(credits=1, model="gpt-4"),
    )


@pytest.mark.parametrize("status", [402, "402", 402.0])
def test_a_body_with_an_envelope_of_its_own_is_no_answer(status):
    body = success(QUESTION, ANSWER)
    body["body"] |= {"statusCode": status, "body": {"error": "No credits available"}}
    fault = read(body)
    assert (fault.kind, fault.partial.text) == (FaultKind.QUOTA_EXCEEDED, ANSWER["content"])


def test_the_older_form_with_parts_and_no_turn_of_the_user():
    calling = assistant(text("Let me look."), tool_call())
    called = tool_result({"state": "shipped"})
    metadata = {"id": "msg_3", "tool_calls": [], "execution_time": "2.62", "used_credits": 2, "thread_id": "t-1"}
    result = read(success(calling, called, assistant(text("It is "), text("shipped.")), metadata=metadata))
    assert (result.text, result.output, result.id) == ("It is shipped.", "It is shipped.", "msg_3")
    assert result.tool_calls == (ToolCall("lookup", {"order": 7}, {"state": "shipped"}, None, "call_1"),)
    assert [message.role for message in result.messages] == ["assistant", "tool", "assistant"]
    assert result.messages[0] == Message("assistant", "Let me look.", tuple(calling["content"]))
    assert result.messages[1] == Message("tool", "", tuple(called["content"]))
    assert result.usage == Usage(credits=2)
    assert result.warnings == ()


def test_a_number_that_no_float_holds_costs_no_answer():
    body = json.dumps(success(QUESTION, tool_result({"cost": "@"}), assistant(tool_call(args="@")), ANSWER))
    result = read(body.replace('"@"', "1e999").encode())
    assert (result.text, result.warnings) == (ANSWER["content"], ())


@pytest.mark.parametrize("status", [200, "200", " 200 ", 200.0, 201, 299, None])
def test_spellings_of_the_inner_status(status):
    assert read(success(QUESTION, ANSWER, status=status)).text == ANSWER["content"]


def test_the_inner_body_as_json_text():
    whole = success(QUESTION, ANSWER)
    assert read({"statusCode": "200", "body": json.dumps(whole["body"])}) == read(whole)
    assert read({"statusCode": "200", "body": " \n" + json.dumps(whole["body"])}) == read(whole)


@pytest.mark.parametrize(
    ("history", "answer"),
    [
        ([assistant(text("Done.")), tool_result("ok")], "Done."),
        ([assistant(text("Done."), tool_call()), tool_result("ok"), assistant(tool_call("call_2"))], "Done."),
        ([{"role": "assistant", "content": "Done."}, {"role": "assistant", "content": " "}], "Done."),
        ([{"role": "assistant", "content": {"type": "text", "text": "Done."}}], "Done."),
        ([assistant("Done", {"type": "image", "url": "x"}, ".")], "Done."),
        ([assistant({"text": "Done."})], "Done."),
        ([{"role": "assistant", "content": " "}], " "),
        ([assistant(text(""))], ""),
        ([assistant(tool_call()), tool_result("sent")], ""),
        ([{"role": "user", "content": "Before"}, {"role": "assistant", "content": "Old"}, QUESTION, ANSWER],
         ANSWER["content"]),
        ([{"role": "user", "content": [{"type": "tool-result", "toolName": "x", "result": 1}]}, ANSWER],
         ANSWER["content"]),
    ],
)  # fmt: skip
def test_the_answer_is_the_last_text_of_the_assistant(history, answer):
    assert read(success(*history)).text == answer


@pytest.mark.parametrize(
    "history",
    [
        [],
        [QUESTION],
        [tool_result("ok")],
        [ANSWER, QUESTION],  # an earlier answer is none to this question
        [QUESTION, {"role": "assistant", "content": None}],
        [QUESTION, {"role": "assistant", "content": []}],
        [QUESTION, {"role": "assistant", "content": {}}],
        [QUESTION, {"role": "assistant", "content": 7}],
        [QUESTION, {"role": "assistant"}],
        [QUESTION, assistant({"type": "reasoning", "text": "Hm."})],
        [QUESTION, {"role": "robot", "content": "Hi"}],
        ["Hi", None, 7],
    ],
)
def test_a_history_without_the_assistants_turn_is_no_answer(history):
    with pytest.raises(ValueError):
        read(success(*history))


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "",
        None,
        7,
        {"statusCode": 200},
        {"statusCode": 200, "body": None},
        {"statusCode": 200, "body": {}},
        {"statusCode": 200, "body": "Hello"},
        {"statusCode": 200, "body": '{"conversation_history": ['},
        {"statusCode": 200, "body": {"message": "Hello"}},
        {"statusCode": 200, "body": {"conversation_history": None}},
        {"statusCode": 200, "body": {"conversation_history": {"role": "assistant", "content": "Hi"}}},
        success(QUESTION, ANSWER, status="fine"),
        success(QUESTION, ANSWER, status=True),
        success(QUESTION, ANSWER, status=200.5),
        {"message": "Hello"},
        {"status": "done"},
        b"",
        b"<!DOCTYPE html><html></html>",
        b'{"statusCode": 200, "body": {"conversation_history": [{"role"',
    ],
)
def test_what_proves_nothing_is_no_answer(body):
    with pytest.raises(ValueError):
        read(body)


def test_optional_fields_of_a_wrong_type_are_warnings():
    metadata = {"id": {}, "model": [], "used_credits": "many", "thread_id": True, "tool_calls": 3}
    result = read(success("noise", {"role": "robot", "content": "x"}, ANSWER, metadata=metadata))
    assert (result.text, result.id, result.session_id, result.usage) == (ANSWER["content"], None, None, None)
    assert [warning.split(" ")[0] for warning in result.warnings] == [
        "conversation_history", "role", "id", "model", "used_credits", "thread_id", "metadata.tool_calls",
    ]  # fmt: skip
    assert len(result.messages) == 1
    assert read(success(ANSWER, metadata=[])).warnings == ("metadata of the answer is unreadable and left out",)
    assert read({"body": {"conversation_history": [ANSWER]}}).warnings == ()


KINDS = {
    400: FaultKind.INVALID_REQUEST,
    401: FaultKind.AUTHENTICATION,
    402: FaultKind.QUOTA_EXCEEDED,
    403: FaultKind.PERMISSION,
    404: FaultKind.NOT_FOUND,
    429: FaultKind.RATE_LIMITED,
    500: FaultKind.UNKNOWN,
    502: FaultKind.UNAVAILABLE,
    503: FaultKind.UNAVAILABLE,
}


@pytest.mark.parametrize("http", [200, *KINDS])
@pytest.mark.parametrize("inner", [None, 200, *KINDS])
def test_an_inner_status_decides_and_of_two_errors_the_worse(inner, http):
    if inner in (None, 200) and http == 200:
        return
    fault = read({"statusCode": inner, "body": {"message": "No", "error": "No"}}, http)
    failed = [status for status in (inner, http) if status in KINDS]
    worst = max(failed, key=lambda status: (status not in {429, 502, 503, 504}, status))
    assert fault.may_have_run is any(status in {500, 502, 504} for status in failed)
    assert (fault.kind, fault.message, fault.code) == (KINDS[worst], "No", None if inner is None else str(inner))


@pytest.mark.parametrize("http", [None, 200])
@pytest.mark.parametrize(
    ("inner", "body", "message", "retryable", "may_have_run"),
    [
        (402, {"message": "No credits available", "error": "No credits available"}, "No credits available", 0, 0),
        (503, {"message": "Service temporarily unavailable", "error": TRAFFIC},
         f"Service temporarily unavailable: {TRAFFIC}", 1, 0),
        (500, {"error": "An unexpected error occurred while processing your request"},
         "An unexpected error occurred while processing your request", 0, 1),
    ],
)  # fmt: skip
def test_the_documented_errors_of_chat(http, inner, body, message, retryable, may_have_run):
    for spelled in (body, json.dumps(body)):
        fault = read({"statusCode": inner, "body": spelled}, http or inner)
        assert (fault.kind, fault.message, fault.code) == (KINDS[inner], message, str(inner))
        assert (fault.retryable, fault.may_have_run) == (bool(retryable), bool(may_have_run))
    assert read({"statusCode": str(inner), "body": body}, http or inner) == fault


FLAT = [
    (401, "API key is required", "Please provide an API key in the Authorization header"),
    (401, "Invalid API key", "The provided API key is not valid"),
    (403, "Access denied", "This agent does not belong to your organisation"),
    (400, "agent_id is required and must be a non-empty string", None),
    (400, "Invalid date range", "start_date must not be after end_date"),
    (500, "Internal server error", None),
    (402, "No credits available", None),
    (503, TRAFFIC, "Service temporarily unavailable"),
]


@pytest.mark.parametrize("http", [None, 200])
@pytest.mark.parametrize(("status", "error", "message"), FLAT)
def test_the_flat_family_by_status_or_by_its_documented_sentence(http, status, error, message):
    body = {"error": error} if message is None else {"error": error, "message": message}
    fault = read(body, http or status)
    whole = error if message is None else f"{message}: {error}"
    assert (fault.kind, fault.message, fault.code) == (KINDS[status], whole, None)


@pytest.mark.parametrize("error", ["Invalid API key!", "invalid api key", "Something broke", {"message": "x"}, True])
def test_an_unknown_sentence_in_a_200_is_a_failed_run(error):
    assert read({"error": error}).kind is FaultKind.EXECUTION
    assert read({"error": error, "message": "No"}, 404).kind is FaultKind.NOT_FOUND


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ({"error": "Model failed"}, "Model failed"),
        ({"error": "Model failed", "message": "Sorry"}, "Sorry: Model failed"),
        ({"error": True}, "the agent failed without a message"),
        ({"error": {"message": "Model failed"}}, "Model failed"),
        ({"error": ["a"], "conversation_history": []}, '["a"]'),
        ({"error": {"reason": "größe"}}, '{"reason": "größe"}'),
        ({"error": "Invalid API key"}, "Invalid API key"),  # a documented sentence, but of the flat family
    ],
)
def test_an_error_inside_an_inner_200_is_a_failed_run(inner, message):
    fault = read({"statusCode": 200, "body": inner})
    assert (fault.kind, fault.message, fault.code) == (FaultKind.EXECUTION, message, "200")
    assert fault.partial is None


@pytest.mark.parametrize("body", [{"statusCode": 200}, {"body": {}}, {"statusCode": 200, "body": {}}])
def test_a_documented_sentence_counts_only_where_nothing_of_the_envelope_is_there(body):
    assert read({**body, "error": "Invalid API key"}).kind is FaultKind.EXECUTION
    assert read({"error": "Invalid API key"}).kind is FaultKind.AUTHENTICATION


def test_an_inner_300_is_no_success():
    assert read(success(QUESTION, ANSWER, status=300)).kind is FaultKind.UNKNOWN


@pytest.mark.parametrize(("inner", "code"), [(402.0, "402"), (" 402 ", "402"), ("E_MODEL", "E_MODEL"), (True, None)])
def test_the_code_of_an_error_is_its_inner_status_as_a_number_or_as_it_is(inner, code):
    assert read({"statusCode": inner, "body": {"message": "No"}}, 500).code == code


@pytest.mark.parametrize("error", [None, "", " ", False, {}, [], 0])
def test_an_empty_error_is_none(error):
    whole = success(QUESTION, ANSWER)
    whole["body"]["error"] = error
    assert read(whole).text == ANSWER["content"]


@pytest.mark.parametrize(("inner", "http"), [(200, 200), (500, 200), (200, 502), (503, 503)])
def test_an_answer_beside_an_error_is_partial(inner, http):
    whole = success(QUESTION, ANSWER, status=inner)
    whole["body"]["error"] = "Something broke"
    fault = read(whole, http)
    assert (fault.message, fault.partial.text, fault.partial.id) == (
        "Something broke", ANSWER["content"], "meta_xyz789",
    )  # fmt: skip


def test_an_error_as_plain_text_and_one_outside_of_the_body():
    assert read({"statusCode": 500, "body": "It broke"}).message == "It broke"
    assert read({"statusCode": 500, "error": "It broke"}).message == "It broke"
    assert read({"statusCode": 200, "body": {"error": None}, "error": "It broke"}).kind is FaultKind.EXECUTION
    assert read({"statusCode": 500}).message == "Internal Server Error"


@pytest.mark.parametrize("body", [{}, {"detail": "x"}, [], b"<html>", b""])
def test_an_error_page_of_someone_else_is_left_to_the_core(body):
    with pytest.raises(ValueError):
        read(body, 404)


ACKNOWLEDGED = {"message": "Request accepted and being processed asynchronously", "status": "processing"}


@pytest.mark.parametrize("status", [200, 202])
def test_the_acknowledgement_is_no_answer(status):
    assert read(ACKNOWLEDGED, status) == Pending("callback", None)
    assert read({"statusCode": status, "body": ACKNOWLEDGED}, 200) == Pending("callback", None)


def test_an_acknowledgement_with_an_error_is_an_error():
    assert read({**ACKNOWLEDGED, "error": "Invalid API key"}).kind is FaultKind.AUTHENTICATION
    assert read(ACKNOWLEDGED, 503).kind is FaultKind.UNAVAILABLE


def test_a_conversation_is_an_answer_also_beside_the_word_processing():
    whole = success(QUESTION, ANSWER)
    whole["body"]["status"] = "processing"
    assert read(whole).text == ANSWER["content"]


def test_what_is_new_in_an_acknowledgement_is_noticed():
    drifts = Drifts()
    watched_by(drifts, read, {"statusCode": 200, "body": {**ACKNOWLEDGED, "job_id": "j-1"}})
    assert [drift.name for drift in drifts.seen()] == ["Acknowledgement.job_id"]
