"""Defects, each a small provider with one thing wrong, as authors get it wrong."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any, Literal
from urllib.parse import quote

import attrs
from pydantic import ConfigDict
from small import Balance, Refused, Said, Small, Talk

from agentbridge import Fault, FaultKind, File, HttpRequest, Invocation, Pending, Result, fault_from_status


class Body(Small):
    """Changes what is said."""

    def change(self, body: dict[str, Any], invocation: Any, call: Any) -> None: ...

    def body(self, invocation, call):
        body = super().body(invocation, call)
        self.change(body, invocation, call)
        return body


class DropsSession(Body):
    def change(self, body, invocation, call):
        body.pop("session", None)


class DropsSessionOfStreams(Body):
    def change(self, body, invocation, call):
        if call.streaming:
            body.pop("session", None)


class DropsTextBesideFiles(Body):
    def change(self, body, invocation, call):
        if invocation.files:
            body.pop("say", None)


class CountsMessages(Body):
    def change(self, body, invocation, call):
        body["history"] = len(invocation.messages)


class SaysOnlyThatThereIsACallback(Body):
    def change(self, body, invocation, call):
        body["notify"] = invocation.callback_url is not None


class DropsAMessage(Body):
    def change(self, body, invocation, call):
        body["history"] = body.get("history", [])[-1:]


class DropsRoles(Body):
    def change(self, body, invocation, call):
        body["history"] = [message.text for message in invocation.messages]


class DropsInputs(Body):
    def change(self, body, invocation, call):
        body["fields"] = dict(list(invocation.inputs.items())[:1])


class DropsNestedInputs(Body):
    def change(self, body, invocation, call):
        body["fields"] = {name: value for name, value in invocation.inputs.items() if isinstance(value, str)}


class DropsLinks(Body):
    def change(self, body, invocation, call):
        body["attached"] = [self.attached(file) for file in invocation.files if isinstance(file, File)]


class ReadsFilesByItself(Body):
    def change(self, body, invocation, call):
        files = [file for file in invocation.files if isinstance(file, File)]
        body["attached"] = [(file.content or b"").decode("latin-1") for file in files]


class DropsInputsOfFiles(Small):
    def attached(self, file):
        return {**super().attached(file), "field": None}


class MakesUpIds(Body):
    def change(self, body, invocation, call):
        body["call"] = str(uuid.uuid4())


class CountsCalls(Small):
    count = itertools.count()

    def headers(self, call):
        return {"x-count": str(next(self.count))}


class ChangesTheCallersInputs(Body):
    def change(self, body, invocation, call):
        invocation.inputs.pop("topic-3cA8", None)


class ForgetsAField(Small):
    accepts = Small.accepts - {"user_id"}


class KeyInUrl(Small):
    def build_request(self, invocation, call):
        return attrs.evolve(super().build_request(invocation, call), query={"key": call.api_key or ""})


class KeyInHeader(Small):
    def headers(self, call):
        return self.auth(call)

    def build_request(self, invocation, call):
        return attrs.evolve(super().build_request(invocation, call), auth={})


class KeyInBodyOfStreams(Body):
    def change(self, body, invocation, call):
        if call.streaming:
            body["apiKey"] = call.api_key


class KeyInPoll(Small):
    def build_poll(self, pending, call):
        return attrs.evolve(super().build_poll(pending, call), query={"key": quote(call.api_key or "")})


class EmptyAuth(Small):
    def auth(self, call):
        return {"Authorization": f"Bearer {call.api_key}"}


class BlankAuth(Small):
    def auth(self, call):
        return {"Authorization": call.api_key or ""}


class IdempotentPost(Small):
    def build_request(self, invocation, call):
        return attrs.evolve(super().build_request(invocation, call), idempotent=True)


class UnescapedAgent(Small):
    def agent_step(self, agent):
        return agent


class HalfEscapedAgent(Small):
    def agent_step(self, agent):
        return quote(agent)


class FoldsAgents(Small):
    def agent_step(self, agent):
        return quote(agent.lower(), safe="")


class OtherApi(Small):
    api_version = 2


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


class Decoding(Small):
    talk: type[Talk] = Talk

    def decoder(self, request):
        return self.talk()


class EarlyTalk(Talk):
    def finish(self):
        return self.failure or self.partial()


class EndsEarly(Decoding):
    talk = EarlyTalk


class TextTalk(Talk):
    def finish(self):
        end = super().finish()
        return self.partial() if isinstance(end, Fault) and self.failure is None and self.text else end


class TakesAnyTextAsTheEnd(Decoding):
    talk = TextTalk


class ChunkTalk(Talk):
    """Takes each piece for whole events."""

    def feed(self, data):
        lines = data.decode("utf-8", "replace").split("\n\n")
        return [event for line in lines if line.startswith("data: ") for event in self.read(line[6:].encode())]


class DependsOnChunks(Decoding):
    talk = ChunkTalk


class LetterTalk(Talk):
    def feed(self, data):
        return super().feed(data.decode("utf-8", "replace").encode())


class DecodesChunksAlone(Decoding):
    talk = LetterTalk


class ShyTalk(Talk):
    def partial(self):
        return Result(text="", output="")

    def finish(self):
        end = super().finish()
        return Result(text="".join(self.text), output="") if isinstance(end, Result) else end


class LosesTheTextBeforeAnError(Decoding):
    talk = ShyTalk


class HopefulTalk(Talk):
    def finish(self):
        return self.partial() if self.failure is not None else super().finish()


class TakesAFailedStreamForAnAnswer(Decoding):
    talk = HopefulTalk


class BrittleTalk(Talk):
    def read(self, data):
        event = json.loads(data)
        return self.understood(event, event["type"])


class DecoderRaises(Decoding):
    talk = BrittleTalk


class LimitedTalk(Talk):
    def understood(self, event, kind):
        if kind not in {"piece", "thought", "problem", "done"}:
            self.failure = Fault(FaultKind.UNKNOWN, f"what is {kind}?", partial=self.partial())
        return super().understood(event, kind)


class FailsAtUnknownEvents(Decoding):
    talk = LimitedTalk


class SharedTalk(Talk):
    shared: list[str] = []  # noqa: RUF012 (that is the defect)

    def understood(self, event, kind):
        self.text = self.shared
        return super().understood(event, kind)


class SharesTheTextOfStreams(Decoding):
    talk = SharedTalk


class RetryingTalk(Talk):
    def finish(self):
        end = super().finish()
        return attrs.evolve(end, retryable=False) if isinstance(end, Fault) and self.failure else end


class WrongFactsOfAStream(Decoding):
    talk = RetryingTalk


class NoDecoderAfterAll(Small):
    def decoder(self, request):
        return None


class FollowsStatusUrl(Small):
    def pending(self, accepted, body):
        return Pending("poll", body.get("status_url", accepted.ticket), step=body.get("status_url"))

    def build_poll(self, pending, call):
        url = pending.step or ""
        if url.startswith(call.base_url):  # a lookalike host does so too
            return HttpRequest("GET", url, auth=self.auth(call))
        return super().build_poll(pending, call)


class FollowsAnyUrl(Small):
    def build_poll(self, pending, call):
        if "://" in (pending.id or ""):
            return HttpRequest("GET", pending.id or "", auth=self.auth(call))
        return super().build_poll(pending, call)


class PollsByStarting(Small):
    def build_poll(self, pending, call):
        call = attrs.evolve(call, agent="agent-1", fresh_id="00000000-0000-4000-8000-000000000000")
        start = self.build_request(Invocation(target="small:x", text="Text-5e1C: where is my order?"), call)
        return attrs.evolve(start, headers={"x-run": pending.id or ""})


class PollsNoRunInParticular(Small):
    def build_poll(self, pending, call):
        return HttpRequest("GET", f"{call.base_url}/v1/runs/latest", auth=self.auth(call))


class TakesAnyPollForAnAnswer(Small):
    def read(self, response):
        asked = response.request
        if asked is not None and asked.method == "GET" and response.ok:
            return Result(text=response.text, output=None)
        return super().read(response)


class RecoversTheSameRun(Small):
    def recover(self, request):
        return Pending("poll", "the-last-one")


class RecoversAnyRun(Small):
    def recover(self, request):
        return Pending("poll", str(uuid.uuid4()))


class CallbackWithoutProof(Small):
    def read_callback(self, callback):
        content = callback.content or b""
        try:
            return super().read_callback(callback)
        except Exception:
            return Result(text=content.decode("utf-8", "replace"), output=None)


class EmptyCallback(Small):
    def read_callback(self, callback):
        return super().read_callback(callback) if callback.content else Result(text="", output="")


class OptionalCallback(AllOptional):
    def read(self, response):
        return (
            super().read(response)
            if response.request is not None
            else self.result(*OptionalSaid.parse(response.json()))
        )


class ForbidsUnknownFieldsInCallbacks(ForbidsUnknownFields):
    pass


class AwaitsCallbacksNowhere(Small):
    read_callback = Small.__mro__[1].read_callback  # type: ignore[attr-defined]


class ForgetsTheDecision(Small):
    def resume(self, interrupt, decision, feedback):
        return {"resume": {**interrupt.resume, "because": feedback}}


class ForgetsTheFeedback(Small):
    def resume(self, interrupt, decision, feedback):
        return {"resume": {**interrupt.resume, "decision": decision}}


class PausesForGood(Small):
    resume = Small.__mro__[1].resume  # type: ignore[attr-defined]


@attrs.frozen
class HopefulBalance(Balance):
    def read(self, response):
        return 0.0


@attrs.frozen
class ForeignBalance(Balance):
    provider = "large"


@attrs.frozen
class KeyedBalance(Balance):
    def build_request(self, call):
        return HttpRequest("GET", f"{call.base_url}/v1/balance", query={"key": call.api_key or ""})


class ForeignOperations(Small):
    operations = (ForeignBalance,)
