"""The memory pods of the stand-in (vendor docs "Memory Pods API"): strict as the documents are, and remembered."""

from __future__ import annotations

import email
import email.policy
import json
import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import wire_pods
from .emulated_memory import forget
from .emulated_refusals import pod_error

_OPTIONAL = {"description": str, "metadata": dict, "embeddingModelName": str, "searchUsingDimensions": bool}
_EMBEDDINGS = {"text-embedding-3-small", "voyage-3-large"}


class Pods:
    """The pods that there are, by id."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}

    async def create(self, request: Request) -> Response:
        """POST /flux/memory-pods."""
        body = await json_object(request)
        names = {pod["name"] for pod in self.pods.values()}
        if not isinstance(body.get("name"), str) or not body["name"] or body["name"] in names:
            return pod_error("name is missing, or already taken in this scope")
        wrong = [name for name, kind in _OPTIONAL.items() if name in body and type(body[name]) is not kind]
        if wrong or not body.keys() <= {"name", "spaceId", *_OPTIONAL}:
            return pod_error("a field is unknown or of the wrong type")
        if body.get("embeddingModelName", "voyage-3-large") not in _EMBEDDINGS:
            return pod_error("embeddingModelName must be one of text-embedding-3-small, voyage-3-large")
        pod = {
            "id": str(uuid.uuid4()), "name": body["name"], "files": [], "dimensions": [], "folderId": None, "rank": None,
            "embeddingModelName": body.get("embeddingModelName", "text-embedding-3-small"),
            "searchUsingDimensions": body.get("searchUsingDimensions", False),
            "description": body.get("description"), "metadata": body.get("metadata"),
        }  # fmt: skip
        self.pods[pod["id"]] = pod
        forget(self.pods)
        return _pods("Memory pod created", pod)

    async def listed(self, request: Request) -> Response:
        """GET /flux/memory-pods/get."""
        id_, part = request.query_params.get("id"), request.query_params.get("podName", "").lower()
        found = [pod for pod in self.pods.values() if id_ in {None, pod["id"]} and part in pod["name"].lower()]
        return _pods("OK", found)

    async def add(self, request: Request) -> Response:
        """POST /flux/memory-pods/{pod}/add-document."""
        names = await _file_names(request)
        if not names:
            return pod_error("No file or file URL provided")
        return self._changed(request, "Files queued for processing", lambda files: files.extend(map(_file, names)))

    async def replace(self, request: Request) -> Response:
        """PUT /flux/memory-pods/{pod}/replace-document."""
        body = await json_object(request)
        old, pod = body.get("oldFileName"), self.pods.get(request.path_params["pod"])
        if not isinstance(body.get("newFileUrl"), str) or not body["newFileUrl"]:
            return pod_error("newFileUrl should not be empty")
        if pod is not None and old not in {file["fileName"] for file in pod["files"]}:
            return pod_error("oldFileName does not match any file")

        def change(files: list[dict[str, Any]]) -> None:
            files[:] = [file for file in files if file["fileName"] != old] + [
                _file(str(body.get("newFileName") or old))
            ]

        return self._changed(request, "File replaced", change)

    async def delete(self, request: Request) -> Response:
        """DELETE /flux/memory-pods/{pod}/delete-document."""
        names = (await json_object(request)).get("fileNames")
        if not isinstance(names, list):
            return pod_error("fileNames must be an array")

        def change(files: list[dict[str, Any]]) -> None:
            files[:] = [file for file in files if file["fileName"] not in names]

        return self._changed(request, "Files deleted", change)

    def _changed(self, request: Request, message: str, change: Callable[[list[dict[str, Any]]], None]) -> Response:
        pod = self.pods.get(request.path_params["pod"])
        if pod is None:
            return pod_error(wire_pods.POD_MISSING)
        change(pod["files"])
        return _pods(message, pod)


async def json_object(request: Request) -> dict[str, Any]:
    """The body. Raises ValueError for what is no JSON object."""
    body = json.loads(await request.body())
    if not isinstance(body, dict) or request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ValueError("no JSON object")
    return body


async def _file_names(request: Request) -> list[str]:
    """The names of uploads, or of links: their own, else what stands last in the URL."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        form = email.message_from_bytes(head + await request.body(), policy=email.policy.HTTP)
        parts = [part for part in form.iter_parts() if part.get_param("name", header="content-disposition") == "files"]
        return [part.get_filename() or "" for part in parts]
    links = (await json_object(request)).get("files", [])
    return [link.get("filename") or link["url"].rpartition("/")[2] for link in links]


def _file(name: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()), "fileName": name, "chunkingMethod": "by1000Characters", "metadatas": [],
        "dimensions": [], "status": "Enqueued",
    }  # fmt: skip


def _pods(message: str, pods: Any) -> Response:
    return JSONResponse({"success": True, "data": {"message": message, "pods": pods}})
