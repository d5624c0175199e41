"""How strict the emulator is about the body of a run, and what its flow makes of it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request

from agentbridge.emulator import spoken

DEFAULT_ANSWER = "This is the flow's default answer, since no input reached it."
_ITEM: Mapping[str, type] = {
    "inputId": str, "inputText": str, "links": list, "files": list, "isExtraction": bool, "typeOCR": str,
}  # fmt: skip


def decoded(content: bytes, request: Request) -> tuple[Any, list[str]]:
    """The body and what is wrong with it."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return None, ["Content-Type must be application/json"]
    try:
        body = json.loads(content)
    except ValueError as error:
        return None, [f"the body is not JSON: {error}"]
    if not isinstance(body, dict) or not isinstance(body.get("variableInputs"), list):
        return None, ["variableInputs must be an array"]
    problems = [f"property {name} should not exist" for name in body.keys() - {"variableInputs"}]
    return body, [*problems, *(problem for item in body["variableInputs"] for problem in _problems(item))]


def _problems(item: Any) -> Iterator[str]:
    if not isinstance(item, dict):
        yield "each variable input must be an object"
        return
    for name in ("inputId", "inputText"):
        if name not in item:
            yield f"{name} is required"
    wrong = [name for name, value in item.items() if name not in _ITEM or type(value) is not _ITEM[name]]
    yield from (f"{name} is unknown or of the wrong type" for name in wrong)
    if not wrong:
        yield from _attachment_problems(item)


def _attachment_problems(item: dict[str, Any]) -> Iterator[str]:
    files, links = item.get("files", []), item.get("links", [])
    if files and links:
        yield "links and files exclude each other"
    if files and item.get("isExtraction") is not True:
        yield "isExtraction must be true with files"
    if "typeOCR" in item and not files:
        yield "typeOCR is for files only"
    if not all(_is_pair(link, "url") and link["url"].startswith(("http://", "https://")) for link in links):
        yield "links must be objects of name and url, the url with its protocol"
    if not all(_is_pair(file, "base64") and _bytes(file["base64"]) is not None for file in files):
        yield "files must be objects of name and base64, without a data URI prefix"


def _is_pair(value: Any, other: str) -> bool:
    return isinstance(value, dict) and value.keys() == {"name", other} and all(type(v) is str for v in value.values())


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def echo(items: list[dict[str, Any]]) -> str:
    """A flow that no input reaches answers all the same (public client)."""
    return spoken(heard(items)) if items else DEFAULT_ANSWER


def heard(items: list[dict[str, Any]]) -> str:
    """What the flow was asked, so that a test sees what arrived."""
    return " | ".join(map(_echo_of, items))


def _echo_of(item: dict[str, Any]) -> str:
    parts = [f"{item['inputId']}={item['inputText']}"]
    parts += [f"[file {file['name']}, {len(_bytes(file['base64']) or b'')} bytes]" for file in item.get("files", [])]
    parts += [f"[link {link['name']} {link['url']}]" for link in item.get("links", [])]
    parts += [f"[OCR {item['typeOCR']}]"] if "typeOCR" in item else []
    return " ".join(parts)
