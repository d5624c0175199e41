"""The providers: what is sent to Dify, and what an answer is.

Source of the endpoints: https://docs.dify.ai/en/api-reference (openapi_service.json in github.com/langgenius/dify-docs,
en/api-reference); of the base URL and the key: guides/get-started.mdx, "Every request carries the key as a Bearer
token. For Dify Cloud, the base URL is `https://api.dify.ai/v1`".
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from agentbridge import (
    Call,
    Fault,
    HttpRequest,
    HttpResponse,
    Interrupt,
    Invocation,
    Operation,
    Pending,
    Provider,
    Result,
    StreamDecoder,
)
from agentbridge_dify import recovery, resuming
from agentbridge_dify.apps import chat_version, response_mode, workflow_version
from agentbridge_dify.decoder import DifyDecoder
from agentbridge_dify.faults import envelope_fault, fault_of
from agentbridge_dify.files import place
from agentbridge_dify.operations import CHAT_OPERATIONS, WORKFLOW_OPERATIONS, bearer
from agentbridge_dify.results import chat_result, run_outcome
from agentbridge_dify.wire import ChatAnswer, RunData, RunDetail, WorkflowAnswer

# `user` is required, and nobody but the caller knows it. One constant keeps a conversation continuable without one.
DEFAULT_USER = "agentbridge"


class _App(Provider):
    """What all kinds of app have in common."""

    default_base_url = "https://api.dify.ai/v1"
    options = frozenset({"user", "response_mode", "files", resuming.OPTION})

    @abstractmethod
    def start(self, invocation: Invocation, call: Call) -> tuple[str, dict[str, Any]]:
        """The path and the body of the request that starts a run."""

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """The request that runs the app, or that resumes its paused run."""
        if resuming.OPTION in call.options:
            return resuming.submit_form(invocation, call, bearer(call))
        path, body = self.start(invocation, call)
        body["response_mode"] = response_mode(call.agent, call.options, call.streaming)
        return HttpRequest("POST", f"{call.base_url}{path}", auth=bearer(call), json=body)

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """An answer of any of the endpoints that are asked for a run."""
        if not response.ok:
            return fault_of(response)
        if response.content_type == "text/event-stream":
            return _read_stream(response)
        if resuming.is_submission(response.request):
            return resuming.read_submitted(response)
        body = response.json()
        if response.request is not None and response.request.url.endswith(recovery.LOGS):
            return recovery.read_logs(body, response)
        return _read_body(body, _user_of(response.request))

    def decoder(self, request: HttpRequest) -> StreamDecoder | None:
        """A reader where the request asks for a stream; the submission of a form does not."""
        streams = isinstance(request.json, dict) and request.json.get("response_mode") == "streaming"
        return DifyDecoder(_user_of(request)) if streams else None

    def build_poll(self, pending: Pending, call: Call) -> HttpRequest:
        """Ask for a run by its id, or first for its id."""
        if pending.step == recovery.FIND_STEP:
            return recovery.find_run(pending, call.base_url, bearer(call))
        url = f"{call.base_url}/workflows/run/{quote(pending.id or '', safe='')}"
        return HttpRequest("GET", url, auth=bearer(call))

    def recover(self, request: HttpRequest) -> Pending | None:
        """The run that this request started, where that can be exact."""
        return resuming.resumed_run(request) or recovery.started_run(request)

    def resume(self, interrupt: Interrupt, decision: str, feedback: str | None) -> Mapping[str, Any]:
        """The form, filled in."""
        return resuming.fill(interrupt, decision, feedback)


class Dify(_App):
    """Chat apps: Chatbot, Agent, New Agent and Chatflow. POST /chat-messages."""

    name = "dify"
    accepts = frozenset({"text", "inputs", "files", "session_id", "user_id"})
    operations: ClassVar[tuple[type[Operation[Any]], ...]] = CHAT_OPERATIONS
    emulator = "agentbridge_dify.emulator:chat"

    def start(self, invocation: Invocation, call: Call) -> tuple[str, dict[str, Any]]:
        """Source: openapi_chat.json ChatRequest: inputs, query and user are required.

        `workflow_id` is known from the errors of that page ("Workflow not found with the specified `workflow_id`").
        """
        body = _common_body(invocation, call, DEFAULT_USER)
        body["query"] = invocation.text or ""
        if invocation.session_id is not None:
            body["conversation_id"] = invocation.session_id
        version = chat_version(call.agent)
        return "/chat-messages", body if version is None else {**body, "workflow_id": version}


class DifyWorkflow(_App):
    """Workflow apps: inputs to outputs. POST /workflows/run, or /workflows/{workflow_id}/run for a version."""

    name = "dify-workflow"
    # guides/workflow.mdx: "There's no conversation state between calls"; and no query beside the inputs.
    accepts = frozenset({"inputs", "files", "user_id"})
    operations: ClassVar[tuple[type[Operation[Any]], ...]] = WORKFLOW_OPERATIONS
    emulator = "agentbridge_dify.emulator:workflow"

    def start(self, invocation: Invocation, call: Call) -> tuple[str, dict[str, Any]]:
        """Source: openapi_workflow.json WorkflowExecutionRequest: inputs and user are required.

        Without a user of the caller's, the user is made for this call alone: there is no conversation that needs it
        again, and it is what `recover` finds the run by.
        """
        version = workflow_version(call.agent)
        path = "/workflows/run" if version is None else f"/workflows/{quote(version, safe='')}/run"
        return path, _common_body(invocation, call, recovery.user_for(call.fresh_id))


def _common_body(invocation: Invocation, call: Call, default_user: str) -> dict[str, Any]:
    inputs = dict(invocation.inputs)
    files = [*place(invocation.files, inputs), *call.options.get("files", ())]
    user = invocation.user_id or call.options.get("user") or default_user
    return {"inputs": inputs, "user": user, **({"files": files} if files else {})}


def _read_stream(response: HttpResponse) -> Result | Pending | Fault:
    """A stream that was read to its end, as for Agent apps, which answer in no other way.

    "For workflow-backed runs (Workflow and Chatflow apps), a dropped connection isn't fatal" (guides/streaming.mdx):
    the run that it was of is asked for.
    """
    decoder = DifyDecoder(_user_of(response.request))
    decoder.feed(response.content)
    return decoder.lost_run or decoder.finish()


def _read_body(body: Any, user: str | None) -> Result | Pending | Fault:
    """A blocking answer or a run's detail, told apart by the field that only it has."""
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    if "answer" in body:
        return chat_result(*ChatAnswer.parse(body))
    if "workflow_run_id" in body:
        return _read_run(body, user)
    if "code" in body and "status" in body and "workflow_id" not in body:
        # No page shows the envelope of an error under HTTP 200; should it come, it is an error all the same.
        return envelope_fault(body, 500)
    detail, warnings = RunDetail.parse(body)
    return run_outcome(detail, detail.id, user, warnings)


def _read_run(body: dict[str, Any], user: str | None) -> Result | Pending | Fault:
    answer, warnings = WorkflowAnswer.parse(body)
    run, more = RunData.parse(answer.data)
    return run_outcome(run, answer.workflow_run_id, user, (*warnings, *more))


def _user_of(request: HttpRequest | None) -> str | None:
    body = request.json if request is not None else None
    user = body.get("user") if isinstance(body, dict) else None
    return user if isinstance(user, str) else None
