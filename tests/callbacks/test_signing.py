"""Addresses: what we signed is ours, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from agentbridge.callbacks.signing import Claim, signed, verified
from agentbridge.redaction import redactor_of

SECRET = b"a secret of sixteen"
TOKEN = signed(Claim("run-1", 1_800_000_000), SECRET)


def test_what_was_signed_is_verified():
    assert verified(TOKEN, SECRET) == Claim("run-1", 1_800_000_000)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
def test_no_other_character_anywhere_is_verified(place, character):
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert changed == TOKEN or verified(changed, SECRET) is None


@given(st.text())
def test_what_anybody_may_send_is_not_verified(token):
    assert verified(token, SECRET) is None


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "run-1.ffffffffffff.", TOKEN + ".", TOKEN[:-1], TOKEN.upper(), TOKEN.replace(".6", ".06")],
)
def test_what_only_looks_like_an_address_is_not_verified(token):
    assert verified(token, SECRET) is None


def test_an_address_of_another_secret_is_not_verified():
    assert verified(TOKEN, b"another secret of ours") is None


def test_an_address_that_lives_longer_than_it_was_made_for_is_not_verified():
    run, _, signature = TOKEN.split(".")
    assert verified(f"{run}.{2_000_000_000:x}.{signature}", SECRET) is None


def test_every_redactor_knows_a_signature_without_being_told():
    shown = redactor_of(frozenset()).text(f"POST https://me.example/hooks/{TOKEN} failed")
    assert shown == "POST https://me.example/hooks/run-1.6b49d200.*** failed"
    assert redactor_of(frozenset({"canary-key-7f3a"})).bytes(TOKEN.encode()) == b"run-1.6b49d200.***"
