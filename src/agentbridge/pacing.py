"""Limits of one connection: what it may send, and when the next request may go. The time is passed in."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Hashable

import attrs

from . import amounts
from .errors import ConfigurationError
from .faults import Fault, FaultKind
from .naming import tells_names
from .retry import seconds

_LONGEST_HOLD = 3600.0  # seconds: one odd Retry-After does not shut an account for ever
_GROWTH, _RECOVERY = 2.0, 0.9  # of the gap between two requests: by a refusal, by a success
_COUNT = amounts.checked(amounts.count, none="is no limit")


@tells_names
@attrs.frozen
class Limits:
    """What one connection of one bridge sends at most, whoever calls; None means no limit.

    `calls`: requests in any `per` seconds, with retries and polls. `in_flight`: calls at the same time, each from before
    its first request until it is over.
    """

    calls: int | None = attrs.field(default=None, validator=_COUNT)
    per: float = attrs.field(default=60.0, validator=amounts.checked(seconds))
    in_flight: int | None = attrs.field(default=None, validator=_COUNT)

    def __attrs_post_init__(self) -> None:
        if self.calls is None and self.in_flight is None:
            raise ConfigurationError("Limits says nothing: give it calls or in_flight")

    def pace(self, connection: str) -> Pace:
        """What keeps these limits for one connection of a bridge. Limits that several processes share make their own."""
        return Pace(connection, self)

    def __str__(self) -> str:
        calls = [f"{self.calls} calls in {self.per:g} s"] if self.calls else []
        return " and ".join([*calls, *([f"{self.in_flight} in flight"] if self.in_flight else [])])


class Pace:
    """When a connection may send its next request, for all threads and tasks of a bridge.

    At most `calls` requests go in any `per` seconds, all of them at once if nothing went before. A vendor that refuses
    with a time to wait stops all of them for so long, one hour at most; without one it widens the gap that is kept
    between two requests: to the limit's own average first, then twice as wide each time, at most `per`. A success
    takes a tenth off it. Nothing is reserved, so nothing has to be given back: who waits asks again.
    """

    def __init__(self, connection: str, limits: Limits) -> None:
        self.connection = connection
        self.limits = limits
        self.line: Hashable = ("pace", connection)
        self.crowd: Hashable = ("in flight", connection)
        self._lock = threading.Lock()
        self._sent: deque[float] = deque(maxlen=limits.calls or 1)
        self._average = limits.per / limits.calls if limits.calls else 1.0
        self._widest = max(limits.per, self._average)
        self._gap = 0.0
        self._held_until = self._widened_at = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until a request may go, 0 where one may go now. Nothing is counted."""
        with self._lock:
            return self._wait(now)

    def take(self, now: float) -> float:
        """The same, and where one may go now it is counted as sent."""
        with self._lock:
            wait = self._wait(now)
            if wait == 0:
                self._sent.append(now)
            return wait

    def heard(self, fault: Fault | None, now: float, sent: float) -> None:
        """What came of a request of the time `sent`. Refusals of what was under way together are one signal."""
        with self._lock:
            if fault is None:
                self._recover()
            elif fault.kind is not FaultKind.RATE_LIMITED:
                return
            elif fault.retry_after is not None:
                self._held_until = max(self._held_until, now + min(max(0.0, fault.retry_after), _LONGEST_HOLD))
            elif sent > self._widened_at:
                self._widened_at = now
                self._gap = min(max(self._gap * _GROWTH, self._average), self._widest)

    def _recover(self) -> None:
        gap = self._gap * _RECOVERY
        self._gap = gap if gap > self._average / _GROWTH else 0.0

    @property
    def _last(self) -> float:
        return self._sent[-1] if self._sent else -math.inf

    def _wait(self, now: float) -> float:
        full = self.limits.calls is not None and len(self._sent) == self.limits.calls
        free = self._sent[0] + self.limits.per if full else -math.inf
        return max(0.0, free - now, self._last + self._gap - now, self._held_until - now)
