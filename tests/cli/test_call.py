"""`agentbridge call`: how the fields of an operation become options, what is printed, and how it ends."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import attrs
import click
import pytest

import agentbridge.plugins
from agentbridge import (
    Call,
    File,
    HttpRequest,
    HttpResponse,
    JsonValue,
    Link,
    Operation,
    Pending,
    Registry,
    Result,
)
from agentbridge.cli import fields, values
from agentbridge.cli.app import cli

CANARY = "canary-5f1d0c77-key"


@attrs.frozen
class Point:
    x: int
    y: int = 0


@attrs.frozen
class Everything(Operation[str]):
    """Take a field of each kind.

    More about it.

    Attributes:
        flow_id: which one,
            over two lines.
        count, ratio: numbers.

    Raises:
        ValueError: for 13.
    """

    provider: ClassVar[str] = "acme"
    name: ClassVar[str] = "everything"

    flow_id: str
    count: int = attrs.field(default=3)
    ratio: float | None = None
    loud: bool = False
    quiet: bool | None = None
    day: dt.date | None = None
    stars: Literal[0, 1] | None = None
    file: File | None = None
    files: tuple[File | Link, ...] = ()
    path: str | os.PathLike[str] | None = None
    where: Path | None = None
    inputs: Mapping[str, JsonValue] = attrs.field(factory=dict, metadata={"help": "by name"})
    point: Point | None = None
    points: tuple[Point, ...] = ()
    any: JsonValue = None
    either: int | Mapping[str, str] | None = None
    tags: tuple[str, ...] = ()
    result: Result | str | None = None
    config: str | None = None
    session: str | None = None
    session_id: str | None = None
    _hidden: int = 7

    def __attrs_post_init__(self) -> None:
        if self.count == 13:
            raise ValueError("13 brings bad luck")

    def build_request(self, call: Call) -> HttpRequest:
        raise NotImplementedError

    def read(self, response: HttpResponse) -> str:
        raise NotImplementedError


def made(*arguments):
    """The operation that a command line makes."""
    command = click.Command("everything", params=fields.options_of(Everything))
    with command.make_context("everything", list(arguments)) as ctx:
        said = {
            name.removeprefix(fields.PREFIX): value for name, value in ctx.params.items() if value not in (None, ())
        }
    return Everything(**said)


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--count", "7"], "count", 7),
        (["--ratio", "0.5"], "ratio", 0.5),
        (["--loud"], "loud", True),
        (["--no-quiet"], "quiet", False),
        (["--day", "2025-05-20"], "day", dt.date(2025, 5, 20)),
        (["--stars", "1"], "stars", 1),
        (["--file", "a/b.pdf"], "file", File("b.pdf", path="a/b.pdf")),
        (
            ["--files", "b.pdf", "--files", "https://x.example/c.pdf"],
            "files",
            (File("b.pdf", path="b.pdf"), Link("https://x.example/c.pdf")),
        ),
        (["--path", "a/b"], "path", "a/b"),
        (["--where", "a/b"], "where", Path("a/b")),
        (["--inputs", '{"a": [1, null]}'], "inputs", {"a": [1, None]}),
        (["--point", '{"x": 1}'], "point", Point(1)),
        (["--points", '{"x": 1}', "--points", '{"x": 2, "y": 3}'], "points", (Point(1), Point(2, 3))),
        (["--any", '"text"'], "any", "text"),
        (["--any", "[1]"], "any", [1]),
        (["--either", '{"a": "b"}'], "either", {"a": "b"}),
        (["--tags", "a", "--tags", "b"], "tags", ("a", "b")),
        (["--result", "log-1"], "result", "log-1"),
        (["--field-config", "x"], "config", "x"),
        (["--session", "s"], "session", "s"),
        (["--session-id", "s"], "session_id", "s"),
    ],
)
def test_a_field_is_an_option_of_its_type(arguments, field, value):
    operation = made("--flow", "f-1", *arguments)
    assert getattr(operation, field) == value
    assert operation == attrs.evolve(Everything("f-1"), **{field: value})


def test_what_is_not_given_is_left_to_the_operation():
    assert made("--flow-id", "f-1") == Everything("f-1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--flow'"),
        (["--flow", "x", "--day", "tomorrow"], "'tomorrow' is no date; write YYYY-MM-DD"),
        (["--flow", "x", "--day", "2025-02-30"], "is no date"),
        (["--flow", "x", "--day", "20250220"], "is no date"),
        (["--flow", "x", "--stars", "2"], "'2' is none of 0, 1"),
        (["--flow", "x", "--count", "many"], "not a valid integer"),
        (["--flow", "x", "--inputs", "{oops"], "is not JSON"),
        (["--flow", "x", "--any", "text"], 'A text is written "text"'),
        (["--flow", "x", "--point", '{"z": 1}'], "does not fit"),
        (["--flow", "x", "--point", "[1]"], "does not fit"),
        (["--flow", "x", "--hidden", "8"], "No such option"),
        (["--flow", "x", "--config", "x"], "No such option"),
    ],
)
def test_a_value_of_the_wrong_type_is_wrong_usage(arguments, said):
    with pytest.raises(click.UsageError) as caught:
        made(*arguments)
    assert said in caught.value.format_message() + str(caught.value)


def test_help_of_a_field_is_from_the_docstring_or_its_metadata():
    told = {option.name.removeprefix(fields.PREFIX): option.help for option in fields.options_of(Everything)}
    assert told["flow_id"] == "Which one, over two lines."
    assert told["count"] == "Numbers. [default: 3]"
    assert told["inputs"] == "By name."
    assert told["tags"] == "May be given several times."


def test_an_operation_is_described_by_its_docstring_without_the_sections():
    assert fields.summary_of(Everything) == "Take a field of each kind."
    assert fields.described(Everything) == "Take a field of each kind.\n\nMore about it."


class NoAttrs(Operation[str]):
    provider: ClassVar[str] = "flowgent"
    name: ClassVar[str] = "no-attrs"

    def build_request(self, call: Call) -> HttpRequest:
        raise NotImplementedError

    def read(self, response: HttpResponse) -> str:
        raise NotImplementedError


@pytest.fixture
def with_operations(monkeypatch):
    """Gives a provider other operations."""

    def give(provider, *operations):
        monkeypatch.setattr(type(Registry()[provider]), "operations", operations)

    return give


@pytest.mark.parametrize("arguments", [(), ("flowgent",)])
def test_called_without_an_operation_it_lists_them(run, arguments):
    done = run("call", *arguments)
    assert done.exit_code == 0
    lines = {tuple(line.split()[:2]): line for line in done.stdout.splitlines()}
    assert lines["flowgent", "usage"].endswith("Tell the credits that an agent used, by day.")
    assert lines["flowgent", "whatsapp"].endswith(" (may have side effects)")
    assert (("promptitude", "rate") in lines) == (not arguments)
    assert "--help shows what one takes" in done.stderr


def test_a_provider_without_operations_says_so(run, with_operations):
    with_operations("flowgent")
    done = run("call", "flowgent")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "there are no operations\n")


def test_help_shows_fields_and_side_effects(run):
    done = run("call", "flowgent", "usage", "--help")
    assert done.exit_code == 0
    words = " ".join(done.stdout.split())
    assert "--agent, --agent-id TEXT The agent's id, or a copied endpoint URL. [required]" in words
    assert "--start YYYY-MM-DD The first day" in words
    assert "side effects" not in words
    assert "This may have side effects" in run("call", "flowgent", "whatsapp", "--help").stdout
    assert "whatsapp" in run("call", "flowgent", "--help").stdout
    assert "agentbridge call flowgent usage --help\n" in run("call", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("flowgnt", "usage"), "there is no provider 'flowgnt' (there: flowgent,"),
        (("flowgnt", "usage"), "Did you mean 'flowgent'?"),
        (
            ("flowgent", "usge"),
            "flowgent has no operation 'usge' (there: usage, whatsapp, agents). Did you mean 'usage'?",
        ),
        (("flowgent", "usage"), "Missing option '--agent'"),
        (("flowgent", "usage", "--agent", "ok", "--start", "x"), "'x' is no date"),
        (("promptitude", "rate", "--result", "x", "--stars", "9"), "'9' is none of 0, 1, 2, 3"),
        (("flowgent", "--nonsense"), "--nonsense"),
    ],
)
def test_wrong_usage_is_2(run, arguments, said):
    done = run("call", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


USAGE = ("call", "flowgent", "usage", "--start", "2025-05-30", "--end", "2025-05-31")


def test_an_answer_is_readable(called):
    done = called(*USAGE, "--agent", "ok")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "agent_id       ok",
        "total_credits  1.0",
        "start          2025-05-30",
        "end            2025-05-31",
        "daily",
        "  date        credits",
        "  2025-05-31  0.0",
        "  2025-05-30  1.0",
    ]


def test_json_is_for_scripts(called):
    done = called(*USAGE, "--agent-id", "ok", "--json")
    assert json.loads(done.stdout) == {
        "agent_id": "ok",
        "total_credits": 1.0,
        "start": "2025-05-30",
        "end": "2025-05-31",
        "daily": [{"date": "2025-05-31", "credits": 0.0}, {"date": "2025-05-30", "credits": 1.0}],
        "note": None,
        "warnings": [],
    }


def test_a_result_is_printed_as_by_invoke(called):
    done = called("call", "promptitude", "generate", "--prompt", "ok", "--inputs", '{"a": "b"}', "--user", "u-1")
    assert (done.exit_code, done.stdout, done.stderr) == (0, 'Echo: {"a": "b"} | user u-1\n', "")
    result = Result.from_dict(json.loads(called("call", "promptitude", "generate", "--prompt", "ok", "--json").stdout))
    rated = called("call", "promptitude", "rate", "--result", result.id, "--stars", "2")
    assert rated.stdout == f"id     {result.id}\nstars  2\n"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--agent", "error-in-200"), "QuotaExceededError"),
        (("--agent", "unauthorized"), "AuthenticationError"),
        (("--agent", "html"), "MalformedResponseError"),
        (("--agent", "ok", "--end", "2999-01-01"), "ConfigurationError"),
        (("--agent", "ok", "--connection", "nowhere"), "UnknownTargetError"),
        (("--agent", "ok", "--connection", "canary"), "ConfigurationError"),
    ],
)
def test_an_error_is_one_line_and_1(called, arguments, name):
    done = called(*USAGE, *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{name}: ")
    assert len(called(*USAGE, *arguments, "--verbose").stderr.splitlines()) >= 1


def test_another_connection_of_the_provider_is_used(called, config):
    lines = config.read_text().replace("[connections.flowgent]", '[connections.mine]\nprovider = "flowgent"')
    config.write_text(lines)
    assert called(*USAGE, "--agent", "ok", "--connection", "mine").exit_code == 0
    assert called(*USAGE, "--agent", "ok").exit_code == 1


def test_what_a_plugin_raises_for_a_wrong_value_is_the_users_mistake(run, with_operations):
    with_operations("flowgent", Everything)
    done = run("call", "flowgent", "everything", "--flow", "x", "--count", "13")
    assert (done.exit_code, done.stderr) == (1, "ConfigurationError: Everything: 13 brings bad luck\n")


def test_an_operation_that_is_not_fit_harms_no_other(run, with_operations):
    with_operations("flowgent", NoAttrs, Everything)
    done = run("call", "flowgent", "no-attrs", "--x", "1")
    assert done.exit_code == 1
    assert done.stderr.startswith("PluginError: operation NoAttrs is not fit for the command line: ")
    assert run("call", "flowgent", "--help").exit_code == 0
    assert run("call", "flowgent", "everything", "--help").exit_code == 0


def test_plugins_that_did_not_load_are_named(run, monkeypatch):
    from importlib.metadata import EntryPoint

    broken = EntryPoint("broken", "no_such_module_anywhere:plugin", "agentbridge")
    monkeypatch.setattr(agentbridge.plugins, "Registry", lambda: Registry([broken]))
    done = run("call")
    assert done.exit_code == 0
    assert "left out: plugin 'broken'" in done.stderr


def test_no_key_in_anything_printed(called, config):
    config.write_text(config.read_text().replace('"emulator-key"', f'"{CANARY}"'))
    for more in ((), ("--json",), ("-v",)):
        done = called(*USAGE, "--agent", "ok", *more)
        assert done.exit_code == 1
        assert CANARY not in done.output


@pytest.mark.parametrize(
    ("value", "readable", "as_json"),
    [
        ("a\nb", "a\nb\n", "a\nb"),
        (None, "done\n", None),
        ([], "[]\n", []),
        ({}, "{}\n", {}),
        (True, "true\n", True),
        (["a", 1], "- a\n- 1\n", ["a", 1]),
        ([{"a": 1}, {"b": [2]}], "- a  1\n- b\n    - 2\n", [{"a": 1}, {"b": [2]}]),
        ({"a": 0, "b": False, "c": None, "d": ""}, "a  0\nb  false\n", {"a": 0, "b": False, "c": None, "d": ""}),
        ([{"a": "x\x1b[31m", "b": None}], "a          b\nx\\x1b[31m  null\n", [{"a": "x\x1b[31m", "b": None}]),
        (Point(1), "x  1\ny  0\n", {"x": 1, "y": 0}),
        (dt.date(2025, 5, 20), "2025-05-20\n", "2025-05-20"),
        ((dt.datetime(2025, 5, 20, tzinfo=dt.UTC),), "- 2025-05-20T00:00:00+00:00\n", ["2025-05-20T00:00:00+00:00"]),
        (b"\x00", "\x00", {"$text": "\x00"}),
    ],
)
def test_any_value_is_printed(capsys, value, readable, as_json):
    values.show(value, as_json=False)
    assert capsys.readouterr().out == readable
    values.show(value, as_json=True)
    assert json.loads(capsys.readouterr().out) == as_json


def test_what_has_a_schema_version_keeps_it(capsys):
    pending = Pending("poll", "run-1")
    values.show(pending, as_json=True)
    assert Pending.from_dict(json.loads(capsys.readouterr().out)) == pending


def test_every_operation_has_a_command(run):
    for name, provider in Registry().items():
        for kind in provider.operations:
            done = run("call", name, kind.name, "--help")
            assert done.exit_code == 0, done.stderr
            assert fields.summary_of(kind)


def test_the_command_is_in_the_help():
    assert "call" in cli.list_commands(click.Context(cli))
