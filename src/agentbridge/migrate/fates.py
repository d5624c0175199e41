"""What becomes of each field of a call at another vendor, by its binding and what the vendor takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

import attrs

from ..bindings import Binding
from ..errors import AgentBridgeError, UnsupportedFeatureError
from ..model import SHARED, Invocation
from .sessions import Treatment

How: TypeAlias = Literal["as is", "converted", "joined into the text", "dropped", "impossible"]

_PLACEHOLDER = re.compile(r"\{([^{}\n]+)\}")
_FEATURE = re.compile(r"(inputs|options)\['(.+)'\]")


@attrs.frozen
class Fate:
    """What becomes of one field. `detail` says into what, or why; `remedy` what to do about it."""

    field: str
    how: How
    detail: str = ""
    remedy: str = ""


@attrs.frozen(kw_only=True)
class Place:
    """What is moved to: its provider's name and what it takes, and the agent's binding there, if it has one."""

    provider: str
    accepts: frozenset[str]
    binding: Binding | None = None

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names that the binding's template puts into the text."""
        template = self.binding.template if self.binding is not None else None
        names = dict.fromkeys(_PLACEHOLDER.findall(template or ""))
        return tuple(name for name in names if name.isidentifier())

    @property
    def where(self) -> str:
        """Where to mend it."""
        return self.binding.where if self.binding is not None else "a binding"


def fates(said: Invocation, place: Place, sessions: Treatment) -> Iterator[Fate]:
    """Each field that a portable call sets, and where it goes; `said` is as before any treatment of its session."""
    if said.text is not None:
        yield _text(place)
    if said.messages:
        yield _messages(place, sessions)
    for name in said.inputs:
        yield _input(name, place)
    if said.files:
        yield _files(place)
    if said.session_id is not None:
        yield _session(said.session_id, place, sessions)
    if said.user_id is not None:
        yield _plain("user_id", place, "its calls are anonymous; say the user in an input, if the agent needs it")
    if said.callback_url is not None:
        yield Fate(
            "callback_url", "dropped", "who listens there waits for production", "it is given anew at the cut over"
        )
    for provider in said.options:
        yield _options(provider, place)
    if said.metadata:
        yield Fate("metadata", "as is", "the caller's own, never sent")


def proven(found: Iterator[Fate], error: AgentBridgeError | None, dropped: tuple[str, ...]) -> list[Fate]:
    """The fates as a bridge proved them: what it left out is dropped, what it refused is impossible, in its words."""
    known = [Fate(one.field, "dropped", "the vendor cannot carry it") if one.field in dropped else one for one in found]
    if error is None:
        return known
    refused = _refused(error)
    rest = [one for one in known if one.field != refused]
    return [*rest, Fate(refused, "impossible", "", str(error))]


def missing(said: Invocation, place: Place) -> Iterator[str]:
    """What the binding has a place for and the call does not say: values of its template, and inputs of the vendor."""
    binding = place.binding
    if binding is None:
        return
    given = {*said.inputs, *binding.constants, *(("text",) if said.text is not None else ())}
    yield from (f"template value {name}" for name in place.placeholders if name not in given)
    yield from (f"input {theirs} ({ours})" for ours, theirs in binding.inputs.items() if ours not in said.inputs)
    if binding.text is not None and said.text is None:
        yield f"input {binding.text} (text)"


def _text(place: Place) -> Fate:
    binding = place.binding
    if binding is not None and binding.template is not None:
        if "text" in place.placeholders:
            return Fate("text", "joined into the text", "by the template")
        return Fate(
            "text", "impossible", "the template has no {text}", f"put {{text}} into the template of {place.where}"
        )
    if binding is not None and binding.text is not None:
        return Fate("text", "converted", f"input {binding.text}")
    return _plain("text", place, f"say which input takes it: 'text' in {place.where}")


def _messages(place: Place, sessions: Treatment) -> Fate:
    if "messages" not in place.accepts and sessions == "inline-history":
        return Fate("messages", "joined into the text", "before this turn, where the conversation has earlier ones")
    return _plain("messages", place, "carry the conversation by session_id, or leave the earlier turns out")


def _input(name: str, place: Place) -> Fate:
    field, binding = f"inputs.{name}", place.binding
    if binding is None:
        return _named(field, place)
    if name in binding.inputs:
        theirs = binding.inputs[name]
        return Fate(field, "as is") if theirs == name else Fate(field, "converted", f"input {theirs}")
    if name in place.placeholders:
        return Fate(field, "joined into the text", "by the template")
    return Fate(
        field, "impossible", "the binding does not map it", f"add it to 'inputs' or 'template' in {place.where}"
    )


def _named(field: str, place: Place) -> Fate:
    if "inputs" in place.accepts:
        return Fate(field, "as is")
    return Fate(field, "impossible", f"{place.provider} has no named inputs", "use a portable agent with a 'template'")


def _files(place: Place) -> Fate:
    if "files" in place.accepts and place.binding is not None and place.binding.files is not None:
        return Fate("files", "converted", f"input {place.binding.files}")
    return _plain("files", place, "send their content as text, or leave such calls out")


def _session(session: str, place: Place, sessions: Treatment) -> Fate:
    if sessions == "fresh":
        return Fate("session_id", "dropped", "every call stands alone", "another treatment keeps the conversation")
    if sessions == "inline-history":
        if "messages" in place.accepts:
            return Fate("session_id", "converted", "earlier turns go along as messages")
        return Fate("session_id", "joined into the text", "earlier turns go before this one")
    if sessions == "same-id" or session == SHARED:
        return _plain("session_id", place, "treat sessions as mapped or inline-history")
    if "session_id" in place.accepts:
        return Fate("session_id", "converted", "a session of the candidate's own")
    return Fate("session_id", "dropped", f"{place.provider} keeps no sessions", "treat sessions as inline-history")


def _options(provider: str, place: Place) -> Fate:
    field = f"options.{provider}"
    if provider == place.provider:
        return Fate(field, "as is")
    return Fate(
        field, "dropped", f"{provider}'s own", f"set what {place.provider} needs under 'options' in {place.where}"
    )


def _plain(field: str, place: Place, remedy: str) -> Fate:
    if field in place.accepts:
        return Fate(field, "as is")
    return Fate(field, "impossible", f"{place.provider} does not take it", remedy)


def _refused(error: AgentBridgeError) -> str:
    """The field that an error is about; "the call" where it is about no field."""
    if not isinstance(error, UnsupportedFeatureError):
        return "the call"
    found = _FEATURE.fullmatch(error.feature)
    if found is None:
        return error.feature
    return f"inputs.{found.group(2)}" if found.group(1) == "inputs" else f"options.{error.provider}"
