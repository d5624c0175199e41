"""A receiver with a server of its own, for scripts and for the command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from .receiver import CallbackReceiver


@contextlib.contextmanager
def serve(
    store: str | os.PathLike[str] = "callbacks.sqlite",
    *,
    public_url: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    **options: Any,
) -> Iterator[CallbackReceiver]:
    """Serve a receiver from a thread until the end of the block; port 0 takes a free one.

    `public_url` is where vendors reach it; None is its own address, which only this machine reaches. `options` are
    those of CallbackReceiver.

    Raises:
        ConfigurationError: the port is taken, an option is wrong, or the extra is not installed.
    """
    from ..serving import listening, running
    from . import app  # noqa: F401 (it needs the extra: better said now than at the first callback)

    with listening(port, host) as listener:
        url = public_url or f"http://{host}:{listener.getsockname()[1]}"
        receiver = CallbackReceiver(url, store=store, **options)
        with running(receiver, listener, "agentbridge-callbacks", "callbacks"):
            yield receiver
