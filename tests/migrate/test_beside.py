"""What waits beside production: in order by lanes, bounded; and what is remembered is bounded too."""

from __future__ import annotations

from hypothesis import given, strategies as st

from agentbridge.migrate.beside import Backlog, Recent

MOVES = st.lists(st.sampled_from(["put a", "put b", "put c", "take", "done"]), max_size=60)


@given(moves=MOVES, room=st.integers(1, 5))
def test_a_backlog_gives_each_lane_in_order_one_at_a_time_and_holds_no_more_than_its_room(moves, room):
    backlog: Backlog[int] = Backlog(room)
    put: dict[object, list[int]] = {"a": [], "b": [], "c": []}
    taken: dict[object, list[int]] = {"a": [], "b": [], "c": []}
    busy: list[object] = []
    for number, move in enumerate(moves):
        if move.startswith("put"):
            had_room = backlog.waiting < room
            assert backlog.put(move[-1], number) is had_room
            put[move[-1]] += [number] if had_room else []
        elif move == "take" and backlog.ready:
            lane, item = backlog.take()
            assert lane not in busy
            busy.append(lane)
            taken[lane].append(item)
        elif move == "done" and busy:
            backlog.done(busy.pop(0))
        assert (backlog.busy, backlog.waiting <= room) == (len(busy), True)
    assert all(put[lane][: len(items)] == items for lane, items in taken.items())
    assert backlog.waiting == sum(map(len, put.values())) - sum(map(len, taken.values()))


def test_a_cleared_backlog_gives_nothing_more_and_takes_again():
    backlog: Backlog[int] = Backlog(10)
    for number in range(4):
        backlog.put("a", number)
    lane, _ = backlog.take()
    assert backlog.clear() == 3
    backlog.done(lane)
    assert (backlog.ready, backlog.waiting, backlog.busy) == (0, 0, 0)
    assert backlog.put("a", 9)
    assert backlog.take() == ("a", 9)


def test_what_was_longest_not_asked_for_is_forgotten():
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]
    recent.forget("a")
    recent.forget("a")
    assert recent.get("a") is None
