"""How an answer is sent, act by act: what damages are made of."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs


@attrs.frozen
class Head:
    """The status and the headers."""

    status: int
    headers: tuple[tuple[str, str], ...]


@attrs.frozen
class Piece:
    """Bytes of the body, which are framed as the headers say."""

    data: bytes


@attrs.frozen
class Raw:
    """Bytes that are no part of any answer, or not as they should be."""

    data: bytes


@attrs.frozen
class Wait:
    """Silence, in seconds."""

    seconds: float


@attrs.frozen
class End:
    """How it ends: `proper` as HTTP has it, `closed` in the middle, `reset` by an RST."""

    how: Literal["proper", "closed", "reset"]


Script: TypeAlias = tuple[Head | Piece | Raw | Wait | End, ...]
