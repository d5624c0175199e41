"""Streams: the same events under any cutting, an honest end, and nothing that makes the decoder raise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ...events import Event, ReasoningDelta, SourcesFound, StepChanged, TextDelta, ToolCalled, VendorEvent
from ...faults import Fault, FaultKind
from ...model import Result
from ...provider import StreamDecoder
from ...wire import decode_json
from .base import Base, skip
from .cutting import each_cutting
from .examples import GARBAGE
from .mutations import fields, replaced, texts, without

_EVENTS = (TextDelta, ReasoningDelta, ToolCalled, SourcesFound, StepChanged, VendorEvent)
_CONTENT = (TextDelta, ReasoningDelta, ToolCalled, SourcesFound)
_FOREIGN = "\u00e9\u20ac\U0001f600"  # two, three and four bytes in UTF-8
_WHOLE = 4096  # bytes of a stream that is cut at each byte; a longer one at the ends of its lines
_UNKNOWN_EVENT = {"event": "a_new_event", "type": "a_new_event", "data": {"of": ["the", "vendor"]}}
_JSON_LINE = re.compile(rb"(?:data: ?)?([\[{].*)", re.DOTALL)


class Streams(Base):
    """Checks of `decoder`, where the provider writes one."""

    def test_streams_read_as_given(self) -> None:
        self._needs_streams()
        for name, (data, expected) in self.streams.items():
            events, end = self._decoded([data], name)
            assert all(isinstance(event, _EVENTS) for event in events), (
                f"stream {name!r} gives {events!r}: what nobody models is a VendorEvent; Started and Completed are the core's"
            )
            if isinstance(expected, str):
                assert isinstance(end, Result), f"stream {name!r} ended in {end!r}"
                assert end.text == expected, f"stream {name!r} was read as {end.text!r}, not as {expected!r}"
            else:
                assert isinstance(end, Fault), f"stream {name!r} is a failure and was read as an answer"
                assert end.kind is expected, f"stream {name!r} was read as {end.kind}, not as {expected}"
                problem = self._disagreement(name, end, 200)
                assert problem is None, f"stream {name!r} is {end.kind}, but {problem}"

    def test_streams_give_the_same_events_in_any_cutting(self) -> None:
        self._needs_streams()
        for name, data in self._cuttable():
            whole = repr(self._decoded([data], name))

            def check(pieces: list[bytes], name: str = name, whole: str = whole) -> None:
                assert repr(self._decoded(pieces, name)) == whole, (
                    f"stream {name!r} reads otherwise when it arrives in other pieces, {pieces!r}: keep what is not"
                    " complete until the rest is there. agentbridge.sse.SSEParser does"
                )

            each_cutting(data, check)

    def test_two_streams_share_nothing(self) -> None:
        self._needs_streams()
        for name, (data, _) in self.streams.items():
            alone = repr(self._decoded([data], name))
            self._decoder().feed(data)
            first, second = self._decoder(), self._decoder()
            for index in range(len(data)):
                first.feed(data[index : index + 1])
            events = second.feed(data)
            assert repr((events, second.finish())) == alone, "make a new decoder for each request; keep no class state"

    def test_a_stream_that_ends_early_is_never_an_answer(self) -> None:
        self._needs_streams()
        for name, (data, _) in self.streams.items():
            _, end = self._decoded([data], name)
            unproven = self._unproven(data, name)
            for cut in _cuts(data):
                events, early = self._decoded([data[:cut]], name)
                if isinstance(early, Fault):
                    self._check_partial(events, early, name, data[:cut])
                    assert early.kind in {FaultKind.INTERRUPTED, end.kind if isinstance(end, Fault) else None}, (
                        f"stream {name!r} that broke off is {early.kind}: make it FaultKind.INTERRUPTED"
                    )
                    continue
                assert isinstance(end, Result), f"stream {name!r} of a failure is an answer after {cut} bytes"
                assert cut > unproven and early.text == end.text, (  # noqa: PT018 (one promise)
                    f"stream {name!r} that broke off after {data[:cut][-60:]!r} was read as the answer {early.text!r}:"
                    " only the vendor's own sign of success makes one, so return"
                    " Fault(FaultKind.INTERRUPTED, ..., partial=...) before it. Where a field of the last piece of text is"
                    " that sign: proofs_in_text = frozenset({'the field'})"
                )

    def test_a_proof_in_the_last_text_is_needed(self) -> None:
        self._needs_streams()
        found = set()
        for name, (data, expected) in self.streams.items():
            proven = data[: self._last_content(data, name)] if isinstance(expected, str) else b""
            for field, changed in _unproved(proven, self.proofs_in_text):
                found.add(field)
                _, end = self._decoded([changed], name)
                assert isinstance(end, Fault), (
                    f"stream {name!r} that broke off is an answer also without {field!r} in its last piece of text, so"
                    " that is not its proof: only the vendor's own sign of success makes an answer"
                )
        unseen = self.proofs_in_text - found
        assert not unseen, f"proofs_in_text names {sorted(unseen)}, which no stream has in its last piece of text"

    def test_a_stream_of_nothing_is_never_an_answer(self) -> None:
        self._needs_streams()
        for what, content in {"no bytes": b"", **GARBAGE, "heartbeats": b": ping\n\n: ping\n\n"}.items():
            _, end = self._decoded([content], what)
            assert isinstance(end, Fault), f"a stream of {what} was read as the answer {end.text!r}"

    def test_an_error_after_text_keeps_the_text(self) -> None:
        self._needs_streams()
        for name, (data, expected) in self.streams.items():
            if not isinstance(expected, str):
                events, end = self._decoded([data], name)
                assert isinstance(end, Fault)
                self._check_partial(events, end, name, data)

    def test_decoders_never_raise(self) -> None:
        self._needs_streams()
        for name, (data, _) in self.streams.items():
            for changed in _broken(data):
                self._decoded([changed], f"{name!r} with a broken event")

    def test_unknown_events_harm_no_stream(self) -> None:
        self._needs_streams()
        for name, (data, expected) in self.streams.items():
            for changed in _with_unknown_events(data):
                _, end = self._decoded([changed], name)
                found = end.text if isinstance(end, Result) else end.kind
                assert found == expected, (
                    f"stream {name!r} with an event that nobody knows became {end!r}: ignore it. It was fed {changed!r}"
                )

    def _needs_streams(self) -> None:
        if not self._writes("decoder"):
            skip(f"{self.provider.name} writes no decoder: it does not stream")
        assert any(isinstance(expected, str) for _, expected in self.streams.values()), (
            "decoder is written, so give streams = {'a name': (the bytes of a stream, 'the text')},"
            " and for one that fails (bytes, FaultKind....)"
        )

    def _decoder(self) -> StreamDecoder:
        decoder = self.provider.decoder(self._built(streaming=True))
        assert decoder is not None, "decoder gives None for a request that was built with call.streaming"
        return decoder

    def _decoded(self, pieces: list[bytes], what: str) -> tuple[list[Event], Result | Fault]:
        """The events and the end of a stream that arrives in these pieces."""
        decoder, events = self._decoder(), list[Event]()
        try:
            for piece in pieces:
                events += [] if decoder.done else decoder.feed(piece)  # as the core does
            end, again = decoder.finish(), decoder.finish()
        except Exception as error:
            raise AssertionError(
                f"the decoder raised {error!r} at the stream of {what}: give a VendorEvent for what it cannot read, and"
                " let finish() return a Fault"
            ) from error
        assert isinstance(end, (Result, Fault)), f"finish() gave {end!r}, which is neither a Result nor a Fault"
        assert repr(end) == repr(again), (
            f"finish() gives two ends to the stream of {what}: it may be called at any time"
        )
        return events, end

    def _cuttable(self) -> Iterator[tuple[str, bytes]]:
        """The streams, and once more with letters of several bytes in their texts."""
        for name, (data, expected) in self.streams.items():
            yield name, data
            events, _ = self._decoded([data], name)
            for text in {event.text for event in events if isinstance(event, TextDelta)}:
                foreign = data.replace(
                    json.dumps(text).encode(), json.dumps(text + _FOREIGN, ensure_ascii=False).encode()
                )
                if foreign != data and isinstance(expected, str):
                    yield f"{name} with {_FOREIGN}", foreign
                    break

    def _unproven(self, data: bytes, name: str) -> int:
        """Up to how many bytes nothing can be proven: its last content is to come, or is all that came of more."""
        end = self._last_content(data, name)
        proven = any(True for _ in _unproved(data[:end], self.proofs_in_text))
        return end if data[end:].strip() and not proven else max(0, end - 1)

    def _last_content(self, data: bytes, name: str) -> int:
        """After how many bytes all its content has come; 0 where it has none."""
        whole = _content(self._decoded([data], name)[0])
        decoder, seen = self._decoder(), 0
        for index in range(len(data)):
            seen += len(_content(decoder.feed(data[index : index + 1])))
            if whole and seen == len(whole):
                return index + 1
        return 0

    def _check_partial(self, events: list[Event], fault: Fault, name: str, data: bytes) -> None:
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        arrived = "" if fault.partial is None else fault.partial.text
        assert arrived == text or _is_whole(arrived, text, data), (
            f"stream {name!r} failed after {len(data)} bytes, and its text so far, {text!r}, is not in the Fault:"
            " partial=Result(text=..., output=...)"
        )


def _cuts(data: bytes) -> list[int]:
    """Where a stream may break off."""
    ends = [index + 1 for index, byte in enumerate(data) if byte in b"\r\n"]
    return [0, *(range(1, len(data)) if len(data) <= _WHOLE else ends)]


def _content(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, _CONTENT)]


def _is_whole(arrived: str, text: str, data: bytes) -> bool:
    """Whether this is the text so far and more of it, as one event of the vendor's gave it. Blanks do not count."""
    whole, pieces = (" ".join(words.split()) for words in (arrived, text))
    sent = (said for _, _, value in _json_lines(_lines(data)) for _, said in texts([value]))
    return bool(pieces) and whole.startswith(pieces) and any(whole == " ".join(said.split()) for said in sent)


def _unproved(data: bytes, proofs: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """The stream with one of its proofs taken out of its last event, or null."""
    lines = _lines(data)
    for index, prefix, value in list(_json_lines(lines))[-1:]:
        for path in fields(value):
            if path[-1] in proofs:
                for changed in (without(value, path), replaced(value, path, None)):
                    yield (
                        str(path[-1]),
                        b"".join([*lines[:index], prefix, _compact(changed), b"\n", *lines[index + 1 :]]),
                    )


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _json_lines(lines: list[bytes]) -> Iterator[tuple[int, bytes, Any]]:
    """The lines that hold JSON objects or lists: where, what stands before the JSON, and the JSON."""
    for index, line in enumerate(lines):
        found = _JSON_LINE.fullmatch(line.rstrip(b"\r\n"))
        if found is None:
            continue
        try:
            yield index, line[: found.start(1)], decode_json(found[1])
        except ValueError:
            continue


def _broken(data: bytes) -> Iterator[bytes]:
    """The stream with one of its events broken in one way."""
    lines = _lines(data)
    for index, prefix, value in _json_lines(lines):
        changed = [None, 17, [], {}, "x", *(without(value, path) for path in fields(value))]
        changed += [
            replaced(value, path, odd) for path in fields(value) for odd in (None, 17, "x", [], {}, [17], {"a": 1})
        ]
        for one in changed:
            yield b"".join([*lines[:index], prefix, _compact(one), b"\n", *lines[index + 1 :]])
        yield b"".join([*lines[:index], prefix, b"\xff\xfe{", b"\n", *lines[index + 1 :]])
    yield from (data + content for content in GARBAGE.values())
    yield from (content + b"\n\n" + data for content in GARBAGE.values())


def _with_unknown_events(data: bytes) -> Iterator[bytes]:
    """The stream with an event that nobody knows, before its first event and before its last."""
    lines = _lines(data)
    places = [(index, prefix) for index, prefix, value in _json_lines(lines) if isinstance(value, dict)]
    if len(places) == 1 and not places[0][1]:  # one JSON document, as a refusal may be, is no stream of lines
        return
    for index, prefix in places[:1] + places[-1:]:
        named = index and lines[index - 1].startswith(b"event:")
        name, end = (b"event: a_new_event\n" if named else b""), (b"\n\n" if prefix else b"\n")
        start = index - 1 if named else index
        event = name + prefix + _compact(_UNKNOWN_EVENT) + end
        yield b"".join([*lines[:start], event, *lines[start:]])


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
