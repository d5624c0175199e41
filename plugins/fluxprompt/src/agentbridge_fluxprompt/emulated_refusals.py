"""How the emulator says no: in each of the shapes that the vendor has."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response


def envelope_error(status: int, message: str) -> Response:
    """The envelope of a run (vendor docs "Async flow execution")."""
    return JSONResponse({"status": "error", "data": {"message": message}}, status)


def nest(status: int, message: str | list[str]) -> Response:
    """The framework's own shape (an inference)."""
    return JSONResponse({"statusCode": status, "message": message, "error": "Refused"}, status)


def pod_error(message: str, status: int = 400) -> Response:
    """The envelope of memory pods, in which "error" is the literal word (vendor docs "Errors and tips")."""
    return JSONResponse({"success": False, "error": "error", "data": {"message": message}}, status)


def openai_error(status: int, code: str) -> Response:
    """The error object of completions (vendor docs "Chat completions")."""
    error = {"message": code.replace("_", " ").capitalize(), "type": "invalid_request_error", "code": code}
    return JSONResponse({"error": error}, status)
