"""Operations, the vendor's other endpoints: theirs are the provider, the key's place and the honesty of failures."""

from __future__ import annotations

from typing import Any

import attrs

from ...bridge import Bridge
from ...docstrings import told
from ...errors import AgentBridgeError, InvocationError
from ...faults import Fault
from ...provider import Operation
from ...wire import HttpResponse
from ..memory import MemoryTransport
from .base import Base, skip
from .examples import GARBAGE, STATUSES, Answer
from .facts import disagreement
from .payload import is_at


class Operations(Base):
    """Checks of `operations`, where the provider has some. Examples of them are optional."""

    def test_operations_belong_to_the_provider(self) -> None:
        kinds = self.provider.operations
        for kind in kinds:
            assert isinstance(kind, type) and issubclass(kind, Operation), f"{kind!r} is no Operation class"  # noqa: PT018
            assert kind.provider == self.provider.name, f"{kind.__name__}.provider must be {self.provider.name!r}"
            assert kind.name, f"{kind.__name__} has no name, by which `agentbridge call` finds it"
        assert len({kind.name for kind in kinds}) == len(kinds), "two operations have one name"

    def test_operations_tell_of_fields_that_they_have(self) -> None:
        for kind in self.provider.operations:
            fields = attrs.fields(kind) if attrs.has(kind) else ()
            unknown = sorted(told(kind).keys() - {name for field in fields for name in (field.name, field.alias)})
            assert not unknown, (
                f"the docstring of {kind.__name__} tells of {unknown}, which is no field of it: `agentbridge call` shows"
                " what it tells under the name of the field"
            )

    def test_operations_build_the_same_request_at_the_connection(self) -> None:
        self._needs_operations()
        for name, (operation, _) in self.operations.items():
            first, second = (operation.build_request(self._call(agent="")) for _ in range(2))
            assert first == second, f"operation {name!r} builds two requests: no ids of your own, and no clock"
            assert is_at(first.url, self.base_url), f"operation {name!r} goes to {first.url}: use call.base_url"

    def test_operations_are_read(self) -> None:
        self._needs_operations()
        for name, (operation, answer) in self.operations.items():
            outcome = self._operated(operation, answer)
            assert not isinstance(outcome, AgentBridgeError), f"operation {name!r} was raised as {outcome!r}"

    def test_no_error_status_is_ever_the_value_of_an_operation(self) -> None:
        self._needs_operations()
        said: list[HttpResponse] = []
        bridge = self._bridge(MemoryTransport([lambda _: said[-1]]))  # one for all: there are thousands of answers
        for name, (operation, answer) in self.operations.items():
            for status in STATUSES:
                for content in (*GARBAGE.values(), answer.response.content):
                    said.append(Answer(content, status).response)
                    error = self._called(bridge, operation)
                    assert isinstance(error, InvocationError), (
                        f"operation {name!r}: HTTP {status} was read as {error!r}"
                    )
                    assert error.status == status, "the status of an error is the true HTTP status"
                    value = self._value(operation, Answer(content, status))
                    assert isinstance(value, (Fault, Exception)), (
                        f"operation {name!r}: HTTP {status} was read as {value!r}, so look at response.ok"
                    )

    def test_the_faults_of_operations_follow_from_their_kinds(self) -> None:
        self._needs_operations()
        for name, (operation, answer) in self.operations.items():
            for status in STATUSES:
                fault = self._value(operation, attrs.evolve(answer, status=status))
                problem = disagreement(fault, status) if isinstance(fault, Fault) else None
                assert problem is None, f"operation {name!r} at HTTP {status}: {problem}"

    def _needs_operations(self) -> None:
        if not self.operations:
            skip("no operations are given: operations = {'a name': (YourOperation(...), Answer(...))}")

    def _operated(self, operation: Operation[Any], answer: Answer) -> Any:
        return self._called(self._bridge(MemoryTransport([answer.response])), operation)

    def _called(self, bridge: Bridge, operation: Operation[Any]) -> Any:
        try:
            return bridge.call(operation)
        except AgentBridgeError as error:
            return error

    def _value(self, operation: Operation[Any], answer: Answer) -> Any:
        try:
            return operation.read(answer.response)
        except Exception as error:
            return error
