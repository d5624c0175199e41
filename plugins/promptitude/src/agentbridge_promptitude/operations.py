"""Promptitude's other endpoints: run a prompt, rate what was generated; those of the content storage are in `content`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import attrs

from agentbridge import Call, ConfigurationError, Fault, HttpRequest, HttpResponse, JsonValue, Operation, Result
from agentbridge.provider import filled, filled_or_none

from . import endpoint, wire
from .content import ListFolderContents, ListFolders, UpsertContent, UpsertGitHubContent


def _copied(inputs: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    if not isinstance(inputs, Mapping):
        raise ConfigurationError(f"GeneratePrompt: inputs={inputs!r} are none. Give a mapping of names to values")
    return dict(inputs)


@attrs.frozen
class GeneratePrompt(Operation[Result]):
    """Run a single prompt; a flow is run by `invoke`.

    Source: help page "/generate".

    Attributes:
        prompt_id: the id at the top of the prompt's page.
        inputs: the prompt's input variables.
        user_id: who asks, not identifiable: a hash, for example.
    """

    provider: ClassVar[str] = "promptitude"
    name: ClassVar[str] = "generate"

    prompt_id: str = attrs.field(validator=filled)
    inputs: Mapping[str, JsonValue] = attrs.field(factory=dict, converter=_copied)
    user_id: str | None = attrs.field(default=None, validator=filled_or_none)

    def build_request(self, call: Call) -> HttpRequest:
        prompt = wire.AskedPrompt(promptId=self.prompt_id, inputs=dict(self.inputs) or None)
        body = wire.Generate(prompt=prompt, endUserId=self.user_id)
        return endpoint.request(call, "POST", "generate", json=endpoint.said(body))

    def read(self, response: HttpResponse) -> Result | Fault:
        result = endpoint.generated(response)
        return attrs.evolve(result, agent=self.prompt_id) if isinstance(result, Result) else result


@attrs.frozen
class Rating:
    """A rating as Promptitude stored it."""

    id: str
    stars: int


def _rateable(_: object, __: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, Result):
        if value.provider not in ("", Rate.provider):
            raise ConfigurationError(f"Rate: this result is of {value.provider}. Rate results of promptitude only")
        if not value.id:
            raise ConfigurationError("Rate: this result has no id, so that it cannot be rated")
    elif not (isinstance(value, str) and value.strip()):
        raise ConfigurationError(f"Rate: result={value!r} is none. Give a Result, or the id of one")


def _stars(_: object, __: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value not in range(4):
        raise ConfigurationError(f"Rate: stars={value!r} cannot be given. Give 1, 2 or 3, or 0 to remove a rating")


@attrs.frozen
class Rate(Operation[Rating]):
    """Give a result an end user's stars, in place of earlier ones.

    Source: help page "/rate".

    Attributes:
        result: what was generated: a Result, or its id.
        stars: 1, 2 or 3; 0 removes the rating.
    """

    provider: ClassVar[str] = "promptitude"
    name: ClassVar[str] = "rate"
    idempotent: ClassVar[bool] = True  # the same stars twice are the same rating (INF)

    result: Result | str = attrs.field(validator=_rateable)
    stars: Literal[0, 1, 2, 3] = attrs.field(validator=_stars)

    @property
    def id(self) -> str:
        """The id of what is rated."""
        return self.result if isinstance(self.result, str) else self.result.id or ""

    def build_request(self, call: Call) -> HttpRequest:
        body = wire.RateBody(rating=wire.Stars(rating=self.stars))
        return endpoint.request(call, "POST", "logs", self.id, "rate", json=endpoint.said(body))

    def read(self, response: HttpResponse) -> Rating | Fault:
        envelope = endpoint.opened(response)
        if isinstance(envelope, Fault):
            return envelope
        rated = wire.RateResults.parse(envelope.results)[0].promptsLogs
        return Rating(rated.id, rated.rating)


OPERATIONS = (GeneratePrompt, Rate, UpsertContent, UpsertGitHubContent, ListFolders, ListFolderContents)
