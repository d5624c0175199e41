"""Reading answers: as given, twice the same, whatever stands beside them, and never without their proof."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import attrs

from ...errors import AgentBridgeError, InvocationError
from ...model import Pending, Result
from .base import Base
from .examples import GARBAGE, PROSE, Answer, Answers, as_tuple, exchanged, expected, last
from .mutations import Path, at, fields, is_below, replaced, shape, shown, texts, without

_UNKNOWN: tuple[Any, ...] = ("a-new-value", {"a": ["new", "form"]})
_EMPTY = "empty answer"  # the core's own warning, which is no word of the provider's


class ReadAnswers(Base):
    """Checks of `read` where the agent answered."""

    def test_answers_read_as_given(self) -> None:
        for name, (answers, said) in self.answers.items():
            outcome = self._outcome(answers, tool_errors="report")
            assert isinstance(outcome, Result), f"answer {name!r} was raised as {outcome!r}"
            for field, value in expected(said).items():
                found = getattr(outcome, field, f"no field of a Result: {field}")
                assert found == value, f"the {field} of answer {name!r} was read as {found!r}, not as {value!r}"

    def test_reading_twice_gives_the_same(self) -> None:
        for name, (answers, _) in self.answers.items():
            for response, value in self._played(answers):
                assert repr(self._read(response)) == repr(value), f"answer {name!r} reads in two ways: keep no state"

    def test_results_can_be_kept(self) -> None:
        for name, (answers, _) in self.answers.items():
            result = self._outcome(answers, tool_errors="report")
            assert isinstance(result, Result), f"answer {name!r} was raised as {result!r}"
            assert pickle.loads(pickle.dumps(result)) == result, f"answer {name!r} does not pickle"  # noqa: S301
            document = json.loads(json.dumps(result.to_dict()))
            assert Result.from_dict(document).to_dict() == document, f"answer {name!r} holds what is no JSON"

    def test_unknown_fields_harm_no_answer(self) -> None:
        for name, (answers, said) in self.answers.items():
            more = tuple(attrs.evolve(one, body=self._grown(one.body)) for one in as_tuple(answers))
            outcome = self._outcome(more, tool_errors="report")
            assert _text(outcome) == expected(said)["text"], (
                f"answer {name!r} with unknown fields became {outcome!r}: ignore them"
            )

    def test_an_answer_needs_its_proof(self) -> None:
        for name, content in GARBAGE.items():
            value = self._read(self._response(Answer(content)))
            assert not isinstance(value, Pending), (
                f"{name} was read as a run that answers later: that needs its proof too"
            )
            assert self._failed(Answer(content), f"{name} in an HTTP 200").status == 200, "200 stays 200"

    def test_an_answer_without_one_of_its_fields_is_the_same_or_none(self) -> None:
        for name, answers, text, index, path in self._each_field():
            body = as_tuple(answers)[index].body
            for what, changed in (("without", without(body, path)), ("with null as", replaced(body, path, None))):
                outcome = self._outcome(exchanged(answers, index, body=changed), tool_errors="report")
                assert _is_honest(outcome, text, self._outcome(answers, tool_errors="report")), (
                    f"answer {name!r} {what} {shown(path)} was read as {_text(outcome)!r}: that field is the proof of"
                    " an answer, so make it required in its model (no default, not Lenient)"
                )

    def test_only_the_proof_may_fail(self) -> None:
        for name, answers, text, index, path in self._each_field():
            body = as_tuple(answers)[index].body
            rest = self._outcome(exchanged(answers, index, body=without(body, path)), tool_errors="report")
            if _text(rest) != text or self._decides(body, path):
                continue
            for value in _UNKNOWN:
                outcome = self._outcome(
                    exchanged(answers, index, body=replaced(body, path, value)), tool_errors="report"
                )  # fmt: skip
                assert _text(outcome) == text, (
                    f"answer {name!r} reads well without {shown(path)}, but not with {value!r} there: {outcome!r}. A paid"
                    " answer is not thrown away for that: make the field Lenient. If it decides whether there is an"
                    f" answer, as a status does: decisive = frozenset({{{path[-1]!r}}})"
                )

    def test_the_names_in_an_open_map_are_the_agents_own(self) -> None:
        found = set()
        for name, answers, index, path in self._each_open_map():
            found.add(path[-1])
            body = as_tuple(answers)[index].body
            renamed = {f"another_{key}": value for key, value in at(body, path).items()}
            outcome = self._outcome(exchanged(answers, index, body=replaced(body, path, renamed)), tool_errors="report")
            assert isinstance(outcome, Result), (
                f"answer {name!r} with other names in {shown(path)} became {outcome!r}: what the vendor names is no open map"
            )
        unseen = self.open_maps - found
        assert not unseen, f"open_maps names {sorted(unseen)}, and no answer has an object with fields there: show one"

    def test_an_answer_may_mention_errors(self) -> None:
        sentences = [*PROSE, *(text for body in self._error_bodies() for _, text in texts(body) if len(text) > 2)]
        for name, (answers, _) in self.answers.items():
            for index, path in self._text_places(answers):
                for sentence in dict.fromkeys(" ".join(sentence.split()) for sentence in sentences):
                    said = f"{sentence}: so it begins, it says {sentence} in the middle, and it ends in {sentence}"
                    changed = replaced(as_tuple(answers)[index].body, path, said)
                    outcome = self._outcome(exchanged(answers, index, body=changed), tool_errors="report")
                    assert said in (_text(outcome) or ""), (
                        f"answer {name!r} that only mentions {sentence!r} became {outcome!r}: classify by status and by"
                        " documented fields, never by searching prose"
                    )

    def _each_field(self) -> Iterator[tuple[str, Answers, str, int, Path]]:
        for name, (answers, said) in self.answers.items():
            for index, one in enumerate(as_tuple(answers)):
                for path in self._vendors(one.body):
                    yield name, answers, expected(said)["text"], index, path

    def _each_open_map(self) -> Iterator[tuple[str, Answers, int, Path]]:
        for name, (answers, _) in self.answers.items():
            for index, one in enumerate(as_tuple(answers)):
                for path in fields(one.body):
                    held = at(one.body, path)
                    if (
                        path[-1] in self.open_maps
                        and not is_below(path, self.open_maps)
                        and isinstance(held, dict)
                        and held
                    ):
                        yield name, answers, index, path

    def _text_places(self, answers: Answers) -> Iterator[tuple[int, Path]]:
        """Where the words of the agent stand: what is put there is read as the answer."""
        mark = "words that nobody has said before"
        for index, one in enumerate(as_tuple(answers)):
            for path, _ in texts(one.body):
                changed = exchanged(answers, index, body=replaced(one.body, path, mark))
                if mark in (_text(self._outcome(changed, tool_errors="report")) or ""):
                    yield index, path

    def _decides(self, body: Any, path: Path) -> bool:
        """Whether the value there says what kind of answer this is: by the author's word, or by an error's example."""
        if path[-1] in self.decisive:
            return True
        values = [
            at(other, there) for other in self._error_bodies() for there in fields(other) if shape(there) == shape(path)
        ]
        return any(value != at(body, path) for value in values)

    def _error_bodies(self) -> list[Any]:
        return [last(answers).body for _, answers, _ in self._errors()]


def _text(outcome: Result | AgentBridgeError) -> str | None:
    return outcome.text if isinstance(outcome, Result) else None


def _is_honest(outcome: Result | AgentBridgeError, text: str, whole: Result | AgentBridgeError) -> bool:
    """The same answer, an error, or what is left of an answer with a warning that something is missing."""
    if not isinstance(outcome, Result):
        return isinstance(outcome, InvocationError)
    known = {_EMPTY, *(whole.warnings if isinstance(whole, Result) else ())}
    left = outcome.text.strip() != "" or outcome.status == "waiting_for_input"  # a pause is one without its question
    return outcome.text == text or (left and bool(set(outcome.warnings) - known))
