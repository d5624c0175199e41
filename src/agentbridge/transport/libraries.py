"""The HTTP libraries, imported by their names when they are needed."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from ..errors import ConfigurationError


def installed(name: str) -> Any:
    """The library of this name. Raises ConfigurationError."""
    try:
        return __import__(name)  # `import_module` takes ten times as long for what is there
    except ImportError:
        raise ConfigurationError(
            f"transport {name!r} is not installed: pip install 'agentbridge-core[{name}]'"
        ) from None


@cache
def httpcore_of(library: Any) -> Any:
    """The library below httpx or httpx2: httpcore or httpcore2."""
    return importlib.import_module(library.__name__.replace("httpx", "httpcore"))
