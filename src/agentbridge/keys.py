"""Where a key comes from when the configuration does not hold it: read when it is first needed, and never shown.

What a failure leaves behind may quote the key, so every error is raised outside of the block that caught it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Protocol

import attrs

from .errors import ConfigurationError
from .redaction import Redactor

COMMAND_TIMEOUT = 60.0
"""Seconds that a command may take: a password manager may ask for a fingerprint first."""
_SHOWN = 300  # characters of what a command complains


class KeySource(Protocol):
    """What can say a connection's key. `setting` is what it is called in `agentbridge.toml`."""

    setting: ClassVar[str]

    def read(self) -> str:
        """The key. Raises ConfigurationError, whose text begins with the setting, and never holds the key."""


@attrs.frozen
class EnvironmentKey:
    """The key that an environment variable holds."""

    setting: ClassVar[str] = "api_key_env"
    variable: str

    def read(self) -> str:
        """The key. Raises ConfigurationError where the variable is not set, or empty."""
        key = os.environ.get(self.variable)
        if not key:
            raise ConfigurationError(f"{self.setting} names ${self.variable}, which is not set")
        return key


@attrs.frozen
class FileKey:
    """The key that stands alone in a file, with or without a newline at its end."""

    setting: ClassVar[str] = "api_key_file"
    path: str = attrs.field(converter=os.fspath)

    def read(self) -> str:
        """The key. Raises ConfigurationError where the file cannot be read."""
        try:
            content = Path(self.path).read_bytes()
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or type(error).__name__
            raise ConfigurationError(f"{self.setting} {self.path!r} cannot be read: {problem}") from None
        return _text(content, f"{self.setting} {self.path!r}")


def _arguments(argv: Iterable[str]) -> tuple[str, ...]:
    return (argv,) if isinstance(argv, str) else tuple(argv)


@attrs.frozen
class CommandKey:
    """The key that a command prints, run without a shell and without stdin. `timeout` is in seconds."""

    setting: ClassVar[str] = "api_key_command"
    argv: tuple[str, ...] = attrs.field(converter=_arguments, repr=False)  # arguments may hold a secret too
    timeout: float = COMMAND_TIMEOUT

    def read(self) -> str:
        """The key. Raises ConfigurationError where the command cannot be run, is too slow, or fails."""
        status, out, complaint = self._run()
        if status is None:
            raise ConfigurationError(f"{self._named} {complaint}")
        if status != 0:
            raise ConfigurationError(f"{self._named} ended with {status}: {_told(complaint, out)}")
        return _text(out, self._named)

    @property
    def _named(self) -> str:
        return f"{self.setting} {(self.argv or ('',))[0]!r}"

    def _run(self) -> tuple[int | None, bytes, str]:
        """How it ended, stdout, stderr; without a status what kept it from ending by itself."""
        import subprocess

        try:
            done = subprocess.run(  # noqa: S603 (the command is the owner's own)
                self.argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return None, b"", f"did not end within {self.timeout:g} s"
        except (OSError, ValueError, IndexError) as error:
            return None, b"", f"cannot be run: {getattr(error, 'strerror', None) or type(error).__name__}"
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


@attrs.frozen
class KeyringKey:
    """The key that the system's keyring keeps, by the package keyring (extra `keyring`)."""

    setting: ClassVar[str] = "api_key_keyring"
    service: str
    user: str

    def read(self) -> str:
        """The key. Raises ConfigurationError where there is no such key, or no keyring."""
        try:
            key = _keyring().get_password(self.service, self.user)
        except ConfigurationError:
            raise
        except Exception as error:
            failure = type(error).__name__
        else:
            if key is None:
                raise ConfigurationError(f"{self._named} is not there: keyring set {self.service} {self.user}")
            return str(key)
        raise ConfigurationError(
            f"{self._named} cannot be read: {failure}. Try: keyring get {self.service} {self.user}"
        )

    @property
    def _named(self) -> str:
        return f"{self.setting} '{self.service}/{self.user}'"


def _keyring() -> Any:
    try:
        return importlib.import_module("keyring")
    except ImportError:
        raise ConfigurationError(
            f"{KeyringKey.setting} needs a package more: pip install 'agentbridge-core[keyring]'"
        ) from None


def _text(content: bytes, named: str) -> str:
    """A file's or command's key, without the one newline that ends a line."""
    text = content.decode("utf-8-sig", "replace").removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigurationError(f"{named} gives nothing")
    return text


def _told(complaint: str, out: bytes) -> str:
    """What a command said on stderr, on one line, without what it printed on stdout: that may be the key."""
    lines = out.decode("utf-8", "replace").split()
    said = Redactor([out.decode("utf-8", "replace").strip(), *lines]).text(" ".join(complaint.split()))
    return said[-_SHOWN:] or "it did not say why"
