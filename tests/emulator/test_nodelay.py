"""Answers of emulators leave at once: a client need not wait for a timer of the network's."""

from __future__ import annotations

import socket

from agentbridge.serving import listening


def test_what_listens_names_its_protocol_so_that_asyncio_sends_without_delay():
    with listening(0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY for these alone
