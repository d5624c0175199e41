"""Runs the contract in the process, as pytest would, and says which of its tests failed."""

from __future__ import annotations

from typing import Any

import pytest
from small import EXAMPLES

from agentbridge.testing import ProviderContract


def contract(provider: Any, **attributes: Any) -> type[ProviderContract]:
    return type("TestPlanted", (ProviderContract,), {"provider": provider, **EXAMPLES, **attributes})


def names(cls: type[ProviderContract]) -> list[str]:
    """The names of its tests. Those of emulators need a socket, and are run for the four vendors."""
    return sorted(name for name in dir(cls) if name.startswith("test_") and "emulator" not in name)


def failure(cls: type[ProviderContract], name: str) -> str | None:
    """The message of one test that fails; None where it passes or does not apply."""
    try:
        getattr(cls(), name)()
    except pytest.skip.Exception:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
