"""`agentbridge migrate router`: the levers of a router, by its ledger."""

from __future__ import annotations

import json

import attrs
import pytest
from click.testing import CliRunner

from agentbridge import ConfigurationError, UnknownTargetError
from agentbridge.cli.app import cli
from agentbridge.cli.migrate_router import router_command
from agentbridge.migrate import Ledger, RouterState
from agentbridge.migrate.routing import RouterFile

STATE = RouterState(agent="support", primary="old", candidate="new", salt="s", stages=(0.01, 0.5, 1.0), stage=0.01)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "move.ledger"


@pytest.fixture
def ledger(path):
    with RouterFile(path) as file:
        file.begin(STATE)
    return path


def run(*arguments):
    return CliRunner().invoke(router_command, list(map(str, arguments)), catch_exceptions=False)


def state(path):
    with RouterFile(path) as file:
        return file.state("support")


def test_status_says_it_in_one_line(ledger):
    assert run(ledger, "status").output == (
        "support: running; 1 % of new conversations go from old to new (stages: 1, 50, 100 %)\n"
    )


def test_each_lever_changes_what_every_process_reads(ledger):
    seen = []
    for action in ("advance", "pause", "resume", "rollback", "resume"):
        run(ledger, action)
        seen.append((state(ledger).status, state(ledger).share))
    assert seen == [("running", 0.5), ("paused", 0.0), ("running", 0.5), ("rolled back", 0.0), ("running", 0.01)]


def test_a_reason_is_kept_for_who_looks_next(ledger):
    run(ledger, "rollback", "--reason", "wrong prices")
    assert run(ledger, "status").output.startswith("support: rolled back: wrong prices; 0 % of new conversations")


def test_a_reason_for_anything_else_is_wrong_usage(ledger):
    done = run(ledger, "advance", "--reason", "why not")
    assert (done.exit_code, "--reason goes with pause and rollback." in done.output) == (2, True)
    assert state(ledger) == STATE


def test_json_has_all_that_is_known(ledger):
    said = json.loads(run(ledger, "status", "--json").output)
    assert (said["agent"], said["share"], said["stages"], said["number"]) == ("support", 0.01, [0.01, 0.5, 1.0], 1)


def test_of_several_routers_one_has_to_be_named(ledger):
    with RouterFile(ledger) as file:
        file.begin(attrs.evolve(STATE, agent="billing"))
    with pytest.raises(ConfigurationError, match=r"several routers \(there: billing, support\); name one by --agent"):
        run(ledger, "status")
    assert run(ledger, "pause", "--agent", "billing").output.startswith("billing: paused")
    assert state(ledger).status == "running"


def test_a_ledger_without_a_router_says_who_makes_it(path):
    Ledger(path).close()
    with pytest.raises(ConfigurationError, match=r"no router \(there: none\); the first Router in your code makes it"):
        run(path, "status")


@pytest.mark.parametrize(("action", "error"), [("status", UnknownTargetError), ("pause", ConfigurationError)])
def test_a_router_that_is_not_there_is_named(ledger, action, error):
    with pytest.raises(error, match=r"no router of 'suport' \(there: support\)"):
        run(ledger, action, "--agent", "suport")


def test_the_command_is_one_of_agentbridge_migrate(ledger):
    done = CliRunner().invoke(cli, ["migrate", "router", str(ledger), "status"])
    assert (done.exit_code, done.output[:16]) == (0, "support: running")


def test_a_file_that_is_not_there_is_wrong_usage(path):
    assert run(path, "status").exit_code == 2
