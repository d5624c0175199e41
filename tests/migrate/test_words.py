"""Texts as words and numbers: what only looks different is the same, and what means something else is not."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from agentbridge.migrate.comparing.words import NUMBER_HERE, number, similarity, words_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello, World!", "hello   world"),
        ("**Your** _parcel_\n> is `here`", "your parcel is here"),
        ("# Answer\n\n- one\n- two", "Answer one two"),
        ("1. one\n2. two", "- one\n- two"),
        ("\uff28\uff45\uff4c\uff4c\uff4f \ufb01ne", "hello fine"),
        ("don\u2019t \u201cgo\u201d \u2026", 'don\'t "go" ...'),
        ("costs $1,234.50", "costs $1234.5"),
        ("1.234,50", "1234.5"),
        ("1'234'567", "1,234,567"),
        (".5 and \u22123", "0.50 and -3"),
        ("\U0001f44d\ufe0f", "\U0001f44d"),
    ],
)
def test_what_only_looks_different_is_the_same(one, other):
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("yes", "no"),
        ("5", "-5"),
        ("5 %", "5"),
        ("$5", "\u20ac5"),
        ("a < b", "a > b c"),
        ("\U0001f44d", "\U0001f44e"),
        ("\u0915\u0940", "\u0915\u093e"),
        ("12. May", "13. May"),
        ("?", "!"),
        ("007", "7"),
        ("v1.2.3", "v1.2.4"),
        ("1,5", "15"),
        ("", "no"),
    ],
)
def test_what_means_something_else_is_not_the_same(one, other):
    assert words_of(one) != words_of(other)


def test_a_number_between_words_is_told_from_the_words():
    assert words_of("3 items for $10.00") == words_of("3 items, for $10")
    assert words_of("3 items").words == words_of("4 items").words
    assert words_of("3 items").numbers != words_of("4 items").numbers


@given(st.integers(-(10**18), 10**18), st.integers(0, 99))
def test_a_number_is_one_however_it_is_grouped(whole, cents):
    plain = f"{whole}.{cents:02}"
    assert number(f"{whole:,}.{cents:02}") == number(plain)
    assert number(f"{whole:,}".replace(",", "'") + f".{cents:02}") == number(plain)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_different_numbers_are_different(one, other):
    assert (words_of(f"{one:,}") == words_of(str(other))) == (one == other)


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "7"]), max_size=12)


@given(TEXTS, TEXTS)
def test_similarity_is_between_none_and_all_and_the_same_from_both_sides(one, other):
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1
    assert (similarity(one, other) == 1) >= (one == other)


def test_similarity_knows_the_order_of_words():
    assert similarity("a b c d".split(), "a b c d".split()) == 1
    assert similarity("a b c d".split(), "d c b a".split()) == pytest.approx(2 * 4 / 14)
    assert similarity("a b".split(), "c d".split()) == 0


@pytest.mark.parametrize("text", ["#", "# #", "##"])
def test_a_hash_is_not_taken_for_a_number(text):
    assert len(words_of(text).tokens) == len(text.split())


@given(st.text(max_size=60))
def test_any_text_can_be_read(text):
    found = words_of(text)
    assert len(found.numbers) == found.words.count(NUMBER_HERE)
    assert bool(found.words) == bool(text.strip()) or not text.strip("\u200b\ufeff").isprintable() or not found.words
