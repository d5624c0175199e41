"""Large uploads are sent in pieces: memory stays flat, whatever their size, in both worlds."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading

import pytest
import servers

from agentbridge import Connection, File, errors

HUGE = 100 * 1024 * 1024
ROOM = 24 * 1024 * 1024  # bytes that the whole call may take, with what it imports

CLIENT = """
import asyncio, resource, sys
from agentbridge import AsyncBridge, Bridge, Connection, File
from agentbridge_{vendor} import {operation}

kilobytes = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
world, url, small, huge = sys.argv[1:]
connections = {{"{vendor}": Connection("{vendor}", url, "canary-key-7f3a", options={options})}}

def made(path):
    return {operation}({arguments}files=[File("a.bin", path=path)])

async def awaiting():
    library = "aiohttp" if world == "aiohttp" else "httpx"
    async with AsyncBridge({{}}, connections=connections, transport=library) as bridge:
        await bridge.call(made(small))
        before = kilobytes()
        await bridge.call(made(huge))
        return kilobytes() - before

def blocking():
    with Bridge({{}}, connections=connections) as bridge:
        bridge.call(made(small))
        before = kilobytes()
        bridge.call(made(huge))
        return kilobytes() - before

print(blocking() if world == "sync" else asyncio.run(awaiting()))
"""

POD = {"success": True, "data": {"message": "Files queued", "pods": {"id": "p-1", "name": "docs", "files": []}}}
CALLS = {
    "fluxprompt": ("AddDocuments", 'pod_id="p-1", ', "{}", json.dumps(POD).encode()),
    "flowise": (
        "AttachFiles", '"f-1", "c-1", ', '{"fileSizeLimit": None}',
        b'[{"name": "a.bin", "mimeType": "x/y", "size": 1, "content": "ok"}]',
    ),
}  # fmt: skip


class Sink:
    """Takes uploads, forgets them, and knows how long they were."""

    def __init__(self, answer: bytes) -> None:
        self.lengths: list[int] = []
        self._answer = answer

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while self._one(connection):
                    pass

    def _one(self, connection: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return False
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))  # type: ignore[union-attr]
        taken, buffer = len(body), bytearray(1 << 20)
        while taken < length:
            if not (count := connection.recv_into(buffer)):
                return False
            taken += count
        self.lengths.append(length)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(self._answer)
        )
        connection.sendall(self._answer)
        return True


@pytest.mark.parametrize("world", ["sync", "async", "aiohttp"])
@pytest.mark.parametrize("vendor", CALLS)
def test_memory_stays_flat_when_a_huge_file_is_sent(vendor, world, tmp_path):
    operation, arguments, options, answer = CALLS[vendor]
    small, huge = tmp_path / "small.bin", tmp_path / "huge.bin"
    small.write_bytes(b"x" * 1024)
    with huge.open("wb") as file:
        file.truncate(HUGE)
    sink = Sink(answer)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=sink.serve, args=(listener,), daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    code = CLIENT.format(vendor=vendor, operation=operation, arguments=arguments, options=options)
    done = subprocess.run(
        [sys.executable, "-c", code, world, url, str(small), str(huge)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    listener.close()
    assert done.returncode == 0, done.stderr
    assert sink.lengths[-1] > HUGE
    assert int(done.stdout) * 1024 < ROOM


LARGE = File("a.bin", b"x" * 1000)


@pytest.mark.parametrize(
    ("limit", "fits"), [(1000, True), (999, False), (None, True), (0, False), ("many", False)], ids=repr
)
def test_flowise_is_sent_no_more_than_it_takes(open_bridge, limit, fits):
    from agentbridge_flowise import AttachFiles

    script = servers.answer("200 OK", CALLS["flowise"][3])
    with servers.serving(script) as server:
        connection = Connection("flowise", server.url, options={"fileSizeLimit": limit})
        bridge = open_bridge(config={}, connections={"flowise": connection})
        if fits:
            assert bridge.call(AttachFiles("f-1", "c-1", [LARGE])).attachments
        else:
            with pytest.raises(errors.UnsupportedFeatureError, match="fileSizeLimit"):
                bridge.call(AttachFiles("f-1", "c-1", [LARGE]))
        assert len(server.requests) == fits


def test_what_is_sent_as_base64_counts_as_such(open_bridge):
    connection = Connection("flowise", "http://127.0.0.1:1", options={"fileSizeLimit": 1200})
    bridge = open_bridge(config={}, connections={"flowise": connection})
    with pytest.raises(errors.UnsupportedFeatureError, match="FLOWISE_FILE_SIZE_LIMIT"):
        bridge.prepare("flowise:f-1", "hello", files=[File("a.png", b"x" * 1000)])
    assert bridge.prepare("flowise:f-1", "hello", files=[File("a.png", b"x" * 900)])
