"""The contract that every provider keeps, for both kinds of app."""

from agentbridge import FaultKind, File, Link
from agentbridge.testing import Answer, ProviderContract
from agentbridge_dify import (
    Dify,
    DifyWorkflow,
    GetChatflowRun,
    GetWorkflowRun,
    ListMessages,
    StopChat,
    StopWorkflow,
    UploadFile,
    UploadWorkflowFile,
    emulator as stand_in,
    emulator_bodies as say,
)

SSE = {"content-type": "text/event-stream"}
SCRIPT = say.chat_script(say.CONVERSATION)
STREAM = say.sse([SCRIPT.event("agent_message", answer="hi"), SCRIPT.event("message_end", metadata=say.METADATA)])
QUESTION = "Please review the draft."  # of say.FORM
BROKEN_OFF = Answer(say.sse([*SCRIPT.begun(), SCRIPT.event("message", answer="h")]), headers=SSE)
FILE = File("a.txt", b"some text")
UPLOADED = {"id": "a1b2c3d4-5678", "name": "a.txt", "size": 9, "extension": "txt", "mime_type": "text/plain"}
STOPPED = Answer({"result": "success"})
TURN = {"id": say.MESSAGE, "query": "hi", "answer": "Echo: hi", "status": "normal", "error": None}


def failure(status: int, code: str, message: str) -> Answer:
    return Answer(say.error(status, code, message), status)


def run(status: str, **outputs: object) -> Answer:
    return Answer(say.workflow_answer(say.run_data(status, outputs)))


def detail(status: str, **outputs: object) -> Answer:
    return Answer(say.run_data(status, outputs or None))


def chat_stream(scenario: str) -> bytes:
    return say.sse(stand_in._chat_events(scenario, "Hello there", say.CONVERSATION))


def workflow_stream(scenario: str) -> bytes:
    return say.sse(stand_in._workflow_events(scenario, stand_in._run(scenario, {"a": "b"})))


# guides/errors.mdx, and the errors of openapi_service.json /chat-messages and openapi_workflow.json /workflows/run.
COMMON_ERRORS = {
    "bad key": (failure(401, "unauthorized", "Access token is invalid"), FaultKind.AUTHENTICATION),
    "no access": (failure(403, "forbidden", "App's API service has been disabled."), FaultKind.PERMISSION),
    "bad input": (failure(400, "invalid_param", "user is required"), FaultKind.INVALID_REQUEST),
    "no such thing": (failure(404, "not_found", "Workflow not found"), FaultKind.NOT_FOUND),
    "no app": (failure(400, "app_unavailable", "App unavailable"), FaultKind.INVALID_REQUEST),
    "busy": (Answer(say.BUSY, 429), FaultKind.RATE_LIMITED),
    "the plan's quota": (failure(429, "rate_limit_error", "Rate Limit Error"), FaultKind.QUOTA_EXCEEDED),
    "the model's quota": (Answer(say.QUOTA, 400), FaultKind.QUOTA_EXCEEDED),
    "the model failed": (Answer(say.FAILED, 400), FaultKind.EXECUTION),
    "Dify failed": (failure(500, "internal_server_error", "Internal server error"), FaultKind.UNAVAILABLE),
}


class TestChat(ProviderContract):
    provider = Dify()
    agent = "chat"
    examples = {"files": (Link("https://example.com/a.png"),)}
    open_maps = frozenset({"outputs"})  # openapi_workflow.json, `outputs`: which there are is the app's own choice
    answers = {
        "blocking": (Answer(say.chat_answer("hi", say.CONVERSATION)), "hi"),
        "a stream": (Answer(STREAM, headers=SSE), "hi"),
        "a stream of a run that pauses": (Answer(chat_stream("paused"), headers=SSE), QUESTION),
        "a stream of a run that broke off": ((BROKEN_OFF, detail("running"), detail("succeeded", answer="hi")), "hi"),
    }
    errors_in_200 = {
        "an error event": (Answer(say.sse([SCRIPT.event("error", **say.FAILED)]), headers=SSE), FaultKind.EXECUTION),
        "an envelope": (Answer(say.QUOTA), FaultKind.QUOTA_EXCEEDED),
    }
    errors = {
        **COMMON_ERRORS,
        "another kind of app": (failure(400, "not_chat_app", "Please check your app mode"), FaultKind.INVALID_REQUEST),
        "an Agent app, blocking": (Answer(say.STREAM_ONLY, 400), FaultKind.INVALID_REQUEST),
    }
    streams = {
        "Chatbot": (chat_stream("chat"), "Hello there"),
        "Chatflow": (chat_stream("flow"), "Hello there"),
        "Agent app": (chat_stream("agent-app"), "Hello there"),
        "New Agent app": (chat_stream("new-agent"), "Hello there"),
        "paused": (chat_stream("paused"), QUESTION),
        "error after some text": (chat_stream("error-in-stream"), FaultKind.EXECUTION),
        "Chatflow that failed": (chat_stream("flow-failed"), FaultKind.EXECUTION),
        "quota in mid-run": (
            say.sse([SCRIPT.event("message", answer="hi"), SCRIPT.event("error", **say.QUOTA)]),
            FaultKind.QUOTA_EXCEEDED,
        ),
        "cut": (chat_stream("breaks-off"), FaultKind.INTERRUPTED),
    }
    operations = {
        "upload": (UploadFile(FILE, "abc-123"), Answer(UPLOADED, 201)),
        "stop": (StopChat(say.TASK, "abc-123"), STOPPED),
        "run": (GetChatflowRun(say.RUN), detail("succeeded", answer="hi")),
        "messages": (
            ListMessages(say.CONVERSATION, "abc-123"),
            Answer({"limit": 20, "has_more": False, "data": [TURN]}),
        ),
    }


class TestWorkflow(ProviderContract):
    provider = DifyWorkflow()
    agent = "published"
    examples = {"files": (Link("https://example.com/a.png"),)}
    open_maps = frozenset({"outputs"})  # openapi_workflow.json, `outputs`: which there are is the app's own choice
    answers = {
        "blocking": (run("succeeded", result="hi"), "hi"),
        "partial": (run("partial-succeeded", result="hi"), "hi"),
        "blocking, found running": ((run("running"), detail("succeeded", a="hi")), "hi"),
        "a stream that broke off": ((BROKEN_OFF, detail("succeeded", a="hi")), "hi"),
        "paused": (Answer(say.workflow_answer({**say.run_data("paused", None), "reasons": [say.FORM]})), QUESTION),
    }
    errors_in_200 = {
        "failed": (run("failed"), FaultKind.EXECUTION),
        "stopped": (run("stopped"), FaultKind.EXECUTION),
        "no known status": (run("unheard-of", result="hi"), None),
        "no outputs": (Answer(say.workflow_answer(say.run_data("succeeded", None))), None),
    }
    errors = {
        **COMMON_ERRORS,
        "another kind of app": (
            failure(400, "not_workflow_app", "Please check your app mode"),
            FaultKind.INVALID_REQUEST,
        ),
    }
    streams = {
        "one output": (workflow_stream("published"), "Echo: a=b"),
        "two outputs": (workflow_stream("two"), "Echo: a=b"),
        "partial": (workflow_stream("partial"), "Echo: a=b"),
        "paused": (workflow_stream("paused"), QUESTION),
        "failed": (workflow_stream("failed"), FaultKind.EXECUTION),
        "stopped": (workflow_stream("stopped"), FaultKind.EXECUTION),
        "cut": (workflow_stream("breaks-off"), FaultKind.INTERRUPTED),
    }
    operations = {
        "upload": (UploadWorkflowFile(FILE, "abc-123"), Answer(UPLOADED, 201)),
        "stop": (StopWorkflow(say.TASK, "abc-123"), STOPPED),
        "run": (GetWorkflowRun(say.RUN), detail("succeeded", result="hi")),
    }
