"""A pytest plugin that runs the collected tests once for each mutant, in a fork, until one of them fails.

Only the tests that call the mutant's function run. It reads `mutants.json` in the folder `$MUTANTS`, and writes the names
of those that no test noticed into `alive.json`; not where a test fails without a mutant.
"""

from __future__ import annotations

import gc
import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutmut.mutation import trampoline

PLACE = Path(os.environ["MUTANTS"])
PATIENCE = 30  # seconds of one mutant; more is one that does not end


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of pytest's own loop."""
    if session.testsfailed or session.config.option.collectonly:
        return False
    callers = tests_by_function(session)
    if not session.testsfailed:
        gc.freeze()
        names = json.loads((PLACE / "mutants.json").read_text())
        alive = [name for name in names if survives(session, name, callers[name.partition("__mutmut_")[0]])]
        (PLACE / "alive.json").write_text(json.dumps(alive))
    return True


def tests_by_function(session: pytest.Session) -> defaultdict[str, list[pytest.Item]]:
    """Run all tests without a mutant, and note what they call."""
    called: set[str] = set()
    trampoline.record_trampoline_hit = lambda name, **_: called.add(name)
    trampoline.set_mutant_under_test("stats")
    found = defaultdict(list)
    for item in passed(session, session.items):
        for name in called:
            found[name].append(item)
        called.clear()
    return found


def survives(session: pytest.Session, name: str, items: list[pytest.Item]) -> bool:
    """Whether no test notices."""
    if not items:
        return True
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.alarm(PATIENCE)
    trampoline.set_mutant_under_test(name)
    try:
        ran = sum(1 for _ in passed(session, items))
        os._exit(ran != len(items))
    finally:
        os._exit(1)


def passed(session: pytest.Session, items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """The tests that passed, up to the first that fails."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return
        yield item
