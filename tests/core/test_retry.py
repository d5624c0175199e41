"""Limits and waits as plain numbers: which are refused, and what is waited before a request is sent again."""

from __future__ import annotations

import pytest

from agentbridge import ConfigurationError, Fault, FaultKind, RetryPolicy, Timeouts

NAMES = ["connect", "answer", "idle", "content", "total"]
BUSY = Fault(FaultKind.UNAVAILABLE, "busy", retryable=True, may_have_run=False)


def delay(fault: Fault = BUSY, *, attempt: int = 1, luck: float = 1.0, **policy: float) -> float | None:
    return RetryPolicy(**policy).delay(fault, attempt=attempt, idempotent=False, luck=luck)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [None, 0.001, 1, 10_000_000])
def test_a_limit_may_be_any_time_that_operating_systems_take(name, seconds):
    assert getattr(Timeouts(**{name: seconds}), name) == seconds


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, 10_000_001, float("nan"), float("inf"), "5", [], True])
def test_a_limit_that_is_none_is_refused_by_its_name_and_value(name, value):
    with pytest.raises(ConfigurationError) as caught:
        Timeouts(**{name: value})
    assert str(caught.value) == (
        f"Timeouts.{name} must be more than 0 and at most 10000000 seconds, not {value!r}; None is no limit"
    )


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None, True])
def test_a_number_of_attempts_that_is_none_is_refused(value):
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(attempts=value)
    assert (
        str(caught.value)
        == f"RetryPolicy.attempts must be a whole number, 1 or more, not {value!r}; 1 turns retries off"
    )


def test_one_attempt_is_a_policy_and_turns_retries_off():
    assert delay(attempts=1) is None


@pytest.mark.parametrize("name", ["first_delay", "max_delay"])
@pytest.mark.parametrize("value", [-0.1, 10_000_001, float("nan"), "1", None])
def test_a_delay_that_is_none_is_refused_by_its_name_and_value(name, value):
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**{name: value})
    assert str(caught.value) == f"RetryPolicy.{name} must be 0 to 10000000 seconds, not {value!r}"


@pytest.mark.parametrize("seconds", [0, 10_000_000])
def test_a_delay_may_be_nothing_and_115_days(seconds):
    assert delay(first_delay=seconds, max_delay=seconds) == seconds


def test_the_delay_doubles_with_each_attempt_up_to_its_cap():
    assert [delay(attempt=n, attempts=9) for n in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert delay(attempt=10_000, attempts=10_001) == 30


def test_what_the_vendor_asks_for_is_waited_up_to_the_cap_and_whatever_the_luck():
    asked = Fault(FaultKind.RATE_LIMITED, "slow down", retryable=True, may_have_run=False, retry_after=30)
    assert delay(asked, luck=0.0) == 30
    assert delay(asked, max_delay=29.9) is None
