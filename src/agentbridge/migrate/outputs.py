"""Files that are written whole or not at all, and never over what somebody still needs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeAlias

from ..errors import ConfigurationError
from ..private import private_file
from .ledger_file import is_database

PathLike: TypeAlias = str | os.PathLike[str]

_ANOTHER = "name another file"


def check_outputs(outputs: Iterable[PathLike | None], read: Iterable[PathLike] = ()) -> None:
    """Look at where a command is about to write, before it does anything; None is an output that nobody asked for.

    Raises:
        ConfigurationError: an output is also `read`, or written twice, is a database or a folder, or has no folder.
    """
    taken = {_place(path): "would be written over what is read from it" for path in read}
    for out in outputs:
        if out is None:
            continue
        place = _place(out)
        why = taken.get(place) or _unfit(place)
        if why is not None:
            raise ConfigurationError(f"{os.fspath(out)} {why}; {_ANOTHER}")
        taken[place] = "is named for two outputs"


def _place(path: PathLike) -> Path:
    return Path(path).resolve()


def _unfit(place: Path) -> str | None:
    if place.is_dir():
        return "is a folder"
    if not place.parent.is_dir():
        return f"cannot be written: there is no folder {place.parent}"
    return "is an SQLite database, perhaps a ledger, and would be lost" if is_database(place) else None


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Where to write what is to stand at `path`: it takes that name at the end, and is taken away where that fails.

    Raises:
        ConfigurationError: see `check_outputs`; or it cannot be written.
    """
    check_outputs([path])
    place = _place(path)
    if place.exists() and not place.is_file():  # a pipe or a terminal
        yield place
        return
    part = place.with_name(f"{place.name}.part")
    part.unlink(missing_ok=True)  # of one that was killed, and might be read by others
    try:
        yield part
        part.replace(place)
    except OSError as error:
        raise ConfigurationError(f"{os.fspath(path)} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replaced(path: PathLike) -> Iterator[TextIO]:
    """A text file that only its owner may read, and that stands at `path` when it is whole; see `replacing`."""
    with replacing(path) as part, private_file(part) as file:
        yield file
