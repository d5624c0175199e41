"""The key stands in `auth` and nowhere else, and leaves no trace where there is none."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator

import attrs

from ...errors import AgentBridgeError
from ...redaction import is_secret_name, redactor_of
from ...wire import HttpRequest
from .base import Base
from .examples import CANARY, OTHER_KEY, Answer

_ECHO = {
    "error": True, "message": f"bad key {CANARY}", "code": 401, "statusCode": 401, "status": "error", "success": False,
}  # fmt: skip


class Secrets(Base):
    """Checks of the key."""

    def test_secrets_stand_in_auth_only(self) -> None:
        redactor = redactor_of(frozenset({CANARY}))
        for what, build in self._builders():
            request = build(CANARY)
            where = f"the key belongs into HttpRequest(auth={{header: value}}) and nowhere else ({what})"
            bare = attrs.evolve(request, auth={})
            assert redactor.value(bare) == bare, where  # finds every spelling of it
            assert CANARY not in f"{request!r} {request.headers} {list(request.auth)}", where
            assert CANARY.encode() not in pickle.dumps(request), where

    def test_without_a_key_there_is_no_empty_header(self) -> None:
        for what, build in self._builders():
            keyed, other = build(CANARY).auth, build(OTHER_KEY).auth
            try:
                request = build(None)
            except AgentBridgeError:
                continue  # a vendor that needs a key may say so
            except Exception as error:
                raise AssertionError(f"without a key {what} raised {error!r}: call.api_key may be None") from error
            of_key = {name for name, value in keyed.items() if other.get(name) != value}
            empty = [name for name, value in request.auth.items() if name in of_key or _is_empty(value)]
            empty += [name for name, value in request.headers.items() if is_secret_name(name) and _is_empty(value)]
            assert not empty, (
                f"without a key {what} has the header {empty[0]!r}: leave it out where call.api_key is None"
            )

    def test_a_vendor_that_echoes_the_key_does_not_leak_it(self) -> None:
        for status in (200, 401, 500):
            error = self._failed(Answer(_ECHO, status), f"HTTP {status} with an error")
            assert CANARY not in f"{error} {error!r} {error.__dict__} {pickle.dumps(error)!r}"

    def _builders(self) -> Iterator[tuple[str, Callable[[str | None], HttpRequest]]]:
        """By what is asked: makes its request with a key, or with none."""
        for field, streaming in self._calls():
            invocation = self._with(field)
            what = f"a call with {field}{', streaming' * streaming}"
            yield what, lambda key, said=invocation, s=streaming: self._built(said, key=key, streaming=s)  # type: ignore[misc]
        for what, pending in self._pendings():
            yield what, lambda key, p=pending: self.provider.build_poll(p, self._call(key))  # type: ignore[misc]
        for name, (operation, _) in self.operations.items():
            yield f"operation {name!r}", lambda key, o=operation: o.build_request(self._call(key, agent=""))  # type: ignore[misc]


def _is_empty(value: str) -> bool:
    return not value.strip() or "None" in value or value.strip().lower() in {"bearer", "basic", "token"}
