"""What the vendor says otherwise than the table of faults: cited, and needed."""

from __future__ import annotations

from collections.abc import Iterator

from ...faults import Fault
from .callbacks import Callbacks
from .examples import last
from .facts import disagreement
from .streams import Streams


class Overridden(Callbacks, Streams):
    """Checks of `overrides`."""

    def test_overrides_are_cited_and_needed(self) -> None:
        needed = {name for name, fault, status in self._own_faults() if disagreement(fault, status) is not None}
        for name, source in self.overrides.items():
            assert source.strip(), f"overrides[{name!r}] cites no source: say where the vendor writes it"
            assert name in needed, (
                f"overrides names {name!r}, which is no failure that differs from the table in docs/errors.md: leave it out"
            )

    def _own_faults(self) -> Iterator[tuple[str, Fault, int]]:
        """The faults of all examples, each with its name and the status that it came with."""
        for name, answers, _ in self._documented_errors():
            yield from _faults(name, self._ended(answers), last(answers).status)
        for name, (data, _) in self.streams.items():
            yield from _faults(name, self._decoded([data], name)[1], 200)
        for name, (body, _) in self.callbacks.items():
            yield from _faults(name, self._called_back(body), 200)


def _faults(name: str, value: object, status: int) -> Iterator[tuple[str, Fault, int]]:
    if isinstance(value, Fault):
        yield name, value, status
