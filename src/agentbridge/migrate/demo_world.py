"""The world of `agentbridge migrate demo`: an old agent, a new one that differs from it in known ways, and its customers."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from ..emulator import Scenario
from ..model import Invocation

Plant: TypeAlias = Literal["reworded", "failed", "wrong_number"]

CONVERSATIONS, TURNS = 200, 2
SHARES: Mapping[Plant, float] = {"reworded": 0.10, "failed": 0.03, "wrong_number": 0.02}
"""How many of the new agent's answers differ, and how."""
SEED = 20261122

FAILING = "server-error-in-200"  # FlowGent's HTTP 200 with an inner 500
_ORDER = re.compile(r"order (\d+)")
_DAYS, _FIRST = 9, 1000

AGENTS: Mapping[str, Any] = {
    "support": {
        "default": "fluxprompt",
        "on": {
            "fluxprompt": {"agent": "ok", "text": "varInputNode_17697", "inputs": {"shop": "varInputNode_17698"}},
            "flowgent": {"agent": "ok", "template": "Shop: {shop}\n\n{text}"},
        },
    }
}


@attrs.define
class World:
    """Both agents. `planted` says which orders the new one treats differently; `heard` counts what it was asked."""

    planted: Mapping[int, Plant]
    heard: Counter[int] = attrs.field(factory=Counter)

    def old(self, asked: str) -> str:
        """What the old agent answers."""
        return _usual(_order(asked))

    def new(self, asked: str) -> str | Scenario:
        """What the new agent answers."""
        order = _order(asked)
        return _PLAYED[self.planted[order]](order) if order in self.planted else _usual(order)


def world(seed: int = SEED) -> World:
    """The same world for the same seed."""
    orders = list(range(_FIRST, _FIRST + CONVERSATIONS * TURNS))
    random.Random(seed).shuffle(orders)
    planted: dict[int, Plant] = {}
    for plant, share in SHARES.items():
        planted |= {orders.pop(): plant for _ in range(round(share * CONVERSATIONS * TURNS))}
    return World(planted)


def questions() -> Iterator[Invocation]:
    """What production is asked: conversations of two turns, one turn of each after the other."""
    for turn in range(TURNS):
        for one in range(CONVERSATIONS):
            order = _FIRST + one * TURNS + turn
            text = f"Where is order {order}?" if turn == 0 else f"And where is order {order}, the other one?"
            yield Invocation(target="support", text=text, inputs={"shop": "Acme"}, session_id=f"customer-{one}")


def order_of(text: str | None) -> int:
    """The order that a question is about."""
    return _order(text or "")


def _order(asked: str) -> int:
    found = _ORDER.search(asked)
    return int(found.group(1)) if found else 0


def _usual(order: int, more: int = 0) -> str:
    return f"Order {order} has left our warehouse. It will arrive in {_days(order) + more} days, and costs {_price(order)} EUR."


def _reworded(order: int) -> str:
    return f"Good news: {_days(order)} days to go until order {order} is with you! The price is {_price(order)} EUR."


_PLAYED: Mapping[Plant, Any] = {
    "reworded": _reworded,
    "failed": lambda _: Scenario(FAILING),
    "wrong_number": lambda order: _usual(order, more=1),
}


def _days(order: int) -> int:
    return 2 + order % _DAYS


def _price(order: int) -> str:
    return f"{order * 37 % 2000 + 9.9:,.2f}"
