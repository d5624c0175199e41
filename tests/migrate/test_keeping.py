"""The actor that keeps the ledger for all workers, without a cluster."""

from __future__ import annotations

import pytest
from moving import conversations

from agentbridge import ConfigurationError, Fault, FaultKind, Limits
from agentbridge.migrate import Budget, Ledger
from agentbridge.migrate.keeping import LedgerKeeper

ARM = "candidate"


@pytest.fixture
def path(tmp_path):
    with Ledger(tmp_path / "move.ledger") as ledger:
        ledger.add(conversations(2, 2))
    return tmp_path / "move.ledger"


@pytest.fixture
def keeper(path):
    keeper = LedgerKeeper(path, ARM, {"flowise": Limits(calls=1, per=60.0)})
    assert keeper.begin(Budget(), 10) == [1, 2]
    return keeper


def states(turns):
    return [turn.state for turn in turns]


def test_a_conversation_that_is_given_out_again_was_lost_with_what_was_claimed_in_it(keeper):
    first, second = keeper.turns(1)
    other, _ = keeper.turns(2)
    assert keeper.claim(first)
    assert keeper.claim(other)
    assert states(keeper.turns(1)) == ["unknown", None]
    assert not keeper.claim(first)
    assert keeper.claim(second)
    summary = keeper.end()
    assert (summary.lost, summary.counts.unknown, summary.counts.claimed) == (3, 3, 0)


def test_nothing_is_given_out_after_the_end_was_decided(keeper):
    first, _ = keeper.turns(1)
    keeper.stop("it was interrupted")
    assert keeper.turns(2) is None
    assert not keeper.claim(first)
    assert keeper.end().stopped == "it was interrupted"


def test_the_ledger_is_held_until_the_end(keeper, path):
    other = LedgerKeeper(path, ARM, {})
    with pytest.raises(ConfigurationError, match="another process works on the ledger"):
        other.begin(Budget(), 10)
    keeper.end()
    assert LedgerKeeper(path, ARM, {}).begin(Budget(), 10) == [1, 2]


def test_leave_to_send_is_counted_for_all(keeper):
    assert keeper.wait("flowise") == 0
    assert keeper.take("flowise") == 0
    assert 0 < keeper.take("flowise") <= 60


def test_a_refusal_holds_all_back(keeper):
    keeper.heard("flowise", Fault(FaultKind.RATE_LIMITED, "", retry_after=500.0), 0.1)
    assert 490 < keeper.wait("flowise") <= 500
