"""The emulator's callbacks: the consolidated one of a run, and those of its output nodes."""

from __future__ import annotations

from typing import Any

from starlette.background import BackgroundTask

from agentbridge.emulator.calling_back import call_back

from . import wire


def consolidated(url: str, polled: dict[str, Any], times: int) -> BackgroundTask:
    """What is posted to `callback_url`. Documented is the failure; the success has the fields of a poll (an inference)."""
    if polled["status"] == wire.FAILED:
        body = {"success": False, "error": polled["errorMessage"], "executionId": polled["executionId"]}
    else:
        body = {"success": True, "executionId": polled["executionId"], "output": polled["output"]}
    return BackgroundTask(call_back, url, body, delivery_header=wire.DELIVERY_ID, times=times)


def nodes(body: Any, text: str) -> BackgroundTask:
    """What the nodes post that an edge feeds an address to from an input (vendor docs "Deliver run outputs")."""
    texts = [item["inputText"] for item in body["variableInputs"]]
    return BackgroundTask(_post, [text for text in texts if text.startswith(("http://", "https://"))], text)


async def _post(urls: list[str], text: str) -> None:
    """Each text alone; one without a text was seen before the answer (public clients)."""
    for url in urls:
        for said in ("", text):
            await call_back(url, {"text": said}, delivery_header=wire.DELIVERY_ID)
