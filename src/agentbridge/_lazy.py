"""The public names of a package, each imported when it is first used, so that importing the package costs nothing.

A type checker must not see these functions, or every misspelt name would be Any to it: packages call this where
TYPE_CHECKING is False, and import the same names where it is True.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def exported(
    package: str, modules: Mapping[str, str]
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """`__all__`, `__getattr__` and `__dir__` of a package; `modules` has the names that each module brings."""
    home = {name: module for module, names in modules.items() for name in names.split()}

    def look_up(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{home[name]}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    return list(home), look_up, lambda: sorted(home)
