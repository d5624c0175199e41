"""What one callback is worth, and what its sender is told. Pure: no store, no clock, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import attrs

from ..faults import Fault

Word: TypeAlias = Literal[
    "answer", "failure", "unreadable", "empty", "duplicate", "used", "late", "oversized", "unknown", "forged", "method"
]
ANSWERS: frozenset[Word] = frozenset({"answer", "failure", "unreadable"})
"""What counts as an answer. One that cannot be read is one: it was paid for, and `wait` says what is wrong with it."""
FINAL: frozenset[Word] = frozenset({"failure", "unreadable"})
"""After what no further answer is waited for."""

STATUS: Mapping[Word, int] = {
    "answer": 200,
    "failure": 200,
    "unreadable": 200,
    "empty": 200,
    "duplicate": 200,  # told so, a vendor that delivers at least once stops
    "used": 409,
    "late": 410,
    "oversized": 413,
    "unknown": 404,
    "forged": 403,
    "method": 405,
}
"""None of them makes a vendor try again: FluxPrompt does on 5xx, 408, 425 and 429 (vendor docs)."""


@attrs.frozen
class Delivery:
    """One callback as it came, and what became of it. `at` is in seconds since the epoch.

    `verdict` is "answer"; "failure", one that says that the run failed; "empty", no answer yet; "duplicate", delivered again; "used", another one after the address
    was used up; "late", after its end; "unreadable", "oversized"; "unknown", no run of this store; "forged"; "method",
    no POST. `body` is kept where the address was genuine and the size was right.
    """

    verdict: Word
    at: float
    run: str | None = None
    delivery_id: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    @property
    def status(self) -> int:
        """The HTTP status that the sender got."""
        return STATUS[self.verdict]

    @property
    def is_answer(self) -> bool:
        """Whether it is one of the answers of its run."""
        return self.verdict in ANSWERS

    @property
    def digest(self) -> str:
        """What tells a repetition where the vendor has no id for its deliveries."""
        return hashlib.sha256(self.body).hexdigest()


class Expected(NamedTuple):
    """What is known of a run: until when callbacks are taken, how many answers it has, and what came so far."""

    expires: float
    answers: int
    earlier: tuple[Delivery, ...]


def decide(arrived: Delivery, expected: Expected | None, read: Callable[[Delivery], Any]) -> Delivery:
    """The verdict on a callback whose address is genuine; `read` says what is in it."""
    if expected is None:
        return attrs.evolve(arrived, verdict="unknown", body=b"")
    if any(_is_same(arrived, delivery, expected.answers) for delivery in expected.earlier):
        return attrs.evolve(arrived, verdict="duplicate", body=b"")
    if arrived.at >= expected.expires:
        return attrs.evolve(arrived, verdict="late")
    if is_complete(expected.earlier, expected.answers):
        return attrs.evolve(arrived, verdict="used")
    return attrs.evolve(arrived, verdict=_worth(arrived, read))


def is_complete(deliveries: Iterable[Delivery], answers: int) -> bool:
    """Whether all the answers of a run are there, or one after which there is no other."""
    words = [delivery.verdict for delivery in deliveries]
    return sum(word in ANSWERS for word in words) >= answers or any(word in FINAL for word in words)


def _is_same(one: Delivery, other: Delivery, answers: int) -> bool:
    """Whether this is the other one, delivered again: by its id, else by its bytes.

    An empty one that comes again with a text under the same id is no repetition; nor are, of several answers without ids,
    two that say the same.
    """
    if other.delivery_id is not None or one.delivery_id is not None:
        return one.delivery_id == other.delivery_id and (other.is_answer or _is_empty_again(one, other))
    return _is_empty_again(one, other) or (other.is_answer and answers == 1 and one.digest == other.digest)


def _is_empty_again(one: Delivery, other: Delivery) -> bool:
    return other.verdict == "empty" and one.digest == other.digest


def _worth(arrived: Delivery, read: Callable[[Delivery], Any]) -> Word:
    try:
        value = read(arrived)
    except Exception:
        return "unreadable"
    if value is None:
        return "empty"
    return "failure" if isinstance(value, Fault) else "answer"
