"""What the samples of one vendor agent have in common: which inputs, which vary, which looks like the message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any

import attrs

from ..model import JsonValue
from .samples import Sample

ENOUGH = 3
"""Samples that must agree before a value counts as one that never varies."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@attrs.define
class Input:
    """One input of a vendor agent as the samples fill it."""

    first: JsonValue
    count: int = 0
    length: int = 0
    varies: bool = False
    is_text: bool = True

    def add(self, value: JsonValue) -> None:
        """One more value."""
        self.count += 1
        self.varies = self.varies or value != self.first
        self.is_text = self.is_text and isinstance(value, str)
        self.length += len(value) if isinstance(value, str) else len(json.dumps(value, default=str))

    @property
    def mean(self) -> float:
        """Characters of a value, on average."""
        return self.length / self.count


@attrs.define
class Studied:
    """One vendor agent in the samples."""

    connection: str
    agent: str
    calls: int = 0
    texts: int = 0
    inputs: dict[str, Input] = attrs.field(factory=dict)
    files: dict[str | None, int] = attrs.field(factory=dict)

    def add(self, sample: Sample) -> None:
        """One more call."""
        said = sample.invocation
        self.calls += 1
        self.texts += said.text is not None
        for name, value in said.inputs.items():
            self.inputs.setdefault(name, Input(value)).add(value)
        for file in said.files:
            self.files[file.input] = self.files.get(file.input, 0) + 1

    @property
    def message(self) -> str | None:
        """The input that looks like the message: of those that vary the longest text; None where calls have a text."""
        texts = {name: one for name, one in self.inputs.items() if one.is_text and not self.texts}
        varying = {name: one for name, one in texts.items() if one.varies} or texts
        return max(varying, key=lambda name: (varying[name].count, varying[name].mean), default=None)

    @property
    def constants(self) -> dict[str, JsonValue]:
        """Inputs that every call has, with the same value. TOML has no null, so that stays an input."""
        said = {name: one for name, one in self.inputs.items() if name != self.message and not one.varies}
        if self.calls < ENOUGH:
            return {}
        return {name: one.first for name, one in said.items() if one.count == self.calls and not _has_null(one.first)}

    @property
    def varying(self) -> dict[str, Input]:
        """The inputs that a caller gives beside the message."""
        left_out = {self.message, *self.constants}
        return {name: one for name, one in self.inputs.items() if name not in left_out}


def study(samples: Iterable[Sample]) -> tuple[list[Studied], dict[str, int]]:
    """The vendor agents that the samples called, and how many calls named portable agents instead."""
    found: dict[str, Studied] = {}
    portable: dict[str, int] = {}
    for sample in samples:
        target = sample.invocation.target
        connection, colon, agent = target.partition(":")
        if colon:
            found.setdefault(target, Studied(connection, agent)).add(sample)
        else:
            portable[target] = portable.get(target, 0) + 1
    return list(found.values()), portable


def readable(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A name that people can read for each name of a vendor's; `taken` are not given.

    What only tells the kind of a node, as its many namesakes show, or is nothing but digits, becomes input_1, input_2.
    """
    words = {name: "_".join(_WORD.findall(name)).lower() for name in names}
    given: dict[str, str] = {}
    used = {*taken, "text"}
    for name, word in words.items():
        tells = word and list(words.values()).count(word) == 1 and not _is_kind(word)
        choices = chain([word], _numbered(word, 2)) if tells else _numbered("input", 1)
        given[name] = next(choice for choice in choices if choice not in used)
        used.add(given[name])
    return given


def _numbered(word: str, first: int) -> Iterator[str]:
    return (f"{word}_{number}" for number in count(first))


def _is_kind(word: str) -> bool:
    """Whether it says what a node is, and not what is in it."""
    return set(word.split("_")) <= {"var", "input", "node", "field", "value", "variable", "id"}


def _has_null(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_null, value.values()))
    return any(map(_has_null, value)) if isinstance(value, list) else value is None
