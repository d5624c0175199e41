"""What the core does for every operation: files are checked, fault rules hold, bad accounts are named."""

from __future__ import annotations

import attrs
import pytest
from vendor import setup

from agentbridge import FaultRule, File, HttpRequest, HttpResponse, Operation, RetryPolicy, errors
from agentbridge.testing import MemoryTransport


@attrs.frozen
class Upload(Operation[str]):
    provider = "tiny"

    file: File
    more: tuple[File, ...] = ()

    def build_request(self, call):
        return HttpRequest("POST", f"{call.base_url}/upload", form={"files": [self.file, *self.more]})

    def read(self, response):
        return response.json()["text"]


@pytest.fixture
def play(open_bridge):
    def make(*faults: FaultRule):
        transport = MemoryTransport([HttpResponse(200, {}, b'{"text": "SORRY"}')])
        options = setup("http://tiny.invalid", retry=RetryPolicy(attempts=1))
        options["connections"] = {"tiny": attrs.evolve(options["connections"]["tiny"], faults=faults)}
        bridge = open_bridge(**options)
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        return bridge, transport

    return make


WRONG = [
    File("a.txt", b"x", media_type="text/plain\r\nX-Evil: 1"),
    File("a.txt", "text"),
    File(5, b"x"),
    File("a.txt", path=5),
    File("a.txt", b"x", path="a.txt"),
    File("a.txt"),
    File("a.txt", path="/nowhere/a.txt"),
]


@pytest.mark.parametrize("file", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("place", ["alone", "among others"])
def test_a_file_that_cannot_be_sent_is_refused_before_anything_is(play, file, place):
    bridge, transport = play()
    fine = File("b.txt", b"y")
    operation = Upload(file) if place == "alone" else Upload(fine, (fine, file))
    with pytest.raises(errors.ConfigurationError):
        bridge.call(operation)
    assert transport.sent == []


def test_fault_rules_of_an_account_hold_for_its_operations(play):
    bridge, _ = play(FaultRule(path="text", equals="SORRY", kind="execution"))
    with pytest.raises(errors.ExecutionError):
        bridge.call(Upload(File("a.txt", b"x")))


def test_an_account_without_a_name_is_not_the_default_one(play):
    bridge, transport = play()
    with pytest.raises(errors.UnknownTargetError):
        bridge.call(Upload(File("a.txt", b"x")), "")
    assert transport.sent == []


def test_half_a_character_is_the_callers_mistake_and_not_the_plugins(play):
    @attrs.frozen
    class Get(Operation[str]):
        provider = "tiny"
        id: str

        def build_request(self, call):
            return HttpRequest("GET", f"{call.base_url}/{self.id.encode()!r}")

        def read(self, response):
            return ""

    bridge, _ = play()
    with pytest.raises(errors.ConfigurationError, match="half of a surrogate pair"):
        bridge.call(Get("\ud800"))
