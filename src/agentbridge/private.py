"""Files that only their owner may read: what they hold is what people asked and were told."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TextIO

from .errors import ConfigurationError


def private_file(path: str | os.PathLike[str], *, append: bool = False) -> TextIO:
    """A text file to write to, in place of what it held or behind it.

    Raises:
        ConfigurationError: it cannot be written.
    """
    flags = os.O_CREAT | os.O_WRONLY | (os.O_APPEND if append else os.O_TRUNC)
    try:
        return os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{os.fspath(path)} cannot be written: {error}") from None


def private_database(path: str | os.PathLike[str], kind: str) -> Path:
    """The path of a database, which is made empty where it is not there.

    One that is there is not opened: to close it would end the locks that this process has on it by SQLite (POSIX).

    Raises:
        ConfigurationError: it cannot be used; `kind` says what it is.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if not os.access(path, os.R_OK | os.W_OK) or Path(path).is_dir():
            raise PermissionError(f"{os.fspath(path)!r} is no file that may be read and written")
    except OSError as error:
        raise ConfigurationError(f"the {kind} {os.fspath(path)} cannot be used: {error}") from None
    return Path(path)
