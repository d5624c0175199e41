"""The other endpoints: what is refused before sending, what is sent, and what the answers mean."""

from __future__ import annotations

import datetime as dt
import json
import pickle

import pytest
from hypothesis import given, settings, strategies as st

from agentbridge import (
    Call,
    ConfigurationError,
    Fault,
    FaultKind,
    File,
    HttpRequest,
    HttpResponse,
    Link,
    Pending,
    Result,
    UnsupportedFeatureError,
)
from agentbridge_flowise import (
    Abort,
    AttachFiles,
    CanStream,
    CreateLead,
    Flowise,
    GetExecution,
    GetFlow,
    GetUploadRules,
    GetVersion,
    GiveFeedback,
    ListExecutions,
    ListFeedback,
    ListFlows,
    ListKeyFlows,
    ListMessages,
    Ping,
    UpdateFeedback,
    UploadRule,
    UpsertDocuments,
    VerifyKey,
)
from agentbridge_flowise.decoder import FlowiseDecoder

BASE = "http://flowise.test"
CALL = Call(base_url=BASE, api_key="secret-key")
NOTE = File("note.txt", b"The word is plum.")
NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
EVERY = [
    Ping(), GetVersion(), VerifyKey(), ListFlows(), ListKeyFlows(), GetFlow("f"), CanStream("f"), GetUploadRules("f"),
    ListMessages("f"), ListExecutions(), GetExecution("e"), Abort("f", "c"), GiveFeedback("m", "THUMBS_UP"),
    UpdateFeedback("r", "THUMBS_UP"), ListFeedback("f"), CreateLead("f", "Ann"), AttachFiles("f", "c", NOTE),
    UpsertDocuments("f"),
]  # fmt: skip


def read(operation, body, status=200, media_type="application/json"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return operation.read(HttpResponse(status, {"content-type": media_type}, content))


def test_the_provider_names_its_operations():
    assert [type(operation) for operation in EVERY] == list(Flowise.operations)
    assert len({operation.name for operation in Flowise.operations}) == len(Flowise.operations)
    assert {operation.provider for operation in Flowise.operations} == {"flowise"}


def test_what_leaves_something_each_time_is_not_sent_again():
    once = {operation.name for operation in Flowise.operations if not operation.idempotent}
    assert once == {"give-feedback", "lead", "attach", "upsert"}


def test_all_that_only_asks_is_a_get():
    changing = {operation.name for operation in EVERY if operation.build_request(CALL).method != "GET"}
    assert changing == {"give-feedback", "lead", "attach", "upsert", "abort", "update-feedback"}


SENT = [
    (Ping(), "GET", "/ping", {}),
    (GetVersion(), "GET", "/version", {}),
    (VerifyKey(), "GET", "/verify/apikey/secret-key", {}),
    (ListFlows(), "GET", "/chatflows", {}),
    (ListFlows("CHATFLOW", limit=5), "GET", "/chatflows", {"type": "CHATFLOW", "page": "1", "limit": "5"}),
    (ListFlows(page=2, limit=5), "GET", "/chatflows", {"page": "2", "limit": "5"}),
    (ListKeyFlows(), "GET", "/chatflows/apikey/secret-key", {}),
    (ListKeyFlows(only_bound=True), "GET", "/chatflows/apikey/secret-key", {"keyonly": "true"}),
    (GetFlow("f/1"), "GET", "/chatflows/f%2F1", {}),
    (GetFlow(f"{BASE}/api/v1/prediction/f-1"), "GET", "/chatflows/f-1", {}),
    (CanStream("f-1"), "GET", "/chatflows-streaming/f-1", {}),
    (GetUploadRules("f-1"), "GET", "/chatflows-uploads/f-1", {}),
    (ListMessages("f-1"), "GET", "/chatmessage/f-1", {}),
    (
        ListMessages("f-1", "c-1", "s-1", "m-1", "EXTERNAL", "Buffer Memory", NOON, "2026-05-21", newest_first=True),
        "GET",
        "/chatmessage/f-1",
        {
            "chatId": "c-1",
            "sessionId": "s-1",
            "messageId": "m-1",
            "chatType": "EXTERNAL",
            "memoryType": "Buffer Memory",
            "startDate": "2026-05-20T12:00:00.000Z",
            "endDate": "2026-05-21T00:00:00.000Z",
            "order": "DESC",
        },
    ),
    (ListMessages("f-1", with_rating=True), "GET", "/chatmessage/f-1", {"feedback": "true"}),
    (
        ListMessages("f-1", rating="THUMBS_UP"),
        "GET",
        "/chatmessage/f-1",
        {"feedback": "true", "feedbackType": "THUMBS_UP"},
    ),
    (ListExecutions(), "GET", "/executions", {}),
    (
        ListExecutions("f-1", "s-1", "ERROR", "support", dt.date(2026, 5, 20), "2026-05-20T14:00:00+02:00", 2, 5),
        "GET",
        "/executions",
        {
            "agentflowId": "f-1",
            "sessionId": "s-1",
            "state": "ERROR",
            "agentflowName": "support",
            "startDate": "2026-05-20T00:00:00.000Z",
            "endDate": "2026-05-20T12:00:00.000Z",
            "page": "2",
            "limit": "5",
        },
    ),
    (ListExecutions(state="A_NEW_STATE"), "GET", "/executions", {"state": "A_NEW_STATE"}),
    (GetExecution("e-1"), "GET", "/executions/e-1", {}),
    (Abort("f-1", "c-1"), "PUT", "/chatmessage/abort/f-1/c-1", {}),
    (ListFeedback("f-1"), "GET", "/feedback/f-1", {}),
    (
        ListFeedback("f-1", "c-1", NOON, NOON, newest_first=True),
        "GET",
        "/feedback/f-1",
        {
            "chatId": "c-1",
            "order": "DESC",
            "startDate": "2026-05-20T12:00:00.000Z",
            "endDate": "2026-05-20T12:00:00.000Z",
        },
    ),
]


@pytest.mark.parametrize(("operation", "method", "path", "query"), SENT)
def test_what_is_asked_for_and_how(operation, method, path, query):
    request = operation.build_request(CALL)
    assert (request.method, request.url, request.query) == (method, f"{BASE}/api/v1{path}", query)
    assert request.json is request.form is None
    assert request.auth == {"Authorization": "Bearer secret-key"}


SAID = [
    (GiveFeedback("m-1", "THUMBS_UP"), "POST", "/feedback", {"messageId": "m-1", "rating": "THUMBS_UP"}),
    (
        GiveFeedback("m-1", "THUMBS_DOWN", "no", "f-1", "c-1"),
        "POST",
        "/feedback",
        {"chatflowid": "f-1", "chatId": "c-1", "messageId": "m-1", "rating": "THUMBS_DOWN", "content": "no"},
    ),
    (UpdateFeedback("r-1", comment="no"), "PUT", "/feedback/r-1", {"content": "no"}),
    (
        CreateLead("f-1", "Ann", "ann@example.test", "1", "c-1"),
        "POST",
        "/leads",
        {"chatflowid": "f-1", "chatId": "c-1", "name": "Ann", "email": "ann@example.test", "phone": "1"},
    ),
    (CreateLead("f-1", phone="1"), "POST", "/leads", {"chatflowid": "f-1", "phone": "1"}),
    (UpsertDocuments("f-1"), "POST", "/vector/upsert/f-1", {}),
    (
        UpsertDocuments("f-1", overrides={"vars": {"a": True}, "topK": 2}, stop_node_id="store_0"),
        "POST",
        "/vector/upsert/f-1",
        {"overrideConfig": {"vars": {"a": True}, "topK": 2}, "stopNodeId": "store_0"},
    ),
]


@pytest.mark.parametrize(("operation", "method", "path", "body"), SAID)
def test_what_is_said_and_nothing_more(operation, method, path, body):
    request = operation.build_request(CALL)
    assert (request.method, request.url, request.json) == (method, f"{BASE}/api/v1{path}", body)


def test_files_go_into_the_one_field_that_the_server_takes():
    request = AttachFiles("f-1", "c 1", [NOTE, NOTE]).build_request(CALL)
    assert (request.method, request.url) == ("POST", f"{BASE}/api/v1/attachments/f-1/c%201")
    assert request.form == {"files": [NOTE, NOTE]}


def test_beside_files_overrides_are_fields_of_the_form():
    overrides = {"chunkSize": 1000, "name": "docs", "vars": {"a": True}}
    request = UpsertDocuments("f-1", NOTE, overrides, "store_0").build_request(CALL)
    said = {"chunkSize": "1000", "name": "docs", "vars": '{"a": true}', "stopNodeId": "store_0"}
    assert (request.json, request.form) == (None, {**said, "files": [NOTE]})


def test_a_copied_endpoint_url_is_the_servers_address_too():
    call = Call(base_url=f"{BASE}/flowise/api/v1/prediction/f-1", api_key="secret-key")
    assert Ping().build_request(call).url == f"{BASE}/flowise/api/v1/ping"


@pytest.mark.parametrize("operation", [VerifyKey(), ListKeyFlows()])
@pytest.mark.parametrize(("key", "said"), [(None, "there is none"), ("", "there is none"), ("short", "so short")])
def test_a_key_that_would_not_be_masked_never_gets_into_an_address(operation, key, said):
    with pytest.raises(UnsupportedFeatureError, match=said):
        operation.build_request(Call(base_url=BASE, api_key=key))


def pending(**fields):
    return Pending(**{"kind": "poll", "id": "c-1", "agent": "f-1", "provider": "flowise", **fields})


def test_a_run_that_answers_later_is_aborted_by_what_it_says_of_itself():
    assert Abort(pending()) == Abort("f-1", "c-1")
    assert Abort(pending(agent=f"{BASE}/api/v1/prediction/f-1")).build_request(CALL).url.endswith("/abort/f-1/c-1")


def answered(body, media_type="application/json", **fields):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = HttpResponse(200, {"content-type": media_type}, content)
    return Result(text="hi", output="hi", provider="flowise", agent="f-1", response=response, **fields)


ANSWER = {"text": "hi", "chatId": "c-1", "chatMessageId": "m-1", "executionId": "e-1"}
STORED = [
    {"role": "userMessage", "id": "m-0", "chatId": "c-1"},
    {"role": "apiMessage", "id": "m-1", "chatId": "c-1"},
]


@pytest.mark.parametrize(
    ("result", "chat"),
    [
        (answered(ANSWER, id="e-1"), "c-1"),
        (answered(STORED, id="e-1"), "c-1"),
        (answered(b"message:\ndata:{}\n\n", "text/event-stream; charset=utf-8", id="m-1"), None),
    ],
)
def test_an_answer_is_rated_by_its_message_also_streamed_or_recovered(result, chat):
    rating = GiveFeedback(result, "THUMBS_UP", "well said")
    assert rating == GiveFeedback("m-1", "THUMBS_UP", "well said", "f-1", chat)
    assert GiveFeedback(pickle.loads(pickle.dumps(result)), "THUMBS_UP", "well said") == rating


def test_the_id_of_a_streamed_answer_is_its_messages():
    decoder = FlowiseDecoder()
    frames = {"token": "hi", "metadata": {"chatId": "c-1", "chatMessageId": "m-1"}, "end": "[DONE]"}
    for name, data in frames.items():
        decoder.feed(b"message:\ndata:" + json.dumps({"event": name, "data": data}).encode() + b"\n\n")
    assert decoder.finish().id == "m-1"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GetFlow(""), "GetFlow: agent_id='' says nothing"),
        (lambda: GetFlow(None), "agent_id=None says nothing"),
        (lambda: GetFlow(".."), "agent_id='..' is no id"),
        (lambda: GetFlow("\ud800"), "half of a surrogate pair"),
        (lambda: ListFlows(page=2), "a page has a length. Give a limit too"),
        (lambda: ListFlows(limit=0), "limit=0 is none. Give a whole number from 1 on"),
        (lambda: ListFlows(limit=True), "limit=True is none"),
        (lambda: ListFlows(type=" "), "type=' ' says nothing"),
        (lambda: ListMessages("f", chat_id=""), "chat_id='' says nothing"),
        (lambda: ListMessages("f", start="soon"), "start='soon' is no date"),
        (lambda: ListMessages("f", end="2026-02-30"), "end='2026-02-30' is no date"),
        (lambda: ListMessages("f", start="2026-05-20T12:00:00"), "has no time zone"),
        (lambda: ListExecutions(end=dt.datetime(2026, 5, 20)), "has no time zone"),  # noqa: DTZ001
        (lambda: ListExecutions(start=7), "start=7 is no date"),
        (lambda: Abort("f"), "chat_id='' says nothing"),
        (lambda: Abort("f", ".."), "chat_id='..' is no id"),
        (lambda: Abort(pending(provider="fluxprompt")), "this run is of fluxprompt"),
        (lambda: Abort(pending(id=None)), "does not say its flow and its id"),
        (lambda: GiveFeedback("m", "thumbs_up"), "rating='thumbs_up' is none. Give THUMBS_UP or THUMBS_DOWN"),
        (lambda: GiveFeedback("m", "THUMBS_UP", ""), "comment='' says nothing"),
        (lambda: GiveFeedback(answered({"text": "hi"}), "THUMBS_UP"), "does not say its message"),
        (lambda: GiveFeedback(answered(b"<html>"), "THUMBS_UP"), "does not say its message"),
        (lambda: GiveFeedback(answered([1, STORED[0]]), "THUMBS_UP"), "does not say its message"),
        (lambda: GiveFeedback(Result(text="", output="", provider="flowgent"), "THUMBS_UP"), "is of flowgent"),
        (lambda: UpdateFeedback("r"), "there is nothing to change"),
        (lambda: ListFeedback("f", start=NOON), "a start and an end count only together"),
        (lambda: CreateLead("f"), "this contact says nothing"),
        (lambda: AttachFiles("f", "c", []), "there is no file. Give one or more"),
        (lambda: AttachFiles("f", "c", "a.txt"), "files='a.txt' is no file"),
        (lambda: AttachFiles("f", "c", [Link("https://example.test/a.txt")]), "the server takes no links here"),
        (lambda: AttachFiles("f", "c", File("a.txt", b"x", input="doc")), "files belong to no input"),
        (lambda: UpsertDocuments("f", overrides=["a"]), "overrides=['a'] are none"),
        (lambda: UpsertDocuments("f", NOTE, {"flag": False}), "overrides travel as text, and 'flag' has none"),
        (lambda: UpsertDocuments("f", NOTE, {"list": [1]}), "'list' has none"),
    ],
)
def test_a_wrong_value_is_refused_when_the_operation_is_made(make, said):
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert said in str(caught.value)


def test_the_dates_of_an_answer_have_their_time_zone():
    flow = {"id": "f-1", "name": "x", "flowData": "{}", "createdDate": "2026-05-20T12:00:00.000Z", "updatedDate": "x"}
    details = read(GetFlow("f-1"), flow)
    assert (details.created, details.updated) == (NOON, None)
    assert details.warnings == ("updatedDate of the answer is unreadable and left out",)


def test_what_is_not_typed_stays_within_reach_and_out_of_the_way():
    flow = {"id": "f-1", "name": "x", "flowData": "[", "analytic": "{}"}
    listed = read(ListFlows(), [flow]).flows[0]
    assert listed.raw == flow
    assert "analytic" not in repr(listed)
    assert pickle.loads(pickle.dumps(listed)).raw == flow
    details = read(GetFlow("f-1"), flow)
    assert (details.raw, details.data) == (flow, None)
    assert details.warnings == ("flowData of the answer is unreadable and left out",)
    assert read(GetExecution("e"), {"id": "e", "state": "FINISHED", "executionData": "{}"}).warnings


def test_an_entry_that_cannot_be_read_is_left_out_with_a_warning_and_a_list_of_nothing_else_is_no_answer():
    entry = {"id": "m-1", "role": "someone", "content": 7}
    found = read(ListMessages("f"), [{"id": "m-0"}, entry])
    assert [(message.id, message.role, message.text) for message in found.messages] == [("m-1", "someone", "7")]
    assert found.warnings == ("entry 1 of the answer is unreadable and left out",)
    with pytest.raises(ValueError, match="no entry of the list can be read"):
        read(ListMessages("f"), [{"id": "m-0"}, 7])


def test_a_flow_that_takes_images_says_which():
    types = {"fileTypes": ["image/gif", "image/png", ""], "maxUploadSize": 5}  # S: utils/getUploadsConfig.ts
    rules = read(GetUploadRules("f"), {"isImageUploadAllowed": True, "imgUploadSizeAndTypes": [types, 7]})
    assert (rules.images, rules.speech, rules.documents) == (True, None, None)
    assert rules.image_rules == (UploadRule(("image/gif", "image/png"), 5.0),)


def test_a_vector_store_that_says_nothing_of_numbers_took_the_documents_all_the_same():
    upserted = read(UpsertDocuments("f"), {"result": "Successfully Upserted"})  # S: utils/upsertVector.ts
    assert (upserted.added, upserted.documents) == (None, ())
    counted = {"numAdded": 0, "numUpdated": 1, "numSkipped": 2, "numDeleted": 3, "totalKeys": 6, "addedDocs": []}
    kept = read(UpsertDocuments("f"), counted)  # S: components/src/indexing.ts
    assert (kept.added, kept.updated, kept.skipped, kept.deleted, kept.total) == (0, 1, 2, 3, 6)


def test_the_text_of_an_attached_file_is_a_file_for_the_next_call():
    attached = read(AttachFiles("f", "c", NOTE), [{"name": "a.pdf", "content": "plüm", "mimeType": "application/pdf"}])
    file = attached.attachments[0].file
    assert (file.name, file.content, file.type) == ("a.pdf", "plüm".encode(), "text/plain")


PAGE = b"<!DOCTYPE html><html><head><title>Flowise - Build AI Agents, Visually</title></head></html>"
NO_PROOF = [b"", b"pong!", PAGE, b"[", b"null", b"7", b'"ok"', b"true", b"{}", b'{"status": "no"}', b"[7]", b"[{}]"]


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation.name)
@pytest.mark.parametrize("body", NO_PROOF)
@pytest.mark.parametrize("media_type", ["application/json", "text/html"])
def test_what_does_not_prove_a_success_is_none(operation, body, media_type):
    with pytest.raises(ValueError):
        read(operation, body, media_type=media_type)


def test_only_pong_is_pong_and_only_ok_is_ok():
    assert read(Ping(), b"pong", media_type="text/html") == "pong"
    assert read(VerifyKey(), "OK") == "OK"
    for operation, body in ((Ping(), b"pong\n<html>"), (Ping(), b'"pong"'), (VerifyKey(), b"OK")):
        with pytest.raises(ValueError):
            read(operation, body, media_type="text/html")


UPSERT = "Error: vectorsService.upsertVector - "
ATTACH = "Error: attachmentService.createAttachment - "
SENTENCES = [
    (UPSERT + "Chatflow a b\nnot found", FaultKind.EXECUTION),
    (UPSERT + "Chatflow a\nb not found", FaultKind.NOT_FOUND),
    (UPSERT + "Unauthorized", FaultKind.AUTHENTICATION),
    (UPSERT + "Unauthorized, said the store", FaultKind.EXECUTION),
    (UPSERT + "Storage limit exceeded", FaultKind.QUOTA_EXCEEDED),
    (ATTACH + "Storage limit exceeded", FaultKind.QUOTA_EXCEEDED),
    (UPSERT + 'MIME type mismatch: file extension "csv"', FaultKind.INVALID_REQUEST),
    (UPSERT + "Multiple vector store nodes with fileUpload enabled", FaultKind.INVALID_REQUEST),
    (
        UPSERT + "There are multiple vector nodes, please provide stopNodeId in body request",
        FaultKind.INVALID_REQUEST,
    ),
    (ATTACH + "Failed createFileAttachment: a.pdf (application/pdf - bad", FaultKind.UNKNOWN),
    ("I was told: " + UPSERT + "Unauthorized", FaultKind.UNKNOWN),
]


@pytest.mark.parametrize(("message", "kind"), SENTENCES)
def test_a_500_means_what_its_whole_sentence_says(message, kind):
    fault = read(UpsertDocuments("f"), {"statusCode": 500, "success": False, "message": message}, 500)
    assert (fault.kind, fault.message, fault.code) == (kind, message, "500")
    assert (
        read(Ping(), {"statusCode": 400, "success": False, "message": message}, 400).kind is FaultKind.INVALID_REQUEST
    )


def test_an_upsert_that_failed_half_way_may_have_written():
    fault = read(UpsertDocuments("f"), {"statusCode": 500, "success": False, "message": UPSERT + "lost it"}, 500)
    assert fault.kind is FaultKind.EXECUTION
    assert fault.may_have_run is not False


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation.name)
def test_every_operation_knows_every_shape_of_a_refusal(operation):
    assert read(operation, {"error": "Unauthorized Access"}, 401).kind is FaultKind.AUTHENTICATION
    assert read(operation, {"message": "Forbidden"}, 403).kind is FaultKind.PERMISSION
    assert read(operation, b"Unauthorized", 401, "text/html").kind is FaultKind.AUTHENTICATION
    assert read(operation, b"Slow down please", 429, "text/html").message == "Slow down please"
    failure = {"statusCode": 404, "success": False, "message": "gone", "stack": {}}
    assert read(operation, failure, 404).kind is read(operation, failure, 200).kind is FaultKind.NOT_FOUND


SCALARS = st.none() | st.booleans() | st.integers(-10, 700) | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
FIELDS = [
    "id", "name", "role", "state", "data", "total", "flowData", "executionData", "version", "isStreaming", "status",
    "isImageUploadAllowed", "messageId", "content", "numAdded", "addedDocs", "result", "createdDate", "feedback",
]  # fmt: skip
RECORDS = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON))
BODIES = JSON | RECORDS | st.lists(RECORDS, max_size=3) | st.fixed_dictionaries({"data": st.lists(RECORDS, max_size=3)})


@settings(max_examples=40, deadline=None)
@given(body=BODIES)
def test_whatever_comes_is_an_answer_or_no_answer_and_never_a_fault_without_a_word(body):
    for operation in EVERY:
        try:
            value = read(operation, body)
        except ValueError:
            continue  # guarded by the core: a MalformedResponseError
        assert not isinstance(value, Fault)


def test_an_operation_compares_pickles_and_holds_no_secret():
    for operation in EVERY:
        assert pickle.loads(pickle.dumps(operation)) == operation
        assert "secret-key" not in repr(operation)
        request = operation.build_request(CALL)
        assert isinstance(request, HttpRequest)
        assert "secret-key" not in repr(request)
