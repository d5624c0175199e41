"""The contract's table of budgets, typed by hand, against the rows that are measured."""

import importlib
import inspect

import pytest
from benchmarks.__main__ import chosen
from benchmarks.budgets import ROWS
from benchmarks.processes import OURS, RAW, Cold, Slices
from benchmarks.rounds import grouped

BUDGETS = {
    "sync_call": "at most 0.85 x raw",
    "adapter": "at most -20 us",
    "async_one_httpx": "at most 0.8 x raw",
    "async_one_httpx2": "at most 0.6 x raw",
    "async_32_httpx": "at least 4 x raw",
    "async_32_httpx2": "at least 6 x raw",
    "async_32_aiohttp": "at least 10 x raw",
    "flatness_httpx": "at most 1.15 x",
    "flatness_httpx2": "at most 1.15 x",
    "flatness_aiohttp": "at most 1.15 x",
    "import": "at most 0.45 x `import httpx`",
    "import_lazy": "at most 0 modules",
    "first_call": "at most 2 x raw",
    "further_bridge": "at most 0.3 ms",
    "stream": "at most 0.95 x raw `iter_lines` + `json.loads`",
    "stream_async": "at most 0.95 x raw `aiter_lines` + `json.loads`",
    "stream_aiohttp": "at most 0.35 x raw `aiter_lines` + `json.loads`",
    "stream_memory": "at most 1 MB",
    "event_delay": "at most 0 reads",
    "parser": "at most 0.8 us",
    "upload_memory": "at most 2 MB",
    "upload_memory_500": "at most 2 MB",
    "upload": "at most 0.25 x raw, read and encoded whole",
    "upload_stall_httpx": "at most 5 ms",
    "upload_stall_httpx2": "at most 5 ms",
    "upload_stall_aiohttp": "at most 5 ms",
    "batch_memory": "at most 2 MB",
    "batch_own": "at most 10 us",
    "batch_growth": "at most 1.03 x",
    "answer": "at most 1.03 x `json.loads`",
    "requests": "at most 0 requests",
    "connections": "at most 0 connections",
    "memory": "at most 1.4 x raw",
    "shadow": "at most 2 % of a call",
    "shadow_off": "at most 2 % of a call",
}


def test_each_budget_is_measured_with_its_limit():
    assert {row.key: row.budget for row in ROWS} == BUDGETS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_what_is_compared_has_a_baseline(row):
    assert row.baseline is not None or row.how == "alone"


def test_what_is_said_to_be_compared_with_raw_is():
    for row in ROWS:
        if "raw" in row.unit or "httpx" in row.unit:
            assert (row.subject.side, row.baseline.side) == (OURS, RAW), row.key


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_the_work_of_our_side_exists_and_takes_its_options(row):
    for slices in (row.subject, row.baseline):
        if isinstance(slices, Slices) and slices.side == OURS:
            module, _, name = slices.work.partition(".")
            work = getattr(importlib.import_module(f"benchmarks.work.{module}"), name)
            base = {"base": ""} if slices.needs_vendor else {}
            inspect.signature(work).bind(**base, **slices.options)


def test_cold_code_is_python():
    for row in ROWS:
        if isinstance(row.subject, Cold):
            compile(row.subject.code, row.key, "exec")


def test_rows_that_share_a_baseline_are_measured_together_and_none_is_lost():
    groups = list(grouped(ROWS))
    assert [row for group in groups for row in group] == list(ROWS)
    assert all(len({repr(row.baseline) for row in group}) == 1 for group in groups)
    assert any(len(group) > 1 for group in groups)


def test_rows_are_chosen_by_how_their_keys_begin():
    assert [row.key for row in chosen(["async_one", "adapter"])] == ["adapter", "async_one_httpx", "async_one_httpx2"]


def test_an_unknown_row_is_named():
    with pytest.raises(SystemExit, match="there is no row nonsense"):
        chosen(["nonsense"])
