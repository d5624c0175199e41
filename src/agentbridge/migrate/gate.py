"""What a move must keep to: the thresholds of the gate, and how they are read from a configuration."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from .. import amounts
from ..amounts import checked
from ..errors import ConfigurationError

_LEAVES_OUT = '("off" in a configuration) leaves the rule out'


def _between(low: float, high: float) -> Callable[[str, object, str], float]:
    def check(name: str, value: object, remedy: str) -> float:
        return amounts.number(name, value, f"from {low:g} to {high:g}", lambda given: low <= given <= high, remedy)

    return check


def _scores(_: Any, field: attrs.Attribute[Any], scores: Mapping[str, float]) -> None:
    for name, score in scores.items():
        amounts.number(f"Gate.{field.name}.{name}", score, "a number", math.isfinite)


def _share(default: float | None) -> Any:
    return attrs.field(default=default, validator=checked(amounts.share, none=_LEAVES_OUT))


def _times(default: float | None) -> Any:
    return attrs.field(default=default, validator=checked(_between(0.01, 1000), none=_LEAVES_OUT))


@attrs.frozen(kw_only=True)
class Gate:
    """What a move must keep to. None leaves a rule out.

    Shares are 0 to 1 and beyond noise: what the old vendor does to itself when it is asked twice is no fault of the new one.

    Attributes:
        max_failure_increase: how many more calls may fail or come back empty.
        max_wrong_numbers: how many answers may have the same words with another number. 0: none may be found.
        max_structure_changes: how many JSON answers may lose or gain keys or change types.
        max_unknown: how many calls may have no known outcome, a timeout for example.
        max_latency_ratio: how much longer a typical answer may take.
        max_credits_ratio: how much more all answers may cost.
        min_same: how many answers must stay the same.
        min_similarity: how similar answers must stay, on average.
        min_scores: the mean score that each judge must give, by its name.
        min_samples: with fewer nothing passes.
        confidence: of the intervals. A rule passes or fails where the whole interval is on one side of its threshold.

    Raises:
        ConfigurationError: a value is out of its range.
    """

    max_failure_increase: float | None = _share(0.01)
    max_wrong_numbers: float | None = _share(0.0)
    max_structure_changes: float | None = _share(0.0)
    max_unknown: float | None = _share(0.01)
    max_latency_ratio: float | None = _times(1.5)
    max_credits_ratio: float | None = _times(None)
    min_same: float | None = _share(None)
    min_similarity: float | None = _share(None)
    min_scores: Mapping[str, float] = attrs.field(factory=dict, validator=_scores)
    min_samples: int = attrs.field(default=100, validator=checked(amounts.count))
    confidence: float = attrs.field(default=0.95, validator=checked(_between(0.5, 0.9999)))

    @classmethod
    def read(cls, config: str | os.PathLike[str] | Mapping[str, Any] | None = None) -> Gate:
        """The table `[migrate.gate]` of a configuration, found as a Bridge finds it; the defaults where there is none.

        Raises:
            ConfigurationError: names the key that is wrong.
        """
        from ..config import load

        read = load(config)
        said: dict[str, Any] = {
            name: None if value == "off" else value for name, value in read.migrate.get("gate", {}).items()
        }
        try:
            return cls(**said)
        except ConfigurationError as error:
            raise ConfigurationError(f"{read.where}: [migrate.gate]: {error}") from None
