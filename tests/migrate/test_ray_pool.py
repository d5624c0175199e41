"""How the calls of a job are shared among its workers, without a cluster; what is refused before one is looked for."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, strategies as st
from moving import sample

from agentbridge import ConfigurationError, Limits
from agentbridge.migrate import Ledger, export_parquet, read_samples, replay_on_ray
from agentbridge.migrate.ray_engine import _Pool

FEW = st.integers(1, 40)


@given(FEW, FEW, FEW)
def test_workers_together_make_no_more_calls_than_asked_for_and_the_connection_allows(calls, workers, most):
    pool = _Pool(calls, workers).within({"a": Limits(in_flight=most), "other": Limits(in_flight=1)}, {"a"})
    assert 1 <= pool.workers <= workers
    assert pool.each >= 1
    assert pool.workers * pool.each <= min(calls, most)


@given(FEW, FEW, st.integers(1, 5000))
def test_conversations_are_spread_so_that_none_gets_an_empty_part(calls, workers, items):
    assert 1 <= _Pool(calls, workers).blocks(items) <= items


@pytest.mark.parametrize("workers", [0, True, 1.5])
def test_a_number_of_workers_that_is_none_is_refused(tmp_path, workers):
    with pytest.raises(ConfigurationError, match="workers must be a whole number, 1 or more"):
        replay_on_ray(tmp_path / "move.ledger", {}, "flowise", workers=workers)


@pytest.fixture
def _without_the_extra(monkeypatch):
    for name in ("ray", "pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("_without_the_extra")
def test_without_the_extra_the_error_says_how_to_get_it(tmp_path):
    with Ledger(tmp_path / "move.ledger") as ledger:
        ledger.add([sample(1)])
        with pytest.raises(ConfigurationError, match=r"pip install 'agentbridge-core\[ray\]'"):
            export_parquet(ledger, tmp_path / "x.parquet")
    with pytest.raises(ConfigurationError, match=r"pip install 'agentbridge-core\[ray\]'"):
        list(read_samples(tmp_path / "x.parquet"))
    with pytest.raises(ConfigurationError, match=r"pip install 'agentbridge-core\[ray\]'"):
        replay_on_ray(tmp_path / "empty.ledger", {}, "flowise")
