"""Secrets never leave: they are masked in every error before it is raised, and in what HTTP libraries log."""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, AnyStr, TypeVar
from urllib.parse import unquote

import attrs

from .wire import HttpRequest, HttpResponse, evolved

MASK = "***"
CALLBACK_MARK = "agcb_"
"""What the signature in a callback's address begins with: whoever has one can answer for the vendor."""
_SIGNATURE = CALLBACK_MARK + "[A-Za-z0-9_-]{20,}"
_COMPARED = 80  # characters of a long secret, whose pattern would take seconds to make; what follows them is masked too
_MOST_CALLERS = 256  # whose secrets are masked in logs: keys may be without end
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
    return evolved(request, headers=mask_headers(request.headers), auth=dict.fromkeys(request.auth, MASK))


class Redactor:
    """Masks known secrets in text, bytes and values, in every spelling they travel in."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        encoded = {spelling for form in forms for spelling in _base64(form)}
        self._forms, self._encoded = forms, encoded
        self._telling = (*forms, *encoded, CALLBACK_MARK)  # without any of these no spelling can be there
        if forms:
            self._telling += ("\\", "%")
        self._telling_bytes = tuple(sign.encode("utf-8", "surrogatepass") for sign in self._telling)

    @cached_property
    def _pattern(self) -> str:
        patterns = [_any_spelling(form) for form in sorted(self._forms, key=len, reverse=True)]
        return "|".join([*patterns, *map(re.escape, self._encoded), _SIGNATURE])

    @cached_property  # it takes milliseconds, and most of what is looked at has no sign of a secret
    def _text(self) -> re.Pattern[str]:
        return re.compile(self._pattern)

    @cached_property
    def _bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._pattern.encode("utf-8", "surrogatepass"))

    def text(self, text: str) -> str:
        """The text with secrets masked."""
        if not _holds(text, self._telling):
            return text
        return self._text.sub(MASK, text)

    def bytes(self, content: bytes) -> bytes:
        """The bytes with secrets masked."""
        if not _holds(content, self._telling_bytes):
            return content
        return self._bytes.sub(MASK.encode(), content)

    def value(self, value: T) -> T:
        """A copy of any value of ours, with secrets masked in every text in it."""
        return self._value(value)  # type: ignore[no-any-return]

    def suspects(self, value: object) -> bool:
        """Whether there may be a secret in any value of ours: quicker than to mask it, and a no is certain."""
        if not value:
            return False
        if isinstance(value, str):
            return _holds(value, self._telling)
        if isinstance(value, bytes):
            return _holds(value, self._telling_bytes)
        if isinstance(value, (list, tuple)):
            return any(map(self.suspects, value))
        if isinstance(value, Mapping):
            return any(map(self.suspects, value)) or any(map(self.suspects, value.values()))
        return any(self.suspects(getattr(value, name)) for name in _given_fields(type(value)))

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
            items = [self._value(item) for item in value]
            return items if isinstance(value, list) else tuple(items)
        return self._fields(value) if attrs.has(type(value)) else value

    def _fields(self, value: Any) -> Any:
        return attrs.evolve(value, **{name: self._value(getattr(value, name)) for name in _given_fields(type(value))})


def _holds(text: AnyStr, signs: tuple[AnyStr, ...]) -> bool:
    for sign in signs:  # any() with a generator takes twice as long
        if sign in text:
            return True
    return False


def _given_fields(kind: type) -> tuple[str, ...]:
    """The names of the fields that a value of this class is made of; none where it is no attrs class."""
    return tuple(field.name for field in attrs.fields(kind) if field.init) if attrs.has(kind) else ()


def _forms(secret: str) -> set[str]:
    """The secret, and what follows a scheme such as "Bearer " or stands percent-encoded in it."""
    forms = {secret, secret.rpartition(" ")[2], unquote(secret)}
    return {form for form in forms if len(form) >= _SHORTEST}


def _any_spelling(secret: str) -> str:
    """A pattern for the secret with each character raw, JSON-escaped by any writer, or percent-encoded in any case.

    Each alternative begins with a plain character: then `re` looks for these alone, 20 times as fast.
    """
    rest = "".join(f"(?:{'|'.join(_spellings(character))})" for character in secret[1:_COMPARED])
    if len(secret) > _COMPARED:
        rest += rf"(?:\\[uU][0-9a-fA-F]{{4}}|[^\s\"'<>]){{0,{3 * (len(secret) - _COMPARED)}}}"
    return "|".join(first + rest for first in _spellings(secret[0]))


def _spellings(character: str) -> list[str]:
    """Patterns for one character."""
    hexadecimal = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    plain, quoted = re.escape(character), re.escape(json.dumps(character)[1:-1])
    found = [plain, quoted, f"\\\\[uU]{_any_case(f'{ord(character):04x}')}", _any_case(hexadecimal)]
    found += [] if character.isalnum() else [rf"\\{plain}"]
    return list(dict.fromkeys([*found, "\\+"] if character == " " else found))


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _base64(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    return {encoded, encoded.replace("+", "-").replace("/", "_")}


@lru_cache(maxsize=256)
def redactor_of(secrets: frozenset[str]) -> Redactor:
    """The redactor of these secrets, made once."""
    return Redactor(secrets)


class _LogFilter(logging.Filter):
    """Masks the secrets of those who called last in the records of the HTTP libraries, which log headers and URLs."""

    def __init__(self) -> None:
        super().__init__()
        self._known: OrderedDict[frozenset[str], Redactor] = OrderedDict()
        self._lock = threading.Lock()
        self._last: frozenset[str] | None = None

    def learn(self, secrets: frozenset[str]) -> bool:
        """Know these secrets from now on; whether they are the first."""
        if secrets == self._last:  # as in most calls
            return False
        with self._lock:
            self._last = secrets
            if secrets in self._known:
                self._known.move_to_end(secrets)
                return False
            self._known[secrets] = redactor_of(secrets)
            if len(self._known) > _MOST_CALLERS:
                self._known.popitem(last=False)
            return len(self._known) == 1

    def filter(self, record: logging.LogRecord) -> bool:
        with self._lock:
            redactors = tuple(self._known.values())
        text = record.getMessage()
        for redactor in redactors:
            text = redactor.text(text)
        record.msg, record.args = text, None
        return True


_LOGGERS = (
    "httpx",
    "httpx2",
    "aiohttp.client",
    "aiohttp.internal",
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
    *(f"httpcore2.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
)
_filter = _LogFilter()


def guard_logs(secrets: frozenset[str]) -> None:
    """From now on, mask these secrets in what the HTTP libraries log."""
    if _filter.learn(secrets):
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_filter)
