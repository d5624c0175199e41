"""kill -9 in the middle of a replay, with real processes: nothing finished is lost, nothing is sent twice."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agentbridge import Invocation
from agentbridge.migrate import Ledger, Sample

KILLS = int(os.environ.get("KILLS", "5"))
SAMPLES = 9 * KILLS
WORKERS = 4


class Flowise(ThreadingHTTPServer):
    """Counts how often each question reached it, and calls `reached` with the number of all of them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answering)
        self.questions = collections.Counter()
        self.total = 0
        self.more = threading.Condition()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def ask(self, question):
        with self.more:
            self.questions[question] += 1
            self.total += 1
            self.more.notify_all()

    def handle_error(self, request, client_address):
        """Who was killed does not read its answer."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.ask(body["question"])
        said = json.dumps({"text": f"re: {body['question']}", "chatId": body["chatId"], "chatMessageId": "m"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


@pytest.fixture
def flowise():
    server = Flowise()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ledger(tmp_path):
    asked = [Invocation(target="support", text=f"question {number}") for number in range(SAMPLES)]
    with Ledger(tmp_path / "move.ledger") as ledger:
        ledger.add(Sample(id=str(number), invocation=one) for number, one in enumerate(asked))
        yield ledger


class Replays:
    def __init__(self, ledger, flowise):
        script = Path(__file__).with_name("killed.py")
        ask = [sys.executable, str(script), str(ledger.path), flowise.url]
        self._process = subprocess.Popen(ask, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self):
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def ended(self):
        return int(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@pytest.fixture
def replays(ledger, flowise):
    replays = Replays(ledger, flowise)
    yield replays
    replays.close()


def _killed_somewhere(replays, flowise, luck):
    """Kill a replay after a random number of requests, at a random point of what it then does."""
    wanted = flowise.total + luck.randint(1, 7)
    child = replays.begin()
    with flowise.more:
        assert flowise.more.wait_for(lambda: flowise.total >= wanted, 30)
    for _ in range(luck.randint(0, 20_000)):
        pass
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    assert replays.ended() == -signal.SIGKILL


def test_a_replay_that_is_killed_again_and_again_sends_nothing_twice_and_loses_no_answer(ledger, flowise, replays):
    luck = random.Random(20261122)
    finished = set()
    for _ in range(KILLS):
        _killed_somewhere(replays, flowise, luck)
        now = {pair.sample.id for pair in ledger.pairs()}
        assert finished <= now
        finished = now
    replays.begin()
    assert replays.ended() == 0
    counts = ledger.counts()
    assert max(flowise.questions.values()) == 1
    assert counts.final + counts.unknown == SAMPLES
    assert 0 < counts.unknown <= KILLS * WORKERS
    assert {pair.candidate.text for pair in ledger.pairs()} <= {f"re: {question}" for question in flowise.questions}


def test_all_that_never_reached_the_vendor_and_was_not_claimed_is_sent_by_the_rerun(ledger, flowise, replays):
    luck = random.Random(7)
    _killed_somewhere(replays, flowise, luck)
    replays.begin()
    assert replays.ended() == 0
    unknown = {turn.sample.invocation.text for turn in ledger.unknown()}
    assert set(flowise.questions) >= {f"question {number}" for number in range(SAMPLES)} - unknown


def test_what_was_killed_and_is_resent_by_a_human_is_sent_once_more(ledger, flowise, replays):
    _killed_somewhere(replays, flowise, random.Random(3))
    replays.begin()
    assert replays.ended() == 0
    unknown = [turn.sample for turn in ledger.unknown()]
    ledger.decide("candidate", [sample.id for sample in unknown], "resend")
    replays.begin()
    assert replays.ended() == 0
    assert ledger.counts().final == SAMPLES
    assert {flowise.questions[sample.invocation.text] for sample in unknown} <= {1, 2}
