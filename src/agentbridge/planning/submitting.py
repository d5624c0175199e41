"""One `submit`: what begins it, and what is noted of the callbacks that its answer comes by."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import attrs

from ..addresses import Address, Callbacks
from ..errors import AgentBridgeError, ConfigurationError, InvocationError
from ..exchange.streaming import StreamPlan
from ..model import Invocation, Pending
from ..redaction import redactor_of
from .runs import PlannedRun

_log = logging.getLogger("agentbridge")


class Submission:
    """One `submit`: its plan, and the address that its answer is sent to where it comes by callback."""

    def __init__(self, planned: PlannedRun, callbacks: Callbacks | None, address: Address | None) -> None:
        self._callbacks = callbacks
        self._address = address
        self.planned = planned
        # the address is as good as a key: who keeps the answer must not keep it
        self._asked = redactor_of(frozenset()).value(planned.plan.asked) if address else planned.plan.asked

    def plan_of(self, planned: PlannedRun) -> StreamPlan:
        """The plan of a run that is left to itself once it began."""
        plan = attrs.evolve(planned.streamed, leave=True)
        if self._address is None:
            return plan
        return attrs.evolve(plan, run=attrs.evolve(plan.run, lost=self._expected, asked=self._asked))

    @property
    def has_address(self) -> bool:
        """Whether callbacks are to be expected."""
        return self._address is not None

    def expect(self) -> None:
        """Before anything is sent, since a callback may come before the answer to the request."""
        if self._callbacks is not None and self._address is not None:
            self._callbacks.expect(self._address, self._expected())

    def begun(self, pending: Pending) -> Pending:
        """The run as the caller gets it."""
        if self._callbacks is None or self._address is None:
            return pending
        pending = attrs.evolve(pending, callback_id=self._address.id)
        try:
            self._callbacks.expect(self._address, pending)
        except AgentBridgeError as error:  # the run is accepted, and expected since before it was sent
            _log.warning("a run that was submitted could not be noted again: %s", error)
        return pending

    def failed(self, error: BaseException) -> None:
        """A run that never began needs no address."""
        # of our tree, all others are raised where nothing was sent; what is not of it may come from anywhere
        began = error.may_have_run if isinstance(error, InvocationError) else not isinstance(error, AgentBridgeError)
        if self._callbacks is None or self._address is None or began:
            return
        try:
            self._callbacks.forget(self._address)
        except AgentBridgeError as problem:  # the error of the call says more
            _log.warning("a run that never began could not be forgotten: %s", problem)

    def _expected(self) -> Pending:
        asked, address = self._asked, self._address
        return Pending(
            "callback",
            provider=asked.provider,
            connection=asked.connection,
            agent=asked.agent,
            session_id=asked.session_id,
            callback_id=None if address is None else address.id,
        )


def addressed(
    target: str | Invocation, fields: Mapping[str, Any], address: Address, callback_input: str | None
) -> dict[str, Any]:
    """The fields of a call with the address in its place: `callback_url`, or a named input that the agent feeds on.

    Raises:
        ConfigurationError: the call says already where to answer.
    """
    invocation = target if isinstance(target, Invocation) else None
    if fields.get("callback_url") or (invocation and invocation.callback_url):
        raise ConfigurationError("give callbacks= or callback_url=, not both: each says where the answer goes")
    if callback_input is None:
        return {**fields, "callback_url": address.url}
    inputs = fields.get("inputs") or (invocation.inputs if invocation else {})
    if callback_input in inputs:
        raise ConfigurationError(f"the input {callback_input!r} takes the address of the callback; leave it out")
    return {**fields, "inputs": {**inputs, callback_input: address.url}}
