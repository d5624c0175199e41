"""The other endpoints against the emulator, through both bridges."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from agentbridge import RetryPolicy, Timeouts, errors
from agentbridge_flowgent import (
    DailyUsage,
    GetUsage,
    ListAgents,
    SendWhatsAppTemplate,
    TemplateBody,
    TemplateHeader,
    TemplateImage,
)

FAILURES = {
    "error-in-200": (errors.QuotaExceededError, 200, "402"),
    "busy": (errors.UnavailableError, 200, "503"),
    "server-error-in-200": (errors.ProviderError, 200, "500"),
    "no-credits-402": (errors.QuotaExceededError, 402, "402"),
    "busy-503": (errors.UnavailableError, 503, "503"),
    "unauthorized": (errors.AuthenticationError, 401, None),
    "forbidden": (errors.PermissionDeniedError, 403, None),
    "not-found": (errors.NotFoundError, 404, None),
    "html": (errors.MalformedResponseError, 200, None),
    "empty": (errors.MalformedResponseError, 200, None),
    "truncated": (errors.MalformedResponseError, 200, None),
    "bad-gateway": (errors.UnavailableError, 502, None),
    "redirect": (errors.ProviderError, 302, None),
    "slow": (errors.ResponseTimeoutError, None, None),
}


def whatsapp(agent="ok", **fields):
    return SendWhatsAppTemplate(agent, "31612345678", "order_update", "en_US", **fields)


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=1), timeouts=Timeouts(answer=0.5))


def test_usage_of_a_period_has_all_its_days_newest_first(bridge):
    report = bridge.call(GetUsage("ok", "2025-05-26", "2025-06-01"))
    assert (report.agent_id, report.start, report.end) == ("ok", dt.date(2025, 5, 26), dt.date(2025, 6, 1))
    assert (len(report.daily), report.daily[2]) == (7, DailyUsage(dt.date(2025, 5, 30), 1.0))
    assert report.total_credits == sum(day.credits for day in report.daily) == 1
    assert report.note == "Endpoint active from 28 May 2025 onwards"


def test_usage_without_dates_is_that_of_the_last_seven_days(bridge):
    report = bridge.call(GetUsage("ok"))
    assert (len(report.daily), report.note, report.warnings) == (7, None, ())
    assert report.end == report.daily[0].date == GetUsage("ok")._today - dt.timedelta(days=1)


def test_a_start_alone_asks_for_the_days_up_to_yesterday(bridge):
    yesterday = GetUsage("ok")._today - dt.timedelta(days=1)
    report = bridge.call(GetUsage("ok", yesterday - dt.timedelta(days=30)))
    assert (len(report.daily), report.end) == (31, yesterday)


def test_a_template_is_sent_with_its_parameters(bridge, emulators):
    parts = [TemplateHeader([TemplateImage("https://example.com/a.png")]), TemplateBody(["ABC123", "Shipped"])]
    sent = bridge.call(whatsapp(customer_name="John Doe", parameters=parts))
    assert sent.id.startswith("wamid.")
    assert sent.wa_id == "31612345678"
    body = json.loads(emulators.emulators["flowgent"].seen[-1].body)
    assert [part["type"] for part in body["parameters"]] == ["header", "body"]


def test_the_list_of_agents_is_what_the_vendor_says(bridge):
    assert {"agent_id": "ok"} in bridge.call(ListAgents())


@pytest.mark.parametrize("make", [GetUsage, whatsapp])
@pytest.mark.parametrize("scenario", sorted(FAILURES))
def test_a_failing_scenario_is_raised_as_its_class(bridge, make, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.call(make(scenario))
    assert (type(caught.value), caught.value.status, caught.value.code) == FAILURES[scenario]


def test_an_agent_without_whatsapp_is_not_found(bridge):
    with pytest.raises(errors.NotFoundError, match="No WhatsApp connection found for this agent"):
        bridge.call(whatsapp("no-answer"))


def test_what_only_asks_is_tried_again_and_a_message_that_may_be_sent_is_not(open_bridge, emulators):
    bridge = open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=3, first_delay=0))
    for operation, attempts in (
        (GetUsage("bad-gateway"), 3), (whatsapp("bad-gateway"), 1), (GetUsage("busy"), 3), (whatsapp("busy"), 3),
    ):  # fmt: skip
        with pytest.raises(errors.UnavailableError) as caught:
            bridge.call(operation)
        assert caught.value.attempts == attempts


@pytest.mark.parametrize("operation", [GetUsage("ok"), whatsapp(), ListAgents()])
@pytest.mark.parametrize(("key", "said"), [("wrong-key", "Invalid API key"), (None, "API key is required")])
def test_a_key_is_needed(open_bridge, emulators, operation, key, said):
    base_url = emulators.connections["flowgent"].base_url
    connections = {"flowgent": {"provider": "flowgent", "base_url": base_url, "api_key": key}}
    with pytest.raises(errors.AuthenticationError, match=said):
        open_bridge(connections=connections).call(operation)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("end_date=2025-05-26", "start_date is required"),
        ("start_date=2025-5-26", "YYYY-MM-DD"),
        ("start_date=2025-02-30", "not valid"),
        ("start_date=2025-05-26&end_date=2025-05-20", "must not be after"),
        ("start_date=2025-05-26&end_date=2999-01-01", "cannot be today"),
        ("start_date=2025-05-01&end_date=2025-06-01", "cannot exceed 31 days"),
    ],
)
def test_the_emulator_refuses_the_dates_that_the_documents_refuse(bridge, monkeypatch, query, said):
    build = GetUsage.build_request
    asked = dict(part.split("=") for part in query.split("&"))

    def bent(operation, call):
        request = build(operation, call)
        request.query.update(asked)
        return request

    monkeypatch.setattr(GetUsage, "build_request", bent)
    with pytest.raises(errors.InvalidRequestError, match=said):
        bridge.call(GetUsage("ok"))
