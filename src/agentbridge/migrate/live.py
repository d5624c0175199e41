"""What a shadow and a router have in common: targets, the part of the conversations, and what a fork must not share."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from hashlib import blake2b
from typing import Generic, TypeVar

import attrs

from ..errors import ConfigurationError
from ..model import Invocation

T = TypeVar("T")

_ALL = float(2**64)


def place_of(salt: str, name: str) -> float:
    """Where a name stands between 0 and 1: evenly spread, and the same in every process."""
    digest = blake2b(f"{salt}\0{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / _ALL


def aimed(said: str | Invocation | None, target: str, names: Collection[str]) -> tuple[str | Invocation, str | None]:
    """The target and the text of a call, where whoever is called picks the target. `names` may stand in an Invocation.

    Raises:
        ConfigurationError: the Invocation is for somebody else.
    """
    if not isinstance(said, Invocation):
        return target, said
    if said.target not in names:
        raise ConfigurationError(
            f"this serves {' and '.join(sorted(names))}, not {said.target!r}; ask the bridge for it"
        )
    return (said if said.target == target else attrs.evolve(said, target=target)), None


class OfProcess(Generic[T]):
    """A value that a forked child makes anew: its parent's locks, threads and open files are not its own.

    `first` is this process's, where it is there already.
    """

    def __init__(self, make: Callable[[], T], first: T | None = None) -> None:
        self._make = make
        self._made: dict[int, T] = {} if first is None else {os.getpid(): first}

    def __call__(self) -> T:
        process = os.getpid()
        found = self._made.get(process)
        # what belonged to the parent is kept: to collect it here would close what the parent has open
        return self._made.setdefault(process, self._make()) if found is None else found
