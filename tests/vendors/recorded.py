"""Every answer of a vendor that is recorded or documented in `cassettes`, as a provider reads it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
from tests.cassettes.documents import document

from agentbridge import HttpRequest, HttpResponse, Operation
from agentbridge.testing import MemoryTransport

CASSETTES = Path(__file__).parents[2] / "cassettes"
sys.path.insert(0, str(CASSETTES.parent / "tests" / "cassettes"))
JSON = {"content-type": "application/json"}


def runs() -> Iterator[tuple[str, HttpResponse]]:
    """The answers to runs and polls; the vendor is the first part of the name."""
    for path in sorted(CASSETTES.glob("*/*.yaml")):
        for number, response in enumerate(_played(path), 1):
            yield f"{path.parent.name}/{path.stem}/{number}", response
    for path in sorted((CASSETTES / "flowise" / "raw").glob("*.resp")):
        yield f"flowise/raw/{path.stem}", parsed(path.read_bytes())
    for path in sorted((CASSETTES / "flowise" / "recovery").glob("*.json")):
        for part, exchange in json.loads(path.read_text()).items():
            if isinstance(exchange, dict) and "body" in exchange["response"]:  # else it was a stream
                yield f"flowise/recovery/{path.stem}/{part}", _stored(exchange)


def operations() -> Iterator[tuple[str, Operation[Any], HttpResponse]]:
    """The answers of the other endpoints, each with its operation."""
    import operations as expected

    made = {**expected.ANSWERS, **expected.RESULTS, **expected.FAILURES}
    for path in sorted(CASSETTES.glob("*/operations/*.yaml")):
        name = f"{path.parents[1].name}/{path.stem}"
        for response in _played(path):
            yield name, made[name][0], response


def streams() -> Iterator[tuple[str, HttpResponse]]:
    """Flowise's streams, whole."""
    for path in sorted((CASSETTES / "flowise" / "streams").glob("*.resp")):
        if content := path.read_bytes():
            yield f"flowise/streams/{path.stem}", parsed(content)


def _played(path: Path) -> Iterator[HttpResponse]:
    for interaction in document(path)["interactions"]:
        asked, answered = interaction["request"], interaction["response"]
        content = answered["body"]["string"]
        headers = {name: values[0] for name, values in answered["headers"].items()}
        yield HttpResponse(
            answered["status"]["code"],
            headers,
            content if isinstance(content, bytes) else content.encode(),
            _request(asked["method"], asked["uri"]),
        )


def _stored(exchange: dict[str, Any]) -> HttpResponse:
    (method, url, _), response = exchange["request"]["line"].split(), exchange["response"]
    return HttpResponse(response["status"], JSON, json.dumps(response["body"]).encode(), _request(method, url))


def _request(method: str, url: str) -> HttpRequest:
    return HttpRequest(method, url.partition("?")[0], query=dict(parse_qsl(urlsplit(url).query)))


def parsed(recording: bytes) -> HttpResponse:
    """An answer as it came from a socket, without the framing of its chunks."""
    head, _, body = recording.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    content = _whole(body) if headers.get("Transfer-Encoding") == "chunked" else body
    return HttpResponse(int(status.split()[1]), headers, content, HttpRequest("POST", "https://vendor.invalid"))


def _whole(body: bytes) -> bytes:
    pieces = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        if int(size, 16) == 0:
            break
        pieces.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    return b"".join(pieces)


class Opened:
    """A stream that is there already."""

    def __init__(self, response: HttpResponse) -> None:
        self.head = attrs.evolve(response, content=b"")
        self._pieces = [response.content, b""]

    def read(self, until: float | None) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def close(self) -> None: ...

    abort = close


class Playing(MemoryTransport):
    """Gives one answer, also piece by piece."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__([response])
        self.response = response

    def open(self, send: Any) -> Opened:
        return Opened(self.response)
