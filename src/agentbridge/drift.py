"""Counts what a vendor sends that nobody here knows: fields, events and words. Costs little, and never raises."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import attrs

T = TypeVar("T")
Kind: TypeAlias = Literal["field", "event", "value"]

OTHERS = "(others)"
"""Counts for all that came after there were too many to tell apart."""

_DISTINCT = 300  # entries of a connection, so that a hostile vendor fills no memory
_COMPARED = 200  # characters by which names are told apart
_SHOWN = 80  # characters of a name that are shown


@attrs.frozen
class Drift:
    """Something that a vendor sent and no document, and no recorded answer, tells of; how often it was seen.

    `kind` is "field", "event" or "value", a word that stands for a state, a role or a type. `name` says where and what:
    `Metadata.trace_id`, `status: archived`. A field's value is never in it.
    """

    kind: Kind
    name: str
    count: int

    def __str__(self) -> str:
        return f"unknown {self.kind} {self.name}, {self.count} time{'s' * (self.count != 1)}"


class Names(NamedTuple):
    """The names that a wire model knows: those that it takes, and those that are documented or recorded beside them.

    `known` is None for a model that takes whatever comes.
    """

    model: str
    taken: frozenset[str]
    known: frozenset[str] | None


class Watch(Protocol):
    """Who is told what plugins see while they read."""

    def compare(self, names: Names, data: Mapping[str, Any]) -> None:
        """A wire model is about to read this object."""

    def note(self, kind: Kind, name: str) -> None:
        """Something came that nobody knows."""


_ACTIVE: ContextVar[Watch | None] = ContextVar("agentbridge_watch", default=None)

watch = _ACTIVE.get
"""Who watches what is read here and now; None where nobody does."""


def watched_by(by: Watch, do: Callable[..., T], *arguments: Any) -> T:
    """What `do` hands back; what plugins see meanwhile is told to `by`."""
    token = _ACTIVE.set(by)
    try:
        return do(*arguments)
    finally:
        _ACTIVE.reset(token)


def notice(kind: Kind, name: str) -> None:
    """Count something that a vendor sent and nobody knows; nothing is done where nobody watches.

    Plugins say by it what they read without a model: `notice("event", "agentPaused")`, `notice("value", "status: gone")`.
    """
    active = _ACTIVE.get()
    if active is not None:
        active.note(kind, name)


class Drifts:
    """What drifted at one connection. Shared by the threads and tasks of a bridge."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[Kind, str], int] = defaultdict(int)
        self._lock = threading.Lock()

    def compare(self, names: Names, data: Mapping[str, Any]) -> None:
        """Count the fields that a model does not know."""
        known = names.known
        if known is None or known.issuperset(data):
            return
        for name in islice((name for name in data if name not in known), _DISTINCT):
            self.note("field", f"{names.model}.{name}")

    def note(self, kind: Kind, name: str) -> None:
        """Count it, or, where there are too many, count that there are others."""
        key = (kind, name[:_COMPARED])
        with self._lock:
            if key not in self._counts and len(self._counts) >= _DISTINCT:
                key = (kind, OTHERS)
            self._counts[key] += 1

    def seen(self, mask: Callable[[str], str] = str) -> tuple[Drift, ...]:
        """All that was counted so far, by kind and name; `mask` takes secrets out of names."""
        shown: Counter[tuple[Kind, str]] = Counter()
        with self._lock:
            counts = list(self._counts.items())
        for (kind, name), count in counts:
            shown[kind, _printable(mask(name))] += count
        return tuple(Drift(*key, count) for key, count in sorted(shown.items()))


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name[:_SHOWN])
