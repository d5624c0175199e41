"""Where a vendor shall call back, as far as a bridge has to know: whoever receives callbacks gives out addresses."""

from __future__ import annotations

from typing import Protocol

import attrs

from .model import Pending


@attrs.frozen
class Address:
    """A URL for the answers of one run: so many of them, until `expires`, in seconds since the epoch.

    `id` names it without giving it away.
    """

    id: str
    url: str = attrs.field(repr=False)
    expires: float
    answers: int = 1


class Callbacks(Protocol):
    """What receives callbacks, as `agentbridge.callbacks.CallbackReceiver` does."""

    def address(self, answers: int = 1) -> Address:
        """A new address, for so many answers. Nothing is taken at it before `expect`."""

    def expect(self, address: Address, pending: Pending) -> None:
        """From now on take what is sent to this address as the answer of this run."""

    def forget(self, address: Address) -> None:
        """Take nothing at this address any more: its run never began."""
