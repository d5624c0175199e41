"""HAR files, as browsers and proxies write them."""

from __future__ import annotations

import base64
import datetime as dt
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...base import BridgeBase
from ...errors import ConfigurationError
from ...wire import HttpResponse, decode_json
from .exchanges import Recorded, recorded_request, recorded_response, secrets_in
from .imported import Found, Imported, Skipped, content_of
from .vendors import Vendors, read_exchanges


def from_har(path: str | os.PathLike[str], bridge: BridgeBase | None = None) -> Imported:
    """The calls in a HAR file, and what was answered. What `bridge` is for: see `from_curl`.

    Raises:
        ConfigurationError: when it is iterated: it cannot be read, or is no HAR file.
    """
    return Imported(lambda: _found(Path(path), Vendors(bridge)))


def _found(path: Path, vendors: Vendors) -> Iterator[Found]:
    exchanges = []
    for number, entry in enumerate(_entries(path), 1):
        place = f"{path.name}, entry {number}"
        try:
            exchanges.append(_recorded(entry, place))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            yield Skipped(place, f"this is no entry of a HAR file ({type(error).__name__})")
    yield from read_exchanges(exchanges, vendors)


def _entries(path: Path) -> list[Any]:
    try:
        entries = decode_json(content_of(path))["log"]["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is no HAR file: {type(error).__name__}: {error}") from None
    if not isinstance(entries, list):
        raise ConfigurationError(f"{path} is no HAR file: log.entries is no list")
    return entries


def _recorded(entry: Mapping[str, Any], place: str) -> Recorded:
    asked, headers = entry["request"], _headers(entry["request"])
    body = (asked.get("postData") or {}).get("text") or ""
    request = recorded_request(asked["method"], asked["url"], body.encode(), headers)
    return Recorded(
        place=place,
        request=request,
        response=_response(entry.get("response") or {}, request),
        secrets=secrets_in(headers, asked["url"]),
        time=_time(entry.get("startedDateTime")),
        elapsed=max(float(entry.get("time") or 0), 0.0) / 1000,
    )


def _response(answered: Mapping[str, Any], request: Any) -> HttpResponse | None:
    """A status of 0 is how browsers say that none came."""
    if not answered.get("status"):
        return None
    content = answered.get("content") or {}
    text = content.get("text") or ""
    body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
    headers = {"content-type": str(content.get("mimeType") or ""), **_headers(answered)}
    return recorded_response(int(answered["status"]), headers, body, request)


def _headers(part: Mapping[str, Any]) -> dict[str, str]:
    return {header["name"].lower(): str(header["value"]) for header in part.get("headers") or ()}


def _time(said: Any) -> float | None:
    return dt.datetime.fromisoformat(said).timestamp() if isinstance(said, str) else None
