"""A request's body, fixed once before the first attempt. Files in it are read again for each attempt, in pieces."""

from __future__ import annotations

import base64
import json
import math
import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import attrs

from .errors import ConfigurationError, UnsupportedFeatureError
from .wire import DataUrl, File, FileText, HttpRequest

_PIECE = 192 * 1024  # bytes read at a time: a multiple of 3, so that base64 pieces join without padding


@attrs.frozen
class Base64Of:
    """A piece of a body: a file's content in base64. `size` is the file's, in bytes, when the body was fixed."""

    file: File
    size: int

    @property
    def length(self) -> int:
        return 4 * math.ceil(self.size / 3)

    def pieces(self) -> Iterator[bytes]:
        return (base64.b64encode(piece) for piece in _read(self.file, self.size))


@attrs.frozen
class BytesOf:
    """A piece of a body: a file's content as it is."""

    file: File
    size: int

    @property
    def length(self) -> int:
        return self.size

    def pieces(self) -> Iterator[bytes]:
        return _read(self.file, self.size)


Part: TypeAlias = bytes | Base64Of | BytesOf


@attrs.frozen(slots=False)
class Body:
    """The bytes of one request as parts, its length in bytes and its media type."""

    parts: tuple[Part, ...]
    content_type: str | None = None
    length: int = attrs.field(init=False)

    @length.default
    def _measure(self) -> int:
        length = 0
        for part in self.parts:
            length += len(part) if isinstance(part, bytes) else part.length
        return length

    @property
    def content(self) -> bytes | None:
        """All of it, where no file has to be read; else None."""
        if not self.parts:
            return b""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], bytes) else None

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces; may be asked for again, for a second attempt."""
        for part in self.parts:
            yield from (part,) if isinstance(part, bytes) else part.pieces()


def encode(request: HttpRequest) -> Body:
    """The body that a request asks for.

    Raises:
        ConfigurationError: a file does not exist, or is not text where text is needed.
        UnsupportedFeatureError: a value that JSON cannot carry.
    """
    if request.content is not None:
        return Body((request.content,))
    if request.form is not None:
        return _multipart(request.form)
    if request.json is not None:
        return Body(_json_parts(request.json), "application/json")
    return Body(())


def check_file(file: File) -> None:
    """Raise ConfigurationError unless the file has content or can be read."""
    for field, kinds in (
        ("name", str),
        ("content", bytes),
        ("path", (str, os.PathLike)),
        ("media_type", str),
        ("input", str),
    ):
        value = getattr(file, field)
        if not isinstance(value, kinds) and (value is not None or field == "name"):
            raise ConfigurationError(
                f"File.{field} takes {'bytes' if field == 'content' else 'a str'}, not {type(value).__name__}"
            )
    if not (file.media_type or "").isprintable():
        raise ConfigurationError(f"File.media_type {file.media_type!r} has a control character")
    if (file.content is None) == (file.path is None):
        raise ConfigurationError(f"File {file.name!r} needs either content or path, and not both")
    _size(file)


_MARK = uuid.uuid4().hex  # random, so that no caller's text holds it by accident or intent


def _plain(value: Any) -> Any:
    """What is no JSON by itself, but holds no file either."""
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return dict(value)
    raise TypeError


_FORM: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
_ENCODER = json.JSONEncoder(default=_plain, **_FORM)


def _json_parts(value: Any) -> tuple[Part, ...]:
    """JSON in one piece; where there are files in it, cut at each of them."""
    try:
        return (_ENCODER.encode(value).encode(),)
    except (TypeError, ValueError, RecursionError):
        return _cut_at_files(value)


def _cut_at_files(value: Any) -> tuple[Part, ...]:
    """JSON with a mark for each file, cut at the marks: the text between is fixed, the files are read while sending."""
    mark = _MARK
    files: list[File] = []

    def leaf(value: Any) -> Any:
        if isinstance(value, FileText):
            return _text(value.file)
        if isinstance(value, DataUrl):
            files.append(value.file)
            return f"data:{value.file.type};base64,{mark}"
        if isinstance(value, File):
            files.append(value)
            return mark
        return _plain(value)

    try:
        text = json.dumps(value, default=leaf, **_FORM).encode()
    except (TypeError, ValueError, RecursionError):
        raise _not_json(value) from None
    first, *rest = text.split(mark.encode()) if files else [text]
    return (
        first,
        *(part for file, after in zip(files, rest, strict=True) for part in (Base64Of(file, _size(file)), after)),
    )


def _multipart(form: Mapping[str, Any]) -> Body:
    boundary = uuid.uuid4().hex
    parts: list[Part] = []
    for name, value in form.items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            parts += [
                _part_head(boundary, name, item),
                BytesOf(item, _size(item)) if isinstance(item, File) else str(item).encode(),
                b"\r\n",
            ]
    return Body((*parts, f"--{boundary}--\r\n".encode()), f"multipart/form-data; boundary={boundary}")


def _part_head(boundary: str, name: str, item: Any) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
    if isinstance(item, File):
        head += f'; filename="{_quoted(item.name)}"\r\nContent-Type: {item.type}'
    return f"{head}\r\n\r\n".encode()


def _quoted(name: str) -> str:
    """A name inside a quoted header value, escaped as browsers do (WHATWG HTML, multipart/form-data)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _not_json(value: Any) -> UnsupportedFeatureError:
    path, reason = _offender(value, "", 0) or ("body", "it cannot be written as JSON")
    return UnsupportedFeatureError(
        path.lstrip("."), f"{reason}. Convert it to text, a number, a list or an object first"
    )


def _offender(value: Any, path: str, depth: int) -> tuple[str, str] | None:
    """The first value that JSON cannot carry, and why."""
    if depth > 200:
        return path[:80], "it is nested too deeply, or contains itself"
    if isinstance(value, Mapping):
        bad = next((key for key in value if not isinstance(key, str)), None)
        if bad is not None:
            return path or "body", f"its key {bad!r} is no string"
        return _first(((f"{path}.{key}", item) for key, item in value.items()), depth)
    if isinstance(value, (list, tuple)):
        return _first(((f"{path}[{index}]", item) for index, item in enumerate(value)), depth)
    return _unfit(value, path)


def _first(items: Iterator[tuple[str, Any]], depth: int) -> tuple[str, str] | None:
    return next((found for path, item in items if (found := _offender(item, path, depth + 1))), None)


def _unfit(value: Any, path: str) -> tuple[str, str] | None:
    if isinstance(value, float) and not math.isfinite(value):
        return path, f"{value!r} is no JSON number"
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return path, "it has half of a surrogate pair, which is no text"
    if value is None or isinstance(value, (str, int, float, File, DataUrl, FileText)):
        return None
    return path, f"a value of type {type(value).__name__} has no JSON form"


def _size(file: File) -> int:
    if file.content is not None:
        return len(file.content)
    try:
        path = Path(os.fspath(file.path or ""))
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # the length is sent before the content, so it has to be known
            raise OSError("it is no regular file")
        return status.st_size
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"file {os.fspath(file.path or '')!r} cannot be read: {getattr(error, 'strerror', None) or error}. Nothing was sent"
        ) from None


def _read(file: File, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes, as the length that was announced says. Raises ConfigurationError for any other number."""
    if file.content is not None:
        view = memoryview(file.content)
        yield from (bytes(view[start : start + _PIECE]) for start in range(0, len(view), _PIECE))
        return
    try:
        with open(file.path or "", "rb") as stream:
            while piece := stream.read(_PIECE):
                size -= len(piece)
                if size < 0:
                    break
                yield piece
    except OSError as error:
        raise ConfigurationError(f"file {file.name!r} could not be read while it was sent: {error.strerror}") from None
    if size:
        raise ConfigurationError(f"file {file.name!r} changed while it was sent; the vendor got an incomplete request")


def _text(file: File) -> str:
    try:
        return b"".join(_read(file, _size(file))).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"file {file.name!r} is sent as text, but is not UTF-8. Convert it, or give its true media_type"
        ) from None


def final_url(request: HttpRequest) -> str:
    """The URL with `query` added to what it already has; nothing in it is replaced, names and values are escaped."""
    if not request.query:
        return request.url
    added = "&".join(f"{quote(name, safe='')}={quote(str(value), safe='')}" for name, value in request.query.items())
    base, hash_mark, fragment = request.url.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{added}{hash_mark}{fragment}"
