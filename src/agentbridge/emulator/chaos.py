"""What a network, a proxy or a tired server can do to an answer, drawn from a seed. No I/O: see `damaging`.

The same seed does the same to the same requests: the n-th one meets the n-th damage.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import attrs

from ..errors import ConfigurationError
from ..wire import HttpResponse
from . import damages
from .scripts import Script

SPARED = "spared"
KINDS: Mapping[str, str] = {SPARED: "nothing happens", **{name: kind.told for name, kind in damages.KINDS.items()}}
"""All that can happen to an answer, by name."""

_SHARE_SPARED = 0.25  # of all requests, so that code under test also goes on after a damage


@attrs.frozen
class Damage:
    """What happens to one answer. `at` is where in it, from 0 to 1; `luck` chooses among the variants of a kind."""

    kind: str
    at: float = 0.5
    luck: int = 0
    elsewhere: str = attrs.field(default="https://elsewhere.invalid/login", repr=False)

    @property
    def before_run(self) -> bool:
        """Whether the run is not even begun. Else it is done, and only its answer is damaged."""
        return self.kind != SPARED and damages.KINDS[self.kind].before

    def script(self, meant: HttpResponse) -> Script:
        """How the answer that was meant is sent."""
        if self.kind == SPARED:
            return damages.whole(meant)
        choice = random.Random(self.luck)
        return damages.KINDS[self.kind].script(damages.Case(meant, self.at, choice, self.elsewhere))


class Chaos:
    """The damages of a seed: of all kinds, or of these. `elsewhere` is the URL that redirects lead to.

    Raises:
        ConfigurationError: `kinds` names one that there is not.
    """

    def __init__(
        self, seed: int, kinds: Iterable[str] | None = None, *, elsewhere: str = "https://elsewhere.invalid/login"
    ) -> None:
        self.seed = seed
        self.elsewhere = elsewhere
        self.kinds = tuple(KINDS if kinds is None else kinds)
        if unknown := [kind for kind in self.kinds if kind not in KINDS]:
            raise ConfigurationError(f"there is no damage {unknown[0]!r}; choose of {', '.join(KINDS)}")

    def damage(self, number: int) -> Damage:
        """What happens to the answer to this request; they are counted from 1."""
        choice = random.Random(f"{self.seed}/{number}")
        spared = SPARED in self.kinds and choice.random() < _SHARE_SPARED
        kind = SPARED if spared else choice.choice(self.kinds)
        return Damage(kind, choice.random(), choice.getrandbits(32), self.elsewhere)
