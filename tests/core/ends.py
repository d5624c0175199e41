"""Both ends of a connection of asyncio."""

from __future__ import annotations

import contextlib
import socket

from agentbridge.transport.sockets import connected

LIMIT = 10.0  # seconds
SHORT = 0.05


@contextlib.asynccontextmanager
async def pair(core):
    """Two ends of a connection: ours, and a socket of the other side."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = await connected(core, *listener.getsockname(), LIMIT)
        other, _ = listener.accept()
    with other:
        yield stream, other
        await stream.aclose()


def reset(other):
    """Hang up on the other end at once, as a server does that has read not all."""
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    other.close()
