"""The one hook a plugin implements, found through the entry point group "agentbridge"."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from .provider import Provider

PROJECT = "agentbridge"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def agentbridge_providers() -> Iterable[Provider]:  # type: ignore[empty-body]
    """The providers that this plugin brings."""
