"""Serves an ASGI app on this machine, from a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .errors import ConfigurationError

_STOP = 10.0  # seconds


class LackingError(ConfigurationError, ImportError):
    """A package is not there that an extra brings."""


def lacking(error: ImportError, extra: str) -> LackingError:
    """What an import that failed means where an extra brings the package."""
    package = (error.name or "").partition(".")[0]
    lacks = LackingError(f"this needs the package {package}: pip install 'agentbridge-core[{extra}]'")
    lacks.name = package
    return lacks


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
def running(app: Any, listener: socket.socket, name: str, extra: str = "emulator") -> Iterator[None]:
    """The app behind this socket until the end of the block. Raises ConfigurationError where it cannot be served,
    or where `extra` is not installed.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise lacking(error, extra) from None
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", ws="none", http="h11", loop="asyncio", access_log=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    with in_thread(lambda: server.run([listener]), lambda: server.started, stop, name):
        yield


@contextlib.contextmanager
def in_thread(
    serve: Callable[[], None], has_started: Callable[[], bool], stop: Callable[[], None], name: str
) -> Iterator[None]:
    """A server in a thread of its own until the end of the block. Raises ConfigurationError where it does not begin."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            serve()
        except BaseException as error:
            if has_started():
                raise
            failures.append(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    waiting = threading.Event()
    while thread.is_alive() and not has_started():
        waiting.wait(0.005)
    if not has_started():
        raise ConfigurationError(f"{name} did not begin to serve: {next(map(repr, failures), 'it ended at once')}")
    try:
        yield
    finally:
        stop()
        thread.join(_STOP)
