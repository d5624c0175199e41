"""Find what looks like a key in the files that git knows or would add, and show where, never what.

    python tools/scan_secrets.py [FILE ...]

Exits with 1 where something is found that ALLOWED does not explain. A test's key has the word `canary` in it.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ALLOWED = {
    r"canary": "a test's own key; no vendor's would have this word in it",
    r"emulator-key": "what the emulators take",
    r"\*\*\*": "masked",
    r"//user:password@": "a remedy's sample",
    r"(replaced|not-a)-key": "in place of the keys of the recorded Flowise, and a wrong one (cassettes/flowise/raw)",
}
"""What may stand there although it looks like a key, and why. Each fits somewhere in the value."""

_WORD = r"[A-Za-z0-9+/_.=~-]"
KINDS = {
    "key": (r"sk-[A-Za-z0-9_-]{12,}", r"FLUX_API\.[\w-]{20,}", r"AIza[\w-]{35}", r"xox[abeprs]-[\w-]{10,}"),
    "GitHub token": (r"gh[opsur]_[A-Za-z0-9]{36}", r"github_pat_\w{22,}"),
    "AWS key": (r"A(?:KIA|SIA)[A-Z0-9]{16}",),
    "private key": (r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",),
    "JWT": (r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",),
    "Bearer token": (rf"[Bb]earer\s+{_WORD}{{16,}}",),
    "URL with a password": (r"https?://[^\s/:@'\"]+:[^\s/@'\"{}$]{6,}@[\w.-]+",),
}
"""Shapes of keys. Each begins with letters of its own, which makes it quick to find."""
_SHAPES = [(kind, re.compile(shape)) for kind, shapes in KINDS.items() for shape in shapes]
_FIELD = re.compile(r"[:=]\s*[\"']?([A-Za-z0-9+/_=~-]{20,})")  # without dots, which code has
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY_NAME = re.compile(r"(?i)(?<![a-z])api[-_]?key[\"']?\]?\s*$")
_FIELD_NAME = re.compile(r"(?i)(key|token|secret|password|authorization|credential)\w*[\"']?\]?\s*$")
_EXPLAINED = re.compile("|".join(ALLOWED))
_HEADER = re.compile(r"^\s*([A-Za-z][\w-]*):[ \t]*(?:\n\s*- )?(.*)$", re.MULTILINE)
_SECRET_HEADER = re.compile(r"(?i)authorization|cookie|key|token|secret")
_PUBLIC_HEADER = re.compile(r"(?i)etag|date|.*-request-id|content-.*|sec-.*|uri|source|provenance")
_ONE_WORD = re.compile(f"{_WORD}+")
_HEX = re.compile(r"(?i)[0-9a-f]+")
_ENTROPY = 3.6  # bits a character; words of a language have less


class Found(NamedTuple):
    """Something that looks like a key."""

    path: str
    line: int
    kind: str
    length: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind} ({self.length} characters)"


def looks_random(value: str) -> bool:
    """Whether a text is long and mixed enough to be made by a machine."""
    if len(value) < 20 or not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    shares = [count / len(value) for count in Counter(value).values()]
    return bool(_HEX.fullmatch(value)) or -sum(share * math.log2(share) for share in shares) >= _ENTROPY


def scan(path: str, text: str) -> Iterator[Found]:
    """What looks like a key in a text; a cassette's headers are looked at more closely."""
    places = [*_shapes(text), *_fields(text), *(_headers(text) if "cassettes/" in path else ())]
    for start, kind, value in sorted(places):
        if not _EXPLAINED.search(value):
            yield Found(path, text.count("\n", 0, start) + 1, kind, len(value))


def _shapes(text: str) -> Iterator[tuple[int, str, str]]:
    for kind, shape in _SHAPES:
        for found in shape.finditer(text):
            if not text[max(found.start() - 1, 0) : found.start()].isalnum():
                yield found.start(), kind, found.group()


def _fields(text: str) -> Iterator[tuple[int, str, str]]:
    """What looks random behind a telling name; UUIDs name many things, and are keys where they are called so."""
    for found in _FIELD.finditer(text):
        before, value = (max(found.start() - 40, 0), found.start()), found.group(1)
        name = _KEY_NAME if _UUID.fullmatch(value) else _FIELD_NAME
        if looks_random(value) and name.search(text, *before):
            yield found.start(1), "secret field", value


def _headers(text: str) -> Iterator[tuple[int, str, str]]:
    """Headers of secret names with anything in them, and others with one word that looks random."""
    for found in _HEADER.finditer(text):
        name, value = found.groups()
        if _SECRET_HEADER.search(name) and value.strip("'\" "):
            yield found.start(2), "secret header", value
        elif not _PUBLIC_HEADER.fullmatch(name) and _is_random(value.strip("'\"")):
            yield found.start(2), "random header", value


def _is_random(value: str) -> bool:
    return bool(_ONE_WORD.fullmatch(value)) and not _UUID.fullmatch(value) and looks_random(value)


def tree() -> list[str]:
    """The files that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603
    return sorted(path for path in listed.split("\0") if path and Path(path).is_file())


def main(paths: list[str]) -> int:
    """Scan these files, or the tree, and say what was found."""
    found = [
        finding
        for path in paths or tree()
        for finding in scan(Path(path).as_posix(), Path(path).read_bytes().decode("utf-8", "replace"))
    ]
    for finding in found:
        print(finding)
    if found:
        print(
            f"{len(found)} of these look like keys. Take them out; what is none is explained in ALLOWED of {__file__}"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
