"""Takes out of samples what must not be kept: values by their keys, texts by patterns, large files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from ..errors import ConfigurationError
from ..redaction import MASK
from ..wire import File, decode_json
from .samples import Sample

Scrub: TypeAlias = Iterable[str | re.Pattern[str]]

EMAILS = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
"""E-mail addresses. It begins at the first character of a word, so that long words without an @ cost no more than others."""

PHONES = re.compile(r"(?<![\w.])(?:\+|\(?0)\d[\d\s()./-]{5,}\d(?![\w.])")
"""Telephone numbers that begin with + or 0."""

_NAMES = frozenset({"session_id", "session", "user_id"})


class Scrubber:
    """Scrubs samples; `salt` goes into what stands for the names of sessions and users."""

    def __init__(self, scrub: Scrub, salt: str = "", max_file: int | None = None) -> None:
        given = [scrub] if isinstance(scrub, (str, re.Pattern)) else list(scrub)
        for one in given:
            if not isinstance(one, (str, re.Pattern)):
                raise ConfigurationError(f"scrub takes names and compiled patterns, not {type(one).__name__}")
        self._keys = frozenset(one for one in given if isinstance(one, str))
        self._patterns = [one for one in given if isinstance(one, re.Pattern)]
        self._salt = salt
        self._max_file = max_file

    def sample(self, sample: Sample) -> Sample:
        """The same sample without what is to be taken out. Its id stays."""
        scrubbed: Sample = attrs.evolve(self._value(sample), id=sample.id)
        return scrubbed

    def text(self, text: str) -> str:
        """A text without what the patterns find, and, where it is JSON, without the values of the keys."""
        if self._keys and text.lstrip()[:1] in {"{", "["}:
            text = self._json(text)
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        return text

    def _json(self, text: str) -> str:
        try:
            said = decode_json(text)
            scrubbed = self._value(said)
        except (ValueError, RecursionError):
            return text
        return text if scrubbed == said else json.dumps(scrubbed, ensure_ascii=False)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): MASK if key in self._keys else self._value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)([self._value(item) for item in value])
        if isinstance(value, File):
            value = self._file(value)
        return self._fields(value) if attrs.has(type(value)) else value

    def _fields(self, value: Any) -> Any:
        """A value of ours; the evidence in it and what is made from other fields stay."""
        fields = [field.name for field in attrs.fields(type(value)) if field.init and field.name != "response"]
        said = {name: (self._name if name in _NAMES else self._value)(getattr(value, name)) for name in fields}
        return attrs.evolve(value, **said)

    def _name(self, name: Any) -> Any:
        """Who was meant must not be seen, and yet be told from others: one and the same word for the same name."""
        if not isinstance(name, str) or self.text(name) == name:
            return name
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=self._key(), digest_size=8).hexdigest()
        return f"{MASK}{digest}"

    def _key(self) -> bytes:
        return hashlib.sha256(self._salt.encode("utf-8", "surrogatepass")).digest()

    def _file(self, file: File) -> File:
        """One that is too large without its content, one that is a text without what is scrubbed."""
        content = file.content
        if content is None or (self._max_file is not None and len(content) > self._max_file):
            return attrs.evolve(file, content=None)
        try:
            return attrs.evolve(file, content=self.text(content.decode()).encode("utf-8", "backslashreplace"))
        except UnicodeDecodeError:
            return file
