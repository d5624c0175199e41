"""Pydantic models of what a vendor sends."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeVar

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core.core_schema import CoreSchema, union_schema

from ..drift import Names, notice, watch
from .by_hand import unreadable

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
