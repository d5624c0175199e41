"""Base of the values that a server's record becomes."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

V = TypeVar("V", bound="Told")


@attrs.frozen(kw_only=True)
class Told:
    """What is typed of a record stands in fields; `raw` has the whole of it.

    `raw` is no field, so that a list of records stays a table on the command line: a flow alone has some 50 KB.
    """

    _raw: list[Any] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @property
    def raw(self) -> Any:
        """The server's own record as JSON, with all that is not typed; None where a value was made by hand."""
        return self._raw[0] if self._raw else None


def told(value: V, record: Any) -> V:
    """The value, with the record that it was read from."""
    value._raw.append(record)  # noqa: SLF001 (its own module)
    return value
