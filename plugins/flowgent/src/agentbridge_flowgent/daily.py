"""What an agent used on each day, in the words of the core. Source: the vendor's API reference (S003)."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

import attrs

from agentbridge import Call, Fault, HttpRequest, HttpResponse, Operation, UsageDay

from .operations import LONGEST, GetUsage

_DAY = dt.timedelta(days=1)


@attrs.frozen
class UsageByDay(Operation[tuple[UsageDay, ...]]):
    """The days of one usage report."""

    provider: ClassVar[str] = "flowgent"
    idempotent: ClassVar[bool] = True

    report: GetUsage

    def build_request(self, call: Call) -> HttpRequest:
        return self.report.build_request(call)

    def read(self, response: HttpResponse) -> tuple[UsageDay, ...] | Fault:
        found = self.report.read(response)
        return found if isinstance(found, Fault) else tuple(UsageDay(day.date, day.credits) for day in found.daily)


def usage_by_day(agent: str, first: dt.date, last: dt.date, today: dt.date) -> tuple[UsageByDay, ...]:
    """One report for each 31 days, up to yesterday: more is not told at once, and nothing of today (S003)."""
    last = min(last, today - _DAY)
    reports = []
    while first <= last:
        end = min(last, first + (LONGEST - 1) * _DAY)
        reports.append(UsageByDay(GetUsage(agent, first, end, today=today)))
        first = end + _DAY
    return tuple(reports)
