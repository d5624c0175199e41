"""Results, faults and pauses, made from the models. Blocking answers and streams share this."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from agentbridge import Fault, FaultKind, Interrupt, Pending, Result, Source, Usage
from agentbridge_dify.wire import ChatAnswer, Form, Metadata, RunData, UsageBody

RUN_STEP = "run"
SUCCEEDED = ("succeeded", "partial-succeeded")
FAILED = ("failed", "stopped")
STATUSES = (*SUCCEEDED, *FAILED, "paused")  # those that a run may end with
Outcome = Result | Pending | Fault


def chat_result(answer: ChatAnswer, warnings: tuple[str, ...] = ()) -> Result:
    """The Result of a blocking chat answer."""
    return Result(
        text=answer.answer,
        output=answer.answer,
        id=answer.message_id or answer.id,
        session_id=answer.conversation_id,
        sources=sources_of(answer.metadata),
        usage=usage_of(answer.metadata),
        warnings=warnings,
    )


def sources_of(metadata: Metadata | None) -> tuple[Source, ...]:
    """The retriever's resources. Source: openapi_chat.json, schema RetrieverResource."""
    resources = metadata.retriever_resources if metadata else None
    return tuple(_source(resource) for resource in resources or ())


def _source(resource: Mapping[str, Any]) -> Source:
    title = resource.get("document_name")
    rest = {key: value for key, value in resource.items() if key not in ("content", "document_name")}
    return Source(str(resource.get("content") or ""), title=title if isinstance(title, str) else None, metadata=rest)


def usage_of(metadata: Metadata | None) -> Usage | None:
    """What a chat run cost."""
    return None if metadata is None or metadata.usage is None else _usage(metadata.usage)


def _usage(usage: UsageBody) -> Usage:
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cost=usage.total_price,
        duration_ms=None if usage.latency is None else usage.latency * 1000,
    )


def run_usage(run: RunData) -> Usage:
    """What a workflow run cost: `elapsed_time` is "Total time elapsed in seconds"."""
    seconds = run.elapsed_time
    return Usage(total_tokens=run.total_tokens, duration_ms=None if seconds is None else seconds * 1000)


def run_result(run: RunData, run_id: str | None, warnings: tuple[str, ...] = ()) -> Result:
    """A run's outputs. The only text among them is the answer for a reader; otherwise all are, as JSON."""
    outputs = run.outputs or {}
    return Result(
        text=outputs_text(outputs),
        output=outputs,
        id=run_id or run.id or run.workflow_run_id,
        usage=run_usage(run),
        warnings=warnings,
    )


def outputs_text(outputs: Mapping[str, Any]) -> str:
    """The one text among the outputs, else all of them as JSON: their names are the app's own."""
    texts = [value for value in outputs.values() if isinstance(value, str)]
    if len(texts) == 1:
        return texts[0]
    return json.dumps(outputs, ensure_ascii=False) if outputs else ""


def run_outcome(run: RunData, run_id: str | None, user: str | None, warnings: tuple[str, ...] = ()) -> Outcome:
    """What a run's status means. Source: the description of `status` in WorkflowFinishedData."""
    if run.status in SUCCEEDED and run.outputs is None:
        raise ValueError("a run that succeeded has outputs, if none by name")
    result = run_result(run, run_id, warnings)
    if run.status == "running":
        return Pending("poll", result.id, step=RUN_STEP)
    if run.status == "paused":
        return pause(result, (run.reasons or [{}])[0], result.id, user)
    return finished(run, result)


def finished(run: RunData, result: Result) -> Result | Fault:
    """The end of a run that did not pause."""
    if run.status == "succeeded":
        return result
    if run.status == "partial-succeeded":
        # "some nodes succeeded but others failed": the flow handled it and has outputs, so it is an answer.
        return evolve(result, warnings=(*result.warnings, f"partial-succeeded: {run.error or 'some nodes failed'}"))
    if run.status not in FAILED:
        raise ValueError(f"unknown status of a run: {run.status!r}")
    message = run.error or ("the run was stopped" if run.status == "stopped" else "the workflow failed")
    return Fault(FaultKind.EXECUTION, message, code=run.status, retryable=False, may_have_run=True, partial=result)


def pause(result: Result, form_body: Mapping[str, Any], run_id: str | None, user: str | None) -> Result:
    """A run that waits for a human; it can be resumed where Dify gave a form token and the user is known."""
    form, warnings = Form.parse(dict(form_body))
    choices = [str(action["id"]) for action in form.actions or () if "id" in action]
    if not form.form_content:
        warnings += ("the run waits for a human, but Dify did not say what it asks",)
    state = {"form_token": form.form_token, "workflow_run_id": run_id, "user": user}
    interrupt = Interrupt(
        question=form.form_content or "",
        choices=choices,
        data=dict(form_body),
        resume=state if all(state.values()) else None,
    )
    return evolve(
        result,
        text=result.text or interrupt.question,
        status="waiting_for_input",
        interrupt=interrupt,
        warnings=(*result.warnings, *warnings),
    )
