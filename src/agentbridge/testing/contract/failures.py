"""Reading failures: every status, documented errors by their kind, the facts that follow from a kind, and no prose."""

from __future__ import annotations

import pickle
from collections.abc import Container, Iterator
from typing import Any

import attrs

from ...errors import InvocationError, MalformedResponseError
from ...faults import Fault, FaultKind
from ...model import Pending, Result
from .base import Base, has_failed_tool
from .examples import GARBAGE, NEUTRAL, PROSE, STATUSES, Answer, Answers, as_tuple, exchanged, last
from .facts import disagreement
from .mutations import replaced, shown, texts


class ReadFailures(Base):
    """Checks of `read` where the vendor said no."""

    def test_no_error_status_is_ever_an_answer(self) -> None:
        for status in STATUSES:
            for what, answers in self._bodies():
                answer = attrs.evolve(last(answers), status=status)
                error = self._failed(answer, f"HTTP {status} with {what}")
                assert error.status == status, "the status of an error is the true HTTP status"
                value = self._read(self._response(answer))
                assert not isinstance(value, (Result, Pending)), (
                    f"HTTP {status} with {what} was read as {value!r}: only a 2xx may be an answer, so look at response.ok"
                )

    def test_errors_in_a_200_are_classified(self) -> None:
        assert self.no_errors_in_200.strip() or any(kind is not None for _, kind in self.errors_in_200.values()), (
            "give errors_in_200 = {'a name': (Answer(the vendor's body), FaultKind....)},"
            " or cite in no_errors_in_200 where the vendor rules such answers out"
        )
        for name, answers, kind in self._errors():
            self._check_comes_later(name, answers)
            error = self._failed(answers, f"error {name!r}")
            assert error.status == last(answers).status, "the status of an error is the true HTTP status: 200 stays 200"
            if kind is None:
                assert isinstance(error, MalformedResponseError), f"error {name!r} was raised as {error!r}"
            else:
                assert error.fault.kind is kind, f"error {name!r} was read as {error.fault.kind}, not as {kind}"

    def test_documented_errors_are_read_without_raising(self) -> None:
        for name, answers, kind in self._documented_errors():
            value = self._ended(answers)
            assert isinstance(value, Fault) or (kind is FaultKind.EXECUTION and has_failed_tool(value)), (
                f"read made {value!r} of the error {name!r}: return a Fault for what the vendor documents"
            )

    def test_the_facts_of_a_fault_follow_from_its_kind(self) -> None:
        for what, fault, status in self._faults():
            problem = disagreement(fault, status)
            assert problem is None, (
                f"{what} is {fault.kind}, but {problem}. Leave retryable and may_have_run out, or use fault_from_status."
                " Where the vendor itself says otherwise, cite it: overrides = {'name of the example': 'where it says so'}"
            )

    def test_other_words_leave_an_error_what_it_is(self) -> None:
        for name, answers, kind in self._documented_errors():
            for path, text in texts(last(answers).body):
                if text in self.sentences or self._is_code(path, text):
                    self._check_matched_whole(answers, path, text)
                elif self._is_prose(answers, path, text):
                    for words in PROSE:
                        found = self._kind_with(answers, path, words)
                        assert found is kind, (
                            f"error {name!r} is {found} where {shown(path)} says {words!r}: classify by status and by"
                            f" documented fields, not by words. {self._remedy(path, text)}"
                        )

    def test_codes_are_codes(self) -> None:
        given = [
            (path, text) for _, answers, _ in self._documented_errors() for path, text in texts(last(answers).body)
        ]
        for path, text in given:
            assert path[-1] not in self.codes or not _is_sentence(text), (
                f"codes names {path[-1]!r}, but {text!r} there is a sentence and no code. If it is the vendor's only sign,"
                f" cite it: sentences = {{{text!r}: 'where it is written'}}"
            )
        unseen = self.codes - {path[-1] for path, _ in given}
        assert not unseen, f"codes names {sorted(unseen)}, and no error has a text there: show one, or leave it out"

    def test_errors_pickle_with_all_their_fields(self) -> None:
        for answers in (*(answers for _, answers, _ in self._errors()), Answer(b"<html>", 502)):
            error = self._failed(answers, repr(last(answers).body))
            again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
            assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__), (
                f"{error!r} loses something when it is pickled: put plain values into Fault and Result"
            )

    def _check_comes_later(self, name: str, answers: Answers) -> None:
        """Whether all answers but the last say that the run goes on."""
        for one, (_, value) in zip(as_tuple(answers)[:-1], self._played(answers), strict=False):
            assert isinstance(value, Pending), (
                f"error {name!r} is a tuple, so that each answer but the last is one to be polled again, but {one.body!r}"
                f" was read as {value!r}"
            )

    def _bodies(self, but: Container[str] = ()) -> Iterator[tuple[str, Answers]]:
        """Whatever may come with an error status, `but` failures of these names."""
        yield from ((name, Answer(content)) for name, content in GARBAGE.items())
        yield from (("the body of an answer", answer) for answer in self._each_answer())
        failures = self._documented_errors()
        yield from ((f"the body of {name!r}", answers) for name, answers, _ in failures if name not in but)

    def _faults(self) -> Iterator[tuple[str, Fault, int]]:
        """The faults of all examples, also under other statuses, and the status that each came with."""
        for what, answers in self._bodies(but=self.overrides):
            for status in (last(answers).status, *STATUSES):
                value = self._ended(exchanged(answers, -1, status=status))
                if isinstance(value, Fault):
                    yield f"HTTP {status} with {what}", value, status

    def _is_prose(self, answers: Answers, path: Any, text: str) -> bool:
        """Whether this is what the vendor says to a reader, and no code: it has blanks, or it is the error's message."""
        if text.lstrip()[:1] in {"{", "["}:
            return False
        value = self._ended(_saying(answers, path, NEUTRAL))
        return _is_sentence(text) or (isinstance(value, Fault) and NEUTRAL in value.message)

    def _is_code(self, path: Any, text: str) -> bool:
        return path[-1] in self.codes and not _is_sentence(text)

    def _remedy(self, path: Any, text: str) -> str:
        """What an author does whose vendor tells a failure by this text alone."""
        field = path[-1]
        codes = f"If {field!r} is documented as a field of codes: codes = frozenset({{{field!r}}}). "
        return (
            f"{'' if _is_sentence(text) else codes}If the sentence {text!r} is the vendor's only sign, match it whole and"
            f" cite it: sentences = {{{text!r}: 'where it is written'}}"
        )

    def _check_matched_whole(self, answers: Answers, path: Any, sentence: str) -> None:
        inside = self._kind_with(answers, path, f"it says: {sentence} (or so)")
        assert inside is self._kind_with(answers, path, NEUTRAL), (
            f"the text {sentence!r} is recognised inside of other words too: compare the whole text"
        )

    def _kind_with(self, answers: Answers, path: Any, words: str) -> FaultKind | None:
        """The kind of the error where these words stand there; None where it is no error any more."""
        outcome = self._outcome(_saying(answers, path, words))
        return outcome.fault.kind if isinstance(outcome, InvocationError) else None


def _is_sentence(text: str) -> bool:
    """Whether this has words, as no code has."""
    return " " in text.strip()


def _saying(answers: Answers, path: Any, words: str) -> Answers:
    """The exchange with these words in its last answer."""
    return exchanged(answers, -1, body=replaced(last(answers).body, path, words))
