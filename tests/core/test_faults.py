from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from agentbridge import Fault, FaultKind, errors, fault_from_status
from agentbridge.faults import complete, parse_retry_after

# status -> class, retryable, may have run: typed from architecture section 4
TABLE = {
    401: ("AuthenticationError", False, False),
    403: ("PermissionDeniedError", False, False),
    404: ("NotFoundError", False, False),
    402: ("QuotaExceededError", False, False),
    400: ("InvalidRequestError", False, False),
    405: ("InvalidRequestError", False, False),
    409: ("InvalidRequestError", False, False),
    418: ("InvalidRequestError", False, False),
    422: ("InvalidRequestError", False, False),
    429: ("RateLimitError", True, False),
    503: ("UnavailableError", True, False),
    502: ("UnavailableError", True, True),
    504: ("UnavailableError", True, True),
    520: ("UnavailableError", True, True),
    529: ("UnavailableError", True, True),
    408: ("UnavailableError", True, True),
    425: ("UnavailableError", True, True),
    500: ("ProviderError", False, True),
    501: ("ProviderError", False, True),
    301: ("ProviderError", False, False),
    302: ("ProviderError", False, False),
}
WALL = 1_800_000_000.0


@pytest.mark.parametrize("status", sorted(TABLE))
def test_a_status_means_what_the_contract_says(status):
    fault = fault_from_status(status)
    assert (errors.error_class(fault.kind).__name__, fault.retryable, fault.may_have_run) == TABLE[status]


@given(st.integers(-1000, 10_000))
def test_no_status_is_unknown_to_the_table(status):
    fault = fault_from_status(status)
    assert fault.message
    assert isinstance(fault.kind, FaultKind)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "Fri, 15 Jan 2027 08:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 15 Jan 2027 09:00:30 GMT", "date": "Fri, 15 Jan 2027 09:00:00 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "99999999999"}, 99999999999.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "Fri, 15 Jan 2027 08:01:00 GMT"}, 0.0),
        # a vendor whose clock is a day behind, or a year ahead, means the same 30 seconds
        ({"retry-after": "Thu, 14 Jan 2027 08:00:30 GMT", "date": "Thu, 14 Jan 2027 08:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 15 Jan 2028 08:00:30 GMT", "date": "Sat, 15 Jan 2028 08:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "long ago"}, 30.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 251602300799.0),
        ({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-250", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_in_every_spelling(headers, seconds):
    assert parse_retry_after(headers, WALL) == seconds


@pytest.mark.parametrize("zone", ["UTC", "America/Bogota", "Asia/Kathmandu"])
@pytest.mark.parametrize("date", ["Fri Jan 15 08:00:30 2027", "Fri, 15 Jan 2027 08:00:30 -0000"])
def test_a_date_without_a_zone_is_in_gmt_wherever_this_machine_is(monkeypatch, zone, date):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert parse_retry_after({"retry-after": date}, WALL) == 30.0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1.0, "soon", [], 10**309], ids=repr)
def test_a_time_to_wait_that_is_none_is_left_out(odd):
    assert complete(Fault(FaultKind.RATE_LIMITED, "slow down", retry_after=odd), 429).retry_after is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_retry_after_breaks_the_call(value, date):
    seconds = parse_retry_after({"retry-after": value, "date": date}, WALL)
    assert seconds is None or seconds >= 0
