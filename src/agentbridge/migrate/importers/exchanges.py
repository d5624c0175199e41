"""One recorded HTTP exchange, whoever recorded it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

import attrs

from ...redaction import is_secret_name
from ...wire import HttpRequest, HttpResponse, as_dict, decode_json

_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_ANY_FORMAT = 47  # of zlib: gzip or zlib, with the largest window


@attrs.frozen(kw_only=True)
class Recorded:
    """What was asked and answered, and `place`, where that was found.

    `secrets` are values of headers that hold some, to be masked wherever else they stand. `time` is in seconds since the
    epoch, `elapsed` in seconds.
    """

    place: str
    request: HttpRequest
    response: HttpResponse | None = None
    secrets: frozenset[str] = frozenset()
    time: float | None = None
    elapsed: float = 0.0


def recorded_request(method: str, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """A request as it was on the wire: query apart, the body decoded where it is JSON, no header that holds a secret."""
    address, _, query = url.partition("#")[0].partition("?")
    try:
        body = decode_json(content) if content else None
    except ValueError:
        body = None
    shown = {name.lower(): value for name, value in as_dict(headers or {}).items() if not is_secret_name(name)}
    raw = content if body is None and content else None
    said = dict(parse_qsl(query, keep_blank_values=True))
    return HttpRequest(method.upper(), address, shown, json=body, content=raw, query=said)


def secrets_in(headers: Mapping[str, str], url: str = "") -> frozenset[str]:
    """The values of headers that hold secrets, and of what a URL says under such a name."""
    query = parse_qsl(url.partition("#")[0].partition("?")[2])
    return frozenset(value for name, value in (*headers.items(), *query) if value and is_secret_name(name))


def recorded_response(status: int, headers: Mapping[str, str], content: bytes, request: HttpRequest) -> HttpResponse:
    """An answer with its body as it was meant. Raises ValueError for a compressed one that is broken."""
    encoding = next((value for name, value in headers.items() if name.lower() == "content-encoding"), "")
    if encoding.strip().lower() in _COMPRESSED and content[:1] in {b"\x1f", b"\x78"}:
        try:
            content = zlib.decompress(content, _ANY_FORMAT)
        except zlib.error:
            raise ValueError("its answer is compressed and broken") from None
    return HttpResponse(status, headers, content, request)
