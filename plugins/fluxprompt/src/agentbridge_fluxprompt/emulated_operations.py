"""The other endpoints of the stand-in: memory pods, agents, batches, models, the webhook. Strict as the documents are.

What is marked as an inference is not documented, only likely.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agentbridge.emulator import API_KEY, common_answer

from . import wire_agents, wire_completions, wire_pods, wire_runs
from .emulated_memory import forget
from .emulated_pods import Pods, json_object
from .emulated_refusals import nest, openai_error, pod_error

BATCHES: Mapping[str, Mapping[str, Any]] = {
    "batch-running": {"status": "in_progress", "errorMessage": None, "lastProcessedLine": 2, "totalRows": 5},
    "batch-done": {"status": "completed", "errorMessage": None, "lastProcessedLine": 5, "totalRows": 5},
    "batch-failed": {
        "status": "error", "errorMessage": "the flow has no Variable Input node", "lastProcessedLine": 0, "totalRows": 5,
    },
}  # fmt: skip
"""The batches there are; the words of `status` are the ones of the vendor's prose, and of a run's."""

MODEL = {
    "id": "claude-sonnet-4-6", "object": "model", "created": 1767225600, "owned_by": "anthropic",
    "provider": "anthropic", "supports_reasoning": True, "context_window": 200000, "max_output_tokens": 64000,
}  # fmt: skip

Handler = Callable[[Request], Awaitable[Response]]


def routes(flows: Iterable[str]) -> list[BaseRoute]:
    """Routes with pods and agents of their own. Every flow is an agent, too."""
    pods, agents = Pods(), _Agents(flows)
    pod, agent = f"{wire_pods.PODS_PATH}/{{pod}}", f"{wire_agents.AGENTS_PATH}/{{id}}"
    batch = f"{wire_runs.BATCHES_PATH}/{{ids}}"
    table: list[tuple[str, str, Handler]] = [
        ("POST", wire_pods.PODS_PATH, pods.create),
        ("GET", wire_pods.LIST_PATH, pods.listed),
        ("POST", f"{pod}/add-document", pods.add),
        ("PUT", f"{pod}/replace-document", pods.replace),
        ("DELETE", f"{pod}/delete-document", pods.delete),
        ("GET", wire_agents.AGENTS_PATH, agents.listed),
        ("POST", wire_agents.AGENTS_PATH, agents.create),
        ("GET", agent, agents.get),
        ("PATCH", agent, agents.update),
        ("GET", f"{agent}/documentation", agents.documentation),
        ("GET", wire_agents.FOLDERS_PATH, agents.folders),
        ("GET", f"{batch}/status", _batch_status),
        ("GET", f"{batch}/download", _batch_download),
        ("GET", wire_completions.MODELS_PATH, _models),
        ("POST", wire_completions.COMPLETIONS_PATH, _completion),
    ]
    keyed = [Route(path, _keyed(handler), methods=[method]) for method, path, handler in table]
    return [*keyed, Route(wire_runs.WEBHOOK_PATH, agents.webhook, methods=["POST"])]


class _Agents:
    """Agents (vendor docs "Integrations API"), and the webhook that starts them."""

    def __init__(self, flows: Iterable[str]) -> None:
        self.agents = {flow: _agent(flow, flow, "agent", "folder-1") for flow in flows}

    async def listed(self, request: Request) -> Response:
        part = request.query_params.get("name", "").lower()
        base = str(request.url).partition(wire_agents.AGENTS_PATH)[0]
        found = [_listed(agent, base) for agent in self.agents.values() if part in agent["name"].lower()]
        return JSONResponse({"agents": found})

    async def create(self, request: Request) -> Response:
        body = await json_object(request)
        if not body.get("name") or body.get("type") not in {"agent", "chat"}:
            return nest(400, ["name should not be empty", "type must be agent or chat"])
        if not (body.get("folderId") or body.get("folderName")):
            return nest(400, "supply at least one of folderId, folderName")
        if body.get("folderName") in {"Shared", "Default"}:
            return nest(422, "folderName is reserved")
        agent = _agent(str(uuid.uuid4()), body["name"], body["type"], body.get("folderId", "folder-2"))
        agent["content"] = body.get("content", agent["content"])
        self.agents[agent["id"]] = agent
        forget(self.agents)
        return JSONResponse({"status": "success", "flowId": agent["id"]}, 201)  # the status is an inference

    async def get(self, request: Request) -> Response:
        agent = self.agents.get(request.path_params["id"])
        return nest(404, "Agent not found") if agent is None else JSONResponse(agent)

    async def update(self, request: Request) -> Response:
        agent, body = self.agents.get(request.path_params["id"]), await json_object(request)
        if agent is None:
            return nest(404, "Agent not found")
        if not body or not body.keys() <= {"name", "content"}:
            return nest(422, "the body must have name or content")
        agent.update(body)
        return JSONResponse(agent)

    async def documentation(self, request: Request) -> Response:
        agent = self.agents.get(request.path_params["id"])
        if agent is None:
            return nest(404, "Agent not found")
        return Response(f"## Flow name\n{agent['name']}\n", media_type="text/markdown")

    async def folders(self, request: Request) -> Response:
        part = request.query_params.get("name", "").lower()
        user, space = {"id": "abc-123", "name": "Ann"}, {"id": "space-1", "name": "Acme Corp"}
        folders = [
            {"id": "folder-1", "name": "My Personal Notes", "parentId": None, "space": None, "user": user},
            {"id": "folder-2", "name": "Marketing Folder", "parentId": None, "space": space, "user": user},
        ]
        return JSONResponse({"folders": [folder for folder in folders if part in str(folder["name"]).lower()]})

    async def webhook(self, request: Request) -> Response:
        """No key is asked for; 404 is an inference, and so is the empty body of the acknowledgement."""
        flow = request.query_params.get("flowId", "")
        common = await common_answer(flow, request)
        if common is not None:
            return common
        return Response() if flow in self.agents else nest(404, f"Flow {flow} not found")


def _keyed(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        if request.headers.get("api-key") != API_KEY:
            return _unauthorized(request)
        try:
            return await handler(request)
        except ValueError:
            return nest(400, "the body is not a JSON object")

    return answer


def _unauthorized(request: Request) -> Response:
    """401; the shape is documented for pods and completions, and elsewhere an inference."""
    if wire_pods.PODS_PATH in request.url.path:
        return pod_error("Unauthorized", 401)
    return openai_error(401, "unauthorized") if "/v1/" in request.url.path else nest(401, "Unauthorized")


def _agent(id_: str, name: str, kind: str, folder: str) -> dict[str, Any]:
    start = {"id": "globalStarter_1", "type": "globalStarter", "data": {}, "position": {"x": 0, "y": 0}}
    content = {"nodes": [start], "edges": []}
    return {"id": id_, "name": name, "type": kind, "spaceId": None, "folderId": folder, "content": content}


def _listed(agent: Mapping[str, Any], base: str) -> dict[str, Any]:
    chat = agent["type"] == "chat"
    urls = {
        "api": f"{base}/flux/api-v2?flowId={agent['id']}",
        "webhook": f"{base}{wire_runs.WEBHOOK_PATH}?flowId={agent['id']}",
    }
    if chat:
        urls["chatbotSocket"] = f"{base}/flux/chatbot-api-socket?flowId={agent['id']}"
    return {
        "id": agent["id"],
        "name": agent["name"],
        "isChatbot": chat,
        "isWebhook": False,
        "space": None,
        "endpoints": urls,
    }


async def _batch_status(request: Request) -> Response:
    batch = BATCHES.get(request.path_params["ids"])
    return nest(404, "Batch not found") if batch is None else JSONResponse(batch)  # 404: inference


async def _batch_download(request: Request) -> Response:
    ids = request.path_params["ids"]
    if not set(ids.split(",")) <= BATCHES.keys():
        return nest(404, "Batch not found")  # inference
    return JSONResponse({"downloadLink": f"https://storage.invalid/{ids.replace(',', '-')}.csv"})


async def _models(_: Request) -> Response:
    return JSONResponse({"object": "list", "data": [MODEL]})


async def _completion(request: Request) -> Response:
    body = await json_object(request)
    if body.get("model") != MODEL["id"]:
        return openai_error(400, "model_not_found")
    said = f"Echo: {body['messages'][-1]['content']}"
    choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 28, "completion_tokens": 16, "total_tokens": 44}
    head = {"id": "cmpl_1", "object": "chat.completion", "created": 1718600000, "provider": "anthropic"}
    return JSONResponse({**head, "model": MODEL["id"], "choices": [choice], "usage": usage})
