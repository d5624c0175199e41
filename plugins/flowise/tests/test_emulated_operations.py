"""The other endpoints against the emulator, through both bridges."""

from __future__ import annotations

import logging
import pickle
import traceback
import uuid

import pytest

from agentbridge import Connection, File, RetryPolicy, Timeouts, errors
from agentbridge.emulator import API_KEY, COMMON
from agentbridge_flowise import (
    Abort,
    AttachFiles,
    CanStream,
    CreateLead,
    GetExecution,
    GetFlow,
    GetUploadRules,
    GetVersion,
    GiveFeedback,
    ListExecutions,
    ListFeedback,
    ListFlows,
    ListKeyFlows,
    ListMessages,
    Ping,
    UpdateFeedback,
    UpsertDocuments,
    VerifyKey,
)

NOTE = File("note.txt", "The word is plüm.".encode())
BY_FLOW = {
    "flow": GetFlow,
    "streaming": CanStream,
    "uploads": GetUploadRules,
    "messages": ListMessages,
    "executions": ListExecutions,
    "abort": lambda flow: Abort(flow, "c-1"),
    "give-feedback": lambda flow: GiveFeedback("m-1", "THUMBS_UP", agent_id=flow),
    "feedback": ListFeedback,
    "lead": lambda flow: CreateLead(flow, "Ann"),
    "attach": lambda flow: AttachFiles(flow, "c-1", NOTE),
    "upsert": UpsertDocuments,
}
INFRASTRUCTURE = {
    "html": errors.MalformedResponseError,
    "empty": errors.MalformedResponseError,
    "truncated": errors.MalformedResponseError,
    "bad-gateway": errors.UnavailableError,
    "redirect": errors.ProviderError,
    "slow": errors.ResponseTimeoutError,
}


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=1), timeouts=Timeouts(answer=0.5))


@pytest.fixture
def with_key(open_bridge, emulators):
    """A bridge to the emulator with another key, or none."""

    def make(key, **more):
        server = emulators.connections["flowise"].base_url
        return open_bridge(connections={"flowise": Connection("flowise", server, key)}, **more)

    return make


def test_a_server_says_that_it_is_there_which_version_it_is_and_that_it_knows_the_key(bridge):
    assert (bridge.call(Ping()), bridge.call(GetVersion()), bridge.call(VerifyKey())) == ("pong", "3.1.4", "OK")


def test_flows_are_listed_in_pages_and_by_type(bridge, emulators):
    every = bridge.call(ListFlows())
    assert {flow.id for flow in every.flows} == set(emulators.emulators["flowise"].scenarios) - {*COMMON, "not-found"}
    page = bridge.call(ListFlows(page=2, limit=3))
    assert ([flow.id for flow in page.flows], page.total) == ([flow.id for flow in every.flows[3:6]], len(every.flows))
    assert [flow.id for flow in bridge.call(ListFlows("MULTIAGENT")).flows] == ["agentflow-v1"]


def test_flows_of_a_key_are_those_bound_to_it_and_those_bound_to_none(bridge):
    assert len(bridge.call(ListKeyFlows()).flows) > 1
    assert [flow.id for flow in bridge.call(ListKeyFlows(only_bound=True)).flows] == ["keyed"]


def test_a_flow_has_its_drawing(bridge):
    flow = bridge.call(GetFlow("ok"))
    assert (flow.id, flow.type, flow.data) == ("ok", "AGENTFLOW", {"nodes": [], "edges": []})


def test_a_flow_says_whether_it_streams_and_what_files_it_takes(bridge):
    assert [bridge.call(CanStream(flow)) for flow in ("ok", "json")] == [True, False]
    assert bridge.call(GetUploadRules("ok")).image_rules[0].types[0] == "image/gif"
    assert not bridge.call(GetUploadRules("chatflow")).images


def test_messages_are_listed_by_chat_and_by_session_in_either_order(bridge):
    session_id = str(uuid.uuid4())
    first = bridge.invoke("flowise:ok", "one", session_id=session_id)
    second = bridge.invoke("flowise:ok", "two", session_id=session_id)
    chat = bridge.call(ListMessages("ok", chat_id=second.raw["chatId"])).messages
    assert [(message.role, message.execution_id) for message in chat] == [("user", second.id), ("assistant", second.id)]
    session = bridge.call(ListMessages("ok", session_id=session_id, newest_first=True)).messages
    assert [message.text for message in session if message.role == "assistant"] == [second.text, first.text]
    assert session[0].raw["executionId"] == second.id


def test_executions_are_listed_by_state_and_read_one_by_one(bridge):
    session_id = str(uuid.uuid4())
    ended = bridge.invoke("flowise:ok", "one", session_id=session_id)
    paused = bridge.invoke("flowise:paused", "two", session_id=session_id)
    listed = bridge.call(ListExecutions(session_id=session_id))
    assert ([run.id for run in listed.executions], listed.total) == ([paused.id, ended.id], 2)
    stopped = bridge.call(ListExecutions(session_id=session_id, state="STOPPED")).executions
    assert [run.agent_id for run in stopped] == ["paused"]
    page = bridge.call(ListExecutions(session_id=session_id, page=2, limit=1))
    assert ([run.id for run in page.executions], page.total) == ([ended.id], 2)
    details = bridge.call(GetExecution(ended.id))
    assert (details.state, details.nodes[-1]["data"]["output"]["content"]) == ("FINISHED", "Echo: one")


def test_an_answer_is_rated_and_rated_anew_also_streamed(bridge):
    streamed = bridge.stream("flowise:chatflow", "hello", seen=[])
    for result in (bridge.invoke("flowise:ok", "hello"), streamed):
        rating = bridge.call(GiveFeedback(result, "THUMBS_DOWN", "too short"))
        assert (rating.agent_id, rating.rating, rating.comment) == (result.agent, "THUMBS_DOWN", "too short")
        assert bridge.call(UpdateFeedback(rating.id, "THUMBS_UP")) is None
        listed = bridge.call(ListFeedback(result.agent, rating.chat_id)).feedback
        assert [(kept.id, kept.rating, kept.comment) for kept in listed] == [(rating.id, "THUMBS_UP", "too short")]
        rated = bridge.call(ListMessages(result.agent, rating.chat_id, with_rating=True)).messages
        assert [message.rating for message in rated] == [None, "THUMBS_UP"]


def test_ratings_are_listed_by_date(bridge):
    rating = bridge.call(GiveFeedback(bridge.invoke("flowise:ok", "hello"), "THUMBS_UP"))
    asked = {"chat_id": rating.chat_id, "newest_first": True}
    assert bridge.call(ListFeedback("ok", start=rating.created, end="2999-01-01", **asked)).feedback == (rating,)
    assert bridge.call(ListFeedback("ok", start="2020-01-01", end="2020-01-02", **asked)).feedback == ()


def test_a_rating_of_another_chat_flow_or_message_is_refused(bridge):
    message = bridge.invoke("flowise:ok", "hello").raw["chatMessageId"]
    for refused in ({"chat_id": "another"}, {"agent_id": "chatflow"}):
        with pytest.raises(errors.InvalidRequestError, match="does not belong to"):
            bridge.call(GiveFeedback(message, "THUMBS_UP", **refused))
    with pytest.raises(errors.NotFoundError, match="Message with ID nope not found"):
        bridge.call(GiveFeedback("nope", "THUMBS_UP"))
    with pytest.raises(errors.NotFoundError, match="Feedback with ID nope not found"):
        bridge.call(UpdateFeedback("nope", "THUMBS_UP"))


def test_a_contact_is_kept(bridge):
    lead = bridge.call(CreateLead("ok", "Ann", email="ann@example.test"))
    assert (lead.name, lead.email, lead.phone, lead.agent_id) == ("Ann", "ann@example.test", None, "ok")
    assert lead.chat_id


def test_the_text_of_a_file_is_sent_with_the_next_call(bridge):
    attached = bridge.call(AttachFiles("ok", "c-1", NOTE)).attachments
    assert [(file.name, file.text, file.size) for file in attached] == [("note.txt", "The word is plüm.", 18)]
    assert bridge.invoke("flowise:ok", "hello", files=[attached[0].file]).text == "Echo: hello | file:full note.txt"
    with pytest.raises(errors.InvalidRequestError, match="File type 'application/pdf' is not allowed"):
        bridge.call(AttachFiles("ok", "c-1", File("a.pdf", b"%PDF")))
    with pytest.raises(errors.InvalidRequestError, match="File upload is not enabled"):
        bridge.call(AttachFiles("chatflow", "c-1", NOTE))


def test_documents_are_upserted_with_and_without_files(bridge, emulators):
    for operation in (UpsertDocuments("ok"), UpsertDocuments("ok", NOTE, {"chunkSize": 1000})):
        upserted = bridge.call(operation)
        assert (upserted.added, upserted.documents[0].title) == (1, "inline")
    assert b'name="chunkSize"\r\n\r\n1000\r\n' in emulators.emulators["flowise"].seen[-1].body


@pytest.mark.parametrize(
    ("flow", "kind"),
    [
        ("unauthorized", errors.AuthenticationError),
        ("chatflow", errors.InvalidRequestError),
        ("execution-failed", errors.ExecutionError),
        ("busy", errors.RateLimitError),
    ],
)
def test_an_upsert_that_fails_is_raised_as_its_class(bridge, flow, kind):
    with pytest.raises(kind) as caught:
        bridge.call(UpsertDocuments(flow))
    assert type(caught.value) is kind


def test_a_run_that_was_aborted_ends_with_an_error(open_bridge, emulators):
    bridge = open_bridge(connections=emulators.connections)
    pending = bridge.submit("flowise:late", "hello there")
    assert bridge.call(Abort(pending)) is None
    with pytest.raises(errors.ExecutionError, match="This operation was aborted"):
        bridge.wait(pending)


def test_a_call_that_was_given_up_is_aborted_by_its_error(bridge):
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        bridge.invoke("flowise:late", "hello there")
    assert bridge.call(Abort(caught.value.pending)) is None
    with pytest.raises(errors.ExecutionError, match="This operation was aborted"):
        bridge.recover(caught.value)


def test_a_chatflow_does_not_hear_that_it_is_aborted(open_bridge, emulators):
    bridge = open_bridge(connections=emulators.connections)
    pending = bridge.submit("flowise:late-chatflow", "hello there")
    bridge.call(Abort(pending))
    bridge.poll(pending)
    assert bridge.poll(pending).text == "Echo: hello there"


def test_an_abort_is_a_success_where_nothing_runs(bridge):
    assert bridge.call(Abort("ok", "nobody")) is None


@pytest.mark.parametrize("name", sorted(BY_FLOW))
@pytest.mark.parametrize("scenario", sorted(INFRASTRUCTURE))
def test_whatever_stands_in_front_of_the_server_is_no_success(bridge, name, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.call(BY_FLOW[name](scenario))
    assert type(caught.value) is INFRASTRUCTURE[scenario]


@pytest.mark.parametrize("operation", [GetExecution("html"), UpdateFeedback("html", "THUMBS_UP")])
def test_a_page_is_no_success_either(bridge, operation):
    with pytest.raises(errors.MalformedResponseError):
        bridge.call(operation)


def test_the_page_of_the_user_interface_is_no_pong(open_bridge, emulators):
    wrong = emulators.connections["flowise"].base_url + "/typo"
    bridge = open_bridge(connections={"flowise": Connection("flowise", wrong, API_KEY)})
    for operation in (Ping(), GetVersion(), VerifyKey(), ListFlows(), Abort("ok", "c-1"), CreateLead("ok", "Ann")):
        with pytest.raises(errors.MalformedResponseError, match="text/html"):
            bridge.call(operation)


UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("name", ["flow", "streaming", "uploads", "messages", "attach", "upsert"])
@pytest.mark.parametrize("flow", ["not-found", UNKNOWN])
def test_a_flow_that_is_not_there_is_not_found(bridge, name, flow):
    with pytest.raises(errors.NotFoundError):
        bridge.call(BY_FLOW[name](flow))


@pytest.mark.parametrize("name", ["feedback", "executions"])
def test_a_flow_that_is_not_there_has_no_ratings_and_no_executions(bridge, name):
    found = bridge.call(BY_FLOW[name](UNKNOWN))
    assert (found.feedback if name == "feedback" else found.executions) == ()


@pytest.mark.parametrize("operation", [GetFlow("forbidden"), ListExecutions("forbidden")])
def test_a_key_without_the_permission_is_denied(bridge, operation):
    with pytest.raises(errors.PermissionDeniedError, match="Forbidden"):
        bridge.call(operation)


def test_an_id_that_is_none_and_a_run_that_is_not_there(bridge):
    with pytest.raises(errors.InvalidRequestError, match="Invalid Chatflow ID"):
        bridge.call(GetFlow("nope"))
    with pytest.raises(errors.NotFoundError, match="Execution nope not found"):
        bridge.call(GetExecution("nope"))


CLOSED = [
    ListFlows(), GetFlow("ok"), ListMessages("ok"), ListExecutions(), GetExecution("e-1"), UpsertDocuments("ok"),
]  # fmt: skip
OPEN = [
    Ping(), GetVersion(), CanStream("ok"), GetUploadRules("ok"), ListFeedback("ok"), CreateLead("ok", "Ann"),
    AttachFiles("ok", "c-1", NOTE), Abort("ok", "c-1"),
]  # fmt: skip


@pytest.mark.parametrize("key", [None, "wrong-key"])
def test_the_paths_that_need_a_key_refuse_and_the_public_ones_do_not(with_key, key):
    bridge = with_key(key)
    for operation in CLOSED:
        with pytest.raises(errors.AuthenticationError, match="Unauthorized Access"):
            bridge.call(operation)
    for operation in OPEN:
        bridge.call(operation)


def test_what_leaves_something_is_not_sent_again_and_what_only_asks_is(open_bridge, emulators):
    bridge = open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=3, first_delay=0))
    leaving = {"give-feedback", "lead", "attach", "upsert"}
    for name, make in BY_FLOW.items():
        with pytest.raises(errors.UnavailableError) as caught:
            bridge.call(make("bad-gateway"))
        assert (name, caught.value.attempts) == (name, 1 if name in leaving else 3)


CANARY = "canary+key/0f9Q~secret"


@pytest.mark.parametrize("operation", [VerifyKey(), ListKeyFlows()])
@pytest.mark.parametrize("transport", ["httpx", "httpx2"])
def test_a_key_in_an_address_is_in_no_error_and_no_log(with_key, caplog, operation, transport):
    caplog.set_level(logging.DEBUG)
    bridge = with_key(CANARY, transport=transport)
    with pytest.raises(errors.AuthenticationError) as caught:
        bridge.call(operation)
    error = caught.value
    told = [repr(error), str(error), repr(error.request), repr(error.response), repr(error.__dict__), caplog.text]
    told += ["".join(traceback.format_exception(error)), repr(pickle.dumps(error)), repr(operation)]
    assert error.request.url.endswith("/apikey/***")
    assert "/apikey/" in caplog.text
    for spelling in (CANARY, "canary%2Bkey%2F0f9Q~secret", "0f9Q"):
        assert not [text for text in told if spelling in text]


@pytest.mark.parametrize("operation", [VerifyKey(), ListKeyFlows()])
def test_a_key_in_an_address_that_nobody_answers_is_in_no_error(open_bridge, operation):
    bridge = open_bridge(
        connections={"flowise": Connection("flowise", "http://127.0.0.1:9", CANARY)}, retry=RetryPolicy(attempts=1)
    )
    with pytest.raises(errors.ConnectionFailedError) as caught:
        bridge.call(operation)
    assert "0f9Q" not in repr(caught.value.__dict__) + "".join(traceback.format_exception(caught.value))


def test_without_a_key_there_is_none_to_verify(with_key):
    with pytest.raises(errors.UnsupportedFeatureError, match="it is about the connection's key, and there is none"):
        with_key(None).call(VerifyKey())
