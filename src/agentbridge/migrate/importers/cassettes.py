"""Cassettes of vcrpy."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...base import BridgeBase
from ...errors import ConfigurationError
from .exchanges import Recorded, recorded_request, recorded_response, secrets_in
from .imported import Found, Imported, Skipped, content_of
from .vendors import Vendors, read_exchanges

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def from_cassettes(path: str | os.PathLike[str], bridge: BridgeBase | None = None) -> Imported:
    """The calls in a cassette, or in all cassettes of a folder. Needs PyYAML. What `bridge` is for: see `from_curl`.

    Raises:
        ConfigurationError: when it is iterated: there is no such file, or PyYAML is missing.
    """
    return Imported(lambda: _found(Path(path), Vendors(bridge)))


def _found(path: Path, vendors: Vendors) -> Iterator[Found]:
    for file in sorted(_files(path)):
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        cassette = _loaded(content_of(file))
        interactions = cassette.get("interactions") if isinstance(cassette, Mapping) else None
        if not isinstance(interactions, list):
            yield Skipped(name, "this is no cassette of vcrpy: it has no list of interactions")
            continue
        yield from _read(interactions, name, vendors)


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.suffix in _SUFFIXES] if path.is_dir() else [path]


def _loaded(content: bytes) -> Any:
    """A document of YAML, of which JSON is a part; None for what is neither."""
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        raise ConfigurationError("cassettes are YAML: pip install 'agentbridge-core[migrate]'") from None
    try:
        return yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None


def _read(interactions: list[Any], name: str, vendors: Vendors) -> Iterator[Found]:
    exchanges = []
    for number, interaction in enumerate(interactions, 1):
        place = f"{name}, interaction {number}"
        try:
            exchanges.append(_recorded(interaction, place))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            yield Skipped(place, f"this is no interaction of vcrpy ({type(error).__name__})")
    yield from read_exchanges(exchanges, vendors)


def _recorded(interaction: Mapping[str, Any], place: str) -> Recorded:
    asked, answered = interaction["request"], interaction["response"]
    headers = _headers(asked)
    request = recorded_request(asked["method"], asked["uri"], _bytes(asked.get("body")), headers)
    status = answered["status"]
    response = recorded_response(
        int(status["code"] if isinstance(status, Mapping) else status),
        _headers(answered),
        _bytes(answered["body"]),
        request,
    )
    return Recorded(place=place, request=request, response=response, secrets=secrets_in(headers, asked["uri"]))


def _bytes(body: Any) -> bytes:
    """A body as vcrpy writes it: text, bytes, nothing, or an object that holds one of these."""
    body = body.get("string") if isinstance(body, Mapping) else body
    return body if isinstance(body, bytes) else (body or "").encode()


def _headers(part: Mapping[str, Any]) -> dict[str, str]:
    """By name; vcrpy keeps each as a list of values."""
    return {
        name.lower(): str(value[0] if isinstance(value, list) else value)
        for name, value in (part.get("headers") or {}).items()
        if value
    }
