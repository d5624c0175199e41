"""Settings for vcrpy: secrets are scrubbed before a cassette is written, and bodies decide which answer is played."""

from __future__ import annotations

import re
from typing import Any

from ..redaction import MASK, is_secret_name

_JSON_SECRET = re.compile(
    rb'("(?:[^"\\]*(?:api[_-]?key|token|secret|password|authorization)[^"\\]*)"\s*:\s*")[^"]*(")', re.IGNORECASE
)
_BASE64_FILE = re.compile(rb"(base64,)[A-Za-z0-9+/=]{64,}")


def vcr_config() -> dict[str, Any]:
    """Arguments for `vcr.VCR(**vcr_config())`: no recording unless asked for, matching on the body too."""
    return {
        "record_mode": "none",
        "match_on": ["method", "scheme", "host", "port", "path", "query", "body"],
        "before_record_request": _scrub_request,
        "before_record_response": _scrub_response,
        "decode_compressed_response": True,
    }


def scrub(body: bytes) -> bytes:
    """A body without values of secret-looking JSON fields and without the content of base64 files."""
    return _BASE64_FILE.sub(rb"\1" + MASK.encode(), _JSON_SECRET.sub(rb"\1" + MASK.encode() + rb"\2", body))


def _scrub_request(request: Any) -> Any:
    request.headers = {name: MASK if is_secret_name(name) else value for name, value in request.headers.items()}
    if isinstance(request.body, bytes):
        request.body = scrub(request.body)
    return request


def _scrub_response(response: dict[str, Any]) -> dict[str, Any]:
    headers = {name: [MASK] if is_secret_name(name) else value for name, value in response["headers"].items()}
    content = response["body"].get("string")
    body = {"string": scrub(content)} if isinstance(content, bytes) else response["body"]
    return {**response, "headers": headers, "body": body}
