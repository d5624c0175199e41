"""Secrets never leave: they are masked in every error before it is raised, and in what HTTP libraries log."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, unquote

import attrs

from .wire import HttpRequest, HttpResponse

MASK = "***"
_SHORTEST = 6  # a shorter "secret" would mask ordinary words
_SECRET_NAME = re.compile(r"authorization|cookie|key|token|secret", re.IGNORECASE)

T = TypeVar("T")


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a header of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the values of secret ones masked."""
    return {name: MASK if is_secret_name(name) else value for name, value in headers.items()}


def without_auth(request: HttpRequest) -> HttpRequest:
    """The request as evidence: names of secret headers stay, their values do not."""
    return attrs.evolve(request, auth=dict.fromkeys(request.auth, MASK), headers=mask_headers(request.headers))


class Redactor:
    """Masks known secrets in text, bytes and values, in every spelling they travel in."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        ordered = sorted(spellings, key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._bytes = re.compile(b"|".join(re.escape(s.encode()) for s in ordered)) if ordered else None

    def text(self, text: str) -> str:
        """The text with secrets masked."""
        return self._text.sub(MASK, text) if self._text else text

    def bytes(self, content: bytes) -> bytes:
        """The bytes with secrets masked."""
        return self._bytes.sub(MASK.encode(), content) if self._bytes else content

    def value(self, value: T) -> T:
        """A copy of any value of ours, with secrets masked in every text in it."""
        return self._value(value)  # type: ignore[no-any-return]

    def response(self, response: HttpResponse) -> HttpResponse:
        """The answer as evidence: secret headers and known secrets masked."""
        return self.value(attrs.evolve(response, headers=mask_headers(response.headers)))

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.bytes(value)
        if isinstance(value, Mapping):
            return {self._value(key): self._value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._value(item) for item in value)
        return self._fields(value) if attrs.has(type(value)) else value

    def _fields(self, value: Any) -> Any:
        fields = [field.name for field in attrs.fields(type(value)) if field.init]
        return attrs.evolve(value, **{name: self._value(getattr(value, name)) for name in fields})


def _spellings(secret: str) -> set[str]:
    """Raw, JSON-escaped, URL-encoded and base64, of the secret and of what follows a scheme such as "Bearer "."""
    found = set()
    for form in {secret, secret.rpartition(" ")[2], unquote(secret)}:
        if len(form) < _SHORTEST:
            continue
        encoded = base64.b64encode(form.encode("utf-8", "surrogatepass")).decode().rstrip("=")
        found |= {form, json.dumps(form)[1:-1], quote(form, safe=""), quote_plus(form), quote(form)}
        found |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    return found


@lru_cache(maxsize=256)
def redactor_of(secrets: frozenset[str]) -> Redactor:
    """The redactor of these secrets, made once."""
    return Redactor(secrets)


class _LogFilter(logging.Filter):
    """Masks the secrets of every open connection in the records of the HTTP libraries, which log headers and URLs."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redactor_of(frozenset(self.known)).text(record.getMessage()), None
        return True


_LOGGERS = (
    "httpx",
    "httpx2",
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
    *(f"httpcore2.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
)
_filter = _LogFilter()


def guard_logs(secrets: frozenset[str]) -> None:
    """From now on, mask these secrets in what the HTTP libraries log."""
    if secrets <= _filter.known:
        return
    _filter.known |= secrets
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)
