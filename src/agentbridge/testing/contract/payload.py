"""What a request really carries: all texts and bytes that would leave, in whatever spelling."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from ...body import encode, final_url
from ...model import Message
from ...wire import File, HttpRequest, Link, decode_json


class Payload:
    """One request as it would be sent, its secrets aside."""

    def __init__(self, request: HttpRequest) -> None:
        url = final_url(request)
        self._raw = b"".join(encode(request).pieces())
        body = self._raw.decode("utf-8", "replace")
        parts = [url, unquote(url), unquote_plus(url), body, unquote_plus(body)]
        self._text = "\n".join([*parts, *request.headers, *request.headers.values(), *_texts(body)])

    def carries(self, piece: str | bytes) -> bool:
        """Whether this arrives: a text anywhere, the content of a file as it is or in base64."""
        if isinstance(piece, str):
            return piece in self._text
        encoded = base64.b64encode(piece).rstrip(b"=")
        return any(form in self._raw for form in (piece, encoded))


def pieces(field: str, value: Any) -> list[str | bytes]:
    """What has to arrive of this value of an Invocation field."""
    if field == "messages":
        return [message.text for message in value if isinstance(message, Message)]
    if field == "inputs":
        return [*value, *(piece for item in value.values() for piece in _texts(item))]
    if field == "files":
        return [_content(file) for file in value]
    return [value]


def address(url: str) -> tuple[Any, ...]:
    """A URL taken apart as a server does: scheme, host, decoded steps of the path, decoded query, fragment."""
    parts = urlsplit(url)
    steps = tuple(unquote(step) for step in parts.path.split("/"))
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return parts.scheme, parts.netloc, steps, query, parts.fragment


def renamed(value: Any, old: str, new: str) -> Any:
    """The parts of an address with one text in place of another."""
    if isinstance(value, tuple):
        return tuple(renamed(item, old, new) for item in value)
    return value.replace(old, new)


def is_at(url: str, base_url: str) -> bool:
    """Whether a URL is of the same scheme, host and port. No prefix is enough: vendor.invalid.evil.example."""
    return urlsplit(url)[:2] == urlsplit(base_url)[:2]


def _content(file: File | Link) -> str | bytes:
    if isinstance(file, Link):
        return file.url
    return file.content if file.content is not None else Path(file.path or "").read_bytes()


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, also those inside of JSON that travels as text."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
        yield from _inside(value)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _inside(text: str) -> Iterator[str]:
    if text.lstrip()[:1] in {"{", "[", '"'}:
        try:
            yield from _texts(decode_json(text))
        except ValueError:
            pass
