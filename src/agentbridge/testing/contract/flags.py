"""What says whether there is an answer: with another value there, an answer is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from ...model import Pending, Result
from .base import Base, has_failed_tool
from .examples import Answers, as_tuple, exchanged, last
from .mutations import Path, at, fields, replaced, shape, shown

_NEAR = 2  # how deep a flag is looked for that nobody names: {"ok": true}, {"data": {"ok": true}}
_NEW_WORD = "a-new-value"

Place: TypeAlias = tuple[str, Answers, int, Path]
"""Where a field stands: the name of an answer, the whole exchange, which answer of it, and the path in its body."""


class Flags(Base):
    """Checks of the fields that say whether the agent answered."""

    def test_an_answer_whose_flag_is_turned_is_none(self) -> None:
        bodies = [one.body for one in self._each_answer()]
        for place in self._each_place():
            if place[-1][-1] not in self.not_decisive and is_flag(_body(place), place[-1], bodies):
                for value in turned(_value(place)):
                    found = self._with_value(place, value)
                    assert not _is_taken(found), flag_ignored(f"answer {place[0]!r}", place[-1], value, found)

    def test_a_decisive_field_decides(self) -> None:
        places: dict[tuple[str, int, Any], list[Place]] = {}
        for place in self._each_place():
            if place[-1][-1] in self.decisive and self._others(place):
                places.setdefault((place[0], place[2], place[-1][-1]), []).append(place)
        for (name, _, field), given in places.items():
            assert any(self._decides_there(place) for place in given), (
                f"decisive names {field!r}, but answer {name!r} with {json.dumps(self._others(given[0])[0])} there is still"
                " read as an answer, or as a run that goes on. Read it by its known values; for any other raise a"
                " ValueError, or return a Fault"
            )
        unseen = self.decisive - {field for _, _, field in places}
        assert not unseen, (
            f"decisive names {sorted(unseen)}, and no answer has a value there: show one, or leave it out"
        )

    def test_what_is_not_decisive_decides_nothing(self) -> None:
        for field in sorted(self.not_decisive):
            places = [place for place in self._each_boolean() if place[-1][-1] == field]
            assert places, f"not_decisive names {field!r}, and no answer has true or false there: leave it out"
            for place in places:
                assert not self._is_in_answers_alone(place), (
                    f"not_decisive names {field!r}, but it is {json.dumps(_value(place))} in the answers and never so in a"
                    " failure: that is a sign of success. If it is none, show an answer with the other value"
                )
                found = self._with_value(place, not _value(place))
                assert _is_taken(found), (
                    f"not_decisive names {field!r}, but answer {place[0]!r} with the other value there was read as"
                    f" {found!r}: it decides, so leave it out"
                )

    def _each_place(self) -> Iterator[Place]:
        for name, (answers, _) in self.answers.items():
            for index, one in enumerate(as_tuple(answers)):
                yield from ((name, answers, index, path) for path in self._vendors(one.body))

    def _each_boolean(self) -> Iterator[Place]:
        return (place for place in self._each_place() if isinstance(_value(place), bool))

    def _with_value(self, place: Place, value: Any) -> Any:
        """What `read` makes of the answer with this value there, its exception included."""
        _, answers, index, path = place
        return self._played(exchanged(answers, index, body=replaced(_body(place), path, value)))[index][1]

    def _decides_there(self, place: Place) -> bool:
        return not any(_is_taken(self._with_value(place, value)) for value in self._others(place))

    def _others(self, place: Place) -> list[Any]:
        """Values that no answer has there: those of failures, and one that nobody knows."""
        value = _value(place)
        if isinstance(value, bool):
            return list(turned(value))
        if not isinstance(value, (str, int, float)):
            return []
        known, failed = self._shown(place)
        unknown = _NEW_WORD if isinstance(value, str) else -1 - value
        return [unknown, *(one for one in failed if type(one) is type(value) and one not in known)]

    def _is_in_answers_alone(self, place: Place) -> bool:
        """Whether no failure has the value there, though some have the field, and no answer has another."""
        known, failed = self._shown(place)
        return not _are_both(known) and bool(failed) and _value(place) not in failed

    def _shown(self, place: Place) -> tuple[list[Any], list[Any]]:
        """What the answers have there that the author shows, and what the failures have."""
        failures = [last(answers).body for _, answers, _ in self._errors()]
        return _values(place[-1], [one.body for one in self._each_answer()]), _values(place[-1], failures)


def is_flag(body: Any, path: Path, bodies: list[Any]) -> bool:
    """Whether true or false there says if this is an answer, as far as these bodies of answers show."""
    return len(path) <= _NEAR and isinstance(at(body, path), bool) and not _are_both(_values(path, bodies))


def flag_ignored(what: str, path: Path, value: Any, found: object) -> str:
    """The message about a flag that is not looked at."""
    return (
        f"{what} with {json.dumps(value)} as {shown(path)} was read as {found!r}. It is an answer only where {path[-1]!r}"
        f" has the value of your example: for any other return a Fault, or raise a ValueError. If {path[-1]!r} decides"
        f" nothing: not_decisive = frozenset({{{path[-1]!r}}})"
    )


def turned(flag: bool) -> tuple[Any, ...]:
    """The other value, also as vendors spell it who write their JSON by hand."""
    return not flag, str(not flag).lower(), int(not flag)


def _body(place: Place) -> Any:
    _, answers, index, _ = place
    return as_tuple(answers)[index].body


def _value(place: Place) -> Any:
    return at(_body(place), place[-1])


def _values(path: Path, bodies: list[Any]) -> list[Any]:
    """What stands at this place in these bodies."""
    return [at(body, there) for body in bodies for there in fields(body) if shape(there) == shape(path)]


def _are_both(values: list[Any]) -> bool:
    return any(value is True for value in values) and any(value is False for value in values)


def _is_taken(value: object) -> bool:
    """Whether this is an answer, or a run that will have one."""
    return isinstance(value, (Result, Pending)) and not has_failed_tool(value)
