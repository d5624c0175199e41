"""Dify's other endpoints, for `bridge.call`. Each class cites its page."""

from typing import Any, ClassVar
from urllib.parse import quote

from attrs import frozen

from agentbridge import Call, Fault, File, HttpRequest, HttpResponse, Operation, Pending, Result
from agentbridge_dify.faults import fault_of
from agentbridge_dify.files import reference
from agentbridge_dify.results import run_outcome
from agentbridge_dify.wire import MessagesBody, RunDetail, StopBody, UploadBody


def bearer(call: Call) -> dict[str, str]:
    """The key. Source: guides/get-started.mdx, "Every request carries the key as a Bearer token"."""
    return {"Authorization": f"Bearer {call.api_key}"} if call.api_key else {}


@frozen
class UploadedFile:
    """A file that was uploaded for one user of one app."""

    id: str
    name: str | None = None
    size: int | None = None
    media_type: str | None = None
    warnings: tuple[str, ...] = ()

    def reference(self) -> dict[str, str]:
        """What stands for this file in a call: a value in `inputs`, or in the option `files`."""
        return reference(self.id, self.name, self.media_type)


@frozen
class UploadFile(Operation[UploadedFile]):
    """Upload a file: POST /files/upload. Source: openapi_chat.json, "Upload File".

    Attributes:
        file: the file.
        user_id: the end user; only calls with the same user_id may use the file.
    """

    provider: ClassVar[str] = "dify"
    name: ClassVar[str] = "upload-file"

    file: File
    user_id: str

    def build_request(self, call: Call) -> HttpRequest:
        """Multipart, with `file` and `user`."""
        form: dict[str, Any] = {"user": self.user_id, "file": self.file}
        return HttpRequest("POST", f"{call.base_url}/files/upload", auth=bearer(call), form=form)

    def read(self, response: HttpResponse) -> UploadedFile | Fault:
        """The id of the file."""
        if not response.ok:
            return fault_of(response)
        body, warnings = UploadBody.parse(response.json())
        return UploadedFile(body.id, body.name, body.size, body.mime_type, warnings)


@frozen
class UploadWorkflowFile(UploadFile):
    """Upload a file for a workflow app: POST /files/upload. Source: openapi_workflow.json, "Upload File".

    Attributes:
        file: the file.
        user_id: the end user; only calls with the same user_id may use the file.
    """

    provider: ClassVar[str] = "dify-workflow"


@frozen
class _Stop(Operation[bool]):
    # Stopping what has stopped does no harm.
    idempotent: ClassVar[bool] = True
    path: ClassVar[str]

    task_id: str
    user_id: str

    def build_request(self, call: Call) -> HttpRequest:
        """POST with the user who started the run."""
        url = f"{call.base_url}{self.path.format(quote(self.task_id, safe=''))}"
        return HttpRequest("POST", url, auth=bearer(call), json={"user": self.user_id}, idempotent=True)

    def read(self, response: HttpResponse) -> bool | Fault:
        """True for `{"result": "success"}`."""
        if not response.ok:
            return fault_of(response)
        body, _ = StopBody.parse(response.json())
        if body.result != "success":
            raise ValueError(f"unknown result: {body.result!r}")
        return True


@frozen
class StopChat(_Stop):
    """Stop a streaming chat reply: POST /chat-messages/{task_id}/stop. Source: openapi_service.json.

    True says that Dify took it, not that it stopped: with another user_id "the stop silently does nothing and the
    response still returns success".

    Attributes:
        task_id: the id of the task, from the VendorEvent "ids" of the stream.
        user_id: the user of the call that started the reply.
    """

    provider: ClassVar[str] = "dify"
    name: ClassVar[str] = "stop"
    path: ClassVar[str] = "/chat-messages/{}/stop"


@frozen
class StopWorkflow(_Stop):
    """Stop a streaming workflow: POST /workflows/tasks/{task_id}/stop. Source: openapi_workflow.json.

    Attributes:
        task_id: the id of the task, from the VendorEvent "ids" of the stream.
        user_id: the user of the call that started the run.
    """

    provider: ClassVar[str] = "dify-workflow"
    name: ClassVar[str] = "stop"
    path: ClassVar[str] = "/workflows/tasks/{}/stop"


@frozen
class GetWorkflowRun(Operation[Result]):
    """A run of a workflow by its id: GET /workflows/run/{workflow_run_id}. Source: openapi_workflow.json.

    The Result, a Pending while it runs, or the run's own error.

    Attributes:
        run_id: the id, as in `result.id` of a workflow and in `error.partial.id` of its broken stream.
    """

    provider: ClassVar[str] = "dify-workflow"
    name: ClassVar[str] = "run"
    idempotent: ClassVar[bool] = True

    run_id: str

    def build_request(self, call: Call) -> HttpRequest:
        """GET, which needs no user."""
        return HttpRequest("GET", f"{call.base_url}/workflows/run/{quote(self.run_id, safe='')}", auth=bearer(call))

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """What the run's status means."""
        if not response.ok:
            return fault_of(response)
        detail, warnings = RunDetail.parse(response.json())
        return run_outcome(detail, self.run_id, None, warnings)


@frozen
class GetChatflowRun(GetWorkflowRun):
    """A run of a Chatflow by its id: GET /workflows/run/{workflow_run_id}. Source: openapi_chatflow.json.

    Attributes:
        run_id: `workflow_run_id`, from the VendorEvent "ids" of the stream.
    """

    provider: ClassVar[str] = "dify"


@frozen
class ConversationMessage:
    """One turn: what was asked and answered. `status` is "normal" or "error"."""

    id: str
    query: str | None = None
    answer: str | None = None
    status: str | None = None
    error: str | None = None
    created_at: int | None = None


@frozen
class MessagePage:
    """A page of a conversation, the latest turns first."""

    messages: tuple[ConversationMessage, ...]
    has_more: bool | None = None
    warnings: tuple[str, ...] = ()


@frozen
class ListMessages(Operation[MessagePage]):
    """A conversation's turns: GET /messages. Source: openapi_chat.json, "List Conversation Messages".

    Attributes:
        conversation_id: the conversation, as in `result.session_id`.
        user_id: the user whose conversation it is.
        first_id: the id of the first message of the page before, for older ones.
        limit: how many, from 1 to 100; Dify gives 20 by itself.
    """

    provider: ClassVar[str] = "dify"
    name: ClassVar[str] = "messages"
    idempotent: ClassVar[bool] = True

    conversation_id: str
    user_id: str
    first_id: str | None = None
    limit: int | None = None

    def build_request(self, call: Call) -> HttpRequest:
        """GET with a query."""
        query = {"conversation_id": self.conversation_id, "user": self.user_id}
        query |= {"first_id": self.first_id} if self.first_id else {}
        query |= {"limit": str(self.limit)} if self.limit is not None else {}
        return HttpRequest("GET", f"{call.base_url}/messages", auth=bearer(call), query=query)

    def read(self, response: HttpResponse) -> MessagePage | Fault:
        """The page."""
        if not response.ok:
            return fault_of(response)
        body, warnings = MessagesBody.parse(response.json())
        turns = (
            ConversationMessage(item.id, item.query, item.answer, item.status, item.error, item.created_at)
            for item in body.data
        )
        return MessagePage(tuple(turns), body.has_more, warnings)


CHAT_OPERATIONS: tuple[type[Operation[Any]], ...] = (UploadFile, StopChat, GetChatflowRun, ListMessages)
WORKFLOW_OPERATIONS: tuple[type[Operation[Any]], ...] = (UploadWorkflowFile, StopWorkflow, GetWorkflowRun)
