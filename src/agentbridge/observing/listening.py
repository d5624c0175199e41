"""Who is told of calls: the observers of a bridge, and the logger "agentbridge" where it is enabled.

What they are told is in `observations`, and how in `telling`: both are imported where somebody listens.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .observations import Observation, Observer

log = logging.getLogger("agentbridge")
log.addHandler(logging.NullHandler())


class Listener:
    """One observer, kept from doing harm. It is told of observations of the type `wants` only."""

    def __init__(self, observer: Observer, wants: type[Any] = object) -> None:
        self._observer = observer
        self._failed = False
        self.wants = wants

    def tell(self, seen: Observation) -> None:
        """Call the observer. What it raises is logged the first time; only what ends programs passes."""
        try:
            self._observer(seen)
        except Exception as error:
            if not self._failed:
                self._failed = True
                log.warning("the observer %s raised %s; that is said once", _name(self._observer), type(error).__name__)


def listeners(observers: Iterable[Observer]) -> tuple[Listener, ...]:
    """The observers that a Bridge was given. Raises ConfigurationError for what cannot observe."""
    if not isinstance(observers, Iterable):
        raise ConfigurationError(f"observers takes several: observers=[...], not {type(observers).__name__}")
    return tuple(Listener(_checked(observer)) for observer in observers)


def audience(own: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Who hears of a call that begins now: these, and the log where it is enabled."""
    if not log.isEnabledFor(logging.INFO):
        return own
    return (*own, *_of_the_log(all_of_it=log.isEnabledFor(logging.DEBUG)))


@cache
def _of_the_log(*, all_of_it: bool) -> tuple[Listener]:
    from .logs import write
    from .observations import Observation, RetryScheduled

    return (Listener(write, Observation if all_of_it else RetryScheduled),)


def _checked(observer: Observer) -> Observer:
    if not callable(observer):
        raise ConfigurationError(
            f"an observer is called with each Observation; {type(observer).__name__} is not callable"
        )
    if inspect.iscoroutinefunction(observer) or inspect.iscoroutinefunction(type(observer).__call__):
        raise ConfigurationError(f"the observer {_name(observer)} is async, and nothing awaits it; make it a function")
    return observer


def _name(observer: object) -> str:
    return str(getattr(observer, "__qualname__", type(observer).__qualname__))
