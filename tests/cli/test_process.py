"""The command in a process of its own: what is imported, pipes, terminals, signals, missing packages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from agentbridge import Result

from .conftest import spawn

ESCAPE = "\x1b"


def python(code, **environ):
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=60, env={**os.environ, **environ}
    )


LOADED = """
import sys
sys.argv = ["agentbridge", *{arguments!r}]
from agentbridge.cli import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
print(*sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["invoke", "--help"], ["new-plugin", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    done = python(LOADED.format(arguments=arguments))
    loaded = set(done.stderr.split())
    assert done.returncode == 0
    assert "click" in loaded
    heavy = {"httpx", "httpx2", "rich", "pydantic", "starlette", "uvicorn", "pluggy"}
    assert not {name for name in loaded if name in heavy or name.startswith("agentbridge_")}


@pytest.mark.parametrize("arguments", [["--help"], ["migrate", "--help"]])
def test_the_help_of_a_group_imports_no_command(arguments):
    code = LOADED.format(arguments=arguments).replace('name.partition(".")[0] for name', "name for name")
    loaded = {name for name in python(code).stderr.split() if name.startswith("agentbridge.cli.")}
    parts = {"app", "failures", "lazy", "output", *arguments} - {"--help"}
    assert loaded == {f"agentbridge.cli.{part}" for part in parts}


@pytest.mark.parametrize("name", ["click", "rich"])
def test_missing_package_is_one_line_and_2(name):
    code = f"import sys; sys.modules[{name!r}] = None; from agentbridge.cli import main; main()"
    done = python(code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"agentbridge: the command line needs {name}: pip install 'agentbridge-core[cli]'\n"


@pytest.mark.parametrize("command", ["emulate", "demo"])
def test_missing_emulator_extra_is_one_line_and_2(command):
    code = (
        "import sys; sys.modules['starlette'] = None;"
        f"sys.argv = ['agentbridge', {command!r}]; from agentbridge.cli import main; main()"
    )
    done = python(code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: agentbridge {command} needs more packages: pip install 'agentbridge-core[emulator]'\n"
    )


@pytest.mark.parametrize("module", ["agentbridge", "agentbridge.cli"])
def test_as_module(shell, module):
    code, out, err = shell("--version", module=module)
    assert (code, err) == (0, "")
    assert out.startswith("agentbridge ")


def test_in_pipes(shell, config):
    code, out, err = shell("invoke", "flowise:ok", "-", stdin="häl\nlo\n".encode())
    assert (code, out, err) == (0, "Echo: häl\nlo\n", "")
    code, out, err = shell("invoke", "flowise:ok", "hi", "--json")
    assert Result.from_dict(json.loads(out)).text == "Echo: hi"
    assert (code, err) == (0, "")


def test_error_in_pipes(shell, config):
    code, out, err = shell("invoke", "flowise:tool-error", "hi")
    assert (code, out) == (1, "")
    assert err == "ToolExecutionError: [flowise] tool 'fail_tool' failed: Error: tool exploded (HTTP 200)\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_streams_that_cannot_encode_the_answer(shell, config, encoding):
    environ = {"PYTHONIOENCODING": encoding}
    code, _, err = shell("invoke", "flowise:ok", "ä→", environ=environ)
    assert (code, err) == (0, "")
    code, out, err = shell("invoke", "flowise:ok", "ä→", "--json", environ=environ)
    assert json.loads(out)["text"] == "Echo: ä→"
    assert (code, err) == (0, "")


def test_arguments_that_are_no_text(shell, config):
    code, out, err = shell("invoke", b"flowise:ok", "--nonsense=\udcff")
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_closed_pipe_is_quiet(config):
    read, write = os.pipe()
    os.close(read)
    process = spawn("invoke", "flowise:ok", "hi", stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


def test_emulate_serves_until_ctrl_c(shell):
    process = spawn("emulate", "--port", "0")
    exports = {}
    while b"emulate --list" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
        if line.startswith(b"export "):
            name, _, value = line.decode().strip().removeprefix("export ").partition("=")
            exports[name] = value
    assert exports["FLOWISE_API_KEY"] == "emulator-key"
    code, out, err = shell("invoke", "flowise:keyed", "hello", environ=exports)
    assert (code, out, err) == (0, "Echo: hello\n", "")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_emulate_tells_what_it_does_to_each_answer(shell):
    from agentbridge.emulator.chaos import KINDS, Chaos

    process = spawn("emulate", "--port", "0", "--chaos", "1")
    exports, lines = {}, []
    while not (lines and lines[-1].startswith("# Chaos 1:")):
        lines.append(process.stdout.readline().decode())
        assert lines[-1], process.stderr.read()
        if lines[-1].startswith("export "):
            name, _, value = lines[-1].strip().removeprefix("export ").partition("=")
            exports[name] = value
    shell("invoke", "flowise:ok", "hello", "--timeout", "3", environ=exports)
    told = process.stdout.readline().decode()
    kind = Chaos(1).damage(1).kind
    assert told == f"# 1. POST /flowise/api/v1/prediction/ok: {kind} ({KINDS[kind]})\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def on_terminal(*arguments, **environ):
    """Runs the command with stdout and stderr on one terminal of 100 columns; exit code and what was shown."""
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    settings = {"TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": "", **environ}
    process = spawn(*arguments, stdout=follower, stderr=follower, environ=settings)
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(leader)
    return process.wait(timeout=60), shown.decode().replace("\r\n", "\n")


def test_terminal_shows_who_answered(config):
    code, shown = on_terminal("invoke", "flowise:ok", "hello", "--session", "s-1")
    answer, rest = shown.split("\n", 1)
    assert (code, answer) == (0, "Echo: hello")
    assert rest.startswith(f"{ESCAPE}[2mflowise:ok, id ")
    assert ", session s-1, 4 tokens, fake-model, " in rest


def test_terminal_is_not_steered_by_an_answer(config):
    code, shown = on_terminal("invoke", "flowise:ok", f"{ESCAPE}]0;title\x07{ESCAPE}[31mred", NO_COLOR="1")
    assert code == 0
    assert ESCAPE not in shown
    assert shown.startswith("Echo: \\x1b]0;title\\x07\\x1b[31mred\n")


def test_providers_on_a_narrow_terminal(config):
    code, shown = on_terminal("providers", COLUMNS="80", NO_COLOR="1")
    assert code == 0
    assert "flowise\n  carries      text, messages, inputs, files, session_id\n  emulator     yes\n" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("command", [["demo"], ["providers"], ["emulate", "--list"], ["invoke", "flowise:ok", "hi"]])
def test_colour_only_on_terminals_that_want_it(run, config, command, monkeypatch):
    code, coloured = on_terminal(*command)
    assert code == 0
    assert ESCAPE in coloured
    assert ESCAPE not in on_terminal(*command, NO_COLOR="1")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ESCAPE not in run(*command).output
