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
from .examples import GARBAGE, NEUTRAL, PROSE, STATUSES, Answer
from .facts import disagreement
from .mutations import replaced, shown, texts


class ReadFailures(Base):
    """Checks of `read` where the vendor said no."""

    def test_no_error_status_is_ever_an_answer(self) -> None:
        for status in STATUSES:
            for what, answer in self._bodies():
                answer = attrs.evolve(answer, status=status)  # noqa: PLW2901
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
        for name, answer, kind in self._errors():
            error = self._failed(answer, f"error {name!r}")
            assert error.status == answer.status, "the status of an error is the true HTTP status: 200 stays 200"
            if kind is None:
                assert isinstance(error, MalformedResponseError), f"error {name!r} was raised as {error!r}"
            else:
                assert error.fault.kind is kind, f"error {name!r} was read as {error.fault.kind}, not as {kind}"

    def test_documented_errors_are_read_without_raising(self) -> None:
        for name, answer, kind in self._documented_errors():
            value = self._read(self._response(answer))
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
        for name, answer, kind in self._documented_errors():
            for path, text in texts(answer.body):
                if text in self.sentences:
                    self._check_matched_whole(answer, path, text)
                elif self._is_prose(answer, path, text):
                    for words in PROSE:
                        found = self._kind_with(answer, path, words)
                        assert found is kind, (
                            f"error {name!r} is {found} where {shown(path)} says {words!r}: classify by status and by"
                            " documented fields, not by words. If a fixed sentence is the vendor's only sign, match it"
                            f" whole and cite it: sentences = {{{text!r}: 'where it is written'}}"
                        )

    def test_errors_pickle_with_all_their_fields(self) -> None:
        for answer in (*(answer for _, answer, _ in self._errors()), Answer(b"<html>", 502)):
            error = self._failed(answer, repr(answer.body))
            again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
            assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__), (
                f"{error!r} loses something when it is pickled: put plain values into Fault and Result"
            )

    def _bodies(self, but: Container[str] = ()) -> Iterator[tuple[str, Answer]]:
        """Whatever may come with an error status, `but` failures of these names."""
        yield from ((name, Answer(content)) for name, content in GARBAGE.items())
        yield from (("the body of an answer", answer) for answer in self._each_answer())
        failures = self._documented_errors()
        yield from ((f"the body of {name!r}", answer) for name, answer, _ in failures if name not in but)

    def _faults(self) -> Iterator[tuple[str, Fault, int]]:
        """The faults of all examples, also under other statuses, and the status that each came with."""
        for what, answer in self._bodies(but=self.overrides):
            for status in (answer.status, *STATUSES):
                value = self._read(self._response(attrs.evolve(answer, status=status)))
                if isinstance(value, Fault):
                    yield f"HTTP {status} with {what}", value, status

    def _is_prose(self, answer: Answer, path: Any, text: str) -> bool:
        """Whether this is what the vendor says to a reader, and no code: it has blanks, or it is the error's message."""
        if text.lstrip()[:1] in {"{", "["}:
            return False
        value = self._read(self._response(attrs.evolve(answer, body=replaced(answer.body, path, NEUTRAL))))
        return " " in text.strip() or (isinstance(value, Fault) and NEUTRAL in value.message)

    def _check_matched_whole(self, answer: Answer, path: Any, sentence: str) -> None:
        inside = self._kind_with(answer, path, f"it says: {sentence} (or so)")
        assert inside is self._kind_with(answer, path, NEUTRAL), (
            f"the sentence {sentence!r} is recognised inside of other words too: compare the whole text"
        )

    def _kind_with(self, answer: Answer, path: Any, words: str) -> FaultKind | None:
        """The kind of the error where these words stand there; None where it is no error any more."""
        outcome = self._outcome(attrs.evolve(answer, body=replaced(answer.body, path, words)))
        return outcome.fault.kind if isinstance(outcome, InvocationError) else None
