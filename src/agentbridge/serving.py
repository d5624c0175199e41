"""Serves an ASGI app on this machine, from a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from .errors import ConfigurationError

_STARTUP = 10.0  # seconds


@contextlib.contextmanager
def listening(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A socket that listens; port 0 takes a free one. Raises ConfigurationError where it cannot be had."""
    # asyncio turns Nagle's wait of 40 ms off only where the protocol is named
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} cannot be used: {error.strerror}. Choose another with --port"
            ) from None
        listener.listen(128)
        yield listener


@contextlib.contextmanager
def running(app: Any, listener: socket.socket, name: str) -> Iterator[None]:
    """The app behind this socket until the end of the block."""
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", ws="none", http="h11", loop="asyncio", access_log=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name=name, daemon=True)
    thread.start()
    try:
        started = threading.Event()
        while not server.started and thread.is_alive():
            started.wait(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join(_STARTUP)
