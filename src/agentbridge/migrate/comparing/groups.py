"""What is added up while pairs go by: conversations in a fixed number of groups, so that memory stays flat."""

from __future__ import annotations

import hashlib
import json
import math
from array import array

import attrs

from ..samples import Sample

GROUPS = 256
"""Each conversation is in one of so many groups: groups are independent of each other where conversations are, and there
are enough of them to learn from how far they differ how sure a figure is."""

_EXACT = 2000
_BITS = 1 << 18  # counts a million conversations to about one in a hundred


def conversation_key(sample: Sample, seed: int) -> tuple[int, bool]:
    """A number for the conversation that a sample belongs to, and whether it stands alone. Turns of one conversation are
    not independent of each other; conversations are taken to be.
    """
    name = sample.conversation or json.dumps(sample.id)
    digest = hashlib.blake2b(f"{seed}:{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big"), sample.conversation is None


@attrs.frozen
class Row:
    """One group, or all: `n` new answers that gave `x` together, and `m` to measure them by, that gave `y`."""

    n: float
    x: float
    m: float
    y: float


class Sums:
    """A figure, added up by group."""

    def __init__(self) -> None:
        self._cells = array("d", bytes(8 * 4 * GROUPS))

    def add(self, group: int, x: float | None, y: float | None) -> None:
        """One pair: what the new answer gave, and what it is measured by; None is not counted."""
        cells, at = self._cells, 4 * group
        if x is not None:
            cells[at] += 1
            cells[at + 1] += x
        if y is not None:
            cells[at + 2] += 1
            cells[at + 3] += y

    def rows(self) -> list[Row]:
        """The groups that anything was added to."""
        cells = self._cells
        rows = (Row(*cells[at : at + 4]) for at in range(0, len(cells), 4))
        return [row for row in rows if row.n or row.m]


class Conversations:
    """How many there are, in a little memory: exact up to two thousand, then by counting the bits that stayed unset."""

    def __init__(self) -> None:
        self._alone = 0
        self._keys: set[int] = set()
        self._bits: bytearray | None = None

    def add(self, key: int, *, alone: bool) -> None:
        """One sample of a conversation; one that stands alone comes once."""
        if alone:
            self._alone += 1
        elif self._bits is not None:
            self._mark(self._bits, key)
        else:
            self._keys.add(key)
            if len(self._keys) > _EXACT:
                self._bits = bytearray(_BITS // 8)
                while self._keys:
                    self._mark(self._bits, self._keys.pop())

    def __len__(self) -> int:
        return self._alone + (len(self._keys) if self._bits is None else self._marked(self._bits))

    @staticmethod
    def _mark(bits: bytearray, key: int) -> None:
        bit = key % _BITS
        bits[bit // 8] |= 1 << bit % 8

    @staticmethod
    def _marked(bits: bytearray) -> int:
        unset = max(_BITS - int.from_bytes(bits, "big").bit_count(), 1)
        return round(-_BITS * math.log(unset / _BITS))
