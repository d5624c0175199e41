"""For plugin authors: pydantic models of what a vendor sends, strict where the proof is and forgiving elsewhere."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeVar

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core.core_schema import CoreSchema, union_schema

from .drift import Names, notice, watch
from .wire import decode_json

__all__ = ["Lenient", "Reply", "compare", "decode_json", "notice", "said", "unreadable", "whole", "words"]

T = TypeVar("T")


class Reply(pydantic.BaseModel):
    """Base of a wire model. Unknown fields are no error, numbers may stand where ids are expected.

    A bridge counts unknown fields in `bridge.drift`. `known` names those that the vendor is known to send and the plugin
    leaves alone; what a subclass names is added to what its bases name. None stands for any.
    """

    model_config = pydantic.ConfigDict(
        extra="ignore", coerce_numbers_to_str=True, populate_by_name=True, allow_inf_nan=False
    )
    known: ClassVar[frozenset[str] | None] = frozenset()

    @classmethod
    def parse(cls, data: Any) -> tuple[Self, tuple[str, ...]]:
        """The model, and a warning for each optional field that could not be read.

        Raises:
            ValueError: when a required field, the proof of success, is missing or of the wrong type.
        """
        warnings: list[str] = []
        return cls.model_validate(data, context=warnings), tuple(warnings)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _watched(cls, data: Any) -> Any:
        active = watch()
        if active is not None and isinstance(data, dict):
            active.compare(names_of(cls), data)
        return data


@cache
def names_of(model: type[Reply]) -> Names:
    """The names that a wire model knows, in all spellings that its fields have."""
    taken = frozenset(spelling for name, field in model.model_fields.items() for spelling in _spellings(name, field))
    named = [vars(base).get("known", ()) for base in model.__mro__]
    takes_any = None in named or model.model_config.get("extra") == "allow"
    return Names(model.__name__, taken, None if takes_any else taken.union(*filter(None, named)))


def _spellings(name: str, field: FieldInfo) -> set[str]:
    said = field.validation_alias or field.alias or name
    aliases = said.choices if isinstance(said, pydantic.AliasChoices) else [said]
    firsts = (alias.path[0] if isinstance(alias, pydantic.AliasPath) else alias for alias in aliases)
    return {name, *(first for first in firsts if isinstance(first, str))}


def compare(place: str, data: Any, known: frozenset[str]) -> None:
    """Notice the fields of an object that is read without a model; `place` is what it is called in `bridge.drift`."""
    if isinstance(data, dict) and not known.issuperset(data) and (active := watch()) is not None:
        active.compare(Names(place, known, known), data)


def words(*known: str) -> pydantic.AfterValidator:
    """Annotates a text that is one of these words: any other is kept, and noticed. Case and blanks around do not count.

    As in `status: Annotated[str, words("completed", "error")]`.
    """

    def check(value: str, info: pydantic.ValidationInfo) -> str:
        if value.strip().lower() not in spellings:
            notice("value", f"{info.field_name}: {value}")
        return value

    spellings = {word.lower() for word in known}
    return pydantic.AfterValidator(check)


def unreadable(field: str | None) -> str:
    """The warning for an optional part of an answer that was left out, since it could not be read."""
    return f"{field or 'a field'} of the answer is unreadable and left out"


def whole(value: Any) -> int | None:
    """A whole number, also as 402.0 or as text, for the status or the code in a body; None for what is none, as true."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0:
        return int(value)
    return None


def said(value: Any) -> str:
    """A value for a reader: text as it is, a message in an object, nothing for what is empty, JSON for the rest."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return str(value["message"]).strip()
    empty = value is None or isinstance(value, bool) or value in ({}, [])
    return "" if empty else json.dumps(value, ensure_ascii=False)


class _Forgiving:
    """Tries the type itself, which costs no Python, and only what fails is left out."""

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> CoreSchema:
        wanted = handler(source)
        is_word = wanted["type"] == "nullable" and wanted["schema"]["type"] == "literal"
        otherwise = pydantic.PlainValidator(_leave_out_word if is_word else _leave_out)
        fallback = otherwise.__get_pydantic_core_schema__(source, handler)
        return union_schema([wanted, fallback], mode="left_to_right")


def _leave_out(_: Any, info: pydantic.ValidationInfo) -> None:
    if isinstance(info.context, list):
        info.context.append(unreadable(info.field_name))


def _leave_out_word(value: Any, info: pydantic.ValidationInfo) -> None:
    if isinstance(value, str):
        notice("value", f"{info.field_name}: {value}")
    _leave_out(value, info)


Lenient = Annotated[T | None, _Forgiving()]
"""An optional field that becomes None, with a warning, where its type is wrong: a paid answer is not thrown away."""
