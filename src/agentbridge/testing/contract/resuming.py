"""Runs that pause for a human: the decision and the feedback arrive in the call that continues the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from ...errors import AgentBridgeError, UnsupportedFeatureError
from ...model import Result
from ...wire import HttpRequest, HttpResponse
from ..memory import MemoryTransport
from .base import Base, skip
from .payload import Payload

_FEEDBACK = "Feedback-e5B9"
_DECISIONS = ("Decision-7aC4", "Decision-1d90")  # where all words will do


class Resuming(Base):
    """Checks of `resume`, where the provider writes it."""

    def test_a_paused_run_says_what_it_waits_for(self) -> None:
        for name, result in self._paused():
            assert result.interrupt is not None, f"answer {name!r} waits for input, but has no Interrupt"
            assert self._writes("resume"), (
                f"answer {name!r} waits for input, so write resume(interrupt, decision, feedback)"
            )
        assert not self._writes("resume") or list(self._paused()), (
            'resume is written, so give an answer with status="waiting_for_input" in answers'
        )

    def test_a_paused_run_goes_on_as_decided(self) -> None:
        self._needs_resume()
        for name, result in self._paused():
            kept = Result.from_dict(json.loads(json.dumps(result.to_dict())))
            options = [self._options(result, decision) for decision in decisions(result)]
            assert options == [self._options(kept, decision) for decision in decisions(result)], (
                f"answer {name!r} is continued otherwise once it went through JSON: keep plain values in Interrupt"
            )
            assert all(one != other for one, other in combinations(options, 2)), (
                f"answer {name!r} is continued by the same options whatever the decision"
            )

    def test_a_decision_in_ones_own_words_arrives_or_is_refused(self) -> None:
        self._needs_resume()
        for name, result in self._paused():
            for decision in _DECISIONS if result.interrupt and not result.interrupt.choices else ():
                request = self._continued(result, decision, None)
                assert request is None or Payload(request).carries(decision), (
                    f"the decision on {name!r} is nowhere in the request: it offers no choices, so a caller may say anything."
                    " Send it, name the choices in Interrupt, or raise UnsupportedFeatureError('decision', why)"
                )

    def test_feedback_arrives_or_is_refused(self) -> None:
        self._needs_resume()
        for name, result in self._paused():
            for decision in decisions(result):
                request = self._continued(result, decision, _FEEDBACK)
                assert request is None or Payload(request).carries(_FEEDBACK), (
                    f"the feedback to {name!r} is nowhere in the request"
                )

    def _needs_resume(self) -> None:
        if not self._writes("resume"):
            skip(f"{self.provider.name} writes no resume: its runs do not pause")

    def _paused(self) -> Iterator[tuple[str, Result]]:
        for name, (answers, _) in self.answers.items():
            outcome = self._outcome(answers, tool_errors="report")
            if isinstance(outcome, Result) and outcome.status == "waiting_for_input":
                yield name, outcome

    def _options(self, result: Result, decision: str) -> dict[str, Any]:
        """The options that continue the run; what was decided alone where that is refused."""
        assert result.interrupt is not None
        try:
            return dict(self.provider.resume(result.interrupt, decision, None))
        except UnsupportedFeatureError:
            return {"refused": decision}

    def _continued(self, result: Result, decision: str, feedback: str | None) -> HttpRequest | None:
        """What is sent to continue the run; None where the provider refuses to."""
        transport = MemoryTransport([HttpResponse(500)])
        bridge = self._bridge(transport)
        try:
            bridge.resume(result, decision, feedback=feedback)
        except UnsupportedFeatureError:
            return None
        except AgentBridgeError:
            pass
        return transport.sent[0].request


def decisions(result: Result) -> tuple[str, ...]:
    """What may be decided."""
    return (result.interrupt and result.interrupt.choices) or _DECISIONS
