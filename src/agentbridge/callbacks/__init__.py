"""Makes the callbacks of vendors something to wait for, although they name no run. Extra `callbacks`."""

from __future__ import annotations

from .deciding import Delivery
from .receiver import CallbackReceiver
from .serving import serve

__all__ = ["CallbackReceiver", "Delivery", "serve"]
