"""What an import gives: samples, and what could not be read, with its place and the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import attrs

from ...errors import ConfigurationError
from ...model import Invocation
from ..samples import Sample


@attrs.frozen
class Skipped:
    """What did not become a sample: where it stands, and why."""

    place: str
    reason: str


Found: TypeAlias = Sample | Skipped


class Imported(Iterable[Sample]):
    """Samples that are read while they are iterated; `skipped` then has what could not be."""

    def __init__(self, found: Callable[[], Iterator[Found]]) -> None:
        self._found = found
        self.skipped: list[Skipped] = []

    def __iter__(self) -> Iterator[Sample]:
        self.skipped.clear()
        for one in self._found():
            if isinstance(one, Skipped):
                self.skipped.append(one)
            else:
                yield one


def id_of(place: str, invocation: Invocation) -> str:
    """The same for the same call at the same place, so that a second import adds nothing."""
    said = json.dumps([place, invocation.to_dict()], sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def content_of(path: Path) -> bytes:
    """The bytes of a file. Raises ConfigurationError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def text_of(path: Path) -> str:
    """The text of a file. Raises ConfigurationError where it cannot be read, or is none."""
    try:
        return content_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} cannot be read as text: {error}") from None
