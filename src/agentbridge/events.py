"""What a stream yields, in the order it arrived."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from .model import JsonValue, Result, Source, ToolCall

__all__ = [
    "Completed", "Event", "ReasoningDelta", "SourcesFound", "Started", "StepChanged", "TextDelta", "ToolCalled",
    "VendorEvent",
]  # fmt: skip


@attrs.frozen
class Started:
    """The run began; the ids are None where the vendor has not said them yet."""

    session_id: str | None = None
    id: str | None = None


@attrs.frozen
class TextDelta:
    """A piece of the answer, to be appended to what came before."""

    text: str


@attrs.frozen
class ReasoningDelta:
    """A piece of the model's reasoning, which is not part of the answer."""

    text: str


@attrs.frozen
class ToolCalled:
    """A tool was used."""

    call: ToolCall


@attrs.frozen
class SourcesFound:
    """Documents were found."""

    sources: tuple[Source, ...]


@attrs.frozen
class StepChanged:
    """A step of the flow changed its status; both words are the vendor's."""

    name: str
    status: str


@attrs.frozen
class VendorEvent:
    """An event that no other class models, as the vendor sent it."""

    name: str
    data: JsonValue = None


@attrs.frozen
class Completed:
    """The run is over; always the last event."""

    result: Result


Event: TypeAlias = (
    Started | TextDelta | ReasoningDelta | ToolCalled | SourcesFound | StepChanged | VendorEvent | Completed
)
