"""What each cassette of an operation must become, typed by hand from the vendors' pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import flowise_operations as flowise
import fluxprompt_operations

from agentbridge import Operation
from agentbridge_flowgent import (
    DailyUsage,
    GetUsage,
    SendWhatsAppTemplate,
    SentTemplate,
    TemplateBody,
    TemplateHeader,
    TemplateImage,
    UsageReport,
)
from agentbridge_promptitude import Folder, Folders, GeneratePrompt, ListFolders, Rate, Rating

AGENT = "66a72b17-cb03-4397-ab2a-1eef13847737"
WHATSAPP = SendWhatsAppTemplate(
    AGENT,
    "31612345678",
    "order_update",
    "en_US",
    "John Doe",
    [TemplateHeader([TemplateImage("https://whatsapp_image_template")]), TemplateBody(["ABC123", "Shipped"])],
)
CREDITS = {26: 1.0, 25: 0.0, 24: 2.0, 23: 0.0, 22: 0.0, 21: 0.0, 20: 0.0}

ANSWERS: dict[str, tuple[Operation[Any], Any]] = {
    "flowgent/usage": (
        GetUsage(AGENT, "2025-05-20", "2025-05-26"),
        UsageReport(
            agent_id=AGENT,
            total_credits=3.0,
            start=dt.date(2025, 5, 20),
            end=dt.date(2025, 5, 26),
            daily=tuple(DailyUsage(dt.date(2025, 5, day), used) for day, used in CREDITS.items()),
            note="Endpoint active from 28 May 2025 onwards",
        ),
    ),
    "flowgent/whatsapp": (WHATSAPP, SentTemplate("wamid.ID", "WHATSAPP_ID")),
    "promptitude/rate": (Rate("sdflkj34dlksjd2423", stars=3), Rating("sdflkj34dlksjd2423", 3)),
    "promptitude/folders": (
        ListFolders(),
        Folders((Folder("NtTJc7Hiv0SQQlkPxvak", "recipes", 1, "manual", "My recipes folder"),), 2),
    ),
    **{f"fluxprompt/{name}": expected for name, expected in fluxprompt_operations.ANSWERS.items()},
}
PROMPT = GeneratePrompt(
    "65a6sdf56f7asd6a7ssdasds",
    {"variable1": "value1", "variable2": "value2"},
    user_id="raeyBqUgKtPXDDt0psFrREVjF902",
)
RESULTS: dict[str, tuple[Operation[Any], dict[str, Any]]] = {
    "promptitude/generate": (
        PROMPT,
        {
            "text": "Why did the developer need glasses? Because he couldn't C#!",
            "id": "Z2gV2otfCKIt17t76KFJ",
            "provider": "promptitude",
            "agent": "65a6sdf56f7asd6a7ssdasds",
        },
    ),
}

LAST_WEEK = GetUsage(AGENT)
FAILURES: dict[str, tuple[Any, ...]] = {
    "flowgent/usage-no-key": (LAST_WEEK, "AuthenticationError", 401, "Please provide an API key"),
    "flowgent/usage-refused-key": (LAST_WEEK, "AuthenticationError", 401, "The provided API key is not valid"),
    "flowgent/usage-denied": (LAST_WEEK, "PermissionDeniedError", 403, "This agent does not belong"),
    "flowgent/usage-no-agent-id": (LAST_WEEK, "InvalidRequestError", 400, "agent_id is required"),
    "flowgent/usage-end-without-start": (LAST_WEEK, "InvalidRequestError", 400, "start_date is required"),
    "flowgent/usage-date-format": (LAST_WEEK, "InvalidRequestError", 400, "Dates must be in YYYY-MM-DD format"),
    "flowgent/usage-no-dates": (LAST_WEEK, "InvalidRequestError", 400, "Provided dates are not valid"),
    "flowgent/usage-start-after-end": (LAST_WEEK, "InvalidRequestError", 400, "start_date must not be after end_date"),
    "flowgent/usage-end-too-recent": (LAST_WEEK, "InvalidRequestError", 400, "end_date cannot be today"),
    "flowgent/usage-too-long": (LAST_WEEK, "InvalidRequestError", 400, "Date range cannot exceed 31 days"),
    "flowgent/usage-server-error": (LAST_WEEK, "ProviderError", 500, "Internal server error"),
    "flowgent/whatsapp-refused-key": (WHATSAPP, "AuthenticationError", 200, "The provided API key is not valid"),
    "flowgent/whatsapp-missing-fields": (WHATSAPP, "InvalidRequestError", 200, "recipient_phone_number and"),
    "flowgent/whatsapp-no-connection": (WHATSAPP, "NotFoundError", 200, "No WhatsApp connection found"),
    "flowgent/whatsapp-server-error": (WHATSAPP, "ProviderError", 200, "Internal server error"),
    **{f"fluxprompt/{name}": expected for name, expected in fluxprompt_operations.FAILURES.items()},
}
"""The operation, and of its error the class, the HTTP status, how its message begins, and the code where it has one."""

ANSWERS |= {f"flowise/{name}": (flowise.CALLS[name](flowise.IDS), value) for name, value in flowise.ANSWERS.items()}
FAILURES |= {f"flowise/{name}": (flowise.CALLS[name](flowise.IDS), *said) for name, said in flowise.FAILURES.items()}
