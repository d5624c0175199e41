"""Runs that answer later: asked for at the connection's own address, each for itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import attrs

from ...errors import AgentBridgeError
from ...model import Pending
from ...wire import HttpRequest
from ..memory import MemoryTransport
from .base import Base, skip
from .examples import CANARY, GARBAGE, Answer, Answers, as_tuple
from .mutations import replaced, texts
from .payload import Payload, is_at

_PLACES = (
    "statusUrl",
    "status_url",
    "pollUrl",
    "poll_url",
    "resultUrl",
    "result_url",
    "url",
    "href",
    "next",
    "location",
)
_HEADERS = ("location", "content-location", "operation-location")


class Polls(Base):
    """Checks of `build_poll`, where the provider writes it."""

    def test_answers_that_come_later_are_asked_for(self) -> None:
        for name, (answers, _) in self.answers.items():
            for _, value in self._played(answers):
                assert not (isinstance(value, Pending) and value.kind == "poll") or self._writes("build_poll"), (
                    f"answer {name!r} is Pending('poll'), so write build_poll(pending, call)"
                )
        assert not self._writes("build_poll") or list(self._pendings()), (
            "build_poll is written, so give an answer that comes later: answers = {'polled': ((Answer(..., 202),"
            " Answer(...)), 'the text')}"
        )

    def test_polls_go_to_the_connection_whatever_the_vendor_says(self) -> None:
        self._needs_polls()
        for answers in self._led_astray():
            transport = MemoryTransport([one.response for one in as_tuple(answers)])
            try:
                self._bridge(transport).invoke(self._with(), tool_errors="report")
            except AgentBridgeError:
                pass
            self._check_at_home(*(send.url for send in transport.sent))
        for _, pending in self._pendings():
            for url in self._lookalikes():
                for odd in (attrs.evolve(pending, id=url), attrs.evolve(pending, id="r-1", step=url)):
                    try:
                        request = self.provider.build_poll(odd, self._call())
                    except Exception:  # noqa: S112 (refused, which is fine)
                        continue
                    self._check_at_home(request.url)

    def test_each_poll_asks_for_its_own_run(self) -> None:
        self._needs_polls()
        for what, pending in self._pendings():
            first, second = (self.provider.build_poll(pending, self._call()) for _ in range(2))
            assert first == second, f"{what} builds two requests: no ids of your own, and no clock"
            other = self.provider.build_poll(attrs.evolve(pending, id=f"{pending.id}-other"), self._call())
            assert first != other, f"{what} is the same for another run: send pending.id"
            assert Payload(first).carries(pending.id or ""), f"{what} does not name the run: send pending.id"
            assert _asked(first) != _asked(self._built()), (
                f"{what} is the request that starts a run: polls are repeated, and each would be paid for"
            )

    def test_a_poll_is_no_answer_without_its_proof(self) -> None:
        self._needs_polls()
        for name, (answers, _) in self.answers.items():
            given = as_tuple(answers)
            if len(given) > 1:
                bad = [(what, Answer(content)) for what, content in GARBAGE.items()]
                bad += [(f"HTTP {status}", attrs.evolve(given[-1], status=status)) for status in (401, 404, 500)]
                for what, last in bad:
                    error = self._failed((*given[:-1], last), f"{name!r}, polled, with {what}")
                    assert error.may_have_run, "a run that was accepted may have run"

    def test_polls_go_by_the_step_of_their_run(self) -> None:
        self._needs_polls()
        pendings = list(self._pendings())
        steps = {pending.step for _, pending in pendings}
        of_the_vendor = steps & {text for one in self._each_answer() for _, text in texts(one.body)}
        if len(steps) < 2 and not of_the_vendor:  # a lone word of the plugin's own may be left unread
            return
        assert any(
            self._polled(pending) != self._polled(attrs.evolve(pending, step=step))
            for _, pending in pendings
            for step in (*steps, None, "step-5e0A")
        ), (
            f"Pendings have the steps {sorted(map(str, steps))}, and each is asked for in the same way: look at pending.step"
        )

    def test_a_pending_run_can_be_kept(self) -> None:
        self._needs_polls()
        for what, pending in self._pendings():
            document = json.loads(json.dumps(pending.to_dict()))
            assert Pending.from_dict(document) == pending, f"{what}: put plain values into Pending"
            assert CANARY not in json.dumps(document), f"{what} holds the key"

    def _polled(self, pending: Pending) -> Any:
        """The request of a poll, or how it is refused."""
        try:
            return self.provider.build_poll(pending, self._call())
        except Exception as error:
            return repr(error)

    def _needs_polls(self) -> None:
        if not self._writes("build_poll"):
            skip(f"{self.provider.name} writes no build_poll: its runs are not polled")

    def _check_at_home(self, *urls: str) -> None:
        for url in urls:
            assert is_at(url, self.base_url), (
                f"a request went to {url}, with the key: build polls from call.base_url, never from what an answer says"
            )

    def _lookalikes(self) -> tuple[str, ...]:
        """Addresses elsewhere that begin, end or look like the connection's own."""
        scheme, host = urlsplit(self.base_url)[:2]
        other = "http" if scheme == "https" else "https"
        return (
            f"{self.base_url}.evil.invalid/run",
            f"{self.base_url}@evil.invalid/run",
            f"{scheme}://evil.invalid/{self.base_url}",
            f"{scheme}://{host}:8443/run",
            f"{other}://{host}/run",
            "//evil.invalid/run",
        )

    def _led_astray(self) -> Iterator[Answers]:
        """Exchanges whose answers name addresses elsewhere, in fields of their own and in fields that are not there."""
        for answers, _ in self.answers.values():
            for url in self._lookalikes() if len(as_tuple(answers)) > 1 else ():
                yield tuple(_pointing(one, url) for one in as_tuple(answers))
                for index, one in enumerate(as_tuple(answers)):
                    for path, _ in texts(one.body):
                        changed = attrs.evolve(one, body=replaced(one.body, path, url))
                        yield (*as_tuple(answers)[:index], changed, *as_tuple(answers)[index + 1 :])


def _asked(request: HttpRequest) -> tuple[Any, ...]:
    """What a request asks the vendor to do."""
    return request.method, request.url, request.json, request.form, request.content


def _pointing(answer: Answer, url: str) -> Answer:
    """The answer with this address wherever it has one, and in the usual places."""
    body: Any = answer.body
    for path, text in texts(body):
        if "://" in text:
            body = replaced(body, path, url)
    if isinstance(body, dict):
        body = {**dict.fromkeys(_PLACES, url), **body}
    return attrs.evolve(answer, body=body, headers={**answer.headers, **dict.fromkeys(_HEADERS, url)})
