"""The other endpoints of the stand-in for FlowGent: usage, WhatsApp templates, and the list of agents (S003).

The agent ids that fail in chat fail here too, in the same words.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .emulator import FAILURES, SCENARIOS, flat, refusal, refused_key

_DAY = dt.timedelta(days=1)
_SINCE = dt.date(2025, 5, 28)  # "Usage tracking is only active from May 28, 2025"
_WHATSAPP_FIELDS: dict[str, type] = {
    "recipient_phone_number": str,
    "template_name": str,
    "language": str,
    "customer_name": str,
    "parameters": list,
}


async def agents(request: Request) -> Response:
    """GET /api/public/agent. What it answers is undocumented: here a list of ids (INF)."""
    return refused_key(request) or JSONResponse([{"agent_id": scenario} for scenario in SCENARIOS])


async def usage(request: Request) -> Response:
    """GET /api/public/agent/:agent_id/usage (S003): here a credit on days that three divides, since the 28th of May 2025."""
    agent = request.path_params["agent"]
    refused = await refusal(agent, request) or FAILURES.get(agent)
    if refused is not None:
        return refused
    period = _period(request.query_params, dt.datetime.now(dt.UTC).date() - _DAY)
    return period if isinstance(period, Response) else JSONResponse(_report(agent, *period))


def _period(query: Mapping[str, str], yesterday: dt.date) -> tuple[dt.date, dt.date] | Response:
    """The first and the last day, or the documented refusal."""
    start, end = query.get("start_date"), query.get("end_date")
    if start is None:
        missing = "start_date is required when end_date is provided (format: YYYY-MM-DD)"
        return flat(400, "Invalid date range", missing) if end else (yesterday - 6 * _DAY, yesterday)
    given = [start] if end is None else [start, end]
    if not all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) for day in given):
        return flat(400, "Invalid date format", "Dates must be in YYYY-MM-DD format")
    try:
        first, *rest = map(dt.date.fromisoformat, given)
    except ValueError:
        return flat(400, "Invalid dates", "Provided dates are not valid")
    return _checked(first, rest[0] if rest else yesterday, yesterday)


def _checked(first: dt.date, last: dt.date, yesterday: dt.date) -> tuple[dt.date, dt.date] | Response:
    if last > yesterday:
        recent = "end_date cannot be today or in the future. Data is only available up to yesterday."
        return flat(400, "Invalid end date", recent)
    if first > last:
        return flat(400, "Invalid date range", "start_date must not be after end_date")
    if last - first >= 31 * _DAY:
        return flat(400, "Date range too large", "Date range cannot exceed 31 days")
    return first, last


def _report(agent: str, first: dt.date, last: dt.date) -> dict[str, Any]:
    days = [last - number * _DAY for number in range((last - first).days + 1)]
    breakdown = [{"date": f"{day}", "credits_used": int(day >= _SINCE and day.day % 3 == 0)} for day in days]
    total = sum(day["credits_used"] for day in breakdown if isinstance(day["credits_used"], int))
    note = {"note": "Endpoint active from 28 May 2025 onwards"} if first < _SINCE else {}
    return {
        "agent_id": agent,
        "time_range": {"start": f"{first}T00:00:00.000Z", "end": f"{last}T23:59:59.999Z"},
        "usage": {"total_credits_used": total, "daily_breakdown": breakdown},
        **note,
    }


async def whatsapp(request: Request) -> Response:
    """POST /api/public/agent/:agent_id/waba. The statuses of its errors are not documented (INF)."""
    agent = request.path_params["agent"]
    refused = await refusal(agent, request) or FAILURES.get(agent)
    if refused is not None:
        return refused
    if agent == "no-answer":
        return flat(404, "WhatsApp connection not found", "No WhatsApp connection found for this agent")
    return _sent(json.loads(await request.body()))


def _sent(body: dict[str, Any]) -> Response:
    if not (body.get("recipient_phone_number") and body.get("template_name")):
        return flat(400, "Missing required fields", "recipient_phone_number and template_name are required")
    for name, value in body.items():
        if not isinstance(value, _WHATSAPP_FIELDS.get(name, ())):
            return flat(400, "Invalid request", f"{name} is unknown or of the wrong type")
    number = body["recipient_phone_number"]
    message = {"id": f"wamid.{uuid.uuid4().hex}"}
    contact = {"input": number, "wa_id": number}
    return JSONResponse({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]})


ROUTES = (
    Route("/api/public/agent", agents, methods=["GET"]),
    Route("/api/public/agent/{agent}/usage", usage, methods=["GET"]),
    Route("/api/public/agent/{agent}/waba", whatsapp, methods=["POST"]),
)
