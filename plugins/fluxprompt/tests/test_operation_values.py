"""What the other endpoints' operations take, and what they make of answers that no emulator gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

import agentbridge_fluxprompt as flux
from agentbridge import (
    Bridge,
    Connection,
    File,
    HttpResponse,
    InvocationError,
    Link,
    Message,
    Registry,
    RetryPolicy,
    errors,
)
from agentbridge.testing import MemoryTransport

KEY = "canary-key-7f3a9c51"
USER = Message("user", "Hello")
POD: dict[str, Any] = {"id": "p-1", "name": "Case", "files": [{"fileName": "a.pdf", "status": "Finished"}]}
RUN = {"executionId": "e-1", "status": "completed"}
JSON_OPERATIONS: dict[str, Any] = {
    "create-pod": flux.CreatePod(pod_name="x"),
    "list-pods": flux.ListPods(),
    "add-documents": flux.AddDocuments(pod_id="p-1", links=Link("https://example.com/a")),
    "replace-document": flux.ReplaceDocument(pod_id="p-1", old_name="a", new_url="https://example.com/a"),
    "delete-documents": flux.DeleteDocuments(pod_id="p-1", file_names="a"),
    "list-agents": flux.ListAgents(),
    "get-agent": flux.GetAgent(agent_id="a"),
    "create-agent": flux.CreateAgent(agent_name="x", type="agent", folder_name="Inbox"),
    "update-agent": flux.UpdateAgent(agent_id="a", agent_name="x"),
    "get-agent-documentation": flux.GetAgentDocumentation(agent_id="a"),
    "list-folders": flux.ListFolders(),
    "start-execution": flux.StartExecution(agent_id="a", inputs={"in": "x"}),
    "get-execution": flux.GetExecution(execution_id="e-1"),
    "get-batch-status": flux.GetBatchStatus(batch_id="b-1"),
    "get-batch-download": flux.GetBatchDownload(batch_ids="b-1"),
    "list-models": flux.ListModels(),
    "create-chat-completion": flux.CreateChatCompletion(model="m", messages=USER),
}
WEBHOOK = flux.TriggerWebhook(agent_id="a", inputs={"in": "x"})
each_operation = pytest.mark.parametrize("operation", JSON_OPERATIONS.values(), ids=JSON_OPERATIONS)


REGISTRY = Registry(())
REGISTRY.register(flux.FluxPrompt())


def bridge(transport: MemoryTransport, **options: Any) -> Bridge:
    connections = {"fluxprompt": Connection("fluxprompt", api_key=KEY)}
    return Bridge({}, connections=connections, registry=REGISTRY, transport=transport, **options)


def call(operation: Any, body: Any, status: int = 200, kind: str = "application/json") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    transport = MemoryTransport([HttpResponse(status, {"content-type": kind}, content)])
    return bridge(transport, retry=RetryPolicy(attempts=1)).call(operation)


def failed(operation: Any, body: Any, status: int = 200, kind: str = "application/json") -> InvocationError:
    with pytest.raises(InvocationError) as caught:
        call(operation, body, status, kind)
    assert caught.value.status == status
    assert KEY not in f"{caught.value} {caught.value.__dict__}"
    return caught.value


GARBAGE = [b"", b" \n", b"<!DOCTYPE html><html>", b'{"success": tr', b"{}", b"[]", b"null", b"17", b'"ok"', b"\xff\xfe"]


@each_operation
@pytest.mark.parametrize("body", GARBAGE)
def test_a_success_needs_its_proof(operation, body):
    assert type(failed(operation, body)) is errors.MalformedResponseError


@each_operation
@pytest.mark.parametrize(
    "body", [*GARBAGE, {"message": "no"}, {"success": True, "data": {"pods": [POD]}, **POD, **RUN}]
)
def test_no_other_status_is_ever_a_success(operation, body):
    for status in (302, 400, 401, 404, 422, 429, 500, 502, 503):
        failed(operation, body, status)


def test_a_status_that_is_no_state_of_a_run_is_a_failure():
    body = {"status": "error", "message": "no", "agents": [], "folders": [], "flowId": "f-1"}
    for name in ("list-agents", "create-agent", "update-agent", "list-folders", "list-models", "get-batch-download"):
        assert failed(JSON_OPERATIONS[name], body).message == "no"


@each_operation
@pytest.mark.parametrize(
    ("body", "cls"),
    [
        ({"statusCode": 401, "message": "Unauthorized"}, errors.AuthenticationError),
        ({"statusCode": 429, "message": ["slow", "down"]}, errors.RateLimitError),
        ({"status": "error", "data": {"message": "no"}}, errors.ProviderError),
        ({"success": False, "error": "error", "data": {"message": "no"}}, errors.ProviderError),
        ({"executionId": "e-1", "statusUrl": "https://other.invalid/e-1", "error": "no"}, errors.ProviderError),
        (
            {"error": {"message": "no", "type": "server_error"}, "agents": [], "folders": [], **POD},
            errors.ProviderError,
        ),
    ],
)
def test_a_failure_in_a_200_is_raised(operation, body, cls):
    error = failed(operation, body)
    assert isinstance(error, cls)
    assert error.message in {"Unauthorized", "slow; down", "no"}


@each_operation
def test_a_refusal_is_raised_by_its_status_whatever_its_words(operation):
    error = failed(operation, {"success": False, "error": "error", "data": {"message": f"rate limit 429 {KEY}"}}, 403)
    assert type(error) is errors.PermissionDeniedError
    assert error.message == "rate limit 429 ***"


def test_the_literal_word_error_is_not_taken_for_the_message():
    body = {"success": False, "error": "error", "data": {"message": "name already used"}}
    error = failed(JSON_OPERATIONS["create-pod"], body, 400)
    assert (type(error), error.message) == (errors.InvalidRequestError, "name already used")


def test_a_missing_pod_in_a_200_is_not_found_either():
    body = {"success": False, "error": "error", "data": {"message": "Namespace not found"}}
    assert type(failed(JSON_OPERATIONS["add-documents"], body)) is errors.NotFoundError


def test_a_message_that_only_mentions_the_missing_pod_is_an_invalid_request():
    body = {"success": False, "error": "error", "data": {"message": "Namespace not found in the new space"}}
    assert type(failed(JSON_OPERATIONS["add-documents"], body, 400)) is errors.InvalidRequestError


def test_a_pod_that_is_gone_after_a_deletion_is_none():
    body = {"success": True, "data": {"message": "Files deleted", "pods": None}}
    assert call(JSON_OPERATIONS["delete-documents"], body) is None
    assert type(failed(JSON_OPERATIONS["create-pod"], body)) is errors.MalformedResponseError
    nothing = {"success": True, "data": {"message": "Files deleted"}}
    assert type(failed(JSON_OPERATIONS["delete-documents"], nothing)) is errors.MalformedResponseError


@pytest.mark.parametrize("status", ["Pending", "Enqueued", "Processing", "Finished", "Error", "Migrated", "Unheard-of"])
def test_a_file_is_ready_by_the_vendor_s_word(status):
    pod = call(
        JSON_OPERATIONS["create-pod"],
        {"success": True, "data": {"pods": {"id": "p", "files": [{"fileName": "a", "status": status}]}}},
    )
    assert (pod.files[0].status, pod.files[0].ready) == (status, status in {"Finished", "Migrated"})


def test_what_cannot_be_read_of_a_pod_is_a_warning():
    odd = {**POD, "rank": "first", "metadata": [], "files": [{"fileName": "a", "metadatas": 7}]}
    pod = call(JSON_OPERATIONS["create-pod"], {"success": True, "data": {"pods": odd}})
    assert (pod.id, pod.name, pod.rank, pod.metadata, pod.files) == ("p-1", "Case", None, None, (flux.PodFile("a"),))
    assert len(pod.warnings) == 3


def test_unknown_words_and_fields_harm_nothing():
    run = call(JSON_OPERATIONS["get-execution"], {**RUN, "status": "paused", "flowId": 17, "new": {}})
    assert (run.status, run.agent_id, run.warnings) == ("paused", "17", ())


def test_a_batch_in_an_envelope_is_read_too():
    batch = {"status": "completed", "errorMessage": None, "lastProcessedLine": 5, "totalRows": 5}
    body = {"status": "success", "data": batch}
    assert call(JSON_OPERATIONS["get-batch-status"], body) == flux.BatchStatus("completed", None, 5, 5)
    link = {"status": "success", "data": {"downloadLink": "https://storage.invalid/b.csv"}}
    assert call(JSON_OPERATIONS["get-batch-download"], link) == "https://storage.invalid/b.csv"


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        ("unauthorized", errors.AuthenticationError),
        ("model_not_enabled", errors.PermissionDeniedError),
        ("insufficient_quota", errors.QuotaExceededError),
        ("model_deprecated", errors.InvalidRequestError),
        ("timeout", errors.UnavailableError),
        ("unheard_of", errors.ProviderError),
    ],
)
def test_a_completion_s_error_in_a_200_is_raised_by_its_code(code, cls):
    body = {"error": {"message": "It failed", "type": "invalid_request_error", "code": code}}
    error = failed(JSON_OPERATIONS["create-chat-completion"], body)
    assert (type(error), error.code, error.message) == (cls, code, "It failed")
    assert error.may_have_run is (code in {"timeout", "unheard_of"})


def test_a_completion_keeps_its_reasoning_and_all_choices():
    choices = [
        {"message": {"role": "assistant", "content": "3", "reasoning_content": "s-t-r"}, "finish_reason": "stop"},
        {"message": {"role": "assistant", "content": "three"}, "finish_reason": "length"},
    ]
    completion = call(JSON_OPERATIONS["create-chat-completion"], {"choices": choices, "usage": "free"})
    assert (completion.text, completion.reasoning, completion.finish_reason) == ("3", "s-t-r", "stop")
    assert (completion.output, completion.usage, len(completion.warnings)) == (choices, None, 1)


@pytest.mark.parametrize(
    ("body", "kind", "output"),
    [
        (b"", "", None),
        (b"", "application/json", None),
        (b"OK", "text/html", "OK"),
        (b'{"received": true}', "application/json", {"received": True}),
        (b'{"status": "success"}', "application/json", {"status": "success"}),
        (b'"ok"', "application/json", "ok"),
    ],
)
def test_an_acknowledgement_may_say_anything(body, kind, output):
    assert call(WEBHOOK, body, 200, kind).output == output


@pytest.mark.parametrize(
    ("body", "status", "kind", "cls"),
    [
        (b"<html>Sign in</html>", 200, "text/html", errors.MalformedResponseError),
        (b"Sign in <b>first</b>", 200, "text/html", errors.MalformedResponseError),
        (b'{"executionId": "e", "statusUrl": "u", "error": "boom"}', 200, "application/json", errors.ProviderError),
        (b'{"error": "Invalid API key"}', 200, "application/json", errors.ProviderError),
        (b'{"statusCode": "401", "message": "no"}', 200, "application/json", errors.AuthenticationError),
        (b'{"status": "succ', 200, "application/json", errors.MalformedResponseError),
        (b'{"status": "error", "data": {"message": "no"}}', 200, "application/json", errors.ProviderError),
        (b'{"statusCode": 402, "message": "no credits"}', 200, "application/json", errors.QuotaExceededError),
        (b"busy", 503, "text/plain", errors.UnavailableError),
        (b'{"message": "no"}', 400, "application/json", errors.InvalidRequestError),
        (b"{}", 500, "application/json", errors.ProviderError),
    ],
)
def test_an_acknowledgement_that_failed_is_raised(body, status, kind, cls):
    assert type(failed(WEBHOOK, body, status, kind)) is cls


def test_documentation_is_markdown_and_nothing_else():
    operation = JSON_OPERATIONS["get-agent-documentation"]
    assert call(operation, b"# Hello", 200, "text/markdown; charset=utf-8") == "# Hello"
    for kind in ("text/html", "application/json", ""):
        assert type(failed(operation, b"# Hello", 200, kind)) is errors.MalformedResponseError


def test_only_what_does_no_harm_twice_is_sent_twice():
    repeated = {name for name, operation in JSON_OPERATIONS.items() if _attempts(operation) == 2}
    reading = {name for name in JSON_OPERATIONS if name.startswith(("get-", "list-"))}
    assert repeated == reading | {"delete-documents"}
    assert _attempts(WEBHOOK) == 1


def _attempts(operation: Any) -> int:
    transport = MemoryTransport([HttpResponse(504)])
    with pytest.raises(errors.UnavailableError):
        bridge(transport, retry=RetryPolicy(attempts=2)).call(operation)
    return len(transport.sent)


@pytest.mark.parametrize("id_", ["a/b", "a?b=c", "ä", "a b", "%2e%2e"])
def test_an_id_stays_one_step_of_the_path(id_):
    transport = MemoryTransport([HttpResponse(404)])
    with pytest.raises(errors.NotFoundError):
        bridge(transport).call(flux.GetAgent(agent_id=id_))
    path = transport.sent[0].url.removeprefix("https://api.fluxprompt.ai/integrations/agents/")
    assert not set(path) & set("/?# ")


@pytest.mark.parametrize("id_", [".", ".."])
def test_an_id_does_not_lead_elsewhere(id_):
    with pytest.raises(errors.ConfigurationError, match="leads out of its path"):
        call(flux.GetAgent(agent_id=id_), b"")


@pytest.mark.parametrize(
    ("kind", "fields", "wrong"),
    [
        (flux.CreatePod, {"pod_name": " "}, "pod_name"),
        (flux.CreatePod, {"pod_name": None}, "pod_name"),
        (flux.CreatePod, {"pod_name": "x" * 256}, "pod_name has 256 characters, and the vendor takes 255"),
        (flux.CreatePod, {"pod_name": "x", "description": "x" * 501}, "description has 501"),
        (flux.CreatePod, {"pod_name": "x", "metadata": "text"}, "metadata must be dict, not 'text'"),
        (flux.CreatePod, {"pod_name": "x", "search_using_dimensions": "no"}, "search_using_dimensions must be bool"),
        (flux.ListPods, {"pod_id": ""}, "pod_id"),
        (flux.AddDocuments, {"pod_id": "p"}, "files or links must be given"),
        (
            flux.AddDocuments,
            {"pod_id": "p", "files": File("a", b""), "links": Link("https://x.example")},
            "files or links",
        ),
        (flux.AddDocuments, {"pod_id": "p", "files": "a.txt"}, "files takes File, not 'a.txt'"),
        (flux.AddDocuments, {"pod_id": "p", "links": ["https://x.example"]}, "links takes Link"),
        (flux.ReplaceDocument, {"pod_id": "p", "old_name": "a", "new_url": "x.example"}, "new_url must be a URL"),
        (flux.DeleteDocuments, {"pod_id": "p", "file_names": ()}, "file_names names no file"),
        (flux.DeleteDocuments, {"pod_id": "p", "file_names": [7]}, "file_names takes str, not 7"),
        (flux.DeleteDocuments, {"pod_id": "p", "file_names": None}, "file_names names no file"),
        (flux.GetAgent, {"agent_id": ""}, "agent_id"),
        (flux.CreateAgent, {"agent_name": "x", "type": "agent"}, "folder_id or folder_name"),
        (flux.CreateAgent, {"agent_name": "x", "type": "agent", "folder_id": "f", "folder_name": "g"}, "not both"),
        (flux.UpdateAgent, {"agent_id": "a"}, "agent_name or content"),
        (flux.UpdateAgent, {"agent_id": "a", "content": []}, "content must be dict"),
        (flux.StartExecution, {"agent_id": "a", "inputs": "text"}, "inputs must be dict"),
        (flux.StartExecution, {"agent_id": "a", "callback_url": "x.example"}, "callback_url must be a URL"),
        (flux.StartExecution, {"agent_id": "a", "session_id": " "}, "session_id"),
        (flux.TriggerWebhook, {"agent_id": "a"}, r"inputs \(or files\) or a body"),
        (flux.TriggerWebhook, {"agent_id": "a", "inputs": {"a": "b"}, "body": {}}, "not both"),
        (flux.GetBatchDownload, {"batch_ids": "a,b"}, "without a comma"),
        (flux.GetBatchDownload, {"batch_ids": []}, "one or several ids"),
        (flux.CreateChatCompletion, {"model": "m", "messages": ()}, "says nothing"),
        (flux.CreateChatCompletion, {"model": "m", "messages": "Hello"}, "messages takes Message"),
        (flux.CreateChatCompletion, {"model": "m", "messages": Message("tool", "x")}, "has the role 'tool'"),
        (flux.CreateChatCompletion, {"model": "m", "messages": Message("user", "x", [{}])}, "plain text"),
        (flux.CreateChatCompletion, {"model": "m", "messages": USER, "max_tokens": True}, "max_tokens must be int"),
        (flux.CreateChatCompletion, {"model": "m", "messages": USER, "parameters": {"stream": True}}, "'stream'"),
    ],
)
def test_a_wrong_value_fails_where_it_is_said(kind, fields, wrong):
    with pytest.raises(errors.ConfigurationError, match=wrong) as caught:
        kind(**fields)
    assert str(caught.value).startswith(kind.__name__)
