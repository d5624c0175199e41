"""Runs whose answer was lost: found again by what was sent, each for itself, and no request makes recover raise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from ...model import Pending
from ...redaction import without_auth
from ...wire import HttpRequest
from .base import skip
from .examples import FRESH_ID, OTHER_FRESH_ID
from .resuming import Resuming, decisions

_ODD_BODIES: tuple[Any, ...] = (None, {}, [], "a text", 17, {"a_new_field": None})


class Lost(Resuming):
    """Checks of `recover`, where the provider writes it."""

    def test_a_lost_run_is_found_again(self) -> None:
        self._needs_recover()
        found = []
        for field, streaming in self._calls():
            request, other = (
                self._sent(field, streaming=streaming, fresh_id=one) for one in (FRESH_ID, OTHER_FRESH_ID)
            )
            pending, another = self._found(request), self._found(other)
            assert pending is None or pending != another, (
                "recover gives the same Pending for two calls: send call.fresh_id, and find the run by it"
            )
            found += [pending] if pending else []
        found += [pending for request in self._resumptions() if (pending := self._found(request))]
        assert found, "recover finds no run of any call"
        assert self._writes("build_poll"), (
            "recover is written, so write build_poll(pending, call), which asks for the run"
        )

    def test_recover_never_raises(self) -> None:
        self._needs_recover()
        for request in (*self._starts(), *self._resumptions(), *self._polls()):
            for body in _ODD_BODIES:
                self._found(attrs.evolve(request, json=body))
            self._found(attrs.evolve(request, json=None, form={"a": "text"}, query={}))
            self._found(attrs.evolve(request, json=None, content=b"\xff", url=self.base_url))
            self._found(request)

    def _needs_recover(self) -> None:
        if not self._writes("recover"):
            skip(f"{self.provider.name} writes no recover: its lost runs cannot be found")

    def _found(self, request: HttpRequest) -> Pending | None:
        """What `recover` says of a request, which the core shows it without its secrets."""
        bare = without_auth(request)
        try:
            first, again = self.provider.recover(bare), self.provider.recover(bare)
        except Exception as error:
            raise AssertionError(
                f"recover raised {error!r} at {bare!r}: give None for a request whose run cannot be found"
            ) from error
        assert first == again, "recover gives two Pendings for one request"
        assert first is None or isinstance(first, Pending), f"recover gave {first!r}, which is no Pending"
        return first

    def _sent(self, field: str, *, streaming: bool, fresh_id: str) -> HttpRequest:
        return self._built(self._with(field), streaming=streaming, fresh_id=fresh_id)

    def _starts(self) -> Iterator[HttpRequest]:
        for field, streaming in self._calls():
            yield self._sent(field, streaming=streaming, fresh_id=FRESH_ID)

    def _resumptions(self) -> Iterator[HttpRequest]:
        """What is sent to continue the runs that pause."""
        for _, result in self._paused() if self._writes("resume") else ():
            request = self._continued(result, decisions(result)[0], None)
            yield from [] if request is None else [request]

    def _polls(self) -> Iterator[HttpRequest]:
        for _, pending in self._pendings():
            yield self.provider.build_poll(pending, self._call())
