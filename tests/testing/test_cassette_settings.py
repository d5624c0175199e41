"""What is recorded with `vcr_config` holds nothing that opens a door: one canary in every place, found in no cassette."""

from __future__ import annotations

import base64
import json
import socket
import threading

import httpx
import pytest
import vcr

from agentbridge.callbacks.signing import Claim, signed
from agentbridge.testing import vcr_config

CANARY = "canary-7f3a9c51"
FILE = base64.b64encode(CANARY.encode() * 20).decode()
TOKEN = signed(Claim("run-1", 1_800_000_000), b"a secret of sixteen")

ASKED = {
    "api-key": {"headers": {"api-key": CANARY}},
    "authorization": {"headers": {"Authorization": f"Bearer {CANARY}"}},
    "a cookie": {"headers": {"Cookie": f"session={CANARY}"}},
    "a session in the URL": {"params": {"sessionId": CANARY}},
    "a session in the body": {"json": {"overrideConfig": {"sessionId": CANARY}}},
    "a thread in the body": {"json": {"thread_id": CANARY}},
    "a key in the body": {"json": {"apiKey": CANARY}},
    "a key in a form": {"data": {"apiKey": CANARY, "question": "hi"}},
    "a session in a form": {"data": {"question": "hi", "sessionId": CANARY}},
    "a token in the URL": {"params": {"access_token": CANARY}},
    "an address for callbacks in the URL": {"params": {"callback_url": f"https://me.example/{TOKEN}"}},
    "an address for callbacks in the body": {"json": {"callback_url": f"https://me.example/{TOKEN}"}},
    "a file": {"json": {"files": [{"base64": FILE}]}},
    "a data URL": {"json": {"uploads": [{"data": f"data:text/plain;base64,{FILE}"}]}},
}
ANSWERED = {
    "a cookie": (f"Set-Cookie: session={CANARY}", {}),
    "a token": ("X-Plain: 1", {"refreshToken": CANARY}),
    "an address for callbacks": ("X-Plain: 1", {"will call": f"https://me.example/{TOKEN}"}),
    "a file": ("X-Plain: 1", {"image": f"data:image/png;base64,{FILE}"}),
}
HIDDEN = (CANARY, FILE, TOKEN.rpartition(".")[2])


def record(folder, answer: bytes, asked: dict) -> str:
    """The cassette of one exchange with a server that gives this answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/run"
        with vcr.VCR(**{**vcr_config(), "record_mode": "all"}).use_cassette(str(folder / "made.yaml")):
            httpx.post(url, **asked)
    return (folder / "made.yaml").read_text()


def http(header: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    return f"HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_nothing_secret_of_a_request_is_recorded(tmp_path, asked):
    cassette = record(tmp_path, http("X-Plain: 1", {"text": "plain words stay"}), asked)
    assert "plain words stay" in cassette
    assert not [secret for secret in HIDDEN if secret in cassette]


@pytest.mark.parametrize(("header", "body"), ANSWERED.values(), ids=ANSWERED)
def test_nothing_secret_of_an_answer_is_recorded(tmp_path, header, body):
    cassette = record(tmp_path, http(header, {"text": "plain words stay", **body}), {"json": {"question": "hi"}})
    assert "plain words stay" in cassette
    assert not [secret for secret in HIDDEN if secret in cassette]


def test_a_cassette_plays_although_its_session_was_another(tmp_path):
    record(tmp_path, http("X-Plain: 1", {"text": "hi"}), {"json": {"sessionId": "one"}})
    recorded = (tmp_path / "made.yaml").read_text()
    port = recorded.partition("http://127.0.0.1:")[2].partition("/")[0]
    with vcr.VCR(**vcr_config()).use_cassette(str(tmp_path / "made.yaml")):
        assert httpx.post(f"http://127.0.0.1:{port}/run", json={"sessionId": "two"}).json() == {"text": "hi"}


def test_vcrpys_own_settings_go_beside_ours_and_before_them():
    settings = vcr_config(None, record_mode="once", cassette_library_dir="cassettes")
    assert (settings["record_mode"], settings["cassette_library_dir"]) == ("once", "cassettes")
    assert "body" in settings["match_on"]


def test_what_a_bridge_records_once_is_played_without_a_server_and_without_the_key(tmp_path, open_bridge, emulators):
    from agentbridge import Connection

    with vcr.VCR(**vcr_config(CANARY, record_mode="once")).use_cassette(str(tmp_path / "made.yaml")):
        real = emulators.connections["flowise"]
        asked = open_bridge(config={}, connections={"flowise": real}).invoke(
            "flowise:ok", f"quote {CANARY}", session_id="s-1"
        )
    assert CANARY not in (tmp_path / "made.yaml").read_text()
    assert real.api_key not in (tmp_path / "made.yaml").read_text()
    with vcr.VCR(**vcr_config(CANARY)).use_cassette(str(tmp_path / "made.yaml")):
        without_key = Connection("flowise", base_url=real.base_url)
        played = open_bridge(config={}, connections={"flowise": without_key}).invoke(
            "flowise:ok", f"quote {CANARY}", session_id="s-1"
        )
    assert played.text == asked.text.replace(CANARY, "***")
