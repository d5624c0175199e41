"""The corpus: what a target was fed before, from genuine exchanges on, and what once broke it. One file an input."""

from __future__ import annotations

import hashlib
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def inputs(target: str) -> list[bytes]:
    """The inputs of one target, in the order of their names."""
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]


def keep(target: str, data: bytes, what: str = "found") -> Path:
    """Add an input; the same one twice is one file."""
    path = CORPUS / target / f"{what}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
