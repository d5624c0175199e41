"""The list of pitfalls does not rot: all are there, each with tests that exist, and its handling where it is said to be.

That the tests fail without the handling is shown by `make pitfalls`.
"""

from __future__ import annotations

import subprocess
import sys

import pitfall_page
import pytest
from pitfall import ROOT

from pitfalls import ALL


def test_every_pitfall_is_there():
    assert set(ALL) == set(range(1, 59))


@pytest.mark.parametrize("number", ALL)
def test_the_handling_stands_where_the_list_says_and_only_there(number):
    for removal in ALL[number].removals:
        changed = removal.applied((ROOT / removal.path).read_text())
        compile(changed, removal.path, "exec")


def test_every_test_of_the_list_exists(request):
    there = {item.nodeid for item in request.session.items} | {
        item.nodeid.partition("[")[0] for item in request.session.items
    }
    unseen = {test for pitfall in ALL.values() for test in pitfall.tests} - there
    if not unseen:  # all tests are being run
        return
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *sorted(unseen)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr  # which names those that are not there


def test_the_page_is_the_one_that_is_generated():
    assert pitfall_page.page() == pitfall_page.PAGE.read_text(), "run: python tests/pitfalls/pitfall_page.py"
