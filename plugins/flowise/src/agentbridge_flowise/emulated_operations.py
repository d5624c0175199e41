"""The other endpoints of the stand-in for Flowise: its flows are its scenarios, and what it is told it keeps.

The bodies are those of recorded exchanges (T: ep_*, upsert_*; R: cassettes/flowise/operations), cut to what is read.
Scenarios of the infrastructure (`html`, `slow` ...) fail here too, as the id of a flow, an execution or a rating.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from agentbridge.emulator import API_KEY, common_answer

from .emulated_form import Part, parts_of
from .emulated_refusals import error, forbidden, missing_flow, refused_key, unknown_flow
from .emulated_runs import Runs
from .wire_records import FILES

_CHANGED = "2026-11-22T00:10:35.000Z"
_UPSERT = "Error: vectorsService.upsertVector - "
_ATTACH = "Error: attachmentService.createAttachment - "
_ABORTED = "Error in LLM node: This operation was aborted"  # T: abort_af
_ALLOWED = ("text/plain", "text/csv", "application/json")
_DOCUMENT = {"pageContent": "The capital of Testland is Mockville.", "metadata": {"source": "inline"}}  # T: upsert_ok
_CAN_STREAM = "chatflowsService.checkIfChatflowIsValidForStreaming"
_CAN_UPLOAD = "chatflowsService.checkIfChatflowIsValidForUploads"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Operations:
    """The endpoints of one emulator."""

    def __init__(self, runs: Runs, flows: frozenset[str]) -> None:
        self._runs = runs
        self._flows = flows - {"not-found"}

    @property
    def routes(self) -> list[Route]:
        """Their paths."""
        paths = {
            "GET /ping": self.ping,
            "GET /version": self.version,
            "GET /verify/apikey/{key:path}": self.verify,
            "GET /chatflows": self.flows,
            "GET /chatflows/apikey/{key:path}": self.key_flows,
            "GET /chatflows/{flow}": self.flow,
            "GET /chatflows-streaming/{flow}": self.streaming,
            "GET /chatflows-uploads/{flow}": self.uploads,
            "PUT /chatmessage/abort/{flow}/{chat}": self.abort,
            "POST /feedback": self.rate,
            "PUT /feedback/{id}": self.rate_again,
            "GET /feedback/{flow}": self.ratings,
            "POST /leads": self.lead,
            "POST /attachments/{flow}/{chat}": self.attach,
            "POST /vector/upsert/{flow}": self.upsert,
        }
        return [
            Route(f"/api/v1{path}", endpoint, methods=[method])
            for (method, path), endpoint in ((address.split(), endpoint) for address, endpoint in paths.items())
        ]

    async def ping(self, _: Request) -> Response:
        """T: ep_ping."""
        return HTMLResponse("pong")

    async def version(self, _: Request) -> Response:
        """T: ep_version."""
        return JSONResponse({"version": "3.1.4"})

    async def verify(self, request: Request) -> Response:
        """T: ep_verify_key, ep_verify_badkey."""
        return JSONResponse("OK") if request.path_params["key"] == API_KEY else error(401, "Unauthorized")

    async def flows(self, request: Request) -> Response:
        """A list, or a page of one where page and limit are given (T: ep_chatflows)."""
        refused = refused_key(request)
        if refused is not None:
            return refused
        asked = request.query_params
        found = [_flow(name) for name in sorted(self._flows)]
        found = [flow for flow in found if asked.get("type") in (None, flow["type"])]
        if not ("page" in asked and "limit" in asked):
            return JSONResponse(found)
        page, limit = int(asked["page"]), int(asked["limit"])
        return JSONResponse({"data": found[(page - 1) * limit : page * limit], "total": len(found)})

    async def key_flows(self, request: Request) -> Response:
        """S: controllers/chatflows, services/chatflows; R: key-flows, key-flows-refused-key."""
        if request.path_params["key"] != API_KEY:
            return PlainTextResponse("Unauthorized", 401, media_type="text/html")
        found = [_flow(name) for name in sorted(self._flows)]
        return JSONResponse([flow for flow in found if flow["apikeyid"] or "keyonly" not in request.query_params])

    async def flow(self, request: Request) -> Response:
        """T: ep_chatflow_get, ep_chatflow_unknown."""
        flow = request.path_params["flow"]
        refused = refused_key(request) or await common_answer(flow, request)
        if refused is not None:
            return refused
        if flow == "forbidden":
            return forbidden()
        if flow not in self._flows:
            return missing_flow(flow) if flow == "not-found" else unknown_flow(flow)
        return JSONResponse(_flow(flow))

    async def streaming(self, request: Request) -> Response:
        """T: ep_streaming_agentflow, ep_streaming_nostream, ep_streaming_unknown."""
        flow = request.path_params["flow"]
        refused = await self._missing(request, f"Error: {_CAN_STREAM} - Chatflow {flow} not found")
        return refused or JSONResponse({"isStreaming": flow not in {"json", "error-in-200"}})

    async def uploads(self, request: Request) -> Response:
        """T: ep_uploads. The flow `ok` takes images (S: utils/getUploadsConfig.ts)."""
        flow = request.path_params["flow"]
        refused = await self._missing(request, f"Error: {_CAN_UPLOAD} - Chatflow {flow} not found")
        images = [{"fileTypes": "image/gif;image/jpeg;image/png;image/webp;".split(";"), "maxUploadSize": 5}]
        allowed = {
            "isSpeechToTextEnabled": False,
            "isImageUploadAllowed": flow == "ok",
            "isRAGFileUploadAllowed": False,
        }
        sizes = {"imgUploadSizeAndTypes": images if flow == "ok" else [], "fileUploadSizeAndTypes": []}
        return refused or JSONResponse({**allowed, **sizes})

    async def _missing(self, request: Request, words: str) -> Response | None:
        flow = request.path_params["flow"]
        return await common_answer(flow, request) or (error(500, words) if flow not in self._flows else None)

    async def abort(self, request: Request) -> Response:
        """Yes to everything (T: abort_nothing); an Agentflow V2 that runs fails (T: abort_af), no other hears it."""
        common = await common_answer(request.path_params["flow"], request)
        if common is not None:
            return common
        run = self._runs.find(request.path_params["chat"])
        if run is not None and run.is_agentflow and run.looks > 0 and run.flow == request.path_params["flow"]:
            run.error, run.looks = _ABORTED, 0
        return JSONResponse({"status": 200, "message": "Chat message aborted"})

    async def rate(self, request: Request) -> Response:
        """S: services/feedback/validation.ts; T: ep_feedback, ep_feedback_bad; R: give-feedback-*."""
        body = json.loads(await request.body())
        common = await common_answer(str(body.get("chatflowid")), request)
        return common or self._rate(body)

    def _rate(self, body: dict[str, Any]) -> Response:
        if not body.get("messageId"):
            return error(400, "Message ID is required")
        run = self._runs.of_message(body["messageId"])
        if run is None:
            return error(404, f"Message with ID {body['messageId']} not found")
        belongs = f"message with ID {body['messageId']} does not belong to"
        if body.get("chatId", run.chat_id) != run.chat_id:
            return error(400, f"Inconsistent chat ID: {belongs} chat with ID {body['chatId']}")
        if body.get("chatflowid", run.flow) != run.flow:
            return error(400, f"Inconsistent chatflow ID: {belongs} chatflow with ID {body['chatflowid']}")
        rating = {"chatflowid": run.flow, "chatId": run.chat_id, "content": None, **body}
        rating |= {"id": str(uuid.uuid4()), "createdDate": _now()}
        self._runs.ratings[rating["id"]] = rating
        return JSONResponse(rating)

    async def rate_again(self, request: Request) -> Response:
        """S: services/feedback; R: update-feedback, update-feedback-unknown."""
        asked = request.path_params["id"]
        common = await common_answer(asked, request)
        if common is not None:
            return common
        if asked not in self._runs.ratings:
            return error(404, f"Feedback with ID {asked} not found")
        self._runs.ratings[asked] |= json.loads(await request.body())
        return JSONResponse({"status": "OK"})

    async def ratings(self, request: Request) -> Response:
        """Of a flow that is not there: none (R: feedback-unknown-flow)."""
        flow, asked = request.path_params["flow"], request.query_params
        found = [rating for rating in self._runs.ratings.values() if rating["chatflowid"] == flow]
        found = [
            rating for rating in found if asked.get("chatId") in (None, rating["chatId"]) and _is_within(rating, asked)
        ]
        found = found[::-1] if asked.get("order") == "DESC" else found
        return await common_answer(flow, request) or JSONResponse(found)

    async def lead(self, request: Request) -> Response:
        """Kept for flows that are not there, too (S: services/leads; T: ep_leads)."""
        body = json.loads(await request.body())
        common = await common_answer(str(body.get("chatflowid")), request)
        kept = {"chatId": str(uuid.uuid4()), **body, "id": str(uuid.uuid4()), "createdDate": _now()}
        return common or JSONResponse(kept)

    async def attach(self, request: Request) -> Response:
        """S: utils/createAttachment.ts; R: attach-*. Uploads are not enabled in the flow `chatflow`."""
        flow = request.path_params["flow"]
        refused = await self._missing(request, f"{_ATTACH}Chatflow {flow} not found")
        if refused is not None:
            return refused
        if flow == "chatflow":
            return error(500, f"{_ATTACH}File upload is not enabled for this chatflow")
        parts = await parts_of(request)
        if any(part.field != FILES for part in parts):
            return error(500, "Unexpected file field")
        refused = next((_not_allowed(part) for part in parts if part.type not in _ALLOWED), None)
        return refused or JSONResponse([_attached(part) for part in parts])

    async def upsert(self, request: Request) -> Response:
        """S: utils/upsertVector.ts; T: upsert_*; R: upsert-*. The flow `chatflow` has no vector store."""
        flow = request.path_params["flow"]
        refused = refused_key(request) or await self._missing(request, f"{_UPSERT}Chatflow {flow} not found")
        if refused is not None:
            return refused
        if flow == "busy":
            return Response("Slow down please", 429, {"Retry-After": "1"}, media_type="text/html")
        reasons = {
            "unauthorized": "Unauthorized",
            "chatflow": "No vector node found",
            "execution-failed": "429 Rate limit reached",
        }
        if flow in reasons:
            return error(500, _UPSERT + reasons[flow])
        return JSONResponse({"numAdded": 1, "addedDocs": [_DOCUMENT]})


def _flow(name: str) -> dict[str, Any]:
    kinds = {"agentflow-v1": "MULTIAGENT", "chatflow": "CHATFLOW", "json": "CHATFLOW", "late-chatflow": "CHATFLOW"}
    return {
        "id": name,
        "name": f"The scenario {name}",
        "flowData": json.dumps({"nodes": [], "edges": []}),
        "deployed": False,
        "isPublic": False,
        "apikeyid": "key-1" if name == "keyed" else None,
        "category": None,
        "type": kinds.get(name, "AGENTFLOW"),
        "createdDate": _CHANGED,
        "updatedDate": _CHANGED,
    }


def _is_within(rating: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    """The dates count together only (S: utils/getChatMessageFeedback.ts)."""
    both = "startDate" in asked and "endDate" in asked
    return not both or asked["startDate"] <= rating["createdDate"] <= asked["endDate"]


def _not_allowed(file: Part) -> Response:
    allowed = ", ".join(_ALLOWED)
    return error(500, f"{_ATTACH}File type '{file.type}' is not allowed. Allowed types: {allowed}")


def _attached(file: Part) -> dict[str, Any]:
    text = file.content.decode("utf-8", "replace")
    return {"name": file.filename, "mimeType": file.type, "size": len(file.content), "content": text}
