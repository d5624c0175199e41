"""How often and how long: plain numbers, and the one decision whether a failed request is sent again."""

from __future__ import annotations

import attrs

from . import amounts
from .faults import Fault
from .naming import tells_names

_LONGEST = 10_000_000  # seconds, 115 days: beyond what operating systems take as a limit


def sooner(first: float | None, second: float | None) -> float | None:
    """The smaller of two limits, of which None is none."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)


def seconds(name: str, value: object, remedy: str) -> float:
    """A time that operating systems take. Raises ConfigurationError for what is none."""
    what = f"more than 0 and at most {_LONGEST} seconds"
    return amounts.number(name, value, what, lambda given: 0 < given <= _LONGEST, remedy)


def _delay(name: str, value: object, _: str) -> float:
    return amounts.number(name, value, f"0 to {_LONGEST} seconds", lambda given: 0 <= given <= _LONGEST)


def _attempts(name: str, value: object, _: str) -> int:
    return amounts.count(name, value, "; 1 turns retries off")


_LIMIT = amounts.checked(seconds, none="is no limit")


@tells_names
@attrs.frozen
class Timeouts:
    """Limits of one call, in seconds; None means no limit.

    `connect`: until the connection stands. `answer`: until the first byte of the answer (some vendors are silent
    until it is complete), and for a polled run from its acceptance to its end. `idle`: the longest silence between
    bytes of an answer. `content`: the longest time without an event of a stream; heartbeats do not count.
    `total`: the whole call with its retries and polls, whatever the server does.
    """

    connect: float | None = attrs.field(default=10.0, validator=_LIMIT)
    answer: float | None = attrs.field(default=600.0, validator=_LIMIT)
    idle: float | None = attrs.field(default=120.0, validator=_LIMIT)
    content: float | None = attrs.field(default=None, validator=_LIMIT)
    total: float | None = attrs.field(default=None, validator=_LIMIT)


@tells_names
@attrs.frozen
class RetryPolicy:
    """When a failed request is sent again: at most `attempts` times in all, and only what is `retryable`.

    The wait before the n-th repetition is random between 0 and `first_delay * 2**(n-1)` seconds, never longer than
    `max_delay`; a longer `Retry-After` is not waited for. What may have run is sent again only with `retry_unsafe`.
    """

    attempts: int = attrs.field(default=3, validator=amounts.checked(_attempts))
    first_delay: float = attrs.field(default=0.5, validator=amounts.checked(_delay))
    max_delay: float = attrs.field(default=30.0, validator=amounts.checked(_delay))
    retry_unsafe: bool = False

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
