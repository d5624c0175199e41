"""Callbacks: read as given, None where no answer is in them yet, and never an answer without proof."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...faults import Fault
from ...model import Result
from ...wire import HttpRequest, decode_json
from .base import Base, has_failed_tool, skip
from .examples import GARBAGE, as_bytes
from .flags import flag_ignored, is_flag, turned
from .mutations import Path, at, replaced, shown, without


class Callbacks(Base):
    """Checks of `read_callback`, where the provider writes it."""

    def test_callbacks_are_read_where_they_are_asked_for(self) -> None:
        assert self._writes("read_callback") or "callback_url" not in self.provider.accepts, (
            "accepts names callback_url, so write read_callback(callback)"
        )
        header = self.provider.delivery_id
        assert header is None or header == header.lower(), "delivery_id is the name of a header in lower case"

    def test_callbacks_read_as_given(self) -> None:
        self._needs_callbacks()
        for name, (body, expected) in self.callbacks.items():
            value = self._called_back(body)
            found = value.text if isinstance(value, Result) else value.kind if isinstance(value, Fault) else value
            assert found == expected, f"callback {name!r} was read as {value!r}, not as {expected!r}"
            assert repr(self._called_back(body)) == repr(value), f"callback {name!r} reads in two ways: keep no state"
            problem = self._disagreement(name, value, 200) if isinstance(value, Fault) else None
            assert problem is None, f"callback {name!r} is a fault, but {problem}"

    def test_an_empty_callback_is_no_answer(self) -> None:
        self._needs_callbacks()
        for content in (b"", b" ", b"\r\n", b"{}", b"[]", b"null", b'""'):
            value = self._called_back(content)
            assert value is None or isinstance(value, (Fault, Exception)), (
                f"the callback {content!r} was read as {value!r}: return None for what is no answer yet"
            )

    def test_a_callback_needs_its_proof(self) -> None:
        self._needs_callbacks()
        taken = {_form(as_bytes(body)) for body, expected in self.callbacks.values() if isinstance(expected, str)}
        for what, content in GARBAGE.items():
            value = self._called_back(content)
            assert not isinstance(value, Result) or (value.text.strip() and _form(content) in taken - {"dict"}), (
                f"a callback of {what} was read as the answer {value.text!r}. If the vendor does send such answers, show"
                " one in callbacks"
            )

    def test_unknown_fields_harm_no_callback(self) -> None:
        self._needs_callbacks()
        for name, body, text in self._answering():
            value = self._called_back(self._grown(body))
            assert isinstance(value, Result) and value.text == text, (  # noqa: PT018 (one promise)
                f"callback {name!r} with unknown fields became {value!r}: ignore them"
            )

    def test_a_callback_without_one_of_its_fields_is_the_same_or_none(self) -> None:
        self._needs_callbacks()
        for name, body, text in self._answering():
            for path in self._vendors(body):
                for changed in (without(body, path), replaced(body, path, None)):
                    value = self._called_back(changed)
                    same = isinstance(value, Result) and (
                        value.text == text or bool(value.text.strip() and value.warnings)
                    )
                    assert same or not isinstance(value, Result), (
                        f"callback {name!r} without {shown(path)} was read as {value.text!r}: that field is the proof of"
                        " an answer, so make it required"
                    )

    def test_a_callback_whose_flag_is_turned_is_no_answer(self) -> None:
        self._needs_callbacks()
        bodies = [body for _, body, _ in self._answering()]
        for name, body, _ in self._answering():
            for path in self._flags(body, bodies):
                for other in turned(at(body, path)):
                    value = self._called_back(replaced(body, path, other))
                    taken = isinstance(value, Result) and not has_failed_tool(value)
                    assert not taken, flag_ignored(f"callback {name!r}", path, other, value)

    def _needs_callbacks(self) -> None:
        if not self._writes("read_callback"):
            skip(f"{self.provider.name} writes no read_callback: it does not call back")
        assert any(isinstance(expected, str) for _, expected in self.callbacks.values()), (
            "read_callback is written, so give callbacks = {'a name': (the body, 'the text')}; a FaultKind in place of"
            " the text for a failure, None for what is no answer yet"
        )

    def _answering(self) -> Iterator[tuple[str, Any, str]]:
        """The callbacks that are answers."""
        for name, (body, expected) in self.callbacks.items():
            if isinstance(expected, str):
                yield name, body, expected

    def _flags(self, body: Any, bodies: list[Any]) -> Iterator[Path]:
        flags = (path for path in self._vendors(body) if is_flag(body, path, bodies))
        return (path for path in flags if path[-1] not in self.not_decisive)

    def _called_back(self, body: Any) -> Any:
        """What `read_callback` makes of it, its exception included."""
        headers = {"content-type": "application/json"}
        callback = HttpRequest("POST", "https://caller.invalid/callback", headers=headers, content=as_bytes(body))
        try:
            return self.provider.read_callback(callback)
        except Exception as error:
            return error


def _form(content: bytes) -> str:
    """What kind of body this is."""
    try:
        value = decode_json(content)
    except ValueError:
        return "no JSON"
    return "text" if isinstance(value, str) else type(value).__name__
