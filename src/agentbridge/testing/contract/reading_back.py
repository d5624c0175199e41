"""Requests read back into the calls that they say, as imports of recorded calls need it."""

from __future__ import annotations

import attrs

from ...migrate.importers.exchanges import recorded_request
from ...model import Invocation
from ...planning.building import fixed
from ...wire import HttpRequest
from .base import Base, skip


class ReadingBack(Base):
    """Checks of `read_request`, where the provider writes it."""

    def test_a_request_is_read_back_as_the_call_that_built_it(self) -> None:
        self._needs_read_request()
        for field, streaming in self._calls():
            said = self._with(field)
            read = self._read_back(self._built(said, streaming=streaming))
            assert read is not None, f"read_request gives None for a call that sets {field!r}"
            expected = attrs.evolve(said, target=f":{self.agent}", options=read.options)
            assert read == expected, f"read_request makes {read!r} of the request of {expected!r}"

    def test_a_poll_is_read_back_as_no_call(self) -> None:
        self._needs_read_request()
        for name, pending in self._pendings():
            read = self._read_back(self.provider.build_poll(pending, self._call()))
            assert read is None, f"read_request takes {name} for a call: {read!r}"

    def _needs_read_request(self) -> None:
        if not self._writes("read_request"):
            skip(f"{self.provider.name} writes no read_request: its recorded calls cannot be imported")

    def _read_back(self, request: HttpRequest) -> Invocation | None:
        """What the provider makes of a request as a recorder sees it."""
        sent = fixed(request, self.provider, None)
        content = b"".join(sent.body.pieces())
        return self.provider.read_request(recorded_request(sent.request.method, sent.url, content))
