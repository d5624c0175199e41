"""The body and the query of a run: what a caller said, in FluxPrompt's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agentbridge import File, Invocation, Link, UnsupportedFeatureError

from . import wire

_BODY = "variableInputs"


def body(invocation: Invocation, options: Mapping[str, Any]) -> dict[str, list[wire.VariableInput]]:
    """One item for each input that has a text, files or links.

    Raises:
        UnsupportedFeatureError: nothing to send, or something that no item can carry.
    """
    attached = _attached(invocation)
    engines = _engines(options.get("typeOCR"), attached)
    names = dict.fromkeys((*invocation.inputs, *attached))
    if _BODY in options:
        return _given(names)
    if not names:
        # the vendor would answer with a default, in an ordinary 200 (public client)
        raise UnsupportedFeatureError("inputs", "without an input it answers nonsense. Give inputs={'inputId': '...'}")
    return {
        _BODY: [
            _item(name, invocation.inputs.get(name, ""), attached.get(name, []), engines.get(name)) for name in names
        ]
    }


def query(invocation: Invocation, flow_id: str, version: str | None) -> dict[str, str]:
    """What is said beside the body, as far as it is set."""
    if invocation.session_id is not None and not invocation.session_id.strip():
        raise UnsupportedFeatureError(
            "session_id", "an empty one would be the memory that all callers share. Leave it out, or say SHARED"
        )
    callback = invocation.callback_url
    if callback is not None and not callback.lower().startswith(("http://", "https://")):
        raise UnsupportedFeatureError("callback_url", f"{callback!r} must begin with http:// or https://")
    said = {"flowId": flow_id, "sessionId": invocation.session_id, "versionId": version, "callback_url": callback}
    return {name: value for name, value in said.items() if value is not None}


def version_option(options: Mapping[str, Any]) -> str | None:
    """The option `versionId`; None takes one back that a connection or a binding set."""
    version = options.get("versionId")
    if version is not None and (not isinstance(version, str) or not version.strip()):
        raise UnsupportedFeatureError("options['versionId']", f"{version!r} must be a version's id, a str")
    return version


def _given(names: Mapping[str, Any]) -> dict[str, list[wire.VariableInput]]:
    """A body that the options write whole: the core puts it in; it would replace what stood there."""
    if names:
        raise UnsupportedFeatureError(
            f"options[{_BODY!r}]", "it would replace the inputs and files of this call. Give one or the other"
        )
    return {}


def _item(name: str, value: Any, attached: list[File | Link], engine: str | None) -> wire.VariableInput:
    if not name.strip():
        raise UnsupportedFeatureError("inputs", f"{name!r} is no inputId, and a wrong one is ignored in silence")
    item = wire.VariableInput(inputId=name, inputText=_text(name, value))
    files = [wire.NamedFile(name=file.name, base64=file) for file in attached if isinstance(file, File)]
    links = [wire.NamedLink(name=link.name or link.url, url=link.url) for link in attached if isinstance(link, Link)]
    if files and links:
        raise UnsupportedFeatureError(
            "files", f"input {name!r} takes links or files, not both. Give one of them an input of its own"
        )
    if links:
        item["links"] = links
    if files:
        item["files"], item["isExtraction"] = files, True
    if engine is not None:
        item["typeOCR"] = engine
    return item


def _text(name: str, value: Any) -> str:
    """All values are strings (public client): any other value is sent as its JSON text."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        raise UnsupportedFeatureError(
            f"inputs[{name!r}]", f"a {type(value).__name__} like this has no JSON form. Convert it to text first"
        ) from None


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _attached(invocation: Invocation) -> dict[str, list[File | Link]]:
    """Files and links by the input that each belongs to."""
    attached: dict[str, list[File | Link]] = {}
    for file in invocation.files:
        attached.setdefault(_home(file, invocation.inputs), []).append(file)
    return attached


def _home(file: File | Link, inputs: Mapping[str, Any]) -> str:
    if file.input:
        return file.input
    if len(inputs) == 1:
        return next(iter(inputs))
    label = file.name if isinstance(file, File) else file.name or file.url.partition("?")[0]
    raise UnsupportedFeatureError(
        "files", f"{label!r} belongs to no input, and here each does. Set its input=, or 'files' in the binding"
    )


def _engines(option: Any, attached: Mapping[str, list[File | Link]]) -> dict[str, str]:
    """The option `typeOCR` by input: one for all inputs with files, or a mapping; its values are the vendor's.

    It says how files are read, so a connection or a binding may set it for calls that have none.
    """
    with_files = [name for name, files in attached.items() if any(isinstance(file, File) for file in files)]
    engines = option if isinstance(option, Mapping) else dict.fromkeys(with_files, option)
    said = option.values() if isinstance(option, Mapping) else () if option is None else (option,)
    if not all(isinstance(engine, str) for engine in said):
        raise UnsupportedFeatureError(
            "options['typeOCR']", f"{option!r} must be a str, or a mapping from inputId to str"
        )
    return {name: engines[name] for name in with_files if engines.get(name) is not None}
