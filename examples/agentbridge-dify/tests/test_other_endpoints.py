"""Operations, files, and failures that no emulator plays, through both bridges."""

import json
from typing import Any

import pytest

from agentbridge import (
    AuthenticationError,
    Connection,
    ExecutionError,
    File,
    InvalidRequestError,
    Link,
    MalformedResponseError,
    NotFoundError,
    Pending,
    QuotaExceededError,
    Result,
    StreamInterruptedError,
    UnavailableError,
    UnsupportedFeatureError,
)
from agentbridge.emulator.serving import Served
from agentbridge.testing import Answer, MemoryTransport
from agentbridge_dify import (
    GetChatflowRun,
    GetWorkflowRun,
    ListMessages,
    StopChat,
    StopWorkflow,
    UploadFile,
    UploadWorkflowFile,
    emulator_bodies as say,
)
from worlds import KEYS, World

SSE = {"content-type": "text/event-stream"}


@pytest.fixture(params=[False, True], ids=["Bridge", "AsyncBridge"])
def answering(request: pytest.FixtureRequest) -> Any:
    """A world in which the vendor gives these answers, and the transport that remembers what was sent."""

    def make(*answers: Answer) -> tuple[World, MemoryTransport]:
        transport = MemoryTransport([answer.response for answer in answers])
        return World(KEYS, request.param, transport=transport.asynchronous() if request.param else transport), transport

    return make


def with_files(references: list[dict[str, str]]) -> dict[str, Any]:
    return {"options": {"dify": {"files": references}}}


def test_an_uploaded_file_goes_into_the_next_call(world: World, vendors: Served) -> None:
    uploaded = world.do("call", UploadFile(File("photo", b"...", media_type="image/png"), "abc-123"))
    assert (uploaded.id, uploaded.size) == ("a1b2c3d4-5678", 3)
    world.do("invoke", "dify:chat", "what is this?", **with_files([uploaded.reference()]), user_id="abc-123")
    assert json.loads(vendors.emulators["dify"].seen[-1].body)["files"] == [
        {"type": "image", "transfer_method": "local_file", "upload_file_id": "a1b2c3d4-5678"}
    ]


def test_files_of_a_variable_stand_in_the_inputs(world: World, vendors: Served) -> None:
    uploaded = world.do("call", UploadWorkflowFile(File("a.pdf", b"%PDF"), "abc-123"))
    files = [Link("https://example.com/b.mp3", input="sounds"), Link("https://example.com/c")]
    inputs = {"docs": [uploaded.reference()]}
    world.do("invoke", "dify-workflow:published", inputs=inputs, files=files, user_id="abc-123")
    body = json.loads(vendors.emulators["dify-workflow"].seen[-1].body)
    assert body["inputs"]["docs"] == [
        {"type": "document", "transfer_method": "local_file", "upload_file_id": "a1b2c3d4-5678"}
    ]
    assert body["inputs"]["sounds"] == [
        {"type": "audio", "transfer_method": "remote_url", "url": "https://example.com/b.mp3"},
    ]
    assert body["files"] == [{"type": "custom", "transfer_method": "remote_url", "url": "https://example.com/c"}]


def test_a_local_file_is_refused_with_the_remedy(world: World) -> None:
    with pytest.raises(UnsupportedFeatureError, match="UploadFile"):
        world.do("invoke", "dify:chat", "hi", files=[File("a.txt", b"a")])


def test_a_file_and_a_value_for_one_input_are_refused(world: World) -> None:
    link = Link("https://example.com/a.png", input="a")
    with pytest.raises(UnsupportedFeatureError, match="'a' has a value"):
        world.do("invoke", "dify-workflow:published", inputs={"a": 1}, files=[link])


def test_runs_are_stopped_for_their_user(world: World, vendors: Served) -> None:
    assert world.do("call", StopChat("t-1", "abc-123")) is True
    assert world.do("call", StopWorkflow("t-2", "abc-123")) is True
    seen = vendors.emulators["dify-workflow"].seen[-1]
    assert (seen.path.rpartition("/v1")[2], json.loads(seen.body)) == (
        "/workflows/tasks/t-2/stop",
        {"user": "abc-123"},
    )


def test_messages_of_a_conversation_are_listed(world: World) -> None:
    page = world.do("call", ListMessages(say.CONVERSATION, "abc-123", limit=5))
    assert [(turn.query, turn.answer, turn.status) for turn in page.messages] == [("hi", "Echo: hi", "normal")]
    assert page.has_more is False


def test_an_older_page_is_asked_for_by_its_first_message(answering: Any) -> None:
    world, transport = answering(Answer({"data": [], "has_more": False}))
    world.do("call", ListMessages("c-1", "abc-123", first_id="m-1"))
    assert transport.sent[-1].request.query == {"conversation_id": "c-1", "user": "abc-123", "first_id": "m-1"}


@pytest.mark.parametrize("operation", [GetWorkflowRun, GetChatflowRun])
def test_a_run_is_looked_up_by_its_id(answering: Any, operation: Any) -> None:
    world, _ = answering(Answer(say.run_data("succeeded", {"result": "hi"})))
    assert world.do("call", operation(say.RUN)).text == "hi"


def test_a_run_that_goes_on_is_pending_and_can_be_waited_for(answering: Any) -> None:
    running, done = Answer(say.run_data("running", None)), Answer(say.run_data("succeeded", {"result": "hi"}))
    world, _ = answering(running, running, done)
    pending = world.do("call", GetWorkflowRun(say.RUN))
    assert isinstance(pending, Pending)
    result = world.do("wait", pending)
    assert (result.text, result.id) == ("hi", say.RUN)


def test_a_looked_up_run_that_failed_is_raised(answering: Any) -> None:
    world, _ = answering(Answer(say.run_data("failed", None, "boom")))
    with pytest.raises(ExecutionError, match="boom"):
        world.do("call", GetWorkflowRun(say.RUN))


def test_a_run_that_dify_does_not_know_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.do("call", GetWorkflowRun("unknown"))


def test_a_run_that_is_not_logged_yet_stays_pending(answering: Any) -> None:
    logs = {"page": 1, "limit": 20, "total": 0, "has_more": False, "data": []}
    world, transport = answering(Answer(logs))
    pending = Pending("poll", "agentbridge-run-1", step="find", provider="dify-workflow", connection="dify-workflow")
    assert world.do("poll", pending).id == "agentbridge-run-1"
    assert transport.sent[-1].request.query == {"created_by_end_user_session_id": "agentbridge-run-1"}


def test_a_refused_key_is_an_authentication_error(vendors: Served) -> None:
    wrong = Connection("dify", base_url=vendors.connections["dify"].base_url, api_key="app-wrong")
    with pytest.raises(AuthenticationError) as caught:
        World({"dify": wrong}, False).do("invoke", "dify:chat", "hi")
    assert caught.value.code == "unauthorized"


def test_the_wrong_kind_of_app_is_explained(answering: Any) -> None:
    world, _ = answering(Answer(say.error(400, "not_chat_app", "Please check if your app mode matches"), 400))
    with pytest.raises(InvalidRequestError, match="dify-workflow"):
        world.do("invoke", "dify:chat", "hi")


def test_a_quota_of_the_plan_is_not_worth_another_try(answering: Any) -> None:
    world, _ = answering(Answer(say.error(429, "rate_limit_error", "Rate Limit Error"), 429))
    with pytest.raises(QuotaExceededError) as caught:
        world.do("invoke", "dify:chat", "hi")
    assert (caught.value.status, caught.value.retryable) == (429, False)


def test_a_failure_on_difys_side_is_worth_another_try_but_may_have_run(answering: Any) -> None:
    world, _ = answering(Answer(say.error(500, "internal_server_error", "Internal server error"), 500))
    with pytest.raises(UnavailableError) as caught:
        world.do("invoke", "dify:chat", "hi")
    assert (caught.value.retryable, caught.value.may_have_run) == (True, True)


def test_a_run_whose_stream_broke_off_in_an_invocation_is_asked_for(answering: Any) -> None:
    script = say.chat_script("c-1")
    half = say.sse([*script.begun(), script.event("message", answer="half")])
    world, transport = answering(Answer(half, headers=SSE), Answer(say.run_data("succeeded", {"answer": "all"})))
    result = world.do("invoke", "dify:chat", "hi", options={"dify": {"response_mode": "streaming"}})
    assert (result.text, result.id) == ("all", say.RUN)
    assert transport.sent[-1].request.url.endswith(f"/workflows/run/{say.RUN}")


def test_an_agent_apps_answer_that_broke_off_is_an_error_of_invoke(answering: Any) -> None:
    script = say.chat_script(say.CONVERSATION)
    world, _ = answering(Answer(say.sse([script.event("agent_message", answer="half")]), headers=SSE))
    with pytest.raises(StreamInterruptedError) as caught:
        world.do("invoke", "dify:agent", "hi")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "half"


def test_a_blocking_run_that_paused_waits_for_input(answering: Any) -> None:
    paused = {**say.run_data("paused", None), "reasons": [say.FORM]}
    world, _ = answering(Answer(say.workflow_answer(paused)))
    result = world.do("invoke", "dify-workflow:published", inputs={}, user_id="abc-123")
    assert isinstance(result, Result)
    assert (result.status, result.text) == ("waiting_for_input", "Please review the draft.")


@pytest.mark.parametrize("data", [{}, {"status": "unheard-of"}, {"status": None}])
def test_a_run_without_a_known_status_is_no_answer(answering: Any, data: dict[str, Any]) -> None:
    world, _ = answering(Answer({"workflow_run_id": say.RUN, "task_id": say.TASK, "data": data}))
    with pytest.raises(MalformedResponseError):
        world.do("invoke", "dify-workflow:published", inputs={})


@pytest.mark.parametrize("feedback", [None, "fine"])
def test_a_lost_answer_of_a_resumption_is_found_by_its_run(answering: Any, feedback: str | None) -> None:
    paused = {**say.run_data("paused", None), "reasons": [say.FORM]}
    world, _ = answering(Answer(say.workflow_answer(paused)))
    waiting = world.do("invoke", "dify-workflow:published", inputs={})
    world, transport = answering(Answer(b"", 504), Answer(say.run_data("succeeded", {"a": "done"})))
    with pytest.raises(Exception, match="504") as caught:
        world.do("resume", waiting, "approve", feedback=feedback)
    assert caught.value.pending.id == say.RUN  # type: ignore[attr-defined]
    assert world.do("recover", caught.value).text == "done"
    assert transport.sent[0].request.json["inputs"] == {"comment": feedback or ""}
