"""Defects of build_request, each a small provider with one thing wrong, as authors get it wrong."""

from __future__ import annotations

import itertools
import uuid
from typing import Any
from urllib.parse import quote

import attrs
from small import Small

from agentbridge import File, UnsupportedFeatureError


class Body(Small):
    """Changes what is said."""

    def change(self, body: dict[str, Any], invocation: Any, call: Any) -> None: ...

    def body(self, invocation, call):
        body = super().body(invocation, call)
        self.change(body, invocation, call)
        return body


class DropsSession(Body):
    def change(self, body, invocation, call):
        body.pop("session", None)


class DropsSessionOfStreams(Body):
    def change(self, body, invocation, call):
        if call.streaming:
            body.pop("session", None)


class DropsTextBesideFiles(Body):
    def change(self, body, invocation, call):
        if invocation.files:
            body.pop("say", None)


class CountsMessages(Body):
    def change(self, body, invocation, call):
        body["history"] = len(invocation.messages)


class SaysOnlyThatThereIsACallback(Body):
    def change(self, body, invocation, call):
        body["notify"] = invocation.callback_url is not None


class DropsAMessage(Body):
    def change(self, body, invocation, call):
        body["history"] = body.get("history", [])[-1:]


class DropsRoles(Body):
    def change(self, body, invocation, call):
        body["history"] = [message.text for message in invocation.messages]


class DropsInputs(Body):
    def change(self, body, invocation, call):
        body["fields"] = dict(list(invocation.inputs.items())[:1])


class DropsNestedInputs(Body):
    def change(self, body, invocation, call):
        body["fields"] = {name: value for name, value in invocation.inputs.items() if isinstance(value, str)}


class DropsLinks(Body):
    def change(self, body, invocation, call):
        body["attached"] = [self.attached(file) for file in invocation.files if isinstance(file, File)]


class ReadsFilesByItself(Body):
    def change(self, body, invocation, call):
        files = [file for file in invocation.files if isinstance(file, File)]
        body["attached"] = [(file.content or b"").decode("latin-1") for file in files]


class DropsInputsOfFiles(Small):
    def attached(self, file):
        return {**super().attached(file), "field": None}


class MakesUpIds(Body):
    def change(self, body, invocation, call):
        body["call"] = str(uuid.uuid4())


class CountsCalls(Small):
    count = itertools.count()

    def headers(self, call):
        return {"x-count": str(next(self.count))}


class ChangesTheCallersInputs(Body):
    def change(self, body, invocation, call):
        invocation.inputs.pop("topic-3cA8", None)


class ForgetsAField(Small):
    accepts = Small.accepts - {"user_id"}


class KeyInUrl(Small):
    def build_request(self, invocation, call):
        return attrs.evolve(super().build_request(invocation, call), query={"key": call.api_key or ""})


class KeyInHeader(Small):
    def headers(self, call):
        return self.auth(call)

    def build_request(self, invocation, call):
        return attrs.evolve(super().build_request(invocation, call), auth={})


class KeyInBodyOfStreams(Body):
    def change(self, body, invocation, call):
        if call.streaming:
            body["apiKey"] = call.api_key


class KeyInPoll(Small):
    def build_poll(self, pending, call):
        return attrs.evolve(super().build_poll(pending, call), query={"key": quote(call.api_key or "")})


class EmptyAuth(Small):
    def auth(self, call):
        return {"Authorization": f"Bearer {call.api_key}"}


class BlankAuth(Small):
    def auth(self, call):
        return {"Authorization": call.api_key or ""}


class IdempotentPost(Small):
    def build_request(self, invocation, call):
        return attrs.evolve(super().build_request(invocation, call), idempotent=True)


class UnescapedAgent(Small):
    def agent_step(self, agent):
        return agent


class HalfEscapedAgent(Small):
    def agent_step(self, agent):
        return quote(agent)


class FoldsAgents(Small):
    def agent_step(self, agent):
        return quote(agent.lower(), safe="")


class SessionInPath(Body):
    def change(self, body, invocation, call):
        body.pop("session", None)

    def build_request(self, invocation, call):
        request = super().build_request(invocation, call)
        return attrs.evolve(request, url=f"{request.url}/{invocation.session_id or 'none'}")


class NeedsAKey(Small):
    def auth(self, call):
        return {"Authorization": "Bearer " + call.api_key}


class OtherApi(Small):
    api_version = 2


class StartsAsUser(Body):
    """Takes only conversations that a user begins, and sends all turns as the user's."""

    def change(self, body, invocation, call):
        if invocation.messages and invocation.messages[0].role != "user":
            raise UnsupportedFeatureError("messages", "the user begins")
        body["history"] = [{"who": "user", "said": message.text} for message in invocation.messages]


class NamesAnOptionForNothing(Small):
    options = frozenset({"depth"})


class ReadsItsOptionBesideFiles(Body):
    """An option that matters in some calls alone, and takes some values alone."""

    options = frozenset({"depth"})

    def change(self, body, invocation, call):
        if invocation.files and isinstance(call.options.get("depth"), int):
            body["depth"] = call.options["depth"]


class FetchesLinksOnly(Small):
    def attached(self, file):
        if isinstance(file, File):
            raise UnsupportedFeatureError("files", "it fetches links alone")
        return super().attached(file)
