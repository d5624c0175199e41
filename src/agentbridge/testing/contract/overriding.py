"""A kit that can be overridden in silence proves nothing: an override is an expected failure with a reason, or refused."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any


def own(kit: type) -> dict[str, Any]:
    """The tests and helpers of the kit."""
    names = (name for name in dir(kit) if name.startswith(("test_", "_")) and not name.startswith("__"))
    return {name: value for name in names if callable(value := inspect.getattr_static(kit, name))}


def check_overrides(cls: type, kit: Mapping[str, Any]) -> None:
    """Raise TypeError for a part of the kit that this class, or one that it inherits from, replaces without a reason."""
    for name, part in kit.items():
        found = inspect.getattr_static(cls, name)
        if found is part:
            continue
        if not name.startswith("test_"):
            raise TypeError(f"{cls.__name__}.{name} hides a part of the kit: choose another name")
        if not _is_expected_failure(found):
            raise TypeError(
                f"{cls.__name__} replaces {name} of the contract. Add tests under other names instead; where the vendor"
                ' leaves no other way, mark the override with @pytest.mark.xfail(reason="why the vendor ...")'
            )


def _is_expected_failure(test: Any) -> bool:
    """Whether the override is an xfail with a reason, which is then made strict: once it passes, it has to go."""
    marks = getattr(test, "pytestmark", [])
    for index, mark in enumerate(marks):
        facts = dict(mark.kwargs)
        plain = not mark.args and facts.get("strict", True) is True and facts.get("run", True) is True
        if mark.name == "xfail" and plain and "condition" not in facts and str(facts.get("reason") or "").strip():
            marks[index] = _strict(facts)
            return True
    return False


def _strict(facts: dict[str, Any]) -> Any:
    import pytest

    return pytest.mark.xfail(**{**facts, "strict": True}).mark
