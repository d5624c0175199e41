"""Resumes a run that paused for a human: POST /form/human_input/{form_token}, then ask for the run until it ends.

Source: https://docs.dify.ai/en/api-reference/guides/human-input-flow (guides/human-input-flow.mdx) and
openapi_workflow.json, "Submit Human Input Form": `inputs`, `action` and `user` are required; the answer is `{}`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from agentbridge import Call, HttpRequest, HttpResponse, Interrupt, Invocation, Pending, UnsupportedFeatureError
from agentbridge_dify.files import place
from agentbridge_dify.results import RUN_STEP
from agentbridge_dify.wire import Form

OPTION = "resume"
# The answer is `{}` and names no run, and `read` sees no more than the request and the answer. So the request says it,
# in the fragment of its URL, which no client sends (RFC 9110, 7.1).
_FORM = "/form/human_input/"
# Types of inputs that take a text. Source: human-input-flow.mdx ("paragraph"), openapi_workflow.json ("text_input").
_TEXT_TYPES = ("paragraph", "text_input")


def fill(interrupt: Interrupt, decision: str, feedback: str | None) -> Mapping[str, Any]:
    """The options of the call that submits the form."""
    if not isinstance(interrupt.resume, Mapping):
        raise UnsupportedFeatureError("resume", "Dify gave no form_token: such a form is delivered by e-mail only")
    form, _ = Form.parse(interrupt.data)
    # What a human would leave as it stands: sending the defaults is an inference.
    values = dict(form.resolved_default_values or {})
    if feedback is not None:
        values[_text_input(form)] = feedback
    return {OPTION: {**interrupt.resume, "action": decision, "inputs": values}}


def _text_input(form: Form) -> str:
    names = [str(field.get("output_variable_name")) for field in form.inputs or () if field.get("type") in _TEXT_TYPES]
    if len(names) != 1:
        raise UnsupportedFeatureError(
            "feedback", f"the form has {len(names)} inputs for text; name them with inputs={{…}} instead"
        )
    return names[0]


def submit_form(invocation: Invocation, call: Call, auth: dict[str, str]) -> HttpRequest:
    """The request that resumes. Inputs of the call go before defaults and feedback."""
    if invocation.text is not None:
        raise UnsupportedFeatureError("text", "a form takes named inputs; give feedback or inputs")
    state = call.options[OPTION]
    inputs = dict(invocation.inputs)
    if place(invocation.files, inputs):
        raise UnsupportedFeatureError("files", "a form takes files in named inputs only; name the file's `input`")
    return HttpRequest(
        "POST",
        f"{call.base_url}{_FORM}{quote(state['form_token'], safe='')}#{quote(state['workflow_run_id'], safe='')}",
        auth=auth,
        json={"inputs": {**state["inputs"], **inputs}, "action": state["action"], "user": state["user"]},
    )


def is_submission(request: HttpRequest | None) -> bool:
    """Whether this request submits a form."""
    return request is not None and _FORM in request.url


def read_submitted(response: HttpResponse) -> Pending:
    """The run goes on. Its id came with the request."""
    run = resumed_run(response.request) if response.request else None
    if run is None or response.json() != {}:
        raise ValueError("the answer of a submitted form is an empty object")
    return run


def resumed_run(request: HttpRequest) -> Pending | None:
    """The run that a submission resumed, be its answer lost or not."""
    run_id = unquote(urlsplit(request.url).fragment)
    return Pending("poll", run_id, step=RUN_STEP) if is_submission(request) and run_id else None
