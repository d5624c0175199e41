"""For plugin authors: pydantic models of what a vendor sends, strict where the proof is and forgiving elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeVar

import pydantic

from .wire import decode_json

__all__ = ["Lenient", "Reply", "decode_json"]

T = TypeVar("T")


class Reply(pydantic.BaseModel):
    """Base of a wire model. Unknown fields are no error, numbers may stand where ids are expected."""

    model_config = pydantic.ConfigDict(
        extra="ignore", coerce_numbers_to_str=True, populate_by_name=True, allow_inf_nan=False
    )

    @classmethod
    def parse(cls, data: Any) -> tuple[Self, tuple[str, ...]]:
        """The model, and a warning for each optional field that could not be read.

        Raises:
            ValueError: when a required field, the proof of success, is missing or of the wrong type.
        """
        warnings: list[str] = []
        return cls.model_validate(data, context=warnings), tuple(warnings)


def _forgive(value: Any, read: pydantic.ValidatorFunctionWrapHandler, info: pydantic.ValidationInfo) -> Any:
    try:
        return read(value)
    except pydantic.ValidationError:
        if isinstance(info.context, list):
            info.context.append(f"{info.field_name or 'a field'} of the answer is unreadable and left out")
        return None


Lenient = Annotated[T | None, pydantic.WrapValidator(_forgive)]
"""An optional field that becomes None, with a warning, where its type is wrong: a paid answer is not thrown away."""
