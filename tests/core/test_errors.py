from __future__ import annotations

import copy
import pickle

import pytest

import agentbridge
from agentbridge import Fault, FaultKind, HttpRequest, HttpResponse, Pending, Result, errors

ALL = [getattr(errors, name) for name in errors.__all__]
REQUEST = HttpRequest("POST", "https://vendor.invalid", auth={"api-key": "secret-key"}, json={"a": 1})


def made(cls: type[Exception]) -> Exception:
    if issubclass(cls, errors.InvocationError):
        return cls(
            "No credits available",
            provider="flowgent",
            connection="account",
            agent="a-1",
            request=REQUEST,
            response=HttpResponse(200, {"x": "y"}, b"{}"),
            fault=Fault(
                FaultKind.QUOTA_EXCEEDED, "No credits available", code="402", partial=Result(text="", output="")
            ),
            attempts=1,
            pending=Pending("poll", "run-1"),
        )
    if cls is errors.UnsupportedFeatureError:
        return cls("session_id", "it has no sessions", provider="promptitude")
    if cls is errors.PluginError:
        return cls("broken", plugin="mine", distribution="agentbridge-mine")
    return cls("wrong")


def test_every_error_is_of_the_one_tree_and_public():
    assert all(issubclass(cls, errors.AgentBridgeError) and getattr(agentbridge, cls.__name__) is cls for cls in ALL)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_every_error_pickles_and_copies_with_all_its_fields(cls, again):
    error = made(cls)
    twin = again(error)
    assert (type(twin), str(twin), twin.args, vars(twin)) == (cls, str(error), error.args, vars(error))


def test_no_pickle_holds_what_stood_in_auth():
    assert b"secret-key" not in pickle.dumps(made(errors.ProviderError))


def test_an_error_of_a_users_own_with_another_init_pickles_too():
    twin = pickle.loads(pickle.dumps(Homemade(7)))
    assert (type(twin), twin.number) == (Homemade, 7)


class Homemade(errors.ConfigurationError):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def test_the_true_status_and_the_vendors_code_stand_in_one_line():
    error = made(errors.QuotaExceededError)
    assert str(error) == "[flowgent] No credits available (HTTP 200, code 402)"
    assert (error.status, error.code) == (200, "402")


def test_a_code_that_only_repeats_the_status_is_not_said_twice():
    fault = Fault(FaultKind.UNKNOWN, "x", code="500")
    error = errors.ProviderError("x", provider="p", response=HttpResponse(500), fault=fault)
    assert str(error) == "[p] x (HTTP 500)"


def test_a_message_of_many_lines_is_shown_on_one_and_kept_whole():
    error = errors.ProviderError("first\nsecond\r\n" + "x" * 1000)
    assert "\n" not in str(error)
    assert len(str(error)) < 600 < len(error.message)


def test_an_unsupported_field_reads_as_a_remedy():
    error = errors.UnsupportedFeatureError("session_id", "it has no sessions. Leave it out", provider="promptitude")
    assert str(error) == "promptitude cannot carry 'session_id': it has no sessions. Leave it out"
    assert isinstance(error, ValueError)


def test_an_unknown_target_is_a_lookup_error():
    assert issubclass(errors.UnknownTargetError, LookupError)


def test_retryable_is_a_fact_of_the_fault_and_not_of_the_class():
    busy = Fault(FaultKind.EXECUTION, "x", retryable=True)
    assert errors.ExecutionError("x", fault=busy).retryable is True
    assert errors.UnavailableError("x", fault=Fault(FaultKind.UNAVAILABLE, "x", retryable=False)).retryable is False


def test_every_kind_has_its_class():
    names = {kind.name: errors.error_class(kind).__name__ for kind in FaultKind}
    assert names == {
        "AUTHENTICATION": "AuthenticationError",
        "PERMISSION": "PermissionDeniedError",
        "NOT_FOUND": "NotFoundError",
        "INVALID_REQUEST": "InvalidRequestError",
        "RATE_LIMITED": "RateLimitError",
        "QUOTA_EXCEEDED": "QuotaExceededError",
        "UNAVAILABLE": "UnavailableError",
        "EXECUTION": "ExecutionError",
        "INTERRUPTED": "StreamInterruptedError",
        "UNKNOWN": "ProviderError",
    }
