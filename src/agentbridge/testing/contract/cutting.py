"""Streams cut into pieces: whole, byte by byte, at random. With hypothesis where it is installed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import pairwise

_TRIES = 50


def each_cutting(data: bytes, check: Callable[[list[bytes]], None]) -> None:
    """Check the stream in many cuttings."""
    check([data])
    check([data[index : index + 1] for index in range(len(data))])
    if len(data) > 1:
        _random_cuttings(data, lambda cuts: check(pieces(data, cuts)))


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The stream, cut at these places."""
    edges = sorted({0, len(data), *cuts})
    return [data[start:end] for start, end in pairwise(edges)]


def _random_cuttings(data: bytes, check: Callable[[list[int]], None]) -> None:
    try:
        from hypothesis import HealthCheck, given, settings, strategies
    except ImportError:
        chance = random.Random(len(data))
        for _ in range(_TRIES):
            check([chance.randrange(1, len(data)) for _ in range(chance.randrange(1, 12))])
        return
    places = strategies.lists(strategies.integers(1, len(data) - 1), max_size=12)
    quiet = settings(
        max_examples=_TRIES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    quiet(given(places)(check))()
