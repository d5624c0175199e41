"""What would be sent, for a person to read: secrets masked, files named instead of quoted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from typing import Any

import attrs

from ..body import final_url
from ..redaction import without_auth
from ..wire import DataUrl, File, FileText, HttpRequest


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen
class Prepared:
    """What `Bridge.prepare` would have sent; `dropped` names the fields that were left out."""

    request: HttpRequest
    dropped: tuple[str, ...] = attrs.field(default=(), converter=_names)
    warnings: tuple[str, ...] = attrs.field(default=(), converter=_names)

    def curl(self) -> str:
        """The same request as a curl command. Secrets are `***`, files stand as their names."""
        return curl(self.request)


def curl(request: HttpRequest) -> str:
    """One header or body a line, quoted for a POSIX shell."""
    shown = without_auth(request)
    lines = [f"curl -X {shown.method} {shlex.quote(final_url(shown))}"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in {**shown.auth, **shown.headers}.items()]
    return " \\\n  ".join(lines + _body(shown))


def _body(request: HttpRequest) -> list[str]:
    if request.json is not None:
        text = json.dumps(request.json, default=_leaf, ensure_ascii=False)
        return ["-H 'Content-Type: application/json'", f"-d {shlex.quote(text)}"]
    if request.form is not None:
        return [_field(name, item) for name, value in request.form.items() for item in _items(value)]
    if request.content is not None:
        return [f"--data-raw {shlex.quote(request.content.decode('utf-8', 'replace'))}"]
    return []


def _items(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


def _field(name: str, value: Any) -> str:
    """A text that begins with @ is a text: --form-string does not read a file of that name."""
    if isinstance(value, File):
        return f"-F {shlex.quote(f'{name}=@{value.path or value.name}')}"
    return f"--form-string {shlex.quote(f'{name}={value}')}"


def _leaf(value: Any) -> Any:
    if isinstance(value, FileText):
        return f"<text of {value.file.name}>"
    if isinstance(value, DataUrl):
        return f"data:{value.file.type};base64,<{value.file.name}>"
    return f"<base64 of {value.name}>" if isinstance(value, File) else dict(value)
