"""Watches a plugin read one answer: what it took of the JSON, and which of its lines decided."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from ..drift import Kind, Names, watched_by
from ..wire import HttpResponse

_MOST_REASONS = 3
_NOT_A_PLUGIN = frozenset({"agentbridge", "attr", "json", "pydantic", "pydantic_core"})


class _Key(str):
    """The name of a field that knows where it stands, also in a copy of its object."""

    __slots__ = ("path",)
    path: str


class _Object(dict[str, Any]):
    """A JSON object that tells what is taken of it."""

    __slots__ = ("path", "sight")
    path: str
    sight: Sight

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        self.sight.see(self, name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        self.sight.see(self, name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.sight.see(self, name)
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        """Python copies by this, and not behind its back, what has an `__iter__` of its own."""
        return super().__iter__()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override] # the views of a dict are narrower
        self.sight.see_all(self)
        return super().items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override] # as above
        self.sight.see_all(self)
        return super().values()


class Sight:
    """What was seen of a JSON document, by path: names and indexes joined by dots, as in a fault rule.

    `read` was asked for by name or by a model, `copied` came along with its object, `refused` was before a model that has
    no place for it.
    """

    def __init__(self, document: Any) -> None:
        self.read: set[str] = set()
        self.copied: set[str] = set()
        self.refused: set[str] = set()
        self.document = self._watched(document, "")

    def see(self, of: _Object, name: object) -> None:
        """Somebody asks for a field: by its name, or by the object's own key while it is copied."""
        if isinstance(name, _Key):
            self.copied.add(name.path)
        elif isinstance(name, str) and dict.__contains__(of, name):
            self.read.add(_below(of.path, name))

    def see_all(self, of: _Object) -> None:
        """Somebody takes all fields at once."""
        self.copied.update(key.path for key in dict.keys(of) if isinstance(key, _Key))

    def compare(self, names: Names, data: Mapping[str, Any]) -> None:
        """A wire model takes the fields that it has, and leaves the others."""
        for key in data:
            if isinstance(key, _Key):
                (self.read if key in names.taken else self.refused).add(key.path)

    def note(self, kind: Kind, name: str) -> None:
        """Counted elsewhere."""

    def unread(self) -> tuple[str, ...]:
        """The paths that nobody took; of an object or a list that nobody touched, its own."""
        touched = {above for path in self.read | self.copied | self.refused for above in _above(path)}
        return tuple(self._unread(self.document, "", touched, taken=True))

    def _unread(self, value: Any, path: str, touched: set[str], *, taken: bool) -> Iterator[str]:
        inside = list(_inside(value, path))
        if not any(below in touched for _, below in inside):
            if not taken:
                yield path
            return
        for child, below in inside:
            kept = isinstance(value, list) and not isinstance(child, (dict, list)) and taken
            yield from self._unread(child, below, touched, taken=kept or self._is_taken(below))

    def _is_taken(self, path: str) -> bool:
        return path in self.read or (path in self.copied and path not in self.refused)

    def _watched(self, value: Any, path: str) -> Any:
        if isinstance(value, list):
            return [self._watched(item, below) for item, below in _inside(value, path)]
        if not isinstance(value, dict):
            return value
        made = _Object({_key(name, below): self._watched(value[name], below) for name, below in _names(value, path)})
        made.path, made.sight = path, self
        return made


def _key(name: str, path: str) -> _Key:
    key = _Key(name)
    key.path = path
    return key


def _below(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _above(path: str) -> Iterator[str]:
    """A path, and the paths of all that it stands in."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def _names(value: dict[str, Any], path: str) -> list[tuple[str, str]]:
    return [(name, _below(path, name)) for name in dict.keys(value)]


def _inside(value: Any, path: str) -> list[tuple[Any, str]]:
    """What stands in an object or a list, and where."""
    if isinstance(value, dict):
        return [(dict.__getitem__(value, name), below) for name, below in _names(value, path)]
    return [(item, _below(path, number)) for number, item in enumerate(value)] if isinstance(value, list) else []


@attrs.frozen(kw_only=True)
class Trace:
    """How a plugin read one answer: what came of it, `where` that was decided and `why`, and what it saw of the JSON."""

    value: Any = None
    error: Exception | None = None
    where: str
    why: str
    sight: Sight | None = None


def traced(read: Callable[[HttpResponse], Any], response: HttpResponse) -> Trace:
    """Read an answer, watched. It is read as ever: neither the outcome nor the answer is changed."""
    sight, answer = _watchable(response)
    makers = _Makers(inspect.currentframe())
    before = sys.getprofile()
    sys.setprofile(makers.called)
    try:
        value = watched_by(sight, read, answer) if sight is not None else read(answer)
    except Exception as error:
        sys.setprofile(before)
        return Trace(error=error, where=_raised_at(error) or place_of(read), why=reason(error), sight=sight)
    finally:
        sys.setprofile(before)
    where, why = makers.made(value) or (place_of(read), _first_line(read))
    return Trace(value=value, where=where, why=why, sight=sight)


def _watchable(response: HttpResponse) -> tuple[Sight | None, HttpResponse]:
    """A copy of the answer whose JSON is watched; as it is where it has none."""
    answer = attrs.evolve(response)
    try:
        sight = Sight(answer.json())
    except (ValueError, RecursionError):
        return None, response
    answer._decoded[0] = sight.document  # noqa: SLF001 (decoded once, and handed out from there)
    return sight, answer


class _Makers:
    """Notes where values are made, while it is told of every call."""

    def __init__(self, base: FrameType | None) -> None:
        self._base = base
        self._made: list[tuple[Any, str, str]] = []

    def called(self, frame: FrameType, event: str, _: Any) -> None:
        """For `sys.setprofile`."""
        if event == "call" and frame.f_code.co_name == "__init__":
            found = self._maker(frame.f_back)
            if found is not None:
                self._made.append((frame.f_locals.get("self"), _place(found, found.f_lineno), _why(found)))

    def made(self, value: Any) -> tuple[str, str] | None:
        """Where this value was made, or, where it is a changed copy, the one of its kind that it is most like."""
        alike = [(_likeness(made, value), place, why) for made, place, why in self._made if type(made) is type(value)]
        return max(alike, key=lambda each: each[0])[1:] if alike else None

    def _maker(self, frame: FrameType | None) -> FrameType | None:
        """The plugin's own function that makes it; None for a copy that `attrs.evolve` makes."""
        while frame is not None and frame is not self._base and not _is_plugins(frame):
            if frame.f_code.co_name == "evolve":
                return None
            frame = frame.f_back
        return None if frame is self._base else frame


def _likeness(made: Any, value: Any) -> int:
    names = [field.name for field in attrs.fields(type(value))] if attrs.has(type(value)) else []
    same = sum(bool(getattr(made, name, attrs.NOTHING) == getattr(value, name)) for name in names)
    return same + (len(names) + 1) * (made is value)


def _is_plugins(frame: FrameType) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package not in _NOT_A_PLUGIN and not frame.f_code.co_filename.startswith("<")


def _place(frame: FrameType, line: int) -> str:
    file = Path(frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}:{line} {frame.f_code.co_qualname}"


def _why(frame: FrameType | None) -> str:
    """What the plugin itself says of its function, or of the first one above that says something."""
    while frame is not None and _is_plugins(frame):
        if said := _doc(frame):
            return said
        frame = frame.f_back
    return ""


def _doc(frame: FrameType) -> str:
    found: Any = None
    for name in frame.f_code.co_qualname.split("."):
        found = frame.f_globals.get(name) if found is None else getattr(found, name, None)
    return _first_line(found)


def _first_line(function: Any) -> str:
    return (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]


def place_of(read: Callable[..., Any]) -> str:
    """The file, the line and the name of a function."""
    code = getattr(inspect.unwrap(read), "__code__", None)
    if code is None:
        return type(read).__name__
    file = Path(code.co_filename)
    return f"{file.parent.name}/{file.name}:{code.co_firstlineno} {code.co_qualname}"


def _raised_at(error: Exception) -> str:
    """The plugin's last line before it raised."""
    found, step = "", error.__traceback__
    while step is not None:
        if _is_plugins(step.tb_frame):
            found = _place(step.tb_frame, step.tb_lineno)
        step = step.tb_next
    return found


def reason(error: Exception) -> str:
    """Why an answer could not be read: of a wire model the field and what is wrong with it, never its value."""
    details = getattr(error, "errors", None)
    if type(error).__name__ != "ValidationError" or details is None:
        return f"{type(error).__name__}: {error}"
    found = details(include_input=False, include_url=False, include_context=False)[:_MOST_REASONS]
    return "; ".join(_detail(getattr(error, "title", ""), detail) for detail in found)


def _detail(model: str, detail: Mapping[str, Any]) -> str:
    field = ".".join(map(str, (model, *detail["loc"])))
    return f"the proof is missing: {field}" if detail["type"] == "missing" else f"{field}: {detail['msg']}"
