"""For plugin authors: what a vendor sends, read strictly where the proof is, and forgivingly elsewhere.

By hand, or with models of pydantic, which is imported with the first of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .by_hand import (
        compare as compare,
        decode_json as decode_json,
        notice as notice,
        said as said,
        unreadable as unreadable,
        whole as whole,
    )
    from .models import Lenient as Lenient, Reply as Reply, words as words
else:
    from .._lazy import exported

    _MODULES = {
        "by_hand": "compare decode_json notice said unreadable whole",
        "models": "Lenient Reply words",
    }
    __all__, __getattr__, __dir__ = exported(__name__, _MODULES)
