"""Every endpoint that a vendor documents, and what calls it; writes docs/endpoints.md: python tests/vendors/endpoints.py

The left side was copied from the vendors' fact sheets as they stood on 2026-11-22; placeholders are braces. The right side is not
written here: the request that an operation builds says which endpoint it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from agentbridge import Call, File, Invocation, Message, Operation, Provider, Registry

PAGE = Path(__file__).parents[2] / "docs" / "endpoints.md"
_INSTEAD = "named only: no request or answer is documented"
_LOGIN = "needs a login, not a key"
_OLD = "superseded, says the vendor"

DOCUMENTED: dict[str, dict[str, str]] = {
    "fluxprompt": {
        "POST /flux/api-v2": "", "GET /flux/executions/{}": "", "POST /flux/api-v2-webhook": "",
        "an e-mail to the agent's address": "",
        "POST /flux/run-public-flow/{}": _INSTEAD,
        "GET /flux/chatbot-api-socket": "a socket whose protocol is undocumented",
        "GET /integrations/agents": "", "POST /integrations/agents": "", "GET /integrations/agents/{}": "",
        "PATCH /integrations/agents/{}": "", "GET /integrations/folders": "", "GET /integrations/agents/{}/documentation": "",
        "GET /integrations/{}/connection-test": _INSTEAD,
        "POST /flux/memory-pods": "", "GET /flux/memory-pods/get": "", "POST /flux/memory-pods/{}/add-document": "",
        "PUT /flux/memory-pods/{}/replace-document": "", "DELETE /flux/memory-pods/{}/delete-document": "",
        "POST /v1/chat/completions": "", "GET /v1/models": "",
        "POST /flux/batch-process": _INSTEAD, "GET /flux/batch-process/{}/status": "", "GET /flux/batch-process/all": _INSTEAD,
        "POST /flux/batch-process/{}/stop": _INSTEAD, "GET /flux/batch-process/{}/download": "",
        "POST /flux/upload": _INSTEAD, "GET /flux/doc": _INSTEAD, "GET /flux/all-doc": _INSTEAD,
        "GET /flux/json/{}": _OLD, "PATCH /flux/json/{}": _OLD, "POST /open-ai/get-completion": _OLD,
        "POST /merger/merge-pdf": _INSTEAD, "cancel a run": _LOGIN,
    },
    "promptitude": {
        "POST /v1/flows/{}/generate": "", "POST /v1/generate": "", "POST /v1/logs/{}/rate": "", "POST /v1/content": "",
        "POST /v1/content/{}": "", "delete content": "its method and path are beyond the end of the stored page",
        "GET /v1/content/folders": "", "GET /v1/content/folders/{}/contents": "",
        "folder contents by name": "its URL is beyond the end of the stored page",
    },
    "flowgent": {
        "POST /api/public/agent/{}/chat": "", "GET /api/public/agent/{}/usage": "", "POST /api/public/agent/{}/waba": "",
        "GET /api/public/agent": "", "create, configure and monitor agents": _INSTEAD,
    },
    "flowise": {
        "POST /api/v1/prediction/{}": "", "GET /api/v1/ping": "", "GET /api/v1/version": "", "GET /api/v1/chatflows": "",
        "GET /api/v1/chatflows/{}": "", "GET /api/v1/chatflows/apikey/{}": "", "GET /api/v1/verify/apikey/{}": "",
        "GET /api/v1/chatflows-streaming/{}": "", "GET /api/v1/chatflows-uploads/{}": "",
        "GET /api/v1/chatmessage/{}": "", "PUT /api/v1/chatmessage/abort/{}/{}": "",
        "GET /api/v1/executions": "", "GET /api/v1/executions/{}": "",
        "POST /api/v1/feedback": "", "GET /api/v1/feedback/{}": "", "PUT /api/v1/feedback/{}": "", "POST /api/v1/leads": "",
        "POST /api/v1/attachments/{}/{}": "", "POST /api/v1/vector/upsert/{}": "",
        "GET /api/v1/leads/{}": "3.1.4 answers 404, whatever the key (recorded)",
        "POST /api/v1/internal-prediction/{}": "the interface's own; prediction does the same",
        "GET /api/v1/get-upload-file": "the interface's own: what was uploaded, again",
        "ANY /api/v1/webhook/{}": "for flows that other systems trigger; prediction refuses these flows",
        "ANY /api/v1/mcp/{}": "the Model Context Protocol, which has clients of its own",
        "POST /api/v1/text-to-speech/generate": "audio for the interface",
    },
}  # fmt: skip

SAMPLES: dict[str, dict[str, Any]] = {
    "files": {"files": [File("a.txt", b"x")]}, "file_names": {"file_names": ["a.txt"]}, "batch_ids": {"batch_ids": ["{batch_id}"]},
    "messages": {"messages": [Message("user", "hello")]}, "stars": {"stars": 2}, "rating": {"rating": "THUMBS_UP"},
    "type": {"type": "agent"}, "new_url": {"new_url": "https://example.com/a"}, "file_url": {"file_url": "https://example.com/a"},
    "download_url": {"download_url": "https://example.com/a"}, "server": {"server": "smtp://smtp.example.com:587"},
    "address": {"address": "agent@example.com"}, "sender": {"sender": "me@example.com"}, "recipient": {"recipient": "34600000000"},
}  # fmt: skip
"""Values that an operation's checks let through; every other required field is its own name in braces."""

EXTRA: dict[str, dict[str, Any]] = {
    "StartExecution": {"inputs": {"a": "b"}}, "TriggerWebhook": {"inputs": {"a": "b"}}, "AddDocuments": SAMPLES["files"],
    "UpdateAgent": {"agent_name": "x"}, "UpdateFeedback": {"rating": "THUMBS_UP"}, "GiveFeedback": {"agent_id": "a", "chat_id": "c"},
    "CreateLead": {"email": "a@example.com"}, "CreateAgent": {"folder_id": "f"}, "GeneratePrompt": {"inputs": {"a": "b"}},
}  # fmt: skip


def called(operation: type[Operation[Any]], provider: Provider, **more: Any) -> str:
    """Which endpoint an operation calls: the method and path of the request that it builds."""
    import attrs

    required = [field.name for field in attrs.fields(operation) if field.default is attrs.NOTHING and field.init]
    given: dict[str, Any] = {}
    for name in required:
        given |= SAMPLES.get(name, {name: f"{{{name}}}"})
    made = operation(**{**given, **EXTRA.get(operation.__name__, {}), **more})
    return _endpoint(made.build_request(_call(provider)))


def run(provider: Provider) -> str:
    """Which endpoint runs an agent."""
    said: dict[str, Any] = {"text": "hi"} if "text" in provider.accepts else {"inputs": {"a": "b"}}
    call = _call(provider, agent="{agent}")
    return _endpoint(provider.build_request(Invocation(target="x:y", **said), call))


def rows() -> list[tuple[str, str, str, str]]:
    """Vendor, endpoint, what calls it, and why nothing does."""
    found = _found()
    return [
        (vendor, endpoint, ", ".join(found[vendor].pop(_plain(endpoint), [])), why)
        for vendor, endpoints in DOCUMENTED.items()
        for endpoint, why in endpoints.items()
    ]


def unlisted() -> dict[str, list[str]]:
    """What operations call and no fact sheet names."""
    found = _found()
    listed = {vendor: {_plain(endpoint) for endpoint in endpoints} for vendor, endpoints in DOCUMENTED.items()}
    return {vendor: sorted(set(found[vendor]) - listed[vendor]) for vendor in DOCUMENTED}


def page() -> str:
    """docs/endpoints.md."""
    table = ["| vendor | endpoint | called by |", "| --- | --- | --- |"]
    for vendor, endpoint, by, why in rows():
        shown = f"`{endpoint}`" if " /" in endpoint else endpoint
        table.append(f"| {vendor} | {shown} | {by or 'not called: ' + why} |")
    return f"""# Every documented endpoint

Generated by `python tests/vendors/endpoints.py` from the requests that the plugins build. What a document names and nothing here
calls has its reason. `bridge.call(Operation(...))` or `agentbridge call VENDOR` calls them; the signatures stand in the
[reference](reference.md), details and doubts in each plugin's README.

{chr(10).join(table)}
"""


def _found() -> dict[str, dict[str, list[str]]]:
    registry = Registry()
    found: dict[str, dict[str, list[str]]] = {}
    for vendor in DOCUMENTED:
        provider = registry[vendor]
        calls = found.setdefault(vendor, {})
        calls.setdefault(_plain(run(provider)), []).append("`invoke`, `stream`, `submit`")
        for operation in provider.operations:
            calls.setdefault(_plain(called(operation, provider)), []).append(f"`{operation.__name__}`")
    also = registry["promptitude"]
    content = next(each for each in also.operations if each.__name__ == "UpsertContent")
    found["promptitude"].setdefault(_plain(called(content, also, content_id="{id}")), []).append(
        "`UpsertContent(content_id=...)`, `UpsertGitHubContent(content_id=...)`"
    )
    polls = found["fluxprompt"]["GET /flux/executions/{}"]
    polls.insert(0, "`wait`, `poll`, `recover`")
    for path in ("GET /api/v1/chatmessage/{}", "GET /api/v1/executions"):
        found["flowise"][path].insert(0, "`wait`, `poll`, `recover`")
    return found


def _call(provider: Provider, agent: str = "") -> Call:
    base_url = provider.default_base_url or "https://flowise.example"
    return Call(base_url=base_url, agent=agent, api_key="{a-key-of-ours}", fresh_id="{fresh}")


def _endpoint(request: Any) -> str:
    parts = urlsplit(str(request.url))
    if parts.scheme.startswith("smtp"):
        return "an e-mail to the agent's address"
    return f"{request.method} {unquote(parts.path)}"


def _plain(endpoint: str) -> str:
    """The endpoint with every value in its path as `{}`."""
    method, space, path = endpoint.partition(" /")
    if not space:
        return endpoint
    return f"{method} /" + "/".join("{}" if step.startswith("{") else step for step in path.split("/"))


if __name__ == "__main__":
    PAGE.write_text(page())
