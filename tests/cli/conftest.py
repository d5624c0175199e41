"""The command line in this process and in one of its own, against the emulators."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

CANARY = "canary-5f1d0c77-key"


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path, monkeypatch):
    """No agentbridge.toml of a developer is found."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config(emulators, tmp_path):
    """A configuration of all emulators, of one connection with a canary as its key, and of a portable agent."""
    lines = []
    for name, connection in emulators.connections.items():
        lines += [f"[connections.{name}]", f"base_url = {json.dumps(connection.base_url)}"]
        lines += [f"api_key = {json.dumps(connection.api_key)}"]
    base_url = json.dumps(emulators.connections["flowise"].base_url)
    lines += ["[connections.canary]", 'provider = "flowise"', f"base_url = {base_url}", f'api_key = "{CANARY}"']
    lines += ["[agents.support.on.flowise]", 'agent = "ok"', 'template = "{vendor}: {text}"']
    path = tmp_path / "agentbridge.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def run():
    """Runs a command in this process; what is no error of the tree comes out as it is."""
    from agentbridge.cli.app import cli

    def call(*arguments, stdin=None):
        return CliRunner().invoke(cli, list(map(str, arguments)), input=stdin, catch_exceptions=False)

    return call


@pytest.fixture
def called(run, config):
    """Runs a command that takes --config with the emulators' configuration."""

    def call(*arguments, stdin=None):
        return run(*arguments, "--config", config, stdin=stdin)

    return call


def spawn(*arguments, module="agentbridge", environ=None, **options):
    """Starts the command in a process of its own."""
    environment = {**os.environ, "PYTHONWARNINGS": "error", **(environ or {})}
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, **options},
    )


@pytest.fixture
def shell():
    """Runs the command in a process of its own: exit code, stdout, stderr."""

    def call(*arguments, stdin=None, **options):
        options |= {"stdin": subprocess.PIPE} if stdin is not None else {}
        process = spawn(*arguments, **options)
        out, err = process.communicate(stdin, timeout=60)
        return process.returncode, (out or b"").decode("utf-8", "replace"), (err or b"").decode("utf-8", "replace")

    return call
