from __future__ import annotations

import os

import pytest

from agentbridge import Bridge, UnknownTargetError
from agentbridge.environment import environment, of_variables


def test_what_is_read_is_what_python_reads(monkeypatch):
    monkeypatch.setenv("ÜBER_\udcff", "grüße \udcfe")
    assert environment() == dict(os.environ)


def test_a_change_shows_in_what_is_read_next_and_not_in_what_was_read(monkeypatch):
    monkeypatch.setenv("FLOWISE_BASE_URL", "http://one.test")
    before = environment()
    monkeypatch.setenv("FLOWISE_BASE_URL", "http://two.test")
    assert (before["FLOWISE_BASE_URL"], environment()["FLOWISE_BASE_URL"]) == ("http://one.test", "http://two.test")


def test_an_environment_that_is_a_plain_mapping_is_read_too(monkeypatch):
    monkeypatch.setattr(os, "environ", {"A": "b"})
    assert environment() == {"A": "b"}


def test_a_changed_environment_is_seen_by_a_new_bridge_and_not_by_an_old_one(monkeypatch):
    monkeypatch.delenv("FLOWISE_BASE_URL", raising=False)
    monkeypatch.delenv("FLOWISE_API_KEY", raising=False)
    with Bridge({}) as old:
        monkeypatch.setenv("FLOWISE_BASE_URL", "http://one.test")
        with Bridge({}) as new:
            assert new.prepare("flowise:a", "hi").request.url.startswith("http://one.test/")
        with pytest.raises(UnknownTargetError):
            old.prepare("flowise:a", "hi")


def test_what_is_made_of_the_variables_is_made_anew_only_where_they_changed(monkeypatch):
    monkeypatch.setenv("CITY", "Paris")
    made = of_variables(lambda variables: [variables["CITY"]])
    first, second = made(), made()
    monkeypatch.setenv("CITY", "Rome")
    assert (first is second, made()) == (True, ["Rome"])
