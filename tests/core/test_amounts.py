"""Counts, numbers and shares: what is one passes as it is, what is none is named with what would be one."""

from __future__ import annotations

import math

import attrs
import pytest
from hypothesis import given, strategies as st

from agentbridge import ConfigurationError
from agentbridge.amounts import checked, count, positive, share

NO_NUMBERS = [True, False, None, "5", "", [], math.nan, {}, 1j]


@given(st.integers(1))
def test_a_whole_number_above_0_is_a_count(value):
    assert count("n", value) == value


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -1, 1.0, 1.5])
def test_what_is_no_count_is_named(value):
    with pytest.raises(ConfigurationError) as caught:
        count("queue", value, "; 1 is none")
    assert str(caught.value) == f"queue must be a whole number, 1 or more, not {value!r}; 1 is none"


@given(st.floats(0, exclude_min=True) | st.integers(1))
def test_a_number_above_0_is_positive(value):
    assert positive("x", value) == value


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -0.1])
def test_what_is_not_positive_is_named(value):
    with pytest.raises(ConfigurationError) as caught:
        positive("x", value)
    assert str(caught.value) == f"x must be a number above 0, not {value!r}"


@given(st.floats(0, 1) | st.sampled_from([0, 1]))
def test_a_part_of_the_whole_is_a_share(value):
    assert share("x", value) == value


@pytest.mark.parametrize("value", [*NO_NUMBERS, -0.1, 1.1, math.inf])
def test_what_is_no_share_is_named(value):
    with pytest.raises(ConfigurationError) as caught:
        share("x", value)
    assert str(caught.value) == f"x must be a share from 0 to 1, not {value!r}"


@attrs.frozen
class _Settings:
    needed: int = attrs.field(default=1, validator=checked(count))
    limit: int | None = attrs.field(default=None, validator=checked(count, none="is no limit"))


def test_a_field_is_named_with_its_class_and_with_what_none_means():
    with pytest.raises(ConfigurationError, match=r"^_Settings\.limit must be .* not 0; None is no limit$"):
        _Settings(limit=0)


def test_none_is_refused_where_it_means_nothing():
    with pytest.raises(ConfigurationError, match=r"^_Settings\.needed must be .* not None$"):
        _Settings(needed=None)
