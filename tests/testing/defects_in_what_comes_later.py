"""Defects of streams, polls, callbacks, pauses and operations."""

from __future__ import annotations

import json
import uuid

import attrs
from defects_in_reading import AllOptional, ForbidsUnknownFields, OptionalSaid
from small import Balance, Small, Talk

from agentbridge import (
    Completed,
    Fault,
    FaultKind,
    HttpRequest,
    Invocation,
    Pending,
    Provider,
    Result,
    fault_from_status,
)


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


class BareTalk(Talk):
    """A refusal comes as JSON, without an event."""

    bare = b""

    def feed(self, data):
        self.bare += data
        return super().feed(data)

    def finish(self):
        try:
            refused = json.loads(self.bare)["problem"]
        except (ValueError, KeyError, TypeError):
            return super().finish()
        return fault_from_status(refused["code"], refused["message"])


class RefusesInBareJson(Decoding):
    talk = BareTalk


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


class HastyTalk(Talk):
    @property
    def done(self):
        return bool(self.text)


class StopsReadingAtTheFirstText(Decoding):
    talk = HastyTalk


class ForgetfulTalk(Talk):
    def finish(self):
        end = super().finish()
        self.text = []
        return end


class FinishesOnce(Decoding):
    talk = ForgetfulTalk


class CompletingTalk(Talk):
    def understood(self, event, kind):
        events = super().understood(event, kind)
        return [*events, Completed(self.partial())] if kind == "done" else events


class CompletesByItself(Decoding):
    talk = CompletingTalk


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


class KnowsItsStates(Small):
    def pending(self, accepted, body):
        if accepted.state not in {"queued", "running"}:
            raise ValueError("an unknown state")
        return super().pending(accepted, body)


class ForgetsTheStep(Small):
    def pending(self, accepted, body):
        return Pending("poll", accepted.ticket, step="ticket")


class ForgetsTheSecondId(ForgetsTheStep):
    recover = Provider.recover

    def pending(self, accepted, body):
        return Pending("poll", accepted.ticket, step="https://vendor.invalid/v1/runs/t-1")


class RecoversTheSameRun(Small):
    def recover(self, request):
        return Pending("poll", "the-last-one")


class RecoversAnyRun(Small):
    def recover(self, request):
        return Pending("poll", str(uuid.uuid4()))


class ReadsBackNoFiles(Small):
    def read_request(self, request):
        said = super().read_request(request)
        return said and attrs.evolve(said, files=())


class ReadsBackPlainCallsOnly(Small):
    def read_request(self, request):
        return None if (request.json or {}).get("stream") else super().read_request(request)


class ReadsBackPolls(Small):
    def read_request(self, request):
        return super().read_request(request) or Invocation(target=":agent-1")


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
    read_callback = Provider.read_callback


class ForgetsTheDecision(Small):
    def resume(self, interrupt, decision, feedback):
        return {"resume": {**interrupt.resume, "because": feedback}}


class AsksFreely(Small):
    """Its pauses offer no choices."""

    def result(self, said, warnings):
        result = super().result(said, warnings)
        if result.interrupt is None:
            return result
        return attrs.evolve(result, interrupt=attrs.evolve(result.interrupt, choices=()))


class AlwaysSaysOk(AsksFreely):
    def resume(self, interrupt, decision, feedback):
        return {"resume": {**interrupt.resume, "decision": "ok", "because": feedback}}


class CountsTheDecision(AsksFreely):
    def resume(self, interrupt, decision, feedback):
        return {"resume": {**interrupt.resume, "decision": hash(decision), "because": feedback}}


class AsksFreelyOnceItWasPolled(AlwaysSaysOk):
    """Pauses in the answer to a poll alone."""

    def result(self, said, warnings):
        return super().result(said.model_copy(update={"question": said.mood and said.question}), warnings)


class ForgetsTheFeedback(Small):
    def resume(self, interrupt, decision, feedback):
        return {"resume": {**interrupt.resume, "decision": decision}}


class PausesForGood(Small):
    resume = Provider.resume


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


@attrs.frozen
class MisnamedBalance(Balance):
    """What is left.

    Attributes:
        curency: in which money it is told.
    """

    currency: str = "EUR"


class ForeignOperations(Small):
    operations = (ForeignBalance,)


class MisnamedOperations(Small):
    operations = (MisnamedBalance,)
