"""How often and how long: plain numbers, and the one decision whether a failed request is sent again."""

from __future__ import annotations

from typing import Any

import attrs

from .errors import ConfigurationError
from .faults import Fault

_LONGEST = 10_000_000  # seconds, 115 days: beyond what operating systems take as a limit


def sooner(first: float | None, second: float | None) -> float | None:
    """The smaller of two limits, of which None is none."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)


def positive(instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    """Validates a number of seconds. Raises ConfigurationError for what is none."""
    if value is not None and not (isinstance(value, (int, float)) and 0 < value <= _LONGEST):
        name = f"{type(instance).__name__}.{attribute.name}"
        raise ConfigurationError(
            f"{name} must be more than 0 and at most {_LONGEST} seconds, not {value!r}; None is no limit"
        )


@attrs.frozen
class Timeouts:
    """Limits of one call, in seconds; None means no limit.

    `connect`: until the connection stands. `answer`: until the first byte of the answer (some vendors are silent
    until it is complete), and for a polled run from its acceptance to its end. `idle`: the longest silence between
    bytes of an answer. `content`: the longest time without an event of a stream; heartbeats do not count.
    `total`: the whole call with its retries and polls, whatever the server does.
    """

    connect: float | None = attrs.field(default=10.0, validator=positive)
    answer: float | None = attrs.field(default=600.0, validator=positive)
    idle: float | None = attrs.field(default=120.0, validator=positive)
    content: float | None = attrs.field(default=None, validator=positive)
    total: float | None = attrs.field(default=None, validator=positive)


@attrs.frozen
class RetryPolicy:
    """When a failed request is sent again: at most `attempts` times in all, and only what is `retryable`.

    The wait before the n-th repetition is random between 0 and `first_delay * 2**(n-1)` seconds, never longer than
    `max_delay`; a longer `Retry-After` is not waited for. What may have run is sent again only with `retry_unsafe`.
    """

    attempts: int = 3
    first_delay: float = 0.5
    max_delay: float = 30.0
    retry_unsafe: bool = False

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.attempts, int) or self.attempts < 1:
            raise ConfigurationError(
                f"RetryPolicy.attempts must be 1 or more, not {self.attempts!r}; 1 turns retries off"
            )
        for name in ("first_delay", "max_delay"):
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and 0 <= value <= _LONGEST):
                raise ConfigurationError(f"RetryPolicy.{name} must be 0 to {_LONGEST} seconds, not {value!r}")

    def delay(self, fault: Fault, *, attempt: int, idempotent: bool, luck: float) -> float | None:
        """Seconds to wait before sending again after the `attempt`-th try, or None to give up.

        `luck` is a random number from 0 to 1, so that many clients do not come back at the same moment.
        """
        safe = idempotent or self.retry_unsafe or fault.may_have_run is False
        if attempt >= self.attempts or not fault.retryable or not safe:
            return None
        if fault.retry_after is not None:
            return fault.retry_after if fault.retry_after <= self.max_delay else None
        return luck * min(self.max_delay, self.first_delay * 2.0 ** min(attempt - 1, 60))


DEFAULT_TIMEOUTS = Timeouts()
DEFAULT_RETRIES = RetryPolicy()
