"""What a recorded run said: the reverse of `request`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from agentbridge import File, HttpRequest, Invocation, JsonValue, Link

from . import wire

_QUERY = frozenset({"flowId", "sessionId", "versionId", "callback_url"})
_ITEM = frozenset({"inputId", "inputText", "links", "files", "isExtraction", "typeOCR"})


def invocation(request: HttpRequest) -> Invocation | None:
    """The call to a flow. Raises ValueError for one that an Invocation cannot say."""
    if request.method != "POST" or not request.url.rstrip("/").endswith(wire.RUN_PATH):
        return None
    body, query = request.json, request.query
    if not isinstance(body, Mapping) or not isinstance(body.get("variableInputs"), list):
        raise ValueError("its body is no object with a list of variableInputs")
    if not query.get("flowId"):
        raise ValueError("its URL names no flowId")
    if unknown := sorted(query.keys() - _QUERY):
        raise ValueError(f"nobody knows {unknown[0]!r} in its query")
    items = [_checked(item) for item in body["variableInputs"]]
    options = _options(body, query, items)
    return Invocation(
        target=f":{query['flowId']}",
        inputs=dict(_inputs(items)),
        files=tuple(file for item in items for file in _attached(item)),
        session_id=query.get("sessionId") or None,
        callback_url=query.get("callback_url") or None,
        options={"fluxprompt": options} if options else {},
    )


def _options(body: Mapping[str, Any], query: Mapping[str, str], items: list[dict[str, Any]]) -> dict[str, Any]:
    version = {"versionId": query["versionId"]} if query.get("versionId") else {}
    engines = {item["inputId"]: item["typeOCR"] for item in items if item.get("typeOCR")}
    return {
        **{name: value for name, value in body.items() if name != "variableInputs"},
        **version,
        **({"typeOCR": engines} if engines else {}),
    }


def _checked(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("inputId"), str):
        raise ValueError("one of its variableInputs is no object with an inputId")
    if unknown := sorted(item.keys() - _ITEM):
        raise ValueError(f"nobody knows {unknown[0]!r} in its variableInputs")
    return item


def _inputs(items: list[dict[str, Any]]) -> Iterator[tuple[str, JsonValue]]:
    """One without a text is there for its files."""
    for item in items:
        text = item.get("inputText", "")
        if text or not (item.get("files") or item.get("links")):
            yield item["inputId"], text


def _attached(item: dict[str, Any]) -> Iterator[File | Link]:
    for file in item.get("files") or ():
        yield File(str(file.get("name", "file")), _content(file), input=item["inputId"])
    for link in item.get("links") or ():
        name, url = link.get("name"), str(link.get("url", ""))
        yield Link(url, None if name == url else name, input=item["inputId"])


def _content(file: dict[str, Any]) -> bytes:
    text = str(file.get("base64", ""))
    try:
        return base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except ValueError:
        raise ValueError("the content of a file in it is not base64, as where a recorder masked it") from None
