"""A test of the kit is not overridden in silence."""

from __future__ import annotations

import pytest
from kit import contract
from small import EXAMPLES, Small

from agentbridge.testing import ProviderContract

NAME = "test_an_answer_needs_its_proof"


def passing(self):
    pass


OVERRIDES = {
    "a method": passing,
    "None": None,
    "a skip": pytest.mark.skip(reason="no time")(lambda self: None),
    "an xfail without a reason": pytest.mark.xfail()(lambda self: None),
    "an xfail with a blank reason": pytest.mark.xfail(reason=" ")(lambda self: None),
    "an xfail that may pass": pytest.mark.xfail(reason="so", strict=False)(lambda self: None),
    "an xfail that never runs": pytest.mark.xfail(reason="so", run=False)(lambda self: None),
    "an xfail on a condition": pytest.mark.xfail(False, reason="so")(lambda self: None),
}


@pytest.mark.parametrize("how", OVERRIDES)
def test_an_override_is_refused(how):
    with pytest.raises(TypeError, match="mark the override with @pytest.mark.xfail"):
        contract(Small(), **{NAME: OVERRIDES[how]})


def test_an_override_that_is_inherited_is_refused_too():
    mixin = type("Mixin", (), {NAME: passing})
    with pytest.raises(TypeError, match=NAME):
        type("TestMixed", (mixin, ProviderContract), {"provider": Small(), **EXAMPLES})


def test_an_expected_failure_with_a_reason_is_taken_and_strict():
    @pytest.mark.xfail(reason="the vendor sends nothing else")
    def expected(self):
        raise AssertionError

    cls = contract(Small(), **{NAME: expected})
    (mark,) = getattr(cls, NAME).pytestmark
    assert mark.kwargs == {"reason": "the vendor sends nothing else", "strict": True}


def test_a_helper_of_the_kit_is_not_hidden_by_accident():
    with pytest.raises(TypeError, match="_built hides a part of the kit"):
        contract(Small(), _built=passing)


def test_tests_of_ones_own_are_welcome():
    assert contract(Small(), test_of_my_own=passing).test_of_my_own


def test_the_parts_of_the_kit_do_not_hide_each_other():
    parts = [base for base in ProviderContract.__mro__[1:-1] if base.__name__ != "Base"]
    names = [name for part in parts for name in vars(part) if not name.startswith("__")]
    assert len(names) == len(set(names))
