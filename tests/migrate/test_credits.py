"""Credits of a ledger beside what the vendor says: by day and agent, and what nobody knows."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from click.testing import CliRunner
from moving import bridge_to, json_answer, sample

from agentbridge import ConfigurationError, Result, UnknownTargetError, Usage
from agentbridge.cli.migrate_credits import credits_command
from agentbridge.migrate import Answer, CreditDay, Ledger, Spent, reconcile_credits
from agentbridge.migrate.credits import reconcile, spent_by_day

MONDAY, TUESDAY = dt.date(2025, 6, 2), dt.date(2025, 6, 3)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "move.ledger") as ledger:
        yield ledger


def call(ledger, number, day, cost=1.0, *, connection="flowgent", standing="final", agent="G1"):
    """One call that was made on this day; `cost` "lost" leaves it without an answer."""
    ledger.add([sample(number)])
    position = next(turn.position for turn in ledger.turns() if turn.sample.id == f"s{number}")
    ledger.claim("candidate", position)
    if cost == "lost":
        answer = Answer(outcome="ResponseTimeoutError", standing=standing)
    else:
        answer = Answer.of(Result(text="x", output="x", connection=connection, agent=agent, usage=Usage(credits=cost)))
    ledger.finish("candidate", next(turn for turn in ledger.turns() if turn.position == position), answer)
    noon = dt.datetime.combine(day, dt.time(12), dt.UTC).timestamp()
    with ledger.changing() as database:
        database.execute("UPDATE calls SET claimed_at = ? WHERE position = ?", (noon, position))


def spent(ledger):
    return spent_by_day(ledger, "flowgent", bridge_to(None).agents)


def test_calls_are_summed_by_day_and_agent(ledger):
    call(ledger, 1, MONDAY, 1.5)
    call(ledger, 2, MONDAY, 2.0)
    call(ledger, 3, TUESDAY, 1.0)
    call(ledger, 4, TUESDAY, 4.0, agent="G2")
    assert spent(ledger) == {
        (MONDAY, "G1"): Spent(credits=3.5, calls=2),
        (TUESDAY, "G1"): Spent(credits=1.0, calls=1),
        (TUESDAY, "G2"): Spent(credits=4.0, calls=1),
    }


@pytest.mark.parametrize("standing", ["final", "unknown"])
def test_a_call_that_may_have_run_without_naming_its_cost_is_counted_at_the_agent_that_was_bound(ledger, standing):
    call(ledger, 1, MONDAY, "lost", standing=standing)
    assert spent(ledger) == {(MONDAY, "G1"): Spent(calls=1, unknown=1)}


def test_an_answer_without_credits_is_of_unknown_cost(ledger):
    call(ledger, 1, MONDAY, None)
    assert spent(ledger) == {(MONDAY, "G1"): Spent(calls=1, unknown=1)}


def test_a_call_that_surely_did_not_run_is_left_out(ledger):
    call(ledger, 1, MONDAY, "lost", standing="remains")
    assert spent(ledger) == {}


def test_what_another_vendor_answered_is_left_out(ledger):
    call(ledger, 1, MONDAY, connection="flowise", agent="W1")
    assert spent(ledger) == {}


def test_the_difference_is_the_vendors_less_the_ledgers_and_unknown_where_the_vendor_has_not_told():
    ours = {(MONDAY, "G1"): Spent(credits=3.0, calls=3), (TUESDAY, "G1"): Spent(credits=1.0, calls=1)}
    days = reconcile(ours, {(MONDAY, "G1"): 5.0})
    assert [(day.day, day.vendor, day.difference) for day in days] == [(MONDAY, 5.0, 2.0), (TUESDAY, None, None)]


def test_a_day_that_only_the_vendor_knows_is_shown_where_it_cost_something():
    days = reconcile({}, {(MONDAY, "G1"): 0.0, (TUESDAY, "G1"): 2.0})
    assert days == (CreditDay(day=TUESDAY, agent="G1", spent=Spent(), vendor=2.0),)


def usage(send):
    assert (send.request.url.rpartition("/agent/")[2], send.request.query["start_date"]) == ("G1/usage", "2025-06-02")
    days = [{"date": "2025-06-03", "credits_used": 3}, {"date": "2025-06-02", "credits_used": 1}]
    return json_answer(200, {"agent_id": "G1", "usage": {"total_credits_used": 4, "daily_breakdown": days}})


def test_the_vendors_report_is_asked_for_from_the_first_day_to_the_last(ledger):
    call(ledger, 1, MONDAY)
    call(ledger, 2, TUESDAY)
    days = reconcile_credits(ledger, bridge_to(usage), "flowgent")
    assert [(day.day, day.difference) for day in days] == [(MONDAY, 0.0), (TUESDAY, 2.0)]


def test_a_vendor_that_does_not_tell_usage_by_day_is_named(ledger):
    call(ledger, 1, MONDAY, connection="flowise", agent="W1")
    with pytest.raises(ConfigurationError, match="the plugin of flowise does not tell usage by day"):
        reconcile_credits(ledger, bridge_to(usage), "flowise")


def test_a_connection_that_is_not_there_is_named(ledger):
    with pytest.raises(UnknownTargetError, match="no connection 'flowgnt'"):
        reconcile_credits(ledger, bridge_to(usage), "flowgnt")


def test_the_command_shows_the_emulators_report_beside_the_ledger(ledger, emulators, tmp_path):
    call(ledger, 1, dt.date(2025, 6, 3), 1.0, agent="ok")
    call(ledger, 2, dt.date(2025, 6, 6), 2.5, agent="ok")
    ledger.close()
    connection = emulators.connections["flowgent"]
    config = tmp_path / "agentbridge.toml"
    config.write_text(f'[connections.flowgent]\nbase_url = "{connection.base_url}"\napi_key = "{connection.api_key}"\n')
    arguments = [str(ledger.path), "--connection", "flowgent", "--config", str(config)]
    shown = CliRunner().invoke(credits_command, arguments, catch_exceptions=False)
    assert shown.output.splitlines() == [
        "day         agent  calls  ledger  vendor  difference  cost unknown",
        "2025-06-03  ok     1      1       1       0           0",
        "2025-06-06  ok     1      2.5     1       -1.5        0",
    ]
    said = json.loads(CliRunner().invoke(credits_command, [*arguments, "--json"], catch_exceptions=False).output)
    assert [(day["day"], day["difference"]) for day in said] == [("2025-06-03", 0.0), ("2025-06-06", -1.5)]
