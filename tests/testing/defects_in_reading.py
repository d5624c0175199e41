"""Defects of read: of answers and of failures."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import attrs
from pydantic import ConfigDict
from small import Refused, Said, Small

from agentbridge import Fault, FaultKind, Pending, Result, fault_from_status


class Reading(Small):
    """Changes how answers are read."""

    model: type[Said] = Said

    def read(self, response):
        body = response.json()
        if not response.ok or "problem" in body:
            return self.fault(Refused.parse(body)[0].problem)
        if "ticket" in body and "reply" not in body:
            return super().read(response)
        return self.result(*self.model.parse(body))


class ErrorAsAnswer(Small):
    def read(self, response):
        body = response.json()
        if response.ok and "problem" in body:
            return Result(text=body["problem"].get("message", "?"), output=body)
        return super().read(response)


class OptionalSaid(Said):
    reply: str = ""


class AllOptional(Reading):
    model = OptionalSaid


class NoneSaid(Said):
    reply: Any


class ReadsNullAsText(Reading):
    model = NoneSaid

    def result(self, said, warnings):
        return super().result(said.model_copy(update={"reply": str(said.reply)}), warnings)


class StrictSaid(Said):
    model_config = ConfigDict(extra="forbid")


class ForbidsUnknownFields(Reading):
    model = StrictSaid


class MoodySaid(Said):
    mood: Literal["calm", "cross"] | None = None


class KnowsAllMoods(Reading):
    model = MoodySaid


class CostlySaid(Said):
    credits: float | None = None


class NeedsReadableCredits(Reading):
    model = CostlySaid


class ResultForErrorStatus(Small):
    def read(self, response):
        body = response.json()
        return self.result(*Said.parse(body)) if "reply" in body else super().read(response)


class PendingForErrorStatus(Small):
    def read(self, response):
        body = response.json()
        return Pending("poll", body["ticket"]) if "ticket" in body and "reply" not in body else super().read(response)


class PendingForAnything(Small):
    def read(self, response):
        return Pending("poll", "t-1") if response.content == b"{}" else super().read(response)


class DropsTheIdOfTheRun(Small):
    def result(self, said, warnings):
        return attrs.evolve(super().result(said, warnings), id=None)


class DropsTheSessionOfTheAnswer(Small):
    def result(self, said, warnings):
        return attrs.evolve(super().result(said, warnings), session_id=None)


class TakesFailedPollsForRunning(Small):
    def read(self, response):
        if response.request is not None and response.request.method == "GET" and "problem" in response.json():
            return Pending("poll", "t-1")
        return super().read(response)


class FailsAtOnceWhatIsPolled(Small):
    def read(self, response):
        if response.status == 202:
            return Fault(FaultKind.UNKNOWN, "The run stopped")
        return super().read(response)


class Stateful(Small):
    seen = itertools.count()

    def result(self, said, warnings):
        return attrs.evolve(super().result(said, warnings), id=str(next(self.seen)))


class KeepsItsModel(Small):
    def result(self, said, warnings):
        return attrs.evolve(super().result(said, warnings), output=said)


class Retries402(Small):
    def fault(self, problem):
        return attrs.evolve(super().fault(problem), retryable=True)


class NeverRetriesBusy(Small):
    def fault(self, problem):
        return attrs.evolve(super().fault(problem), retryable=False)


class SaysThatNothingRan(Small):
    def fault(self, problem):
        return attrs.evolve(super().fault(problem), may_have_run=False)


class SaysThatItRan(Small):
    def fault(self, problem):
        return attrs.evolve(super().fault(problem), may_have_run=True)


class SearchesProse(Small):
    def fault(self, problem):
        if "credits" in problem.message:
            return Fault(FaultKind.QUOTA_EXCEEDED, problem.message)
        return fault_from_status(500 if problem.code == 402 else problem.code, problem.message)


class SearchesProseBesideCodes(Small):
    def fault(self, problem):
        return fault_from_status(429 if "rate limit" in problem.message else problem.code, problem.message)


class SearchesAnswers(Small):
    def result(self, said, warnings):
        if "unauthorized" in said.reply.lower():
            return Fault(FaultKind.AUTHENTICATION, said.reply)
        return super().result(said, warnings)


class TakesAnswersThatBeginLikeErrors(Small):
    def result(self, said, warnings):
        if said.reply.startswith("We are busy"):
            return Fault(FaultKind.UNAVAILABLE, said.reply)
        return super().result(said, warnings)


class LeaksKeyError(Small):
    def read(self, response):
        if not response.ok:
            raise KeyError("message")
        return super().read(response)


class LeaksKeyErrorIn200(Small):
    def fault(self, problem):
        return Fault({402: FaultKind.QUOTA_EXCEEDED}[problem.code], problem.message)


class UnpicklableFault(Small):
    def fault(self, problem):
        return attrs.evolve(super().fault(problem), partial=Result(text="", output=lambda: None))
