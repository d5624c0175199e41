"""Promptitude for agentbridge."""

from __future__ import annotations

from agentbridge import hookimpl

from .content import (
    Folder,
    FolderContents,
    Folders,
    ListFolderContents,
    ListFolders,
    UpsertContent,
    UpsertGitHubContent,
)
from .operations import GeneratePrompt, Rate, Rating
from .provider import Promptitude

__all__ = [
    "Folder", "FolderContents", "Folders", "GeneratePrompt", "ListFolderContents", "ListFolders", "Promptitude",
    "Rate", "Rating", "UpsertContent", "UpsertGitHubContent", "agentbridge_providers",
]  # fmt: skip


@hookimpl
def agentbridge_providers() -> list[Promptitude]:
    """The one provider of this plugin."""
    return [Promptitude()]
