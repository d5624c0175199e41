"""Stand-ins for the made-up vendor: one that knows its agents, and some that do not tell them apart."""

from __future__ import annotations

from small import problem
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentbridge.emulator import Emulator, common_answer

ERRORS = {"no-credits": problem(402, "You have no credits left"), "busy": problem(503, "We are busy")}
SCENARIOS = {"ok": "an answer", "no-credits": "a failure in a 200", "busy": "another one"}


def told(agent: str) -> Response:
    if agent == "ok":
        return JSONResponse({"reply": "hi"})
    return JSONResponse(ERRORS[agent]) if agent in ERRORS else JSONResponse(problem(404, "no such agent"), 404)


async def knowing(request: Request) -> Response:
    agent = request.path_params["agent"]
    return await common_answer(agent, request) or told(agent)


async def always_the_same(request: Request) -> Response:
    return told("ok")


async def without_what_is_common(request: Request) -> Response:
    agent = request.path_params["agent"]
    return told("ok" if agent == "html" else agent)


async def always_busy(request: Request) -> Response:
    agent = request.path_params["agent"]
    return await common_answer(agent, request) or told("busy" if agent in ERRORS else agent)


def right() -> Emulator:
    return _emulator(knowing)


def deaf() -> Emulator:
    return _emulator(always_the_same)


def without_html() -> Emulator:
    return _emulator(without_what_is_common)


def busy() -> Emulator:
    return _emulator(always_busy)


def _emulator(endpoint) -> Emulator:
    return Emulator([Route("/v1/agents/{agent}/runs", endpoint, methods=["POST"])], SCENARIOS)
