"""What all endpoints of Flowise share: the address, the key, and how they say no."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from agentbridge import (
    Call,
    Fault,
    File,
    HttpRequest,
    HttpResponse,
    Link,
    UnsupportedFeatureError,
)

from . import wire

if TYPE_CHECKING:
    from agentbridge.reading import Reply

R = TypeVar("R", bound="Reply")


def authorization(api_key: str | None) -> dict[str, str]:
    """The header of a key; "bearer" in lower case is refused (T: key_good_lowercase_bearer)."""
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def root(base_url: str) -> str:
    """The server's address, also of a copied endpoint URL: all paths begin at /api/v1."""
    return re.sub(r"/api/v1(/.*)?$", "", base_url.partition("?")[0])


def flow_id(agent: str) -> str:
    """The id of a flow, also from a copied endpoint URL."""
    return agent.partition("?")[0].rstrip("/").rpartition("/prediction/")[2] if "/prediction/" in agent else agent


@lru_cache(maxsize=256)
def prediction(base_url: str, agent: str) -> str:
    """The URL at which a flow is asked; the same for all its calls."""
    return f"{root(base_url)}/api/v1/prediction/{quote(flow_id(agent), safe='')}"


def request(call: Call, method: str, *steps: str, **more: Any) -> HttpRequest:
    """A request below `/api/v1`. The key is sent to public paths too: a server may close them (S: DENYLIST_URLS, index.ts)."""
    path = "/".join(quote(step, safe="") for step in steps)
    return HttpRequest(method, f"{root(call.base_url)}/api/v1/{path}", auth=authorization(call.api_key), **more)


def refusal(response: HttpResponse) -> Fault | None:
    """What went wrong, by status or by body; None where nothing says so. Raises ValueError for what is no JSON."""
    if response.ok and not wire.is_failure(response.json()):
        return None
    from . import failures

    return failures.in_answer(response)


def each(model: type[R], entries: Iterable[Any]) -> tuple[list[tuple[R, Any]], tuple[str, ...]]:
    """The entries of a list, each read and as it came, and what could not be read.

    Raises:
        ValueError: where there are entries and none can be read: then it is another list than the one asked for.
    """
    found: list[tuple[R, Any]] = []
    warnings: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            reply, noted = model.parse(entry)
        except ValueError:
            warnings.append(f"entry {number} of the answer is unreadable and left out")
        else:
            found.append((reply, entry))
            warnings += noted
    if warnings and not found:
        raise ValueError("no entry of the list can be read")
    return found, tuple(warnings)


SIZE_LIMIT = 50 * 1024 * 1024
"""What a server takes at once unless its owner set FLOWISE_FILE_SIZE_LIMIT (S: index.ts; T: body_toolarge)."""


def check_size(files: Iterable[File | Link], options: Mapping[str, Any], *, encoded: bool = False) -> None:
    """Raise UnsupportedFeatureError for files that a server refuses, before they are sent; `encoded` as base64."""
    limit = options.get("fileSizeLimit", SIZE_LIMIT)
    if limit is not None and (not isinstance(limit, int) or limit <= 0):
        raise UnsupportedFeatureError("options['fileSizeLimit']", f"{limit!r} must be a number of bytes, or None")
    size = sum(map(_size, files)) * (4 if encoded else 3) // 3
    if limit is not None and size > limit:
        raise UnsupportedFeatureError(
            "files",
            f"they are {size / 2**20:.0f} MB as they are sent, and a server takes {limit / 2**20:.0f} MB. If yours takes more"
            " (FLOWISE_FILE_SIZE_LIMIT), say so: options = { fileSizeLimit = <bytes> } of the connection",
        )


def _size(file: File | Link) -> int:
    """A file that cannot be read is refused by the core, in better words."""
    try:
        return file.size if isinstance(file, File) else 0
    except (OSError, ValueError):
        return 0
