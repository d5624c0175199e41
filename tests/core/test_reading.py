"""What a vendor sends, as a number or as words for a reader."""

import pytest
from hypothesis import given, strategies as st

from agentbridge.reading import said, whole


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (402, 402), (402.0, 402), ("402", 402), (" -1 ", -1), (0, 0),
        (None, None), (True, None), (402.5, None), (float("inf"), None), (float("nan"), None),
        ("", None), ("4 02", None), ("402.0", None), ("\u0664", None), ("9" * 5000, None), ([402], None), ({}, None),
    ],
)  # fmt: skip
def test_a_status_in_a_body_is_a_whole_number_or_its_text(value, number):
    assert whole(value) == number


@given(st.integers(-(10**17), 10**17))
def test_a_whole_number_is_the_same_as_text(number):
    assert whole(number) == whole(str(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" no ", "no"), ({"message": " no "}, "no"), ({"message": 1}, '{"message": 1}'), (["ö", 1], '["ö", 1]'), (7, "7"),
        (None, ""), (True, ""), (False, ""), ({}, ""), ([], ""), ("", ""),
    ],
)  # fmt: skip
def test_a_value_for_a_reader_says_nothing_where_it_is_empty(value, text):
    assert said(value) == text
