"""Files in a request: links, and files that were uploaded before.

Source: openapi_chat.json ChatRequest.files and openapi_workflow.json InputFileObject: `type` (document, image, audio,
video, custom), `transfer_method` (remote_url, local_file), `url` or `upload_file_id`. A file of a named variable stands
in `inputs`: "Values for file-type variables should be arrays of file objects" (WorkflowExecutionRequest.inputs).
"""

import mimetypes
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from agentbridge import File, Link, UnsupportedFeatureError

# Which endings are documents is an inference from Dify's list of parsable types; anything unknown is `custom`.
_DOCUMENTS = (
    *("txt", "md", "mdx", "markdown", "pdf", "html", "xlsx", "xls"),
    *("docx", "csv", "eml", "msg", "pptx", "ppt", "xml", "epub"),
)
_UPLOAD_FIRST = (
    "Dify takes a local file only after an upload: pass bridge.call(UploadFile(file, user_id)).reference() "
    'in inputs, or in options={"dify": {"files": [...]}}, with the same user_id'
)


def reference(file_id: str, name: str | None, media_type: str | None) -> dict[str, str]:
    """What stands for an uploaded file, in `files` and in `inputs`."""
    kind = _kind(name or "", media_type)
    return {"type": kind, "transfer_method": "local_file", "upload_file_id": file_id}


def place(files: Iterable[File | Link], inputs: dict[str, Any]) -> list[dict[str, str]]:
    """Put the files of named variables into `inputs`, and return the others."""
    loose: list[dict[str, str]] = []
    named: dict[str, list[dict[str, str]]] = {}
    for file in files:
        (loose if file.input is None else named.setdefault(file.input, [])).append(_file_object(file))
    for name in named:
        if name in inputs:
            raise UnsupportedFeatureError("files", f"the input {name!r} has a value already; leave one of them out")
    inputs.update(named)
    return loose


def _file_object(file: File | Link) -> dict[str, str]:
    if isinstance(file, File):
        raise UnsupportedFeatureError("files", _UPLOAD_FIRST)
    kind = _kind(file.name or urlsplit(file.url).path)
    return {"type": kind, "transfer_method": "remote_url", "url": file.url}


def _kind(name: str, media_type: str | None = None) -> str:
    media = (media_type or mimetypes.guess_type(name)[0] or "").partition("/")[0]
    if media in ("image", "audio", "video"):
        return media
    return "document" if name.rpartition(".")[2].lower() in _DOCUMENTS else "custom"
