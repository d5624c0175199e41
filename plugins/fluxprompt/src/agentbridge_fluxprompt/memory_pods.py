"""Memory pods: documents that agents can look things up in. Source: vendor docs "Memory Pods API", and the help page.

The vendor docs have them at `https://app.fluxprompt.ai`, the help page at the host of all else (C1 in the README); a
connection's `base_url` decides. A pod that is not there is an HTTP 400, raised as NotFoundError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

import attrs

from agentbridge import Call, Fault, FaultKind, File, HttpRequest, HttpResponse, JsonValue, Link, Operation
from agentbridge.provider import filled, filled_or_none

from . import replies, wire_pods as wire
from .checks import a, at_most, each, many, mapping, web_address, wrong
from .endpoint import request_to, said

T = TypeVar("T")
_POD = {"help": "the pod's id, as ListPods gives it"}
_optional = attrs.validators.optional


@attrs.frozen
class PodFile:
    """A file of a memory pod. `status` is the vendor's word: Pending, Enqueued, Processing, Finished, Error or Migrated."""

    name: str
    id: str | None = None
    status: str | None = None
    chunking_method: str | None = None
    metadata: tuple[JsonValue, ...] = ()
    dimensions: tuple[JsonValue, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether agents find it: `Finished`, or `Migrated`, which is to be treated so (vendor docs)."""
        return self.status in wire.READY


@attrs.frozen
class Pod:
    """A memory pod as the vendor describes it; `warnings` names what of it could not be read."""

    id: str
    name: str | None = None
    files: tuple[PodFile, ...] = ()
    embedding_model: str | None = None
    description: str | None = None
    metadata: Mapping[str, JsonValue] | None = None
    dimensions: tuple[JsonValue, ...] = ()
    search_using_dimensions: bool | None = None
    folder_id: str | None = None
    rank: float | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class CreatePod(Operation[Pod]):
    """Create an empty memory pod.

    `POST /flux/memory-pods`; vendor docs "Create a memory pod".
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "create-pod"

    pod_name: str = attrs.field(
        validator=[filled, at_most(255)], metadata={"help": "its name, unique where it lives; up to 255 characters"}
    )
    description: str | None = attrs.field(
        default=None, validator=_optional([filled, at_most(500)]), metadata={"help": "up to 500 characters for people"}
    )
    metadata: Mapping[str, JsonValue] | None = attrs.field(
        default=None, converter=mapping, validator=_optional(a(dict)), metadata={"help": "an object of your own, kept"}
    )
    embedding_model: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={"help": "text-embedding-3-small (the vendor's default) or voyage-3-large; fixed for ever"},
    )
    search_using_dimensions: bool | None = attrs.field(
        default=None, validator=_optional(a(bool)), metadata={"help": "whether it is searched by dimensions"}
    )
    space_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "the space it belongs to; else the key's own"}
    )

    def build_request(self, call: Call) -> HttpRequest:
        """Only what is set is sent."""
        return request_to(wire.PODS_PATH, call, "POST", json=said(self, wire.NEW_POD))

    def read(self, response: HttpResponse) -> Pod | Fault:
        """The new pod."""
        return _one_pod(response)


@attrs.frozen(kw_only=True)
class ListPods(Operation[tuple[Pod, ...]]):
    """List memory pods, or get one by its id.

    `GET /flux/memory-pods/get`; vendor docs "List or get memory pods". A pod that is not there, or not for this key, is an empty tuple.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "list-pods"
    idempotent: ClassVar[bool] = True

    pod_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "only the pod of this id"}
    )
    name_contains: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "only pods with this in their name, in any case"}
    )

    def build_request(self, call: Call) -> HttpRequest:
        """All pods that the key can see, where nothing is set."""
        return request_to(wire.LIST_PATH, call, query=said(self, wire.POD_QUERY))

    def read(self, response: HttpResponse) -> tuple[Pod, ...] | Fault:
        """The pods."""

        def pods(body: dict[str, Any]) -> tuple[Pod, ...]:
            reply, warnings = wire.ManyPodsReply.parse(body)
            return tuple(_pod(pod, warnings) for pod in reply.data.pods)

        return _read(response, pods)


@attrs.frozen(kw_only=True)
class AddDocuments(Operation[Pod]):
    """Add documents to a pod: files are uploaded, links fetched by the vendor.

    `POST /flux/memory-pods/{podId}/add-document`; vendor docs "Add a document". It is queued: ask ListPods until each
    file is `ready`, every 2 to 5 s for up to 5 minutes (vendor docs). The same file twice is two files.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "add-documents"

    pod_id: str = attrs.field(validator=filled, metadata=_POD)
    files: tuple[File, ...] = attrs.field(
        default=(), converter=many, validator=each(File), metadata={"help": "files to upload"}
    )
    links: tuple[Link, ...] = attrs.field(
        default=(), converter=many, validator=each(Link), metadata={"help": "URLs that the vendor fetches"}
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.files) == bool(self.links):
            raise wrong(self, "files", "or links must be given, and not both: make two calls of it")

    def build_request(self, call: Call) -> HttpRequest:
        """Multipart for files, JSON for links."""
        path = _below(self.pod_id, "add-document")
        if self.files:
            return request_to(path, call, "POST", form={wire.UPLOADS: list(self.files)})
        return request_to(path, call, "POST", json={wire.UPLOADS: [said(link, wire.FILE_URL) for link in self.links]})

    def read(self, response: HttpResponse) -> Pod | Fault:
        """The pod with its new files, which are `Enqueued` or `Processing`."""
        return _one_pod(response)


@attrs.frozen(kw_only=True)
class ReplaceDocument(Operation[Pod]):
    """Replace a document of a pod by what a URL has.

    `PUT /flux/memory-pods/{podId}/replace-document`; vendor docs "Replace a document". The old one is deleted before
    the new one is queued.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "replace-document"

    pod_id: str = attrs.field(validator=filled, metadata=_POD)
    old_name: str = attrs.field(validator=filled, metadata={"help": "the exact name of the file to replace"})
    new_url: str = attrs.field(validator=web_address, metadata={"help": "where the vendor fetches the new file"})
    new_name: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "its name; without it, the old one's"}
    )

    def build_request(self, call: Call) -> HttpRequest:
        """The URL and the names."""
        path = _below(self.pod_id, "replace-document")
        return request_to(path, call, "PUT", json=said(self, wire.REPLACEMENT))

    def read(self, response: HttpResponse) -> Pod | Fault:
        """The pod with the new file queued."""
        return _one_pod(response)


@attrs.frozen(kw_only=True)
class DeleteDocuments(Operation[Pod | None]):
    """Delete documents of a pod by their names.

    `DELETE /flux/memory-pods/{podId}/delete-document`; vendor docs "Delete a document". Names that are not there are
    skipped, and nothing says so: compare `files` of the answer.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "delete-documents"
    idempotent: ClassVar[bool] = True  # what is gone is skipped (vendor docs "Delete a document")

    pod_id: str = attrs.field(validator=filled, metadata=_POD)
    file_names: tuple[str, ...] = attrs.field(
        converter=many, validator=each(str), metadata={"help": "the exact names of the files to delete"}
    )

    def __attrs_post_init__(self) -> None:
        if not self.file_names:
            raise wrong(self, "file_names", "names no file; give at least one")

    def build_request(self, call: Call) -> HttpRequest:
        """A DELETE with a body."""
        path = _below(self.pod_id, "delete-document")
        return request_to(path, call, "DELETE", json=said(self, wire.DELETION))

    def read(self, response: HttpResponse) -> Pod | Fault | None:
        """The pod as it is now; None where it no longer exists."""

        def pod(body: dict[str, Any]) -> Pod | None:
            reply, warnings = wire.OnePodOrNoneReply.parse(body)
            return None if reply.data.pods is None else _pod(reply.data.pods, warnings)

        return _read(response, pod)


def _below(pod_id: str, action: str) -> str:
    return f"{wire.PODS_PATH}/{quote(pod_id, safe='')}/{action}"


def _read(response: HttpResponse, parse: Callable[[dict[str, Any]], T]) -> T | Fault:
    """A pod that is missing is a 400 with one fixed sentence, and to be treated like a 404 (vendor docs)."""
    value = replies.read(response, parse)
    if isinstance(value, Fault) and value.message == wire.POD_MISSING:
        return attrs.evolve(value, kind=FaultKind.NOT_FOUND, retryable=None, may_have_run=None)
    return value


def _one_pod(response: HttpResponse) -> Pod | Fault:
    def pod(body: dict[str, Any]) -> Pod:
        reply, warnings = wire.OnePodReply.parse(body)
        return _pod(reply.data.pods, warnings)

    return _read(response, pod)


def _pod(body: wire.PodBody, warnings: tuple[str, ...]) -> Pod:
    return Pod(
        id=body.id,
        name=body.name,
        files=tuple(_pod_file(file) for file in body.files or ()),
        embedding_model=body.embeddingModelName,
        description=body.description,
        metadata=body.metadata,
        dimensions=tuple(body.dimensions or ()),
        search_using_dimensions=body.searchUsingDimensions,
        folder_id=body.folderId,
        rank=body.rank,
        warnings=warnings,
    )


def _pod_file(body: wire.PodFileBody) -> PodFile:
    return PodFile(
        name=body.fileName,
        id=body.id,
        status=body.status,
        chunking_method=body.chunkingMethod,
        metadata=tuple(body.metadatas or ()),
        dimensions=tuple(body.dimensions or ()),
    )
