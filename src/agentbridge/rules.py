"""Fault rules: what a user knows of a vendor's errors and no document says, taught without code. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from .errors import ConfigurationError
from .faults import Fault, FaultKind
from .model import Result
from .wire import HttpResponse

T = TypeVar("T")


def _kind(value: FaultKind | str) -> FaultKind:
    try:
        return FaultKind(value)
    except ValueError:
        kinds = ", ".join(kind.value for kind in FaultKind if kind is not FaultKind.INTERRUPTED)
        raise ConfigurationError(f"a fault rule's kind is one of {kinds}, not {value!r}") from None


@attrs.frozen(kw_only=True)
class FaultRule:
    """A vendor's answer is a fault where the value at `path` is as said, by exactly one of three conditions.

    `path` leads into the JSON body, names and list indexes joined by dots: `data.errors.0.type`. `equals` is a JSON
    value; `present` says whether anything but null stands there; `matches` is a regular expression for the whole of a
    text. `status` limits the rule to one HTTP status. `message` is the path of the text that the error says.
    `retryable` and `may_have_run` None follow from the kind. A rule overrides what the provider makes of the answer.

    Raises:
        ConfigurationError: the rule has no or several conditions, or one of its parts is wrong.
    """

    path: str
    kind: FaultKind = attrs.field(converter=_kind)
    equals: Any = attrs.field(factory=lambda: attrs.NOTHING)
    present: bool | None = None
    matches: str | None = None
    status: int | None = None
    message: str | None = None
    retryable: bool | None = None
    may_have_run: bool | None = None

    def __attrs_post_init__(self) -> None:
        given = self._given()
        if len(given) != 1:
            said = " and ".join(given) or "none"
            raise ConfigurationError(f"fault rule {self.path!r}: give one of equals, present and matches, not {said}")
        for path in (self.path, self.message):
            if path is not None and not all(path.split(".")):
                raise ConfigurationError(f"fault rule: {path!r} is no path; write names joined by dots, as data.status")
        try:
            re.compile(self.matches or "")
        except re.error as error:
            raise ConfigurationError(f"fault rule {self.path!r}: matches is no regular expression: {error}") from None

    def fault(self, response: HttpResponse, body: Any) -> Fault | None:
        """The fault that this rule sees in an answer, or None."""
        if self.status not in {None, response.status} or not self._holds(found(body, self.path)):
            return None
        said = None if self.message is None else found(body, self.message)
        message = said if isinstance(said, str) and said.strip() else f"{self.path} is {found(body, self.path)!r}"
        return Fault(self.kind, message, retryable=self.retryable, may_have_run=self.may_have_run)

    def __str__(self) -> str:
        condition = self._given()[0]
        return f"{self.path} {condition} {getattr(self, condition)!r} -> {self.kind.value}"

    def _given(self) -> list[str]:
        others = [name for name in ("present", "matches") if getattr(self, name) is not None]
        return others if self.equals is attrs.NOTHING else ["equals", *others]

    def _holds(self, value: Any) -> bool:
        if self.present is not None:
            return (value is not None) is self.present
        if self.matches is not None:
            return isinstance(value, str) and re.fullmatch(self.matches, value, re.DOTALL) is not None
        return type(value) is type(self.equals) and value == self.equals


def found(body: Any, path: str) -> Any:
    """The value at a path; None where there is none."""
    for step in path.split("."):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def first(rules: Sequence[FaultRule], response: HttpResponse) -> tuple[FaultRule, Fault] | None:
    """The first rule that sees a fault in this answer, and the fault. A body that is no JSON has none."""
    try:
        body = response.json() if rules else None
    except ValueError:
        return None
    seen = ((rule, rule.fault(response, body)) for rule in rules)
    return next(((rule, fault) for rule, fault in seen if fault is not None), None)


def taught(read: Callable[[HttpResponse], T], rules: Sequence[FaultRule]) -> Callable[[HttpResponse], T | Fault]:
    """A provider's `read` that these rules go before. What it would have read stays, as the fault's partial."""
    if not rules:
        return read

    def reading(response: HttpResponse) -> T | Fault:
        seen = first(rules, response)
        return read(response) if seen is None else attrs.evolve(seen[1], partial=_read(read, response))

    return reading


def _read(read: Callable[[HttpResponse], Any], response: HttpResponse) -> Result | None:
    try:
        value = read(response)
    except Exception:
        return None
    return value if isinstance(value, Result) else None
