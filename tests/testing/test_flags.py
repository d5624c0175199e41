"""A vendor that says with a flag whether it answered: the kit turns the flag, and wants no answer then."""

from __future__ import annotations

from typing import Any

import pytest
from kit import contract, failure, names
from small import EXAMPLES, Lenient, Reply, Small

from agentbridge import FaultKind, HttpResponse, Result, fault_from_status
from agentbridge.testing import Answer

TURNED = "test_an_answer_whose_flag_is_turned_is_none"
CALLBACK = "test_a_callback_whose_flag_is_turned_is_no_answer"
DECISIVE = "test_a_decisive_field_decides"
NOT_DECISIVE = "test_what_is_not_decisive_decides_nothing"
CODES = {"quota": 402, "busy": 503}


class Told(Reply):
    answer: str
    cached: Lenient[bool] = None


class Flagged(Small):
    """It answers `{"ok": true, "answer": ...}`, and fails with `{"ok": false, "why": ...}` in a 200."""

    def read(self, response):
        body = response.json()
        if "ok" not in body:
            return super().read(response)
        if not self.is_well(body):
            return fault_from_status(CODES[body["why"]], body["why"], code=body["why"])
        told, warnings = Told.parse(body)
        return Result(text=told.answer, output=told.answer, warnings=warnings)

    def is_well(self, body):
        return body["ok"] is True


class LooksAtTheReasonAlone(Flagged):
    def is_well(self, body):
        return "why" not in body


class TakesAnythingButFalse(Flagged):
    def is_well(self, body):
        return body["ok"] is not False


class TakesAllThatIsSomething(Flagged):
    def is_well(self, body):
        return bool(body["ok"])


class DecidesByTheCache(Flagged):
    def is_well(self, body):
        return super().is_well(body) and body.get("cached") is not False


OK = Answer({"ok": True, "answer": "hi"})
QUOTA = (Answer({"ok": False, "why": "quota"}), FaultKind.QUOTA_EXCEEDED)
BESIDE = Answer({"ok": True, "answer": "hi", "cached": True})


def flagged(provider: Any = None, **more: Any) -> Any:
    answers = {**EXAMPLES["answers"], "flagged": (OK, "hi"), **more.pop("answers", {})}
    errors = {**EXAMPLES["errors_in_200"], "quota": QUOTA}
    return contract(provider or Flagged(), answers=answers, errors_in_200=errors, **more)


@pytest.mark.parametrize(
    "name", [TURNED, DECISIVE, NOT_DECISIVE, *(name for name in names(flagged()) if "proof" in name)]
)
def test_who_looks_at_the_flag_passes(name):
    assert failure(flagged(decisive=frozenset({"ok"})), name) is None


@pytest.mark.parametrize(
    ("provider", "value"),
    [(LooksAtTheReasonAlone(), "false"), (TakesAnythingButFalse(), '"false"'), (TakesAllThatIsSomething(), '"false"')],
    ids=lambda one: type(one).__name__,
)
def test_who_ignores_the_flag_in_any_spelling_is_told(provider, value):
    found = failure(flagged(provider), TURNED) or ""
    assert f"answer 'flagged' with {value} as ok was read as Result(text='hi'" in found
    assert "return a Fault, or raise a ValueError" in found


@pytest.mark.parametrize("provider", [LooksAtTheReasonAlone(), TakesAnythingButFalse()])
def test_a_field_that_is_called_decisive_and_ignored_is_found(provider):
    found = failure(flagged(provider, decisive=frozenset({"ok"})), DECISIVE) or ""
    assert "decisive names 'ok', but answer 'flagged' with false there is still read as an answer" in found


def test_a_word_is_changed_into_one_that_nobody_knows_and_into_those_of_failures():
    class KnowsItsWords(Small):
        wanted = frozenset({"calm"})

        def read(self, response):
            body = response.json()
            if "mood" in body and "problem" not in body and body["mood"] not in self.wanted:
                raise ValueError("who knows?")
            return super().read(response)

    class TakesFailuresForAnswers(KnowsItsWords):
        wanted = frozenset({"calm", "cross"})

    cross = (Answer({"mood": "cross", "problem": {"code": 500, "message": "no"}}), FaultKind.UNKNOWN)
    said = {"decisive": frozenset({"mood"}), "errors_in_200": {"cross": cross}}
    assert failure(contract(KnowsItsWords(), **said), DECISIVE) is None
    for provider in (Small(), TakesFailuresForAnswers()):
        assert "decisive names 'mood', but answer 'plain'" in (failure(contract(provider, **said), DECISIVE) or "")


def test_a_decisive_number_is_changed_too():
    class Coded(Small):
        def read(self, response):
            if response.json().get("code") not in {None, 200}:
                raise ValueError("who knows?")
            return super().read(response)

    answers = {"coded": (Answer({"code": 200, "reply": "hi"}), "hi")}
    said = {"decisive": frozenset({"code"}), "answers": answers}
    assert failure(contract(Coded(), **said), DECISIVE) is None
    assert "with -201 there" in (failure(contract(Small(), **said), DECISIVE) or "")


def test_a_decisive_field_that_no_answer_has_is_named():
    assert "decisive names ['elsewhere']" in (failure(flagged(decisive=frozenset({"elsewhere"})), DECISIVE) or "")


def test_a_flag_of_no_consequence_is_named_or_shown_with_both_values():
    answers = {"beside": (BESIDE, "hi")}
    assert "not_decisive = frozenset({'cached'})" in (failure(flagged(answers=answers), TURNED) or "")
    for said in (
        {"answers": answers, "not_decisive": frozenset({"cached"})},
        {"answers": {**answers, "fresh": (Answer({"ok": True, "answer": "hi", "cached": False}), "hi")}},
    ):
        assert [failure(flagged(**said), name) for name in (TURNED, NOT_DECISIVE)] == [None, None]


@pytest.mark.parametrize(
    ("provider", "field", "message"),
    [
        (Flagged(), "elsewhere", "no answer has true or false there"),
        (Flagged(), "answer", "no answer has true or false there"),
        (LooksAtTheReasonAlone(), "ok", "but it is true in the answers and never so in a failure"),
        (DecidesByTheCache(), "cached", "it decides, so leave it out"),
    ],
)
def test_what_hides_a_sign_of_success_is_refused(provider, field, message):
    cls = flagged(provider, answers={"beside": (BESIDE, "hi")}, not_decisive=frozenset({field}))
    assert message in (failure(cls, NOT_DECISIVE) or "")


def test_a_flag_deep_inside_of_an_answer_is_the_agents_own():
    answers = {"deep": (Answer({"ok": True, "answer": "hi", "of": {"tool": {"done": True}}}), "hi")}
    assert failure(flagged(answers=answers), TURNED) is None
    answers = {"near": (Answer({"ok": True, "answer": "hi", "of": {"done": True}}), "hi")}
    assert "with false as of.done" in (failure(flagged(answers=answers), TURNED) or "")


def test_callbacks_are_turned_too():
    class Calling(Flagged):
        def read_callback(self, callback):
            body = (callback.content or b"").strip()
            return self.read(HttpResponse(200, callback.headers, body)) if body else None

    class CallingWithoutALook(Calling, LooksAtTheReasonAlone):
        pass

    callbacks = {"flagged": (OK.body, "hi")}
    assert failure(flagged(Calling(), callbacks=callbacks), CALLBACK) is None
    found = failure(flagged(CallingWithoutALook(), callbacks=callbacks), CALLBACK) or ""
    assert "callback 'flagged' with false as ok was read as Result(" in found
