"""The other endpoints of the stand-in for Promptitude: prompts, ratings and the content storage.

The ids that fail as a flow fail here too, as the id of a prompt, a log, a document or a folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentbridge.emulator import COMMON

from .emulator import FAILURES, SCENARIOS, answer, envelope, error, json_of, refusal

FOLDER = {
    "id": "NtTJc7Hiv0SQQlkPxvak",
    "name": "recipes",
    "contentsCount": 1,
    "type": "manual",
    "description": "My recipes folder",
}
"""The folder of the page's sample (PF)."""

_FROM_URL = {"fileUrl": str, "name": str, "folder": str}
_FROM_GITHUB = {"externalId": str, "downloadUrl": str, "name": str, "folder": str}
_MORE = {"tags": str, "size": int}


async def prompt(request: Request) -> Response:
    """POST /v1/generate (PG): the same answers as those of flows."""
    body = await json_of(request)
    asked = body.get("prompt") if isinstance(body, dict) else None
    flow = asked.get("promptId") if isinstance(asked, dict) else None
    refused = await refusal(flow if isinstance(flow, str) else "ok", request)
    if refused is not None:
        return refused
    if not isinstance(body, dict) or not isinstance(asked, dict) or not isinstance(flow, str):
        return error(400, "prompt.promptId is required")
    if body.keys() - {"prompt", "endUserId"} or asked.keys() - {"promptId", "inputs"}:
        return error(400, "There are unknown fields")
    user = {"userId": body["endUserId"]} if "endUserId" in body else {}
    return answer(flow, {"flow": {"inputs": asked.get("inputs", {})}, **user})


async def rate(request: Request) -> Response:
    """POST /v1/logs/{logId}/rate (PR). Every log that the emulator made can be rated."""
    log = request.path_params["log"]
    return await _stored(log if not log.startswith("log-") else "ok", request, lambda body: _rated(log, body))


def _rated(log: str, body: dict[str, Any]) -> Response:
    rating = body.get("rating")
    stars = rating.get("rating") if isinstance(rating, dict) else None
    if stars not in (0, 1, 2, 3) or isinstance(stars, bool):
        return error(400, "rating.rating must be 0, 1, 2 or 3")
    return JSONResponse(envelope(results={"promptsLogs": {"id": log, "rating": stars}}))


async def content(request: Request) -> Response:
    """POST /v1/content, and with an id in the path (PC-new). What the results hold is undocumented: here an id (INF)."""
    document = request.path_params.get("id", "ok")
    failing = document in SCENARIOS or document in COMMON
    return await _stored(document if failing else "ok", request, _kept)


def _kept(body: dict[str, Any]) -> Response:
    required = _FROM_GITHUB if "downloadUrl" in body else _FROM_URL
    missing = [name for name in required if not body.get(name)]
    if missing:
        return error(400, f"{missing[0]} is required")
    for name, value in body.items():
        if not isinstance(value, {**required, **_MORE}.get(name, ())):
            return error(400, f"{name} is unknown or of the wrong type")
    return JSONResponse(envelope(results={"id": "content-1"}))


async def _stored(asked: str, request: Request, store: Callable[[dict[str, Any]], Response]) -> Response:
    refused = await refusal(asked, request) or FAILURES.get(asked)
    if refused is not None:
        return refused
    body = await json_of(request)
    if isinstance(body, str):
        return error(400, body)
    return JSONResponse(envelope()) if asked == "no-result" else store(body)


async def folders(request: Request) -> Response:
    """GET /v1/content/folders: the page's sample, which counts two folders and lists one (PF)."""
    return await refusal("ok", request) or JSONResponse(envelope(results={"foldersCount": 2, "folders": [FOLDER]}))


async def folder_contents(request: Request) -> Response:
    """GET /v1/content/folders/{folderId}/contents (PF). What an entry looks like is undocumented (INF)."""
    folder = request.path_params["folder"]
    asked = "ok" if folder == FOLDER["id"] else folder
    refused = await refusal(asked, request) or FAILURES.get(asked)
    if refused is not None:
        return refused
    results = {"contentsCount": 1, "contents": [{"id": "content-1", "name": "Pancakes"}]}
    return JSONResponse(envelope(results=None if asked == "no-result" else results))


ROUTES = (
    Route("/v1/generate", prompt, methods=["POST"]),
    Route("/v1/logs/{log}/rate", rate, methods=["POST"]),
    Route("/v1/content", content, methods=["POST"]),
    Route("/v1/content/folders", folders, methods=["GET"]),
    Route("/v1/content/folders/{folder}/contents", folder_contents, methods=["GET"]),
    Route("/v1/content/{id}", content, methods=["POST"]),
)
