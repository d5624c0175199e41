"""How the emulator says no: the real server's bodies, in its words."""

from __future__ import annotations

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agentbridge.emulator import API_KEY


def error(status: int, message: str) -> Response:
    """S: middlewares/errors/index.ts:7-23."""
    return JSONResponse({"statusCode": status, "success": False, "message": message, "stack": {}}, status)


def unknown_flow(flow: str) -> Response:
    """A flow that is not there, or an id that is none (T: id_unknown, id_malformed, ep_chatflow_unknown)."""
    try:
        uuid.UUID(flow)
    except ValueError:
        return error(400, "Invalid Chatflow ID")
    return missing_flow(flow)


def missing_flow(flow: str) -> Response:
    """A flow that is not there."""
    return error(404, f"Chatflow {flow} not found in the database!")


def refused_key(request: Request) -> Response | None:
    """What the gate in front of paths that are not public says (T: ep_chatflows_nokey, ep_chatflows_badkey)."""
    given = request.headers.get("authorization", "").rpartition("Bearer ")[2]
    return None if given == API_KEY else JSONResponse({"error": "Unauthorized Access"}, 401)


def forbidden() -> Response:
    """The key lacks a permission (T: otherkey; R: executions-other-key)."""
    return JSONResponse({"message": "Forbidden"}, 403)
