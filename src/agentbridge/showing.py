"""How values of ours are shown to a person: in a repr, in a terminal, in a notebook. What a vendor sent steers none of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import attrs

    from .errors import InvocationError
    from .model import Result, Usage

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")
_CODE = re.compile(r"(^```.*?^```[ \t]*$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#$!&])")
_SHOWN = 200  # characters of one value in a repr


def visible(text: str) -> str:
    """The text with control characters shown, not obeyed, those among them that turn the direction of writing."""
    return _CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def sparse_repr(value: Any) -> str:
    """The repr of an attrs value without the fields that say what they say by default, each cut to a length."""
    import attrs  # the help of the command line shows texts alone, and does without it

    shown = []
    for field in attrs.fields(type(value)):
        said = getattr(value, field.name)
        if field.repr and said != _default(field):
            shown.append(f"{field.name}={_short(said)}")
    return f"{type(value).__name__}({', '.join(shown)})"


def _default(field: attrs.Attribute[Any]) -> Any:
    factory = getattr(field.default, "factory", None)
    return field.default if factory is None else factory()


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def facts(result: Result) -> list[str]:
    """What a person wants to know of a result beside its text: who answered, its ids, what it cost, how long it took."""
    where = result.provider if result.connection == result.provider else f"{result.connection} ({result.provider})"
    said = [f"{where}:{result.agent}"]
    said += [f"id {result.id}"] if result.id else []
    said += [f"session {result.session_id}"] if result.session_id else []
    return [*said, *(_spent(result.usage) if result.usage else []), f"{result.elapsed:.2f} s"]


def _spent(usage: Usage) -> list[str]:
    tokens = usage.total_tokens
    if tokens is None and usage.input_tokens is not None and usage.output_tokens is not None:
        tokens = usage.input_tokens + usage.output_tokens
    counted = (
        f"{count:g} {unit}" for count, unit in ((usage.credits, "credits"), (tokens, "tokens")) if count is not None
    )
    cost = [f"cost {usage.cost:g}"] if usage.cost is not None else []
    return [*counted, *cost, *([usage.model] if usage.model else [])]


def result_as_markdown(result: Result) -> str:
    """The answer as the Markdown that it mostly is, and the facts in a line beneath; its question where a run waits."""
    text = result.text if result.interrupt is None else result.interrupt.question
    notes = [f"waits for {' or '.join(result.interrupt.choices) or 'input'}"] if result.interrupt else []
    notes += [f"dropped: {name}" for name in result.dropped] + [f"warning: {warning}" for warning in result.warnings]
    lines = [" · ".join(facts(result)), *notes]
    return "\n\n".join([_harmless(text), *(f"*{_plain(line)}*" for line in lines)])


def error_as_markdown(error: InvocationError) -> str:
    """The line of an error, its facts, and what did arrive."""
    known = [f"retryable: {error.retryable}", f"may have run: {error.may_have_run}"]
    known += [f"retry after {error.retry_after:g} s"] if error.retry_after is not None else []
    shown = [f"**{_plain(type(error).__name__)}**: {_plain(str(error))}", f"*{_plain(' · '.join(known))}*"]
    partial = error.partial.text if error.partial is not None else ""
    return "\n\n".join([*shown, *([_harmless(partial)] if partial else [])])


def _harmless(text: str) -> str:
    """Markdown without HTML and without pictures, which would be loaded from where a vendor says. Code stays as it is."""
    parts = _CODE.split(visible(text))
    return "".join(
        part if index % 2 else part.replace("<", "&lt;").replace("![", r"!\[") for index, part in enumerate(parts)
    )


def _plain(text: str) -> str:
    """A line of Markdown that shows the text as it is."""
    return _SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))
