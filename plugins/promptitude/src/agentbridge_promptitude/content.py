"""Promptitude's content storage: add or replace a document, list the folders and what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import attrs
from pydantic import BaseModel

from agentbridge import Call, ConfigurationError, Fault, HttpRequest, HttpResponse, JsonValue, Operation
from agentbridge.provider import filled, filled_or_none

from . import endpoint, wire
from .checks import whole_or_none


def _tuple(tags: Iterable[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


def _tags(operation: object, field: attrs.Attribute[Any], tags: tuple[object, ...]) -> None:
    for tag in tags:
        filled(operation, field, tag)
        if "," in str(tag):  # the vendor takes them as one text, separated by commas
            kind = type(operation).__name__
            raise ConfigurationError(f"{kind}: the tag {tag!r} has a comma, which separates tags. Leave it out")


@attrs.frozen
class UpsertContent(Operation[JsonValue]):
    """Add a document to the content storage by its URL, or replace one.

    Source: help page "/content". Answers with `results` as they come: what they hold is in no copy of the page that we
    know.

    Attributes:
        file_url: where the file is. One on Google Drive must be public, and the URL exactly
            https://drive.google.com/file/d/FILE_ID.
        title: what the document shall be called.
        folder: the name of its folder, which is made where there is none.
        tags: names of tags, which are made where there are none.
        content_id: the document to replace, by its id or its external id; without it one is added.
    """

    provider: ClassVar[str] = "promptitude"
    name: ClassVar[str] = "content"

    file_url: str = attrs.field(validator=filled)
    title: str = attrs.field(validator=filled)
    folder: str = attrs.field(validator=filled)
    tags: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=_tags)
    content_id: str | None = attrs.field(default=None, validator=filled_or_none)

    def build_request(self, call: Call) -> HttpRequest:
        tags = ",".join(self.tags) or None
        body = wire.ContentFromUrl(fileUrl=self.file_url, name=self.title, folder=self.folder, tags=tags)
        return _upsert(call, self.content_id, body)

    def read(self, response: HttpResponse) -> JsonValue | Fault:
        return _upserted(response)


@attrs.frozen
class UpsertGitHubContent(Operation[JsonValue]):
    """Add a file of a GitHub repository to the content storage, or replace one.

    Source: help page "/content". Answers with `results` as they come: what they hold is in no copy of the page that we
    know.

    Attributes:
        external_id: an id of yours for later updates; the page recommends github_REPOSITORY_FILESHA.
        download_url: where the file is, as GitHub generates it.
        title: what the document shall be called, with its extension.
        folder: the name of its folder, which is made where there is none.
        size: the size of the file in bytes.
        tags: names of tags, which are made where there are none.
        content_id: the document to replace, by its id or its external id; without it one is added.
    """

    provider: ClassVar[str] = "promptitude"
    name: ClassVar[str] = "github-content"

    external_id: str = attrs.field(validator=filled)
    download_url: str = attrs.field(validator=filled)
    title: str = attrs.field(validator=filled)
    folder: str = attrs.field(validator=filled)
    size: int | None = attrs.field(default=None, validator=whole_or_none)
    tags: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=_tags)
    content_id: str | None = attrs.field(default=None, validator=filled_or_none)

    def build_request(self, call: Call) -> HttpRequest:
        body = wire.ContentFromGitHub(
            externalId=self.external_id,
            downloadUrl=self.download_url,
            name=self.title,
            folder=self.folder,
            size=self.size,
            tags=",".join(self.tags) or None,
        )
        return _upsert(call, self.content_id, body)

    def read(self, response: HttpResponse) -> JsonValue | Fault:
        return _upserted(response)


def _upsert(call: Call, content_id: str | None, body: BaseModel) -> HttpRequest:
    """The same endpoint adds and replaces: with an id in its path it replaces."""
    return endpoint.request(call, "POST", "content", *([content_id] if content_id else []), json=endpoint.said(body))


def _upserted(response: HttpResponse) -> JsonValue | Fault:
    """`code` is the proof, since nothing is known of the results."""
    envelope = endpoint.opened(response)
    if isinstance(envelope, Fault):
        return envelope
    if envelope.code is None:
        raise ValueError("no code")
    results: JsonValue = envelope.results
    return results


@attrs.frozen
class Folder:
    """A folder of the content storage."""

    id: str
    name: str | None = None
    contents_count: int | None = None
    type: str | None = None
    description: str | None = None


@attrs.frozen
class Folders:
    """The folders of the content storage, and how many the vendor says there are: the page shows more than it lists."""

    folders: tuple[Folder, ...]
    count: int | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class ListFolders(Operation[Folders]):
    """List the folders of the content storage.

    Source: help page "/content/folders".
    """

    provider: ClassVar[str] = "promptitude"
    name: ClassVar[str] = "folders"
    idempotent: ClassVar[bool] = True

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", "content", "folders")

    def read(self, response: HttpResponse) -> Folders | Fault:
        envelope = endpoint.opened(response)
        if isinstance(envelope, Fault):
            return envelope
        results, warnings = wire.FoldersResults.parse(envelope.results)
        folders = [
            Folder(folder.id, folder.name, folder.contentsCount, folder.type, folder.description)
            for folder in filter(None, results.folders)
        ]
        return Folders(tuple(folders), results.foldersCount, warnings)


@attrs.frozen
class FolderContents:
    """The documents in a folder, each as it comes: what one looks like is in no copy of the page that we know."""

    contents: tuple[JsonValue, ...]
    count: int | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class ListFolderContents(Operation[FolderContents]):
    """List the documents in a folder.

    Source: help page "/content/folders".

    Attributes:
        folder_id: the folder's id; `ListFolders` has it.
    """

    provider: ClassVar[str] = "promptitude"
    name: ClassVar[str] = "folder-contents"
    idempotent: ClassVar[bool] = True

    folder_id: str = attrs.field(validator=filled)

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", "content", "folders", self.folder_id, "contents")

    def read(self, response: HttpResponse) -> FolderContents | Fault:
        envelope = endpoint.opened(response)
        if isinstance(envelope, Fault):
            return envelope
        results, warnings = wire.ContentsResults.parse(envelope.results)
        return FolderContents(tuple(results.contents), results.contentsCount, warnings)
