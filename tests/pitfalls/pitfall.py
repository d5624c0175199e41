"""What is known of one pitfall: whom it hurt, what is done about it, the tests, and how to take the handling away."""

from __future__ import annotations

from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]


@attrs.frozen
class Removal:
    """The one place of `path` that reads `old` is to read `new`, and the handling is gone."""

    path: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """The file without the handling. Raises ValueError unless the snippet is there exactly once."""
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.path} has {count} times what a removal looks for: {self.old!r}")
        return text.replace(self.old, self.new)


@attrs.frozen(kw_only=True)
class Pitfall:
    """One way in which libraries of this kind have hurt people.

    `hurt` is what happened, `handled` what this library does, `tests` the pytest node ids that protect it; each of the
    `removals` makes at least one of them fail. `threads` are where people told of it.
    """

    number: int
    hurt: str
    handled: str
    tests: tuple[str, ...]
    removals: tuple[Removal, ...]
    threads: tuple[str, ...] = ()

    @property
    def where(self) -> tuple[str, ...]:
        """The files that handle it."""
        return tuple(dict.fromkeys(removal.path for removal in self.removals))
