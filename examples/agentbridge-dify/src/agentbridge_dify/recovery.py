"""Finds a workflow's run whose answer was lost, by the user that was made for it.

Dify gives a run its id; a request has none of its own. But a run is logged with the user who started it, and the logs
can be asked for one user's runs: GET /workflows/logs?created_by_end_user_session_id=… (openapi_workflow.json: "Filter
by end user session ID"; EndUserDetail.session_id: "Defaults to the `external_user_id` value", which is "The `user`
identifier provided in API requests"). A user that was made for one call has one run, so this is exact. With a user of
the caller's it would be a guess, and is not tried. When the log entry is written is not said: until it is there, the
run is Pending.
"""

import re
from typing import Any

from agentbridge import HttpRequest, HttpResponse, Pending
from agentbridge_dify.results import RUN_STEP
from agentbridge_dify.wire import WorkflowLogs

FIND_STEP = "find"
LOGS = "/workflows/logs"
_PREFIX = "agentbridge-run-"
_STARTS = re.compile(r"/workflows/(run|[^/]+/run)$")
_FILTER = "created_by_end_user_session_id"


def user_for(fresh_id: str) -> str:
    """A user for one run."""
    return f"{_PREFIX}{fresh_id}"


def started_run(request: HttpRequest) -> Pending | None:
    """The run that a request started, where its user is of one run."""
    user = request.json.get("user") if isinstance(request.json, dict) else None
    if not isinstance(user, str) or not user.startswith(_PREFIX) or not _STARTS.search(request.url):
        return None
    return Pending("poll", user, step=FIND_STEP)


def find_run(pending: Pending, base_url: str, auth: dict[str, str]) -> HttpRequest:
    """Ask the logs for the run of this user."""
    return HttpRequest("GET", f"{base_url}{LOGS}", auth=auth, query={_FILTER: pending.id or ""})


def read_logs(body: Any, response: HttpResponse) -> Pending:
    """The run's id, to be asked for at once; or the same question again, later."""
    logs, _ = WorkflowLogs.parse(body)
    if logs.data:
        latest = max((entry.workflow_run for entry in logs.data), key=lambda run: run.created_at or 0)
        return Pending("poll", latest.id, after=0, step=RUN_STEP)
    user = response.request.query[_FILTER] if response.request else None
    return Pending("poll", user, step=FIND_STEP)
