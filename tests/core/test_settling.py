"""What is made once for an agent must not be seen by the calls that say something else."""

from __future__ import annotations

import pytest

from agentbridge import Agent, Binding, Bridge, Connection, RetryPolicy, Timeouts, UnsupportedFeatureError
from agentbridge.directory import _ROOM, Directory

FLOWISE = {"flowise": Connection("flowise", base_url="http://flowise.test", options={"overrideConfig": {"a": 1}})}


@pytest.fixture
def bridge():
    with Bridge({}, connections=FLOWISE) as bridge:
        yield bridge


def test_options_of_a_call_are_of_that_call_alone(bridge):
    said = {"flowise": {"overrideConfig": {"b": 2}, "chatflowid": "x"}}
    before = bridge.prepare("flowise:a", "hi").request.json["overrideConfig"]
    during = bridge.prepare("flowise:a", "hi", options=said).request.json["overrideConfig"]
    after = bridge.prepare("flowise:a", "hi").request.json["overrideConfig"]
    assert (before, during, after) == ({"a": 1}, {"a": 1, "b": 2}, {"a": 1})


def test_settings_of_a_call_are_of_that_call_alone(bridge):
    def planned(**fields):
        plan = bridge._plan("flowise:a", "hi", fields).plan
        return plan.retry.attempts, plan.timeouts.total

    own = {"retry": RetryPolicy(attempts=7), "timeouts": Timeouts(total=5)}
    assert [planned(), planned(**own), planned()] == [(3, None), (7, 5), (3, None)]


def test_what_is_dropped_for_one_call_is_not_dropped_for_the_next(bridge):
    assert bridge.prepare("flowise:a", "hi", user_id="u", on_unsupported="drop").dropped == ("user_id",)
    with pytest.raises(UnsupportedFeatureError):
        bridge.prepare("flowise:a", "hi", user_id="u")


def test_two_agents_with_one_id_keep_their_own_bindings():
    agents = {
        name: Agent(on={"flowise": Binding(agent="same", template=f"{name}: {{text}}")}) for name in ("one", "two")
    }
    with Bridge({}, connections=FLOWISE, agents=agents) as bridge:
        said = [bridge.prepare(name, "hi").request.json["question"] for name in ("one", "two", "one")]
    assert said == ["one: hi", "two: hi", "one: hi"]


def test_each_agent_of_a_connection_has_its_own_address(bridge):
    urls = [bridge.prepare(f"flowise:{agent}", "hi").request.url.rpartition("/")[2] for agent in ("a", "b", "a")]
    assert urls == ["a", "b", "a"]


def test_agents_without_end_take_no_memory_without_end():
    directory = Directory({})
    for number in range(3 * _ROOM):
        assert directory.once(number, lambda number=number: number + 1) == number + 1
    assert len(directory._made) <= _ROOM


def test_what_failed_once_is_tried_anew():
    directory, made = Directory({}), iter([ZeroDivisionError, 5])

    def make():
        value = next(made)
        if value is ZeroDivisionError:
            raise value
        return value

    with pytest.raises(ZeroDivisionError):
        directory.once("key", make)
    assert directory.once("key", make) == 5
