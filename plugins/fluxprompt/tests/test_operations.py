"""The other endpoints through both bridges, against the emulator."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs

import attrs
import httpx
import pytest

import agentbridge_fluxprompt as flux
from agentbridge import SHARED, Connection, File, Link, Message, Pending, RetryPolicy, Usage, errors
from agentbridge.emulator import API_KEY
from agentbridge_fluxprompt.emulated_operations import BATCHES, MODEL
from agentbridge_fluxprompt.operations import OPERATIONS

GONE = "8c5b1b1c-3a4f-4b2e-9c5d-1a2b3c4d5e6f"


@pytest.fixture
def emulator(emulators):
    return emulators.emulators["fluxprompt"]


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=1))


@pytest.fixture
def pod(bridge, request):
    return bridge.call(flux.CreatePod(pod_name=request.node.name))


def refused(bridge, operation) -> errors.InvocationError:
    with pytest.raises(errors.InvocationError) as caught:
        bridge.call(operation)
    assert API_KEY not in f"{caught.value!s} {caught.value!r} {caught.value.__dict__}"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return caught.value


# memory pods


def test_a_pod_is_created_and_found_again(bridge, request):
    name = f"Case {request.node.name}"
    pod = bridge.call(
        flux.CreatePod(
            pod_name=name,
            description="a case",
            metadata={"caseId": "12345"},
            embedding_model="voyage-3-large",
            search_using_dimensions=True,
        )
    )
    assert (pod.name, pod.description, pod.metadata, pod.files) == (name, "a case", {"caseId": "12345"}, ())
    assert (pod.embedding_model, pod.search_using_dimensions, pod.warnings) == ("voyage-3-large", True, ())
    assert bridge.call(flux.ListPods(pod_id=pod.id)) == (pod,)
    assert bridge.call(flux.ListPods(name_contains=name.upper())) == (pod,)
    assert pod in bridge.call(flux.ListPods())
    assert bridge.call(flux.ListPods(pod_id=GONE)) == ()


def test_only_what_is_set_is_sent(bridge, emulator, request):
    bridge.call(flux.CreatePod(pod_name=request.node.name))
    assert json.loads(emulator.seen[-1].body) == {"name": request.node.name}
    bridge.call(flux.ListPods())
    assert emulator.seen[-1].query == ""


def test_documents_are_uploaded(bridge, pod, emulator):
    changed = bridge.call(flux.AddDocuments(pod_id=pod.id, files=[File("a.pdf", b"%PDF-1"), File("b.txt", b"hello")]))
    assert [(file.name, file.status, file.ready) for file in changed.files] == [
        ("a.pdf", "Enqueued", False),
        ("b.txt", "Enqueued", False),
    ]
    assert emulator.seen[-1].body.count(b'name="files"; filename=') == 2


def test_documents_are_fetched_from_links(bridge, pod, emulator):
    links = [Link("https://example.com/a-1.pdf", "a.pdf"), Link("https://example.com/b.pdf")]
    changed = bridge.call(flux.AddDocuments(pod_id=pod.id, links=links))
    assert [file.name for file in changed.files] == ["a.pdf", "b.pdf"]
    assert json.loads(emulator.seen[-1].body) == {
        "files": [
            {"url": "https://example.com/a-1.pdf", "filename": "a.pdf"},
            {"url": "https://example.com/b.pdf"},
        ]
    }


def test_a_document_is_replaced_and_keeps_its_name_unless_told(bridge, pod):
    bridge.call(flux.AddDocuments(pod_id=pod.id, links=Link("https://example.com/a.pdf")))
    replacement = flux.ReplaceDocument(pod_id=pod.id, old_name="a.pdf", new_url="https://example.com/v2.pdf")
    assert [file.name for file in bridge.call(replacement).files] == ["a.pdf"]
    renamed = bridge.call(attrs.evolve(replacement, new_name="v2.pdf"))
    assert [file.name for file in renamed.files] == ["v2.pdf"]
    assert type(refused(bridge, replacement)) is errors.InvalidRequestError


def test_documents_are_deleted_and_unknown_names_are_a_success(bridge, pod):
    bridge.call(flux.AddDocuments(pod_id=pod.id, files=[File("a.txt", b"a"), File("b.txt", b"b")]))
    changed = bridge.call(flux.DeleteDocuments(pod_id=pod.id, file_names=["a.txt", "never-there.txt"]))
    assert [file.name for file in changed.files] == ["b.txt"]


@pytest.mark.parametrize(
    "operation",
    [
        flux.AddDocuments(pod_id=GONE, files=File("a.txt", b"a")),
        flux.AddDocuments(pod_id=GONE, links=Link("https://example.com/a")),
        flux.ReplaceDocument(pod_id=GONE, old_name="a", new_url="https://example.com/a"),
        flux.DeleteDocuments(pod_id=GONE, file_names="a"),
    ],
)
def test_a_pod_that_is_missing_is_not_found_although_it_is_a_400(bridge, operation):
    error = refused(bridge, operation)
    assert (type(error), error.status, error.message) == (errors.NotFoundError, 400, "Namespace not found")
    assert (error.retryable, error.may_have_run) == (False, False)


def test_a_pod_that_is_refused_is_an_invalid_request(bridge, pod):
    for operation in (flux.CreatePod(pod_name=pod.name), flux.CreatePod(pod_name="odd", embedding_model="word2vec")):
        error = refused(bridge, operation)
        assert (type(error), error.status) == (errors.InvalidRequestError, 400)


# agents


def test_agents_are_listed_with_their_urls(bridge, emulators):
    agents = bridge.call(flux.ListAgents(name_contains="NODE-ERROR"))
    base = emulators.connections["fluxprompt"].base_url
    assert agents == (
        flux.Agent(
            id="node-error",
            name="node-error",
            chatbot=False,
            webhook=False,
            api_url=f"{base}/flux/api-v2?flowId=node-error",
            webhook_url=f"{base}/flux/api-v2-webhook?flowId=node-error",
        ),
    )
    assert {agent.id for agent in bridge.call(flux.ListAgents())} > {"ok", "memory"}


def test_an_agent_is_created_changed_and_read(bridge, emulator):
    id_ = bridge.call(flux.CreateAgent(agent_name="Support", type="chat", folder_id="folder-1"))
    assert json.loads(emulator.seen[-1].body) == {"name": "Support", "type": "chat", "folderId": "folder-1"}
    agent = bridge.call(flux.GetAgent(agent_id=id_))
    assert (agent.id, agent.name, agent.type, agent.folder_id, agent.space_id) == (
        id_, "Support", "chat", "folder-1", None,
    )  # fmt: skip
    renamed = bridge.call(flux.UpdateAgent(agent_id=id_, agent_name="Support 2"))
    assert (renamed.name, renamed.content) == ("Support 2", agent.content)
    emptied = bridge.call(flux.UpdateAgent(agent_id=id_, content={"nodes": [], "edges": []}))
    assert (emptied.name, emptied.content) == ("Support 2", {"nodes": [], "edges": []})
    assert bridge.call(flux.GetAgentDocumentation(agent_id=id_)) == "## Flow name\nSupport 2\n"
    (listed,) = bridge.call(flux.ListAgents(name_contains="Support 2"))
    assert (listed.chatbot, listed.chatbot_socket_url.endswith(f"/flux/chatbot-api-socket?flowId={id_}")) == (
        True,
        True,
    )
    bridge.call(flux.UpdateAgent(agent_id=id_, agent_name="done"))


@pytest.mark.parametrize(
    "operation",
    [
        flux.GetAgent(agent_id="no-such-agent"),
        flux.UpdateAgent(agent_id="no-such-agent", agent_name="x"),
        flux.GetAgentDocumentation(agent_id="no-such-agent"),
        flux.GetExecution(execution_id=GONE),
        flux.GetBatchStatus(batch_id="no-such-batch"),
        flux.GetBatchDownload(batch_ids="no-such-batch"),
        flux.TriggerWebhook(agent_id="no-such-agent", inputs={"a": "b"}),
        flux.StartExecution(agent_id="no-such-agent", inputs={"a": "b"}),
    ],
)
def test_what_is_not_there_is_not_found(bridge, operation):
    error = refused(bridge, operation)
    assert (type(error), error.status) == (errors.NotFoundError, 404)


def test_a_reserved_folder_is_an_invalid_request(bridge):
    error = refused(bridge, flux.CreateAgent(agent_name="x", type="agent", folder_name="Shared"))
    assert (type(error), error.status) == (errors.InvalidRequestError, 422)


def test_folders_are_listed_with_their_owners(bridge):
    ann = flux.Owner("abc-123", "Ann")
    (folder,) = bridge.call(flux.ListFolders(name_contains="marketing"))
    assert folder == flux.Folder("folder-2", "Marketing Folder", None, flux.Owner("space-1", "Acme Corp"), ann)
    assert next(folder.space for folder in bridge.call(flux.ListFolders())) is None


# runs


def test_a_run_that_is_done_at_once_is_a_result(bridge, emulator):
    operation = flux.StartExecution(agent_id="ok", inputs={"in-1": "hello"}, session_id="s-1", version_id="v-1")
    result = bridge.call(operation)
    assert (result.text, result.response.status) == ("Echo: in-1=hello", 200)
    assert parse_qs(emulator.seen[-1].query) == {"flowId": ["ok"], "sessionId": ["s-1"], "versionId": ["v-1"]}


def test_a_run_that_takes_longer_is_pending_and_asked_for(bridge):
    pending = bridge.call(flux.StartExecution(agent_id="202-then-done", inputs={"in-1": "hello"}))
    assert (isinstance(pending, Pending), pending.kind) == (True, "poll")
    running, done = (bridge.call(flux.GetExecution(execution_id=pending.id)) for _ in range(2))
    assert (running.status, running.output, running.usage, running.finished_at) == ("in_progress", None, None, None)
    assert (done.id, done.agent_id, done.status, done.error) == (pending.id, "flow", "completed", None)
    assert done.output[0]["text"] == "Echo: in-1=hello"
    assert done.usage == Usage(total_tokens=42, cost=0.0021, duration_ms=40000)
    assert done.started_at < done.finished_at


def test_a_run_with_a_callback_is_pending_until_that_comes(bridge):
    operation = flux.StartExecution(agent_id="ok", inputs={"a": "b"}, callback_url="https://me.example/cb")
    pending = bridge.call(operation)
    assert (pending.kind, pending.id is not None) == ("callback", True)


def test_how_a_failed_run_is_is_an_answer(bridge):
    pending = bridge.call(flux.StartExecution(agent_id="202-then-error", inputs={"a": "b"}))
    bridge.call(flux.GetExecution(execution_id=pending.id))
    failed = bridge.call(flux.GetExecution(execution_id=pending.id))
    assert (failed.status, failed.error) == ("error", "Node 'Summarise' failed: the model refused")


@pytest.mark.parametrize(
    ("agent", "cls"),
    [("node-error", errors.ExecutionError), ("crashed", errors.ExecutionError), ("busy", errors.RateLimitError)],
)
def test_a_start_fails_as_invoke_does(bridge, agent, cls):
    assert type(refused(bridge, flux.StartExecution(agent_id=agent, inputs={"a": "b"}))) is cls


def test_a_webhook_is_triggered_like_a_run_and_only_acknowledged(bridge, emulator):
    file = File("a.txt", b"content", input="in-1")
    acknowledged = bridge.call(flux.TriggerWebhook(agent_id="ok", inputs={"in-1": "hi"}, files=file, session_id="s"))
    assert acknowledged == flux.Acknowledged(None, "s")
    seen = emulator.seen[-1]
    assert (seen.path, parse_qs(seen.query)) == (
        "/fluxprompt/flux/api-v2-webhook", {"flowId": ["ok"], "sessionId": ["s"]},
    )  # fmt: skip
    assert seen.headers["api-key"] == API_KEY
    assert json.loads(seen.body) == {
        "variableInputs": [
            {
                "inputId": "in-1",
                "inputText": "hi",
                "files": [{"name": "a.txt", "base64": "Y29udGVudA=="}],
                "isExtraction": True,
            }
        ]
    }


def test_a_webhook_takes_any_body_for_the_first_input(bridge, emulator):
    bridge.call(flux.TriggerWebhook(agent_id="ok", body={"order": 17}))
    assert json.loads(emulator.seen[-1].body) == {"order": 17}


def test_no_session_means_no_shared_memory_for_a_start_either(bridge, emulator):
    for start in (flux.TriggerWebhook, flux.StartExecution):
        sessions = set()
        for _ in range(2):
            bridge.call(start(agent_id="ok", inputs={"a": "b"}))
            sessions |= set(parse_qs(emulator.seen[-1].query)["sessionId"])
        assert len(sessions) == 2
        bridge.call(start(agent_id="ok", inputs={"a": "b"}, session_id=SHARED))
        assert "sessionId" not in emulator.seen[-1].query


@pytest.mark.parametrize(
    ("agent", "cls"),
    [
        ("html", errors.MalformedResponseError),
        ("truncated", errors.MalformedResponseError),
        ("bad-gateway", errors.UnavailableError),
        ("redirect", errors.ProviderError),
    ],
)
def test_a_webhook_believes_no_web_page(bridge, agent, cls):
    assert type(refused(bridge, flux.TriggerWebhook(agent_id=agent, inputs={"a": "b"}))) is cls


def test_a_start_without_inputs_is_refused_before_it_is_sent(bridge):
    with pytest.raises(errors.UnsupportedFeatureError, match="inputs"):
        bridge.call(flux.StartExecution(agent_id="ok"))


@pytest.mark.parametrize("id_", BATCHES)
def test_a_batch_says_how_it_is_also_where_it_failed(bridge, id_):
    batch, status = BATCHES[id_], bridge.call(flux.GetBatchStatus(batch_id=id_))
    assert status == flux.BatchStatus(
        batch["status"], batch["errorMessage"], batch["lastProcessedLine"], batch["totalRows"]
    )


def test_the_results_of_batches_are_a_link(bridge, emulator):
    link = bridge.call(flux.GetBatchDownload(batch_ids=["batch-done", "batch-failed"]))
    assert link == "https://storage.invalid/batch-done-batch-failed.csv"
    assert emulator.seen[-1].path.endswith("/flux/batch-process/batch-done,batch-failed/download")


# completions


def test_models_are_listed(bridge):
    assert bridge.call(flux.ListModels()) == (
        flux.ChatModel("claude-sonnet-4-6", "anthropic", True, 200000, 64000, 1767225600),
    )


def test_a_model_answers(bridge, emulator):
    completion = bridge.call(
        flux.CreateChatCompletion(
            model=MODEL["id"],
            messages=[Message("system", "Be concise."), Message("user", "Hello")],
            max_tokens=256,
            stop=("END",),
            parameters={"reasoning_effort": "high"},
        )
    )
    assert (completion.text, completion.model, completion.model_provider) == ("Echo: Hello", MODEL["id"], "anthropic")
    assert completion.usage == Usage(input_tokens=28, output_tokens=16, total_tokens=44)
    assert completion.output[0]["finish_reason"] == completion.finish_reason == "stop"
    assert json.loads(emulator.seen[-1].body) == {
        "model": MODEL["id"],
        "messages": [{"role": "system", "content": "Be concise."}, {"role": "user", "content": "Hello"}],
        "max_tokens": 256,
        "stop": ["END"],
        "reasoning_effort": "high",
    }


def test_an_unknown_model_is_an_invalid_request_with_the_vendor_s_code(bridge):
    error = refused(bridge, flux.CreateChatCompletion(model="gpt-2", messages=Message("user", "Hello")))
    assert (type(error), error.status, error.code) == (errors.InvalidRequestError, 400, "model_not_found")


# all of them

EXAMPLES: dict[type, dict[str, Any]] = {
    flux.StartExecution: {"agent_id": "ok", "inputs": {"a": "b"}},
    flux.GetExecution: {"execution_id": GONE},
    flux.GetBatchStatus: {"batch_id": "batch-done"},
    flux.GetBatchDownload: {"batch_ids": ("batch-done",)},
    flux.ListAgents: {},
    flux.GetAgent: {"agent_id": "ok"},
    flux.CreateAgent: {"agent_name": "x", "type": "agent", "folder_id": "folder-1"},
    flux.UpdateAgent: {"agent_id": "ok", "agent_name": "ok"},
    flux.GetAgentDocumentation: {"agent_id": "ok"},
    flux.ListFolders: {},
    flux.CreatePod: {"pod_name": "x"},
    flux.ListPods: {},
    flux.AddDocuments: {"pod_id": GONE, "links": (Link("https://example.com/a"),)},
    flux.ReplaceDocument: {"pod_id": GONE, "old_name": "a", "new_url": "https://example.com/a"},
    flux.DeleteDocuments: {"pod_id": GONE, "file_names": ("a",)},
    flux.ListModels: {},
    flux.CreateChatCompletion: {"model": "m", "messages": (Message("user", "Hello"),)},
}
KEYLESS = {flux.TriggerWebhook, flux.EmailTrigger}


def test_every_operation_is_named_once_and_tested_here():
    assert set(EXAMPLES) | KEYLESS == set(OPERATIONS)
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.name)
def test_a_refused_key_is_an_authentication_error_everywhere(open_bridge, emulators, kind):
    account = attrs.evolve(emulators.connections["fluxprompt"], api_key="wrong-key-17")
    error = refused(open_bridge(connections={"fluxprompt": account}), kind(**EXAMPLES[kind]))
    assert (type(error), error.status, error.may_have_run) == (errors.AuthenticationError, 401, False)


def test_operations_are_imported_when_they_are_used():
    script = (
        "import sys, agentbridge_fluxprompt as f; f.FluxPrompt(); print(*(n for n in sys.modules if f.__name__ in n))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {kind.__module__ for kind in OPERATIONS}
    assert flux.FluxPrompt().operations == flux.FluxPrompt.operations == OPERATIONS
    assert all(getattr(flux, name) is not None for name in flux.__all__)
    with pytest.raises(AttributeError, match="no attribute 'CreatePods'"):
        _ = flux.CreatePods


@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: kind.name)
def test_an_operation_is_described_for_lists_and_command_lines(kind):
    assert kind.provider == "fluxprompt"
    assert kind.name
    assert kind.__doc__
    assert all(field.metadata.get("help") for field in attrs.fields(kind))


@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: kind.name)
def test_the_readme_names_every_operation(kind):
    from pathlib import Path

    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert f"`{kind.__name__}`" in readme
    assert f"`{kind.name}`" in readme


# what the emulator refuses


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/flux/memory-pods", {}, 400),
        ("POST", "/flux/memory-pods", {"name": "x", "unknown": 1}, 400),
        ("POST", "/flux/memory-pods", {"name": "x", "metadata": "text"}, 400),
        ("POST", "/flux/memory-pods", [], 400),
        ("POST", f"/flux/memory-pods/{GONE}/add-document", {"files": []}, 400),
        ("PUT", f"/flux/memory-pods/{GONE}/replace-document", {"oldFileName": "a"}, 400),
        ("DELETE", f"/flux/memory-pods/{GONE}/delete-document", {"fileNames": "a"}, 400),
        ("POST", "/integrations/agents", {"name": "x", "type": "robot", "folderId": "f"}, 400),
        ("POST", "/integrations/agents", {"name": "x", "type": "agent"}, 400),
        ("PATCH", "/integrations/agents/ok", {}, 422),
    ],
)
def test_the_emulator_refuses_a_wrong_body(emulators, method, path, body, status):
    account: Connection = emulators.connections["fluxprompt"]
    headers = {"api-key": account.api_key}
    answer = httpx.request(method, f"{account.base_url}{path}", json=body, headers=headers, trust_env=False)
    assert answer.status_code == status
