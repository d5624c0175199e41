"""What `accepts` names arrives, value by value, also beside others; what it does not name is not sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import attrs

from ...errors import ConfigurationError, UnsupportedFeatureError
from ...model import Invocation, Message
from ...plugins import FIELDS
from ...wire import File, HttpRequest, Link
from .base import Base
from .examples import OTHERS
from .payload import Payload, pieces

_REFUSED = (UnsupportedFeatureError, ConfigurationError)
_PNG = b"\x89PNG\r\n\x1a\n-c2e9"
_VALUES: tuple[Any, ...] = (41907, 3.25, ["Value-e77d"], {"deep": {"er": "Value-60fb"}}, 'Value-"quoted" \u00fc\n')


class Fields(Base):
    """Checks that nothing that a caller says is lost on the way."""

    def test_every_accepted_field_arrives(self) -> None:
        for field, streaming in self._calls():
            self._check_arrives(field, self._example(field), streaming=streaming)
            if field not in self.examples:
                self._check_arrives(field, OTHERS[field], streaming=streaming)

    def test_every_accepted_field_changes_the_request(self) -> None:
        for field in sorted(self.provider.accepts):
            alone = self._with() if field != self._needed() else self._with(**{field: OTHERS[field]})
            assert self._built(self._with(field)) != self._built(alone), (
                f"accepts names {field!r}, but the request is the same without it"
            )

    def test_accepted_fields_arrive_beside_each_other(self) -> None:
        for both in combinations(sorted(self.provider.accepts), 2):
            invocation = self._with(*both)
            self._check_carried(
                invocation, {field: getattr(invocation, field) for field in both}, " beside ".join(both)
            )

    def test_accepts_leaves_nothing_out(self) -> None:
        for field in sorted(FIELDS - self.provider.accepts):
            request = self._built_or_refused(self._with(field))
            arrived = request is not None and any(map(Payload(request).carries, pieces(field, self._example(field))))
            assert not arrived, f"build_request sends {field!r}: name it in accepts, or no caller may use it"

    def test_messages_arrive_in_their_order_and_with_their_roles(self) -> None:
        if "messages" not in self.provider.accepts or "messages" in self.examples:
            return
        first, second = self._example("messages")
        swapped = tuple(Message(one.role, other.text) for one, other in ((first, second), (second, first)))
        alike = (first, Message(first.role, second.text))  # some vendors take no conversation that another one begins
        orders = [(first, second), (second, first), swapped, alike]
        built = [self._built_or_refused(self._with(messages=order)) for order in orders]
        for one, other in combinations([request for request in built if request is not None], 2):
            assert one != other, "messages lose their order or their roles: two other conversations build one request"
        for role in ("system", "tool"):
            messages = (Message(role, "Earlier-0c5e"), first)
            self._check_carried(self._with(messages=messages), {"messages": messages}, f"a message of the role {role}")

    def test_inputs_of_any_kind_arrive_or_are_refused(self) -> None:
        if "inputs" not in self.provider.accepts or "inputs" in self.examples:
            return
        for value in _VALUES:
            inputs = {"topic-3cA8": value, "tone-e4D1": "Value-18fC"}
            self._check_carried(self._with(inputs=inputs), {"inputs": inputs}, f"an input of the value {value!r}")

    def test_files_of_any_kind_arrive_or_are_refused(self) -> None:
        if "files" not in self.provider.accepts:
            return
        with tempfile.TemporaryDirectory() as folder:
            for files in self._files(Path(folder)):
                what = " and ".join(f"{type(file).__name__}({getattr(file, 'name', '')!r})" for file in files)
                self._check_carried(self._with(files=files), {"files": files}, what)

    def test_the_input_of_a_file_arrives_or_is_refused(self) -> None:
        if "files" not in self.provider.accepts:
            return
        for example in (File("note.txt", b"Content-c2E9"), Link("https://caller.invalid/note-5d.txt")):
            files = (attrs.evolve(example, input="Input-6b3F"),)
            request = self._built_or_refused(self._with(files=files))
            assert request is None or Payload(request).carries("Input-6b3F"), (
                f"{type(example).__name__}(input=...) got lost: send it, or raise UnsupportedFeatureError('files', why)"
            )

    def _files(self, folder: Path) -> Iterator[tuple[File | Link, ...]]:
        path = folder / "note.txt"
        path.write_bytes(b"Content-9a4d in a file on disk")
        place = {"input": getattr(self._example("files")[0], "input", None)}
        image, link = File("photo.png", _PNG, **place), Link("https://caller.invalid/note-5d.txt", **place)
        text = File("note.txt", b"Content-77c0", **place)
        yield from (
            (File("note.txt", path=path, **place),),
            (image,),
            (link,),
            (text, image),
            (text, link),
            (link, text),
        )

    def _check_arrives(self, field: str, value: Any, *, streaming: bool) -> None:
        try:
            request = self._built(self._with(**{field: value}), streaming=streaming)
        except UnsupportedFeatureError as error:
            raise AssertionError(f"accepts names {field!r}, but of {value!r} {error}") from None
        self._check_pieces(request, field, value, "streaming" if streaming else "")

    def _check_carried(self, invocation: Invocation, said: dict[str, Any], what: str) -> None:
        """All of it arrives, or it is refused by name."""
        request = self._built_or_refused(invocation)
        if request is not None:
            for field, value in said.items():
                self._check_pieces(request, field, value, what)

    def _check_pieces(self, request: HttpRequest, field: str, value: Any, what: str) -> None:
        payload = Payload(request)
        for piece in pieces(field, value):
            assert payload.carries(piece), (
                f"accepts names {field!r}, but {piece!r} of it is nowhere in the request{what and f' ({what})'}:"
                " send it as it is, or raise UnsupportedFeatureError(field, why)"
            )

    def _built_or_refused(self, invocation: Invocation) -> HttpRequest | None:
        """The request, if it can be sent; None where build_request says no, as it may for some values."""
        try:
            request = self._built(invocation)
            Payload(request)
        except _REFUSED:
            return None
        return request
