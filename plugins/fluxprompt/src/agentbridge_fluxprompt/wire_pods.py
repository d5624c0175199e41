"""Memory pods on the wire. Source: vendor docs "Memory Pods API", by page."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from agentbridge.reading import Lenient, Reply, words

PODS_PATH = "/flux/memory-pods"
"""Creates a pod; below it `{podId}/add-document`, `/replace-document` and `/delete-document` (help page; "Create a pod")."""

LIST_PATH = "/flux/memory-pods/get"
"""Lists pods, by the query `id` and `podName` (help page; "List or get memory pods")."""

POD_MISSING = "Namespace not found"
"""The message of a 400 for a pod that is not there: "Treat `400 Namespace not found` the way you'd treat a 404" ("Errors
and tips"). Matched whole: every other 400 is an invalid request."""

READY = frozenset({"Finished", "Migrated"})
"""A file's status once it can be retrieved; `Migrated` is to be treated as `Finished` ("List or get memory pods")."""

_NOT_READY = ("Pending", "Enqueued", "Processing", "Error")


NEW_POD = {
    "pod_name": "name",
    "description": "description",
    "metadata": "metadata",
    "embedding_model": "embeddingModelName",
    "search_using_dimensions": "searchUsingDimensions",
    "space_id": "spaceId",
}
"""Body of `POST /flux/memory-pods` ("Create a pod"). Here and below: our name and the vendor's."""

POD_QUERY = {"pod_id": "id", "name_contains": "podName"}
"""Query of the list ("List or get memory pods")."""

UPLOADS = "files"
"""The form field of uploads, and the list of links in the JSON body of `add-document` ("Add a document")."""

FILE_URL = {"url": "url", "name": "filename"}
"""One link of that list."""

REPLACEMENT = {"new_url": "newFileUrl", "old_name": "oldFileName", "new_name": "newFileName"}
"""Body of `replace-document` (help page; "Replace a document" makes the last one optional)."""

DELETION = {"file_names": "fileNames"}
"""Body of `delete-document` ("Delete a document")."""


class PodFileBody(Reply):
    """A file of a pod ("List or get memory pods"). `status`: Pending, Enqueued, Processing, Finished, Error, Migrated."""

    fileName: str
    id: Lenient[str] = None
    status: Lenient[Annotated[str, words(*_NOT_READY, *READY)]] = None
    chunkingMethod: Lenient[str] = None
    metadatas: Lenient[list[Any]] = None
    dimensions: Lenient[list[Any]] = None


class PodBody(Reply):
    """A pod: `NamespaceResponseDto` ("Create a pod"). Its `id` is the proof."""

    id: str
    name: Lenient[str] = None
    embeddingModelName: Lenient[str] = None
    files: Lenient[list[PodFileBody]] = None
    dimensions: Lenient[list[Any]] = None
    searchUsingDimensions: Lenient[bool] = None
    folderId: Lenient[str] = None
    rank: Lenient[float] = None
    description: Lenient[str] = None
    metadata: Lenient[dict[str, Any]] = None


class OnePod(Reply):
    """`data` of create, add and replace."""

    known: ClassVar = frozenset({"message"})

    pods: PodBody


class OnePodOrNone(Reply):
    """`data` of delete: `pods` is null where the pod is gone ("Delete a document")."""

    known: ClassVar = frozenset({"message"})

    pods: PodBody | None


class ManyPods(Reply):
    """`data` of list: `pods` "is always an array" ("List or get memory pods")."""

    known: ClassVar = frozenset({"message"})

    pods: list[PodBody]


class OnePodReply(Reply):
    """The envelope of a success ("Errors and tips")."""

    success: Literal[True]
    data: OnePod


class OnePodOrNoneReply(Reply):
    """The same, after a deletion."""

    success: Literal[True]
    data: OnePodOrNone


class ManyPodsReply(Reply):
    """The same, of a list."""

    success: Literal[True]
    data: ManyPods
