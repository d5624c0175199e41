"""What the answers of operations mean. By status; in a 2xx by the documented signs of a failure; never by prose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from agentbridge import Fault, HttpResponse

from . import wire
from .failures import failure

T = TypeVar("T")


def read(
    response: HttpResponse, parse: Callable[[dict[str, Any]], T], signs: Iterable[wire.Sign] = wire.SIGNS
) -> T | Fault:
    """What `parse` makes of a success; a failure in any of the vendor's shapes is a Fault.

    Raises:
        ValueError: it is no JSON object, or lacks the proof of success.
    """
    body = response.json()
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    return failure(body, response.status, signs=signs) or parse(body)
