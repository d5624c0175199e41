"""The variables of the environment, as they are now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType


def environment() -> Mapping[str, str]:
    """All variables by name; later changes do not show in it.

    Python decodes each variable whenever it is looked at, which for all of them takes as long as a tenth of a call.
    Below that are the undecoded ones, for which there is no public name: as long as they are the same, one reading serves.
    """
    raw = getattr(os.environ, "_data", None)
    return dict(os.environ) if raw is None else _decoded(tuple(raw.items()))


@lru_cache(maxsize=1)
def _decoded(raw: tuple[tuple[bytes | str, bytes | str], ...]) -> Mapping[str, str]:
    return MappingProxyType({os.fsdecode(name): os.fsdecode(value) for name, value in raw})
