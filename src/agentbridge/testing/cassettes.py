"""Settings for vcrpy: secrets are scrubbed before a cassette is written, and bodies decide which answer is played."""

from __future__ import annotations

import re
from typing import Any

from ..redaction import MASK, Redactor, is_secret_name

_NAME = r"(?:[\w-]*[_-])?(?:api[_-]?key|token|secret|password|authorization)|\w*(?:Key|Token|Secret|Password)"
_SESSION = r"sessionId|session_id|thread_id|chatId"


def _json_field(names: str) -> re.Pattern[bytes]:
    return re.compile(rf'("(?:{names})"\s*:\s*")(?:[^"\\]|\\.)*(")'.encode())


_JSON_SECRET, _JSON_SESSION = _json_field(_NAME), _json_field(_SESSION)
_FORM_SECRET = re.compile(rf"((?:^|&)(?:{_NAME}|{_SESSION})=)[^&]*".encode())
_QUERY_SECRET = re.compile(rf"([?&](?:{_NAME}|{_SESSION})=)[^&#]*")
_MASKED = rb"\g<1>" + MASK.encode() + rb"\g<2>"
_FILE = re.compile(rb'(base64,|"base64"\s*:\s*")[A-Za-z0-9+/=]{64,}')


def vcr_config(*secrets: str | None, **settings: Any) -> dict[str, Any]:
    """Arguments for `vcr.VCR(**vcr_config())`: no recording unless asked for, matching on the body too.

    `settings` are further ones of vcrpy's, or in place of these: `record_mode="once"`, `cassette_library_dir=...`.

    Secrets are masked by the names of headers (cookies too), JSON fields and query parameters, and so are the ids of
    sessions in requests, the signatures in addresses for callbacks, and files in base64. `secrets` are masked wherever
    they stand, also where a vendor quotes them: give the key that you record with, or None where there is none.
    """
    redactor = Redactor([secret for secret in secrets if secret])

    def request(request: Any) -> Any:
        request.headers = _headers(request.headers, redactor)
        request.uri = redactor.text(_QUERY_SECRET.sub(rf"\g<1>{MASK}", request.uri))
        if isinstance(request.body, bytes):
            request.body = _form(request, redactor.bytes(_JSON_SESSION.sub(_MASKED, scrub(request.body))))
        return request

    def response(response: dict[str, Any]) -> dict[str, Any]:
        content = response["body"].get("string")
        body = {"string": redactor.bytes(scrub(content))} if isinstance(content, bytes) else response["body"]
        return {**response, "headers": _headers(response["headers"], redactor), "body": body}

    return {
        "record_mode": "none",
        "match_on": ["method", "scheme", "host", "port", "path", "query", "body"],
        "before_record_request": request,
        "before_record_response": response,
        "decode_compressed_response": True,
        **settings,
    }


def scrub(body: bytes) -> bytes:
    """A body without values of secret-looking JSON fields and without the content of base64 files."""
    return _FILE.sub(rb"\g<1>" + MASK.encode(), _JSON_SECRET.sub(_MASKED, body))


def _form(request: Any, body: bytes) -> bytes:
    """The fields of a form masked by their names, as a query's are."""
    kinds = (str(value) for name, value in request.headers.items() if name.lower() == "content-type")
    return _FORM_SECRET.sub(rb"\g<1>" + MASK.encode(), body) if any("urlencoded" in kind for kind in kinds) else body


def _headers(headers: Any, redactor: Redactor) -> dict[str, Any]:
    """Masked in the form that they had: vcrpy holds a response's values as lists."""
    return {
        name: redactor.value(([MASK] if isinstance(value, list) else MASK) if is_secret_name(name) else value)
        for name, value in headers.items()
    }
