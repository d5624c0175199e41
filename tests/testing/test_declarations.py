"""What an author may declare of a vendor: the right provider passes by it, and no defect hides behind it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import attrs
import pytest
from defects_in_reading import NeverRetriesBusy
from kit import contract, failure, names
from small import PIECES, Lenient, Reply, Small, Talk, stream

from agentbridge import Fault, FaultKind, Pending, Result, UnsupportedFeatureError
from agentbridge.testing import Answer

PROOF = "test_an_answer_without_one_of_its_fields_is_the_same_or_none"
EARLY = "test_a_stream_that_ends_early_is_never_an_answer"
PARTIAL = "test_an_error_after_text_keeps_the_text"
OVERRIDES = "test_overrides_are_cited_and_needed"
OPEN = "test_the_names_in_an_open_map_are_the_agents_own"
IN_TEXT = "test_a_proof_in_the_last_text_is_needed"
LOST = "test_a_lost_run_is_found_again"
RAISES = "test_recover_never_raises"


def failures(cls: Any) -> dict[str, str]:
    """The tests that fail, and what they say."""
    return {name: message for name in names(cls) if (message := failure(cls, name)) is not None}


class Named(Reply):
    """An answer of named outputs."""

    outputs: dict[str, Any]
    run: Lenient[str] = None


class Mapped(Small):
    """Its agents have outputs of their own names. The texts among them are the answer, and all the others stand beside."""

    model: type[Named] = Named

    def read(self, response):
        body = response.json()
        if not response.ok or "outputs" not in body:
            return super().read(response)
        said, warnings = self.model.parse(body)
        return Result(text=self.text(said.outputs), output=said.outputs, id=said.run, warnings=warnings)

    def text(self, outputs):
        return json.dumps(outputs)


class KnowsOneOutput(Mapped):
    def text(self, outputs):
        return outputs["first"]


class NeedsNoOutputs(Mapped):
    def read(self, response):
        body = response.json()
        lost = response.ok and isinstance(body, dict) and body.get("run") == "r-1" and not body.get("outputs")
        return Result(text="nothing", output=None) if lost else super().read(response)


OUTPUTS = {"first": "hi", "second": {"third": 3}}


def mapped(provider: Small, **more: Any) -> Any:
    answers = {"outputs": (Answer({"run": "r-1", "outputs": OUTPUTS}), provider.text(OUTPUTS))}  # type: ignore[attr-defined]
    return contract(provider, answers=answers, **more)


def test_fields_below_an_open_map_are_not_taken_for_the_vendors():
    assert failure(mapped(Mapped()), PROOF)
    cls = mapped(Mapped(), open_maps=frozenset({"outputs"}))
    paused = {name for name in names(cls) if "pause" in name or "polls" in name or "later" in name}
    assert set(failures(cls)) <= paused  # of which there is no example here


def test_an_open_map_is_the_proof_as_a_whole():
    cls = mapped(NeedsNoOutputs(), open_maps=frozenset({"outputs"}))
    assert "without outputs was read as 'nothing'" in (failure(cls, PROOF) or "")


def test_what_the_vendor_names_is_no_open_map():
    cls = mapped(KnowsOneOutput(), open_maps=frozenset({"outputs"}))
    assert "what the vendor names is no open map" in (failure(cls, OPEN) or "")


def test_an_open_map_that_no_answer_has_is_named():
    assert "open_maps names ['elsewhere']" in (
        failure(contract(Small(), open_maps=frozenset({"elsewhere"})), OPEN) or ""
    )


class FindsStartsOnly(Small):
    def recover(self, request):
        return Pending("poll", request.json["call"])


class FindsNoStreams(Small):
    def recover(self, request):
        if isinstance(request.json, dict) and request.json.get("stream"):
            raise ValueError("what is this?")
        return super().recover(request)


class FindsResumptionsOnly(Small):
    def recover(self, request):
        resumed = request.json.get("resume") if isinstance(request.json, dict) else None
        return Pending("poll", resumed["run"]) if isinstance(resumed, dict) else None


@pytest.mark.parametrize("provider", [FindsStartsOnly(), FindsNoStreams()], ids=lambda one: type(one).__name__)
def test_recover_that_raises_is_found(provider):
    assert "give None for a request whose run cannot be found" in (failure(contract(provider), RAISES) or "")


def test_a_run_that_is_found_once_it_was_resumed_is_found():
    assert failures(contract(FindsResumptionsOnly())) == {}


class RetriesCredits(Small):
    """Its vendor says: credits come back by themselves, try again."""

    def fault(self, problem):
        fault = super().fault(problem)
        return attrs.evolve(fault, retryable=True) if problem.code == 402 else fault


CITED = {"no credits": "Small's page on errors", "a failure": "Small's page on errors"}
FACTS = "test_the_facts_of_a_fault_follow_from_its_kind"


def test_a_cited_override_of_the_facts_of_a_fault_is_taken():
    assert failures(contract(RetriesCredits(), overrides=CITED)) == {}


def test_an_override_is_of_one_failure_and_no_other():
    cls = contract(NeverRetriesBusy(), overrides=dict.fromkeys(["no credits", "failed"], "Small's page on errors"))
    assert "FaultKind.UNAVAILABLE, but retryable is False" in (failure(cls, FACTS) or "")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({**CITED, "no credits": " "}, "cites no source"),
        ({**CITED, "busy": "Small's page"}, "no failure that differs"),
        ({**CITED, "plain": "Small's page"}, "no failure that differs"),
    ],
)
def test_an_override_that_is_not_cited_or_not_needed_is_refused(overrides, message):
    assert message in (failure(contract(RetriesCredits(), overrides=overrides), OVERRIDES) or "")


class Worded(Small):
    """Its vendor's only sign of what failed is a documented word."""

    kinds: ClassVar = {"quota": FaultKind.QUOTA_EXCEEDED}

    def read(self, response):
        body = response.json()
        if "why" not in body:
            return super().read(response)
        return Fault(self.kind(body["why"]), body["why"], code=body["why"])

    def kind(self, why):
        return self.kinds.get(why, FaultKind.UNKNOWN)


class SearchesItsCodes(Worded):
    def kind(self, why):
        return next((kind for word, kind in self.kinds.items() if word in why), FaultKind.UNKNOWN)


WORDED = {"none left": (Answer({"why": "quota"}), FaultKind.QUOTA_EXCEEDED)}
WORDS = "test_other_words_leave_an_error_what_it_is"
CODES = "test_codes_are_codes"


def test_a_documented_code_in_words_is_taken_where_its_field_is_named():
    found = failure(contract(Worded(), errors_in_200=WORDED), WORDS) or ""
    assert "codes = frozenset({'why'})" in found
    assert "sentences = {'quota': 'where it is written'}" in found
    assert failures(contract(Worded(), errors_in_200=WORDED, codes=frozenset({"why"}))) == {}


def test_a_code_that_is_recognised_inside_of_other_words_is_found():
    cls = contract(SearchesItsCodes(), errors_in_200=WORDED, codes=frozenset({"why"}))
    assert "the text 'quota' is recognised inside of other words too" in (failure(cls, WORDS) or "")


def test_a_field_of_sentences_is_no_field_of_codes():
    said = {"a sentence": (Answer({"why": "none left"}), FaultKind.UNKNOWN)}
    cls = contract(Worded(), errors_in_200={**WORDED, **said}, codes=frozenset({"why"}))
    found = failure(cls, CODES) or ""
    assert "codes names 'why', but 'none left' there is a sentence" in found
    assert "sentences = {'none left': " in found


def test_a_field_of_codes_that_no_error_has_is_named():
    assert "codes names ['elsewhere']" in (failure(contract(Small(), codes=frozenset({"elsewhere"})), CODES) or "")


class Decoding(Small):
    def __init__(self, talk):
        self.talk = talk

    def decoder(self, request):
        return self.talk()


class WholeTalk(Talk):
    """Its last event before the end carries the whole text, which is kept without the blanks around it."""

    whole: str | None = None

    def understood(self, event, kind):
        if kind == "whole" and isinstance(event.get("text"), str):
            self.whole = event["text"].strip()
            return []
        return super().understood(event, kind)

    def partial(self):
        return super().partial() if self.whole is None else Result(text=self.whole, output=self.whole)


class InventingTalk(Talk):
    def partial(self):
        text = "".join(self.text) + " elsewhere"
        return Result(text=text, output=text) if self.text else super().partial()


class ForgetfulTalk(WholeTalk):
    def partial(self):
        text = self.text[-1] if self.text else ""
        return Result(text=text, output=text)


WHOLE = (*PIECES, {"type": "whole", "text": "hi there "})
WHOLES = {
    "whole": (stream(*WHOLE, {"type": "done"}), "hi there"),
    "failed": (stream(*WHOLE, {"type": "problem", "code": 503, "message": "hi there too"}), FaultKind.UNAVAILABLE),
}


def test_a_partial_may_be_the_whole_text_that_the_vendor_sent_at_last():
    assert failures(contract(Decoding(WholeTalk), streams=WHOLES)) == {}


@pytest.mark.parametrize("talk", [InventingTalk, ForgetfulTalk])
def test_a_partial_that_the_vendor_never_sent_so_is_found(talk):
    assert "is not in the Fault" in (failure(contract(Decoding(talk), streams=WHOLES), PARTIAL) or "")


class StoppingTalk(Talk):
    """The reason why it stops stands in the last piece of text; `[DONE]` follows."""

    def understood(self, event, kind):
        self.proven = self.proven or self.stops(event)
        return super().understood(event, kind)

    def stops(self, event):
        return isinstance(event.get("why"), str)

    @property
    def done(self):
        return False


class AnyTextTalk(StoppingTalk):
    def stops(self, event):
        return event.get("text") == "i"


STOPPING = ({"type": "piece", "text": "h", "why": None}, {"type": "piece", "text": "i", "why": "stop"})
STOPPED = {"stopped": (stream(*STOPPING) + b"data: [DONE]\n\n", "hi")}


def test_a_proof_in_the_last_piece_of_text_is_taken_where_it_is_named():
    assert "proofs_in_text = " in (failure(contract(Decoding(StoppingTalk), streams=STOPPED), EARLY) or "")
    named = contract(Decoding(StoppingTalk), streams=STOPPED, proofs_in_text=frozenset({"why"}))
    assert failures(named) == {}


def test_a_text_that_needs_no_proof_is_found_though_one_is_named():
    cls = contract(Decoding(AnyTextTalk), streams=STOPPED, proofs_in_text=frozenset({"why"}))
    assert "is an answer also without 'why'" in (failure(cls, IN_TEXT) or "")


def test_a_proof_that_no_last_piece_of_text_has_is_named():
    cls = contract(Small(), proofs_in_text=frozenset({"why"}))
    assert "proofs_in_text names ['why']" in (failure(cls, IN_TEXT) or "")


class NeedsText(Small):
    """Its vendor takes no call without a text; a run that goes on has said it before."""

    def build_request(self, invocation, call):
        if invocation.text is None and "resume" not in call.options:
            raise UnsupportedFeatureError("text", "it needs one in each call")
        return super().build_request(invocation, call)


class TakesTextOnly(Small):
    accepts = Small.accepts - {"inputs", "messages", "files"}

    def body(self, invocation, call):
        body = {**super().body(invocation, call), "say": (invocation.text or "").strip() or call.options["resume"]}
        return {name: value for name, value in body.items() if name not in {"fields", "history", "attached"}}


class StreamsToItsCaller(Small):
    def build_request(self, invocation, call):
        assert not (call.streaming and invocation.callback_url), "the core makes no such call"
        return super().build_request(invocation, call)


@pytest.mark.parametrize(
    "provider", [NeedsText(), TakesTextOnly(), StreamsToItsCaller()], ids=lambda one: type(one).__name__
)
def test_no_call_is_built_that_the_core_would_not_make(provider):
    assert failures(contract(provider)) == {}


class DropsTextBesideInputs(NeedsText):
    def body(self, invocation, call):
        body = super().body(invocation, call)
        return {name: value for name, value in body.items() if name != "fields" or "say" not in body}


def test_inputs_that_are_lost_beside_a_text_that_is_needed_are_found():
    found = failure(contract(DropsTextBesideInputs()), "test_every_accepted_field_arrives")
    assert "accepts names 'inputs'" in (found or "")
