from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from agentbridge import Fault, FaultKind, Result, errors, fault_from_status
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
    499: ("InvalidRequestError", False, False),
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
    519: ("ProviderError", False, True),
    530: ("ProviderError", False, True),
    200: ("ProviderError", False, True),
    299: ("ProviderError", False, True),
    300: ("ProviderError", False, False),
    301: ("ProviderError", False, False),
    302: ("ProviderError", False, False),
    399: ("ProviderError", False, False),
}
WALL = 1_800_000_000.0


@pytest.mark.parametrize("status", sorted(TABLE))
def test_a_status_means_what_the_contract_says(status):
    fault = fault_from_status(status)
    assert (errors.error_class(fault.kind).__name__, fault.retryable, fault.may_have_run) == TABLE[status]


def test_the_fault_of_a_status_has_what_it_was_given():
    partial = Result(text="half", output="half")
    fault = fault_from_status(402, "No credits", code=7, partial=partial)
    assert (fault.message, fault.code, fault.partial) == ("No credits", "7", partial)


def test_without_a_message_a_status_says_its_phrase_and_an_odd_one_that_it_has_none():
    assert (fault_from_status(503).message, fault_from_status(503).code) == ("Service Unavailable", None)
    assert fault_from_status(999).message == "the vendor reported a failure without a message"


@pytest.mark.parametrize(
    ("kind", "status", "retryable", "may_have_run"),
    [
        # the status says more than the kind, where it is of that kind
        (FaultKind.UNAVAILABLE, 502, True, True),
        (FaultKind.UNAVAILABLE, 503, True, False),
        (FaultKind.UNKNOWN, 302, False, False),
        # else the kind alone counts
        (FaultKind.UNAVAILABLE, 200, True, False),
        (FaultKind.NOT_FOUND, 502, False, False),
        (FaultKind.RATE_LIMITED, 408, True, False),
        (FaultKind.EXECUTION, 302, False, True),
        (FaultKind.EXECUTION, 200, False, True),
        (FaultKind.UNKNOWN, 200, False, True),
    ],
)
def test_what_a_provider_left_open_follows_from_the_kind_and_the_status(kind, status, retryable, may_have_run):
    fault = complete(Fault(kind, "No"), status)
    assert (fault.retryable, fault.may_have_run) == (retryable, may_have_run)


def test_what_a_provider_said_stays():
    said = Fault(FaultKind.EXECUTION, "No", "7", 2.5, retryable=True, may_have_run=False)
    assert complete(said, 502) == said


def test_a_message_is_trimmed_and_a_blank_one_becomes_the_phrase_of_the_status():
    assert complete(Fault(FaultKind.UNKNOWN, " No\n"), 500).message == "No"
    assert complete(Fault(FaultKind.UNKNOWN, " "), 500).message == "Internal Server Error"


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
        ({"retry-after": "Fri, 15 Jan 2027 10:00:30 +0200"}, 30.0),
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
