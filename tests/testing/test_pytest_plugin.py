"""The pytest plugin: live emulators for who asks for them, and nothing at all for who does not."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = "agentbridge.testing.pytest_plugin"
INSTALLED = any(point.value == PLUGIN for point in importlib.metadata.entry_points(group="pytest11"))


@pytest.fixture
def run_suite(tmp_path):
    """Runs a suite in a process of its own, with the plugin, and every warning an error."""

    def run(code: str, *arguments: str) -> tuple[int, str]:
        (tmp_path / "test_mine.py").write_text(code)
        loaded = () if INSTALLED else ("-p", PLUGIN)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "-p",
            "no:cacheprovider",
            *loaded,
            *arguments,
            "test_mine.py",
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_plugin_is_declared_for_pytest():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"agentbridge": PLUGIN}


def test_emulators_are_served_once_and_each_test_finds_them_new(run_suite):
    code, out = run_suite("""
import os
import pytest
from agentbridge import AgentBridgeError, Bridge
from agentbridge.emulator import Scenario

seen = []

def test_they_answer(agentbridge_emulators):
    agentbridge_emulators["flowise"].says = lambda asked: "It ships today."
    with Bridge(agentbridge_emulators.config) as bridge:
        assert bridge.invoke("flowise:ok", "Where is it?").text == "It ships today."
        assert bridge.invoke("fluxprompt:memory", inputs={"a": "b"}, session_id="s").text.endswith("(call 1 of s)")
    assert [request.method for request in agentbridge_emulators["flowise"].seen] == ["POST"]
    seen.append(agentbridge_emulators.url)

def test_they_forgot(agentbridge_emulators, monkeypatch):
    assert not agentbridge_emulators["flowise"].seen
    for name, value in agentbridge_emulators.environ.items():
        monkeypatch.setenv(name, value)
    with Bridge({}) as bridge:
        assert bridge.invoke("flowise:ok", "hi").text == "Echo: hi"
        assert bridge.invoke("fluxprompt:memory", inputs={"a": "b"}, session_id="s").text.endswith("(call 1 of s)")
    assert seen == [agentbridge_emulators.url]

def test_they_fail(agentbridge_emulators):
    agentbridge_emulators["flowgent"].says = lambda asked: Scenario("error-in-200")
    with Bridge({}, connections=agentbridge_emulators.connections) as bridge, pytest.raises(AgentBridgeError):
        bridge.invoke("flowgent:ok", "hi")
""")
    assert code == 0, out
    assert "3 passed" in out


def test_a_run_that_does_not_use_it_imports_next_to_nothing(run_suite):
    code, out = run_suite("""
import sys

def test_nothing():
    ours = {name for name in sys.modules if name.partition(".")[0].startswith("agentbridge")}
    assert ours == {"agentbridge", "agentbridge._lazy", "agentbridge.testing", "agentbridge.testing.pytest_plugin"}
    assert not {"pydantic", "httpx", "starlette", "uvicorn"} & set(sys.modules)
""")
    assert code == 0, out


def test_without_the_extra_it_says_what_to_install(run_suite):
    code, out = run_suite("""
import sys
sys.modules["starlette"] = None

def test_mine(agentbridge_emulators):
    pass
""")
    assert code == 1
    assert "agentbridge_emulators needs starlette" in out
    assert "pip install 'agentbridge-core[emulator]'" in out
