"""Usage by day in the words of the core: 31 days a request, and nothing of today."""

from __future__ import annotations

import datetime as dt
import json
import time

import pytest
from hypothesis import given, strategies as st

from agentbridge import Call, Fault, HttpResponse, UsageDay
from agentbridge_flowgent import FlowGent
from agentbridge_flowgent.daily import usage_by_day

TODAY = dt.date(2026, 6, 15)
DAY = dt.timedelta(days=1)
CALL = Call(base_url="https://flowgent.ai/api/public", api_key="secret-key")


@given(st.integers(-5, 400), st.integers(0, 200))
def test_each_day_before_today_is_asked_for_once_and_31_at_most_at_a_time(ago, length):
    first = TODAY - ago * DAY
    last = first + length * DAY
    asked = []
    for operation in usage_by_day("a-1", first, last, TODAY):
        days = (operation.report.end - operation.report.start).days + 1
        assert days <= 31
        asked += [operation.report.start + number * DAY for number in range(days)]
    wanted = [first + number * DAY for number in range(length + 1)]
    assert asked == [day for day in wanted if day < TODAY]


def answered(status, body):
    (operation,) = usage_by_day("a-1", dt.date(2026, 6, 1), dt.date(2026, 6, 2), TODAY)
    return operation.read(HttpResponse(status, {"content-type": "application/json"}, json.dumps(body).encode()))


def test_a_day_is_the_vendors():
    days = [{"date": "2026-06-02", "credits_used": 3}, {"date": "2026-06-01", "credits_used": 0.5}]
    found = answered(200, {"usage": {"total_credits_used": 3.5, "daily_breakdown": days}})
    assert found == (UsageDay(dt.date(2026, 6, 2), 3.0), UsageDay(dt.date(2026, 6, 1), 0.5))


def test_a_refusal_stays_one():
    assert isinstance(answered(401, {"error": "Invalid API key"}), Fault)


def test_the_request_is_that_of_the_report():
    (operation,) = FlowGent().usage_by_day("a-1", dt.date(2025, 6, 1), dt.date(2025, 6, 2))
    request = operation.build_request(CALL)
    assert request.url == "https://flowgent.ai/api/public/agent/a-1/usage"
    assert request.query == {"start_date": "2025-06-01", "end_date": "2025-06-02"}


@pytest.fixture
def far_east(monkeypatch):
    """A machine whose clock on the wall is a day ahead, as no zone's is."""
    monkeypatch.setenv("TZ", "FAR-24")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_today_is_that_of_utc_wherever_the_machine_stands():
    today = dt.datetime.now(dt.UTC).date()
    assert not list(FlowGent().usage_by_day("a-1", today, today))
