"""The guard of these very tests: what leaves the loopback interface fails the run, whatever library did it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOWHERE = "224.0.0.1"  # no TCP connection can be made to it, so nothing is sent even where nobody stops it

TEST = """
import contextlib, socket

def test_that_hides_what_it_does():
    with contextlib.suppress(Exception):
        {attempt}
"""
ATTEMPTS = {
    "a socket": f"socket.create_connection(({NOWHERE!r}, 80), 1)",
    "httpx": f"__import__('httpx').get('http://{NOWHERE}/', timeout=1)",
    "httpx2": f"__import__('httpx2').get('http://{NOWHERE}/', timeout=1)",
    "the library": (
        "__import__('agentbridge').Bridge({}, connections={'flowise': {'base_url': 'http://" + NOWHERE + "'}})"
        ".invoke('flowise:a', 'hi')"
    ),
}


@pytest.mark.parametrize("who", ATTEMPTS)
def test_an_attempt_to_leave_fails_the_run_also_where_a_test_hides_it(tmp_path, who):
    (tmp_path / "test_hiding.py").write_text(TEST.format(attempt=ATTEMPTS[who]))
    (tmp_path / "pytest.ini").write_text("[pytest]")
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert "1 passed" in done.stdout
    assert f"attempts to leave the loopback interface: [\"socket.getaddrinfo '{NOWHERE}'" in done.stderr
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
