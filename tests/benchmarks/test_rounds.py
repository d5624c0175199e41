from collections import Counter

import attrs
import pytest
from benchmarks.budgets import Row
from benchmarks.rounds import one_round
from benchmarks.statistics import Compared


@attrs.define(slots=False, eq=False)
class Fake:
    """A subject that costs what it is told, a little more each time, and writes down when it was asked."""

    name: str
    cost: float
    log: list = attrs.field(factory=list)
    drift: float = 0.0

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
    one_round(rows(log, "a", "b", slices=2), "http://vendor")
    measured = [entry for entry in log if " " not in entry]
    assert len(measured) == 2 * 5
    assert measured[0::5] == measured[2::5] == measured[4::5] == ["base", "base"]
    assert {*measured[1:4:2]} == {*measured[6:9:2]} == {"a", "b"}


def test_the_order_of_the_subjects_is_random():
    orders = set()
    for _ in range(40):
        log = []
        one_round(rows(log, "a", "b"), "")
        orders.add("".join(entry for entry in log if entry in {"a", "b"}))
    assert orders == {"ab", "ba"}


def test_a_machine_that_slows_down_steadily_does_not_change_a_ratio():
    log = []
    found = one_round(rows(log, "a", baseline=Fake("base", 10.0, log, drift=2.0)), "")
    assert found == {"a": Compared(5.0 / 13.0, 5.0, 13.0)}  # of 12 before and 14 after


def test_every_process_is_started_anew_and_ended():
    log = []
    one_round(rows(log, "a", "b"), "there")
    count = Counter(log)
    assert all(count[f"{name} starts at there"] == count[f"{name} ends"] == 1 for name in ("a", "b", "base"))


def test_processes_end_also_when_one_of_them_fails():
    log = []
    broken = rows(log, "a")
    broken[0].baseline.sample = None
    with pytest.raises(TypeError):
        one_round(broken, "")
    assert {"a ends", "base ends"} <= set(log)


def test_a_figure_of_its_own_needs_no_baseline():
    log = []
    row = Row("a", "a", 1, "MB", "alone", Fake("a", 5.0, log))
    assert one_round([row], "") == {"a": Compared(5.0, 5.0, None)}
    assert "base" not in log
