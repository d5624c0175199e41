"""Every fenced block of the pages is run, read or compared; what is not says why."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from blocks import PAGES, blocks, commands, followed, shows, write_files

from agentbridge.cli.app import cli
from agentbridge.config import load
from agentbridge.errors import ConfigurationError

REASONS = {
    "sets up an environment",
    "runs for minutes",
    "runs until Ctrl-C",
    "needs a server of yours",
    "needs a mail server",
    "goes on with files of yours",
    "its plugin is installed elsewhere",
}
"""Why a block is not run. Python is compiled all the same, and the options of our own commands are looked up."""

ALL = [block for page in PAGES for block in blocks(page)]
RUN = {"python", "toml", "json", "yaml", "console"}


def of(language: str) -> list:
    return [block for block in ALL if block.language == language]


@pytest.mark.parametrize("block", ALL, ids=str)
def test_a_block_is_run_or_says_why_not(block):
    kinds = {*RUN, "text", "sh"} if block.said("file") else {*RUN, "text"}
    assert block.language in kinds, "say what it is: python, toml, json, yaml, console or text"
    assert block.said("not-run") in {*REASONS, None}
    if block.language == "text":
        assert not block.content.startswith(("$ ", ">>> ", "pip ", "make ")), "what can be typed is a console block"


def test_what_stands_below_a_program_is_its_output():
    for block, after in followed():
        if after is not None and after.label == "output":
            assert block.language == "python", f"{after}: the output of what?"


@pytest.mark.parametrize("block", [block for block in of("python") if block.said("not-run")], ids=str)
def test_python_that_is_not_run_is_python(block):
    compile(block.content, str(block), "exec")


@pytest.mark.parametrize("block", [block for block in of("console") if block.said("not-run")], ids=str)
def test_a_command_that_is_not_run_exists(block):
    for command, _ in commands(block):
        words = shlex.split(re.split(r" [>|] | >> ", command)[0], comments=True)
        if words[:1] == ["agentbridge"]:
            parse(cli, words[1:], click.Context(cli, info_name="agentbridge"))


def parse(command, words, context):
    """Raises click.UsageError for a command or an option that is not there; files need not be."""
    with context:
        _, rest, _ = command.make_parser(context).parse_args([*words])
        if isinstance(command, click.Group) and rest:
            name, inner, rest = command.resolve_command(context, rest)
            parse(inner, rest, click.Context(inner, info_name=name, parent=context))


def test_a_command_that_is_not_there_is_noticed():
    for words in (["migrate", "reply"], ["invoke", "--no-such-option"]):
        with pytest.raises(click.UsageError):
            parse(cli, words, click.Context(cli, info_name="agentbridge"))


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_is_json(block):
    json.loads(block.content)


@pytest.mark.parametrize("block", [block for block in of("toml") if "[project" not in block.content], ids=str)
def test_toml_is_a_configuration(block):
    load(tomllib.loads(block.content), environ={})


def test_toml_that_is_no_configuration_is_refused():
    with pytest.raises(ConfigurationError):
        load(tomllib.loads("[connections.a]\nbaseurl = ''"), environ={})


@pytest.mark.parametrize("block", [block for block in of("console") if not block.said("not-run")], ids=str)
def test_a_terminal_shows_what_the_page_shows(block, environment, tmp_path):
    write_files(block.page, tmp_path)
    assert not re.search(r"^\$ .*\b(pip|make|apt|npm)\b", block.content, re.MULTILINE), "tests install nothing"
    for command, shown in commands(block):
        done = subprocess.run(
            ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=tmp_path,
            env=environment, stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
        if shown:
            assert shows(shown, done.stdout), f"$ {command}\n{done.stdout}"
        else:
            assert done.returncode == 0, f"$ {command}\n{done.stdout}"


def test_there_are_commands_to_run():
    assert sum(len(commands(block)) for block in of("console") if not block.said("not-run")) >= 10


def test_dots_stand_for_what_differs():
    assert shows("a ... b\n...\nend\n", "a 1 2 b\nx\ny\nend\n")
    assert shows("...\nend\n", "end\n")
    assert not shows("a ... b\n", "a b c\n")
    assert not shows("a\n...\nb\n", "a\nx\n")
    assert not shows("a.c\n", "abc\n")


def test_what_needs_a_library_names_one_that_the_docs_have():
    declared = tomllib.loads((PAGES[0].parent / "pyproject.toml").read_text())["project"]["optional-dependencies"][
        "docs"
    ]
    for block in ALL:
        library = block.said("needs")
        assert library is None or any(each.startswith(library) for each in declared), str(block)


@pytest.mark.skipif("DOCS_LIBRARIES" not in os.environ, reason="make test-docs has the libraries")
def test_the_environment_of_the_docs_has_all_that_blocks_need():
    assert all(importlib.util.find_spec(name) for block in ALL if (name := block.said("needs")))
