"""The command line teaches: help by example, the word that was meant, what could come next."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest

from agentbridge.cli.app import cli


def commands(group=cli, path=()):
    """The words of each command and the command, the groups among them."""
    with click.Context(group, info_name=" ".join(path)) as context:
        found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    for name, command in found.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = {" ".join(path): command for path, command in commands()}


def test_all_commands_are_looked_at():
    assert {"invoke", "migrate replay", "call flowise ping", "new-plugin"} <= set(ALL)


@pytest.mark.parametrize("path", ["", *ALL])
def test_help_teaches_by_an_example_of_the_command(run, path):
    done = run(*path.split(), "--help")
    assert done.exit_code == 0
    assert re.search(
        rf"^ +(?:[^\n]*\| )?agentbridge {re.escape(path)}\b",
        done.stdout.partition("Usage:")[2].partition("\n")[2],
        re.MULTILINE,
    )


def test_the_first_help_says_how_a_shell_completes(run):
    assert 'eval "$(_AGENTBRIDGE_COMPLETE=bash_source agentbridge)"' in run("--help").stdout


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["invok", "flowise:ok"], "'invoke'"),
        (["migrate", "repaly"], "'replay'"),
        (["call", "flowis"], "'flowise'"),
        (["call", "flowgent", "usag"], "'usage'"),
        (["invoke", "--sesion", "x"], "--session"),
    ],
)
def test_a_wrong_word_is_answered_with_the_one_that_was_meant(run, words, meant):
    done = run(*words)
    assert done.exit_code == 2
    assert meant in done.stderr
    assert "id you mean" in done.stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["invoke", "flowis:ok", "hi"], "'flowise'"),
        (["invoke", "suport", "hi"], "'support'"),
        (["invoke", "support@flowis", "hi"], "'flowise'"),
        (["invoke", "support@flowise", "hi", "-i", "vendr=Acme"], "'vendor'"),
        (["invoke", "flowise:ok", "hi", "--option", "flowis.a=1"], "'flowise'"),
        (["explain", "reply.json", "--provider", "flowis"], "'flowise'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_one_that_was_meant(called, tmp_path, words, meant):
    (tmp_path / "reply.json").write_text("{}")
    done = called(*words)
    assert done.exit_code == 1
    assert f"Did you mean {meant}?" in done.stderr


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[conections.a]", "connections"),
        ('[connections.flowise]\nbase_ulr = "x"', "base_url"),
        ("[connections.flowise.timeouts]\ntotl = 3", "total"),
        ("[connections.flowise.limits]\nin_fligt = 3", "in_flight"),
        ('[agents.a]\ndefalt = "b"\n[agents.a.on.b]\nagent = "c"', "default"),
        ('[agents.a.on.b]\nagnet = "c"', "agent"),
        ('[agents.a]\ndefault = "flowis"\n[agents.a.on.flowise]\nagent = "c"', "flowise"),
    ],
)
def test_a_wrong_key_of_the_configuration_is_answered_with_the_one_that_was_meant(run, tmp_path, written, meant):
    (tmp_path / "agentbridge.toml").write_text(written)
    done = run("invoke", "flowise:ok", "hi")
    assert done.exit_code == 1
    assert f"Did you mean {meant!r}?" in done.stderr


TOML = """
[connections.flowise-eu]
provider = "flowise"
[agents.support.on.flowise-eu]
agent = "abc"
"""


def completed(shell, tmp_path, words, *, config=TOML, environ=None):
    """What the shell offers after these words."""
    (tmp_path / "agentbridge.toml").write_text(config)
    given = words.split(" ")
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(len(given) - 1), "_AGENTBRIDGE_COMPLETE": "bash_complete"}
    code, out, err = shell(environ={**environment, **(environ or {})}, cwd=tmp_path)
    assert (code, err) == (0, "")
    return [line.partition(",")[2] for line in out.splitlines() if line]


OFFERS = {
    "agentbridge mig": ["migrate"],
    "agentbridge invoke ": ["flowgent:", "flowise-eu:", "flowise-eu:abc", "support", "support@flowise-eu"],
    "agentbridge invoke su": ["support", "support@flowise-eu"],
    "agentbridge invoke support - --sess": ["--session"],
    "agentbridge doctor fl": ["flowgent", "flowise-eu"],
    "agentbridge batch in.jsonl --target sup": ["support", "support@flowise-eu"],
    "agentbridge explain a.json --provider flowi": ["flowise"],
    "agentbridge call flowi": ["flowise"],
    "agentbridge call flowgent us": ["usage"],
    "agentbridge call nobody us": [],
    "agentbridge migrate replay move.ledger --to flowise": ["flowise-eu"],
}


@pytest.mark.parametrize("words", OFFERS)
def test_a_shell_offers_what_can_come_next(shell, tmp_path, words):
    assert completed(shell, tmp_path, words, environ={"FLOWGENT_API_KEY": "k-canary"}) == OFFERS[words]


@pytest.mark.parametrize("config", ["not = [toml", "agents = 7", '[agents.a]\non = "x"', "connections = 7"])
def test_a_broken_configuration_completes_to_nothing(shell, tmp_path, config):
    assert completed(shell, tmp_path, "agentbridge invoke ", config=config) == []


def test_completion_reads_the_configuration_that_the_line_names(shell, tmp_path):
    (tmp_path / "other.toml").write_text(TOML.replace("support", "sales"))
    assert "sales" in completed(shell, tmp_path, "agentbridge invoke --config other.toml ")


def test_completing_a_target_imports_nothing_that_takes_long(tmp_path):
    code = """
import sys
from agentbridge.cli.completing import targets
import click
assert targets(click.Context(click.Command("x")), None, "") == []
assert not {"pydantic", "httpx", "rich", "attrs", "pluggy"} & set(sys.modules)
"""
    environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_no_command_touches_how_tracebacks_are_shown():
    code = """
import sys
before = sys.excepthook
from click.testing import CliRunner
from agentbridge.cli.app import cli
for words in ("providers", "demo", "invoke nobody:x hi", "--help"):
    CliRunner().invoke(cli, words.split())
assert sys.excepthook is before
assert "rich.traceback" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
