"""Plain values that cross the seam between deciding and doing. No I/O, no HTTP library, no vendor.

Those that are made in each call, here and elsewhere, have no slots: a frozen value with slots takes twice as long to make.
"""

from __future__ import annotations

import json
import mimetypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import attrs

JsonValue: TypeAlias = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]

T = TypeVar("T")

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LARGE = 32 * 1024  # bytes of JSON, from which on the faster reader is worth its import
_SHOWN = 200  # bytes of a body that a repr shows


def as_dict(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A copy, so that a caller who changes the original changes nothing here."""
    return dict(mapping)


def evolved(value: T, **changes: Any) -> T:
    """What `attrs.evolve` hands back, for values without slots that are made in each call: in a tenth of the time.

    No converter sees the changes: they must be of the right types already.
    """
    new = object.__new__(type(value))
    new.__dict__.update(value.__dict__, **changes)
    return new


def _lower_case(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _excerpt(content: bytes) -> str:
    return repr(content) if len(content) <= _SHOWN else f"{content[:_SHOWN]!r}... ({len(content)} bytes)"


def _length(content: bytes | None) -> str:
    return "None" if content is None else f"<{len(content)} bytes>"


@attrs.frozen
class File:
    """A file handed to an agent: its bytes, or the path of a file that is read while it is sent.

    `name` is what the vendor sees. `media_type` is guessed from the name where it is not given. `input` is the
    named input the file belongs to, for vendors that attach files to inputs.
    """

    name: str
    content: bytes | None = attrs.field(default=None, repr=_length)
    path: str | os.PathLike[str] | None = None
    media_type: str | None = None
    input: str | None = None

    @property
    def size(self) -> int:
        """How long it is, in bytes. Raises OSError where its path cannot be read."""
        return len(self.content) if self.content is not None else Path(self.path or "").stat().st_size

    @property
    def type(self) -> str:
        """The media type: the given one, else guessed from the name, else `application/octet-stream`."""
        return self.media_type or mimetypes.guess_type(self.name)[0] or "application/octet-stream"


@attrs.frozen
class Link:
    """A URL that the vendor fetches by itself. `name` is a label; `input` the named input it belongs to."""

    url: str
    name: str | None = None
    input: str | None = None


@attrs.frozen
class DataUrl:
    """A leaf of a JSON body: the file as `data:<media type>;base64,<content>` (RFC 2397)."""

    file: File


@attrs.frozen
class FileText:
    """A leaf of a JSON body: the content of a UTF-8 text file as a JSON string."""

    file: File


def _idempotent_by_method(request: HttpRequest) -> bool:
    return request.method.upper() in {"GET", "HEAD"}


@attrs.frozen(getstate_setstate=False, slots=False)
class HttpRequest:
    """What a provider wants sent.

    Secrets stand in `auth` (header name -> value) only: `repr`, equality, copies and pickles leave it out. At most
    one of `json`, `form` and `content` is set. `json` may hold `File`, `DataUrl` and `FileText` leaves, which are
    encoded while they are sent; `form` holds strings and `File`s and is sent as multipart/form-data. `query` is
    added to what `url` already has. `idempotent` says that sending it twice does no harm (default: GET and HEAD).
    """

    method: str
    url: str
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=as_dict)
    auth: Mapping[str, str] = attrs.field(factory=dict, converter=as_dict, repr=False, eq=False)
    json: Any = None
    form: Mapping[str, Any] | None = None
    content: bytes | None = attrs.field(default=None, repr=_length)
    idempotent: bool = attrs.field(default=attrs.Factory(_idempotent_by_method, takes_self=True))
    query: Mapping[str, str] = attrs.field(factory=dict, converter=as_dict)

    @property
    def is_mail(self) -> bool:
        """Whether this is an e-mail for the SMTP server that `url` names (see `transport.smtp`), and no HTTP."""
        return self.url.startswith(("smtp://", "smtps://", "smtp+plain://"))

    def __getstate__(self) -> dict[str, Any]:
        state = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        return {**state, "auth": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)


@attrs.frozen(slots=False)
class HttpResponse:
    """What the vendor answered. Header names are lower-case. `request` is what was asked, without its secrets."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_lower_case)
    content: bytes = attrs.field(default=b"", repr=_excerpt)
    request: HttpRequest | None = attrs.field(default=None, repr=False)
    _decoded: list[Any] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @property
    def ok(self) -> bool:
        """True for a status from 200 to 299. It does not mean that the agent succeeded."""
        return 200 <= self.status <= 299

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; empty where the vendor sent none."""
        return media_type(self.headers)

    @property
    def text(self) -> str:
        """The body as text: UTF-8, with what is not UTF-8 replaced."""
        return self.content.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """The body as JSON, decoded once. A byte order mark is skipped.

        Raises:
            ValueError: for what is not JSON, and for NaN and Infinity, which JSON does not have.
        """
        if not self._decoded:
            self._decoded.append(decode_json(self.content))
        return self._decoded[0]


def media_type(headers: Mapping[str, str]) -> str:
    """The media type that lower-case headers say, without parameters and in lower case; empty where they say none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


@attrs.frozen
class NoAnswer:
    """Why a request brought no answer.

    `connect`: nothing reached the vendor. `timeout`: silence for too long. `lost`: the connection broke after
    something was sent. `deadline`: the total time of the call was up. `unreadable`: an answer came that cannot be
    decompressed, or is too large. `detail` is the HTTP library's own word, `response` what did arrive of an answer that
    broke off. `sent` is False where no connection ever stood.
    """

    reason: Literal["connect", "timeout", "lost", "deadline", "unreadable"]
    detail: str = ""
    response: HttpResponse | None = None
    sent: bool = True


@attrs.frozen
class Sleep:
    """Asks a driver to wait for so many seconds. `cause` is the failure that is tried again afterwards, for who looks on."""

    seconds: float
    cause: object = attrs.field(default=None, repr=False, eq=False)


def decode_json(content: bytes | str) -> Any:
    """Decode JSON strictly: no NaN, no Infinity, and every failure is a ValueError (also nesting too deep).

    A number that no float holds, as 1e999, is infinite.
    """
    if len(content) < _LARGE:
        return _decoded(content)
    from pydantic_core import from_json  # takes two thirds of the time, but is slow to import

    try:
        return from_json(content, allow_inf_nan=False, cache_strings="keys")
    except ValueError:  # also for JSON that it does not read: a byte order mark, half a surrogate pair, deep nesting
        return _decoded(content)


def _decoded(content: bytes | str) -> Any:
    text = content.removeprefix(_BYTE_ORDER_MARK).decode() if isinstance(content, bytes) else content
    try:
        if text.startswith("{"):
            value, end = _DECODER.raw_decode(text)  # without a search for blanks around it, where there are none
            if end == len(text) or not text[end:].strip(" \t\r\n"):
                return value
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise
        return _PATIENT_DECODER.decode(text)


def _whole(number: str) -> int | str:
    """A whole number of thousands of digits, which Python refuses to read, stays the text it was."""
    try:
        return int(number)
    except ValueError:
        return number


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_PATIENT_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_whole)
