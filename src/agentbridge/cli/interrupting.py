"""A call that Ctrl-C may end: what was sent goes on at the vendor, so whoever stops it is told how to find it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from ..bridge import Bridge
from ..model import Invocation, Pending
from ..observing.observations import Observation, RequestSent
from ..planning.runs import Mode, PlannedRun
from ..redaction import redactor_of
from ..wire import HttpResponse
from .failures import how_to_find, show_run
from .output import note


@contextmanager
def interruptible(config: str | None) -> Iterator[Bridge]:
    """A Bridge for one call. Where an interrupt ends the call after something was sent, it says how to find the run."""
    sent: list[RequestSent] = []

    def watch(observation: Observation) -> None:
        if isinstance(observation, RequestSent):
            sent.append(observation)

    with _Noting(config, observers=[watch]) as bridge:
        try:
            yield bridge
        except KeyboardInterrupt:
            if sent:
                _tell(bridge.run_at(sent[-1].connection))
            raise


def _tell(pending: Pending | None) -> None:
    if pending is None:
        note("stopped; the run may go on, and the vendor gives no way to find it again from here")
    else:
        note(f"stopped; the run may go on{how_to_find(pending)}")
        show_run(pending)


class _Noting(Bridge):
    """A Bridge that notes how the run of its last call can be found again."""

    _planned: PlannedRun
    _accepted: Pending | None = None

    def run_at(self, connection: str) -> Pending | None:
        """The run as the vendor accepted it, else as its request names it; None where the vendor cannot be asked."""
        if self._accepted is not None:
            return self._accepted
        asked = [one for one in (self._planned, *self._planned.others) if one.plan.asked.connection == connection]
        found = [(one.pending(), one.plan.asked.secrets) for one in asked]
        return next((redactor_of(secrets).value(pending) for pending, secrets in found), None)

    def _plan(
        self, target: str | Invocation, text: str | None, fields: Mapping[str, Any], mode: Mode = "invoke"
    ) -> PlannedRun:
        planned = super()._plan(target, text, fields, mode)
        self._planned = attrs.evolve(self._noted(planned), others=tuple(map(self._noted, planned.others)))
        return self._planned

    def _noted(self, planned: PlannedRun) -> PlannedRun:
        plan = planned.plan
        return attrs.evolve(planned, plan=attrs.evolve(plan, read=self._reading(planned, plan.read)))

    def _reading(self, planned: PlannedRun, read: Callable[[HttpResponse], Any]) -> Callable[[HttpResponse], Any]:
        def noting(response: HttpResponse) -> Any:
            value = read(response)
            if isinstance(value, Pending):
                asked = planned.plan.asked
                self._accepted = redactor_of(asked.secrets).value(planned.plan.located(value, self._accepted or value))
            return value

        return noting
