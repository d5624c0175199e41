"""The kinds of damage: each makes of an answer that was meant a script of what is sent."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Any, Literal

import attrs

from ..wire import HttpResponse
from .scripts import End, Head, Piece, Raw, Script, Wait

_LONG = 60.0  # seconds that a silent server keeps the connection
_DRIP = 0.05  # seconds between two bytes
_BOMB = 1024  # mebibytes, of which each travels as one kilobyte


@attrs.frozen
class Case:
    """One answer to be damaged."""

    meant: HttpResponse
    at: float
    choice: Random
    elsewhere: str

    @property
    def place(self) -> int:
        """Where in the body; before its last byte."""
        return int(len(self.meant.content) * self.at)


@attrs.frozen
class Kind:
    """One kind of damage, and whether it comes before the run."""

    told: str
    script: Callable[[Case], Script]
    before: bool = False


def whole(answer: HttpResponse) -> Script:
    """An answer as it is."""
    return (_head(answer), Piece(answer.content), End("proper"))


def _head(answer: HttpResponse, headers: Mapping[str, str] | None = None, *, length: int | None = None) -> Head:
    """With its length, or another one."""
    kept = {name: value for name, value in answer.headers.items() if name not in {"content-length", "connection"}}
    said = {**kept, "content-length": str(len(answer.content) if length is None else length), **(headers or {})}
    return Head(answer.status, tuple(said.items()))


def _unmeasured(answer: HttpResponse, header: str, value: str) -> Head:
    """Without a length: the body ends as this header says."""
    head = _head(answer, {header: value})
    return attrs.evolve(head, headers=tuple(pair for pair in head.headers if pair[0] != "content-length"))


def _other(status: int, kind: str, text: str, **headers: str) -> Script:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return whole(HttpResponse(status, {"content-type": kind, **told}, text.encode()))


def _saying(change: Callable[[Case], bytes]) -> Callable[[Case], Script]:
    """A body that says something else, sent properly."""
    return lambda case: whole(attrs.evolve(case.meant, content=change(case)))


def _before(*acts: Any) -> Callable[[Case], Script]:
    """Something before an answer that is as it was meant."""
    return lambda case: (*acts, *whole(case.meant))


def _broken(how: Literal["closed", "reset"]) -> Callable[[Case], Script]:
    return lambda case: (_head(case.meant), Piece(case.meant.content[: case.place]), End(how))


def _with_field(case: Case, field: str) -> bytes:
    """One more field at the start of a JSON object: of the whole answer, or of one event of a stream."""
    starts = [found.end() for found in re.finditer(rb"(?:^|data: ?)\{", case.meant.content)]
    if not starts:
        return case.meant.content
    start = starts[int(len(starts) * case.at)]
    return case.meant.content[:start] + field.encode() + b"," + case.meant.content[start:]


def _deep(case: Case) -> bytes:
    depth = case.choice.choice((50, 300, 700, 950, 5_000, 100_000))
    return _with_field(case, '"deep": ' + "[" * depth + "]" * depth)


def _repeated(case: Case) -> bytes:
    """The first keys twice, with nonsense first: of two values the last one counts, for every common parser."""
    keys = re.findall(rb'"(\w+)":', case.meant.content)[: case.choice.randint(1, 3)]
    return _with_field(case, ",".join(f'"{key.decode()}":"nonsense"' for key in keys) or '"key":1')


def _with_bytes(case: Case) -> bytes:
    odd = case.choice.choice((b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\x80", b"\xf0\x9f\x98"))
    return case.meant.content[: case.place] + odd + case.meant.content[case.place :]


def _drip(case: Case) -> Script:
    drops = [act for byte in case.meant.content for act in (Piece(bytes([byte])), Wait(_DRIP))]
    return (_head(case.meant), *drops, End("proper"))


def _dripping_head(_: Case) -> Script:
    head = b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 2000
    return tuple(act for byte in head for act in (Raw(bytes([byte])), Wait(_DRIP)))


def _longer(case: Case) -> Script:
    more = case.choice.choice((1, 100, 10**9))
    return (_head(case.meant, length=len(case.meant.content) + more), Piece(case.meant.content), End("closed"))


def _shorter(case: Case) -> Script:
    return (_head(case.meant, length=case.place), Piece(case.meant.content), End("proper"))


def _nonsense_length(case: Case) -> Script:
    length = case.choice.choice(("-1", "12abc", "9" * 30, "5, 6", ""))
    return (_head(case.meant, {"content-length": length}), Piece(case.meant.content), End("closed"))


def _chunked(case: Case) -> Script:
    pieces = (Piece(case.meant.content[: case.place]), Raw(case.choice.choice((b"zz\r\n", b"-5\r\n", b"\0" * 40))))
    return (_unmeasured(case.meant, "transfer-encoding", "chunked"), *pieces, End("closed"))


def _unclosed(*, cut: bool) -> Callable[[Case], Script]:
    def script(case: Case) -> Script:
        content = case.meant.content[: case.place] if cut else case.meant.content
        return (_unmeasured(case.meant, "connection", "close"), Piece(content), End("closed"))

    return script


def _silent(case: Case) -> Script:
    return (_head(case.meant), Piece(case.meant.content[: case.place]), Wait(_LONG), End("closed"))


def _redirected(case: Case) -> Script:
    where = case.choice.choice((case.elsewhere, case.elsewhere, "//" + case.elsewhere.partition("//")[2], *_NOWHERE))
    return _other(case.choice.choice((301, 302, 303, 307, 308)), "text/html", "<html>Moved</html>", location=where)


_NOWHERE = ("http://[::1", "http://host:99999999/", "", "javascript:alert(1)", "http://xn--/", "\x7f")


def _encoded(encode: Callable[[bytes], bytes], *names: str) -> Callable[[Case], Script]:
    def script(case: Case) -> Script:
        answer = attrs.evolve(case.meant, content=encode(case.meant.content))
        return (_head(answer, {"content-encoding": case.choice.choice(names)}), Piece(answer.content), End("proper"))

    return script


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """A gibibyte of zeros, as a mebibyte of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    one = packer.compress(bytes(1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + one * _BOMB


def _huge_headers(case: Case) -> Script:
    size, count = case.choice.choice(((20_000, 1), (300_000, 1), (5_000_000, 1), (10, 5000)))
    return (_head(case.meant, {f"x-{number}": "x" * size for number in range(count)}), *whole(case.meant)[1:])


def _odd_headers(case: Case) -> Script:
    odd = {
        "retry-after": case.choice.choice(("soon", "1e400", "-5", "nan", "Thu, 99 Foo 2026")),
        "set-cookie": case.choice.choice(("a", "=;=;", "session=1; Domain=.com; Max-Age=x", "x" * 5000)),
        "x-odd": case.choice.choice(("\x80\xff", "caf\xe9", "\t tab", "")),
        "date": "yesterday",
    }
    return (_head(case.meant, odd), *whole(case.meant)[1:])


def _closing_after(case: Case) -> Script:
    return (*whole(case.meant)[:2], End("closed"))


def _informational(number: int, status: int = 103) -> tuple[Raw, ...]:
    return (Raw(f"HTTP/1.1 {status} Noise\r\nlink: </style.css>; rel=preload\r\n\r\n".encode()),) * number


_NOISE = (*_informational(1, 100), *_informational(1, 102), *_informational(50))
_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"

KINDS: dict[str, Kind] = {
    "reset-before-run": Kind("the connection is reset before anything runs", lambda _: (End("reset"),), before=True),
    "refused": Kind(
        "429 or 503, and nothing runs",
        lambda case: _other(case.choice.choice((429, 503)), "text/html", "<html>Busy</html>", retry_after="0"),
        before=True,
    ),
    "redirect": Kind("a redirect to another host, or to nowhere, and nothing runs", _redirected, before=True),
    "gave-up": Kind(
        "502, 504 or 52x of a proxy that no longer waits for the run",
        lambda case: _other(case.choice.choice((502, 504, 520, 524)), "text/html", "<html>Bad gateway</html>"),
    ),
    "server-error": Kind("500 after the run", lambda _: _other(500, "text/plain", "Internal Server Error")),
    "reset": Kind("the connection is reset instead of an answer", lambda _: (End("reset"),)),
    "reset-in-head": Kind(
        "the connection is reset in the headers", lambda _: (Raw(b"HTTP/1.1 200 OK\r\ncontent-ty"), End("reset"))
    ),
    "reset-after-head": Kind(
        "the connection is reset after the headers", lambda case: (_head(case.meant), End("reset"))
    ),
    "reset-in-body": Kind("the connection is reset in the body", _broken("reset")),
    "closed": Kind("the connection is closed without an answer", lambda _: (End("closed"),)),
    "closed-in-body": Kind("the connection is closed in the body", _broken("closed")),
    "closed-after": Kind("the connection is closed after the answer, without a word", _closing_after),
    "length-too-long": Kind("the length promises more than there is", _longer),
    "length-too-short": Kind("the length promises less than there is", _shorter),
    "length-nonsense": Kind("the length is no number", _nonsense_length),
    "no-length": Kind("the answer has no length, and ends with the connection", _unclosed(cut=False)),
    "no-length-cut": Kind("half of an answer without a length", _unclosed(cut=True)),
    "bad-chunks": Kind("the chunks end in nonsense", _chunked),
    "cut": Kind(
        "the answer ends in the middle, a stream in an event, and HTTP has no complaint",
        _saying(lambda case: case.meant.content[: case.place]),
    ),
    "extra": Kind("more bytes follow the answer", lambda case: (*whole(case.meant), Raw(b"HTTP/1.1 200 OK\r\nmore"))),
    "drip": Kind("the body drips, a byte every 50 ms", _drip),
    "drip-head": Kind("the headers drip, a byte every 50 ms", _dripping_head),
    "silence": Kind("no answer for a minute", lambda _: (Wait(_LONG), End("closed"))),
    "silence-in-body": Kind("half a body, then a minute of silence", _silent),
    "informational": Kind("dozens of 1xx before the answer", _before(*_NOISE)),
    "informational-only": Kind(
        "1xx without end, and no answer",
        lambda _: tuple(act for noise in _informational(1200) for act in (noise, Wait(_DRIP))),
    ),
    "switching": Kind(
        "101, as if another protocol had been asked for",
        lambda _: (
            Raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
            End("closed"),
        ),
    ),
    "garbage": Kind(
        "no HTTP at all",
        lambda case: (Raw(case.choice.choice((b"\0" * 50, b"SSH-2.0-x\r\n", b"HTTP/9 banana\r\n\r\n"))), End("closed")),
    ),
    "huge-headers": Kind("headers of 20 kB to 5 MB", _huge_headers),
    "odd-headers": Kind("headers that cannot be read", _odd_headers),
    "gzip": Kind("properly compressed", _encoded(gzip.compress, "gzip", "GZIP", "x-gzip")),
    "gzip-broken": Kind("said to be compressed, and is not", _encoded(bytes, "gzip", "deflate", "br", "zstd", "x")),
    "gzip-cut": Kind(
        "compressed, and cut", _encoded(lambda content: gzip.compress(content)[: len(content) // 3 + 1], "gzip")
    ),
    "bomb": Kind("a mebibyte that becomes a gibibyte", _encoded(lambda _: bomb(), "gzip")),
    "html": Kind("HTTP 200 with a login page", lambda _: _other(200, "text/html", _PAGE)),
    "empty": Kind("HTTP 200 with an empty body", _saying(lambda _: b"")),
    "invalid-utf8": Kind("bytes in the body that are no UTF-8", _saying(_with_bytes)),
    "repeated-keys": Kind("keys of the JSON twice, nonsense first", _saying(_repeated)),
    "deep": Kind("JSON nested up to 100,000 deep", _saying(_deep)),
    "nan": Kind("NaN in the JSON", _saying(lambda case: _with_field(case, '"number": NaN'))),
}
