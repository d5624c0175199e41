from collections import Counter

import attrs
import pytest
from benchmarks.budgets import Row
from benchmarks.rounds import measured
from benchmarks.statistics import Compared


@attrs.define(slots=False, eq=False, repr=False)
class Fake:
    """A subject that costs what it is told, a little more each time, and writes down when it was asked."""

    name: str
    cost: float
    log: list = attrs.field(factory=list)
    drift: float = 0.0

    def __repr__(self):
        return self.name

    def start(self, base):
        self.log.append(f"{self.name} starts at {base}")
        return self

    def sample(self):
        self.log.append(self.name)
        self.cost += self.drift
        return {"cpu": self.cost}

    def close(self):
        self.log.append(f"{self.name} ends")


def rows(log, *names, slices=1, baseline=None):
    base = baseline or Fake("base", 10.0, log)
    return [Row(name, name, 1, "x", "ratio", Fake(name, 5.0, log), base, slices=slices) for name in names]


def test_the_baseline_is_measured_before_and_after_each_subject():
    log = []
    measured(rows(log, "a", "b", slices=2), "http://vendor", 1)
    order = [entry for entry in log if " " not in entry]
    assert len(order) == 2 * 5
    assert order[0::5] == order[2::5] == order[4::5] == ["base", "base"]
    assert {*order[1:4:2]} == {*order[6:9:2]} == {"a", "b"}


def test_the_order_of_the_subjects_is_random():
    orders = set()
    for _ in range(40):
        log = []
        measured(rows(log, "a", "b"), "", 1)
        orders.add("".join(entry for entry in log if entry in {"a", "b"}))
    assert orders == {"ab", "ba"}


def test_a_machine_that_slows_down_steadily_does_not_change_a_ratio():
    log = []
    found = measured(rows(log, "a", baseline=Fake("base", 10.0, log, drift=2.0)), "", 1)
    assert found == [{"a": Compared(5.0 / 13.0, 5.0, 13.0)}]  # of 12 before and 14 after


@pytest.mark.parametrize(("keep", "slices", "starts"), [(False, 2, 3), (True, 2, 1), (True, 1, 3)])
def test_processes_are_started_for_each_round_or_kept_where_more_than_one_slice_is_measured(keep, slices, starts):
    log = []
    assert len(measured(rows(log, "a", "b", slices=slices), "there", 3, keep=keep)) == 3
    count = Counter(log)
    assert {count[f"{name} starts at there"] for name in ("a", "b", "base")} == {starts}
    assert {count[f"{name} ends"] for name in ("a", "b", "base")} == {starts}


def test_processes_end_also_when_one_of_them_fails():
    log = []
    broken = rows(log, "a")
    broken[0].baseline.sample = None
    with pytest.raises(TypeError):
        measured(broken, "", 1)
    assert {"a ends", "base ends"} <= set(log)


def test_a_figure_of_its_own_needs_no_baseline():
    log = []
    row = Row("a", "a", 1, "MB", "alone", Fake("a", 5.0, log))
    assert measured([row], "", 1) == [{"a": Compared(5.0, 5.0, None)}]
    assert "base" not in log


def test_two_figures_of_one_subject_come_from_one_sample():
    log = []
    subject, base = Fake("a", 5.0, log), Fake("base", 10.0, log)
    two = [Row(key, key, 1, "x", how, subject, base, slices=1) for key, how in (("r", "ratio"), ("l", "less"))]
    assert measured(two, "", 1) == [{"r": Compared(0.5, 5.0, 10.0), "l": Compared(-5.0, 5.0, 10.0)}]
    assert log.count("a") == 1
