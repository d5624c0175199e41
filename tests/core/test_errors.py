from __future__ import annotations

import copy
import pickle

import pytest

import agentbridge
from agentbridge import Fault, FaultKind, HttpRequest, HttpResponse, Pending, Result, Tried, errors

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


def test_an_error_holds_each_thing_that_it_was_given():
    given = {
        "provider": "flowgent", "connection": "account", "agent": "a-1", "request": REQUEST, "response": HttpResponse(503),
        "fault": Fault(FaultKind.UNAVAILABLE, "busy", "7", 2.0), "attempts": 3, "pending": Pending("poll", "run-1"),
        "tried": (Tried("eu", "f-1", "UnavailableError", "busy", 503, 1),),
    }  # fmt: skip
    error = errors.UnavailableError("busy", **given)
    assert {name: getattr(error, name) for name in given} == given
    assert (error.message, error.args) == ("busy", ("busy",))
    assert (error.status, error.code, error.retry_after) == (503, "7", 2.0)


def test_an_error_of_which_nothing_is_known_claims_nothing_but_that_it_may_have_run():
    error = errors.InvocationError("lost")
    assert str(error) == "lost"
    assert (error.provider, error.connection, error.agent, error.attempts, error.tried) == ("", "", "", 0, ())
    assert (error.request, error.response, error.pending, error.status, error.code) == (None,) * 5
    assert error.fault == Fault(FaultKind.UNKNOWN, "lost")
    assert (error.retryable, error.retry_after, error.may_have_run, error.partial) == (False, None, True, None)


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


def test_more_than_one_attempt_is_said():
    assert [str(errors.ProviderError("x", attempts=n)) for n in (1, 2)] == ["x", "x (2 attempts)"]


def test_an_answer_without_a_status_is_one_that_came_as_a_callback():
    assert errors.ProviderError("x", response=HttpResponse(0)).status is None


def test_a_line_is_cut_to_its_limit_with_dots_and_one_that_fits_is_not():
    assert errors.one_line(" a\n b\tc ", 5) == "a b c"
    assert errors.one_line("a b c d", 6) == "a b..."
    assert (errors.one_line("x" * 500), errors.one_line("x" * 501)) == ("x" * 500, "x" * 497 + "...")


def test_a_message_of_many_lines_is_shown_on_one_and_kept_whole():
    error = errors.ProviderError("first\nsecond\r\n" + "x" * 1000)
    assert "\n" not in str(error)
    assert len(str(error)) < 600 < len(error.message)


def test_an_unsupported_field_reads_as_a_remedy():
    error = errors.UnsupportedFeatureError("session_id", "it has no sessions. Leave it out", provider="promptitude")
    assert str(error) == "promptitude cannot carry 'session_id': it has no sessions. Leave it out"
    assert (error.feature, error.why, error.provider) == (*error.args, "promptitude")
    assert isinstance(error, ValueError)


def test_an_unsupported_field_is_said_also_before_the_core_has_named_the_provider():
    error = errors.UnsupportedFeatureError("files", "leave them out")
    assert (str(error), error.provider) == ("this provider cannot carry 'files': leave them out", "")
    assert error.args == ("files", "leave them out")


def test_a_plugin_error_names_the_plugin_and_what_brought_it():
    error = errors.PluginError("broken", plugin="mine", distribution="agentbridge-mine")
    assert (error.plugin, error.distribution, str(error)) == ("mine", "agentbridge-mine", "broken")
    assert vars(errors.PluginError("broken")) == {"plugin": "", "distribution": ""}


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
