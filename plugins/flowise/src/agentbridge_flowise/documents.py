"""Operations on files: their text before a prediction, and documents for a flow's vector store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import attrs

from agentbridge import Call, ConfigurationError, Fault, File, HttpRequest, HttpResponse, JsonValue, Operation, Source
from agentbridge.provider import filled_or_none

from . import endpoint, steps, wire_operations, wire_records
from .checks import FLOW, an_id, wrong
from .fields import entries


def _each(files: Iterable[File] | File) -> tuple[File, ...]:
    if isinstance(files, (str, bytes, Mapping)):  # iterating it would send its letters or keys
        raise ConfigurationError(f"files={files!r} is no file. Give a File, or a list of them")
    return (files,) if isinstance(files, File) else tuple(files)


def _files(operation: object, _: attrs.Attribute[Any], files: tuple[object, ...]) -> None:
    for file in files:
        if not isinstance(file, File):
            raise wrong(operation, f"{file!r} is no file. Give a File; the server takes no links here")
        if file.input is not None:
            raise wrong(operation, f"files belong to no input. Leave out input={file.input!r}")


def _some_files(operation: object, field: attrs.Attribute[Any], files: tuple[object, ...]) -> None:
    _files(operation, field, files)
    if not files:
        raise wrong(operation, "there is no file. Give one or more")


@attrs.frozen
class Attachment:
    """A file that the server read: its name, media type and size in bytes, and the text in it."""

    name: str
    text: str
    type: str | None = None
    size: int | None = None

    @property
    def file(self) -> File:
        """The text as a file of a call, as Flowise's own chat does it: `bridge.invoke(..., files=[attachment.file])`."""
        return File(self.name, self.text.encode(), media_type="text/plain")


@attrs.frozen
class Attachments:
    """The files that were attached."""

    attachments: tuple[Attachment, ...]
    warnings: tuple[str, ...] = ()


@attrs.frozen
class AttachFiles(Operation[Attachments]):
    """Upload files to a chat, and get their text: of a PDF, for example, before a call about it.

    The flow's owner has to allow uploads and the media types. The server keeps the files.
    Source: routes/attachments, utils/createAttachment.ts. Needs no key.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "attach"

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)
    chat_id: str = attrs.field(validator=an_id, metadata={"help": "the chat that the files are kept for: any text"})
    files: tuple[File, ...] = attrs.field(converter=_each, validator=_some_files, metadata={"help": "a file"})

    def build_request(self, call: Call) -> HttpRequest:
        endpoint.check_size(self.files, call.options)
        where = (endpoint.flow_id(self.agent_id), self.chat_id)
        return endpoint.request(
            call, "POST", *wire_operations.ATTACHMENTS, *where, form={wire_records.FILES: list(self.files)}
        )

    def read(self, response: HttpResponse) -> Attachments | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        if not (isinstance(response.json(), list) and response.json()):
            raise ValueError("the files are a list")
        found, warnings = endpoint.each(wire_records.AttachedFile, response.json())
        return Attachments(
            tuple(Attachment(file.name, file.content, file.mimeType, file.size) for file, _ in found), warnings
        )


@attrs.frozen(kw_only=True)
class Upserted:
    """What a vector store took in. None stands where the store does not count; `documents` are those that were added."""

    added: int | None = None
    updated: int | None = None
    skipped: int | None = None
    deleted: int | None = None
    total: int | None = None
    documents: tuple[Source, ...] = ()
    warnings: tuple[str, ...] = ()


def _overrides(overrides: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    if not isinstance(overrides, Mapping):
        raise ConfigurationError(
            f"UpsertDocuments: overrides={overrides!r} are none. Give a mapping of names to values"
        )
    return dict(overrides)


@attrs.frozen
class UpsertDocuments(Operation[Upserted]):
    """Fill the vector store of a flow: with what its loaders find, or with files.

    Overrides that the flow's owner did not allow are ignored in silence. With files they travel as text.
    Source: routes/vectors, utils/upsertVector.ts. Needs a key.

    Raises:
        ConfigurationError: on construction, for files beside an override that has no form as text.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "upsert"

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)
    files: tuple[File, ...] = attrs.field(
        default=(), converter=_each, validator=_files, metadata={"help": "a file for the flow's loader"}
    )
    overrides: Mapping[str, JsonValue] = attrs.field(
        factory=dict, converter=_overrides, metadata={"help": "settings of the flow's nodes for this time, by name"}
    )
    stop_node_id: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={"help": "the id of the vector store, where a flow has several"},
    )

    def __attrs_post_init__(self) -> None:
        for name, value in self.overrides.items() if self.files else ():
            if not isinstance(name, str) or name in {wire_records.FILES, "stopNodeId"}:
                raise ConfigurationError(f"UpsertDocuments: an override cannot be called {name!r} beside files")
            if _as_text(name, value) is None:
                problem = f"with files, overrides travel as text, and {name!r} has none. Leave it out, or the files"
                raise ConfigurationError(f"UpsertDocuments: {problem}")

    def build_request(self, call: Call) -> HttpRequest:
        body: dict[str, Any]
        if self.files:
            endpoint.check_size(self.files, call.options)
            body = {"form": self._form()}
        else:
            said = wire_records.UpsertBody(overrideConfig=dict(self.overrides) or None, stopNodeId=self.stop_node_id)
            body = {"json": said.model_dump(exclude_none=True)}
        return endpoint.request(call, "POST", *wire_operations.UPSERT, endpoint.flow_id(self.agent_id), **body)

    def _form(self) -> dict[str, Any]:
        """With files, every field of the form is an override, and no other is read (S: utils/upsertVector.ts)."""
        stop = {} if self.stop_node_id is None else {wire_records.STOP_NODE: self.stop_node_id}
        overrides = {name: _as_text(name, value) for name, value in self.overrides.items()}
        return {**overrides, **stop, wire_records.FILES: list(self.files)}

    def read(self, response: HttpResponse) -> Upserted | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        result, noted = wire_records.UpsertResult.parse(response.json())
        warnings = [*noted]
        if result.numAdded is None and result.result is None:
            raise ValueError("neither a number of documents nor a word of success")
        return Upserted(
            added=result.numAdded,
            updated=result.numUpdated,
            skipped=result.numSkipped,
            deleted=result.numDeleted,
            total=result.totalKeys,
            documents=tuple(steps.sources(entries("addedDocs", [result.addedDocs], warnings), warnings)),
            warnings=tuple(warnings),
        )


def _as_text(name: str, value: JsonValue) -> str | None:
    """An override as a field of a form; the word "false" would count as true there, so that it has none."""
    if name == wire_records.VARIABLES and isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)
