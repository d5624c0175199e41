"""The public types are what callers write: `make check` has mypy read this, an ignore that is not needed being an error.

It is never run.
"""

from typing import Unpack, assert_type

import agentbridge
import agentbridge.testing
from agentbridge import (
    AsyncBridge,
    Bridge,
    CallFields,
    Connection,
    File,
    Invocation,
    InvocationError,
    Link,
    Message,
    Operation,
    Pending,
    Prepared,
    RateLimitError,
    Result,
    Timeouts,
    Usage,
)
from agentbridge.testing import AsyncScriptedBridge, Delayed, ScriptedBridge, Streamed, scripted


def misspelt_names() -> None:
    print(agentbridge.Brigde)  # type: ignore[attr-defined]
    print(agentbridge.testing.scritped)  # type: ignore[attr-defined]


def tests_of_callers() -> None:
    bridge = scripted(
        {"support": ["hi", Streamed("a", Delayed(1, "b")), RateLimitError("slow")]}, timeouts=Timeouts(total=3)
    )
    assert_type(bridge, ScriptedBridge)
    assert_type(bridge.calls.only, Invocation)
    assert_type(bridge.invoke("support", "hi"), Result)
    assert_type(scripted({"*": lambda invocation: invocation.text}, asynchronous=True), AsyncScriptedBridge)
    scripted({"*": "hi"}, timeout=3)  # type: ignore[call-overload]


def calls(bridge: Bridge, op: Operation[int]) -> None:
    result = bridge.invoke("flowise:abc", "hi", session_id="s", files=[File("a"), Link("https://x")])
    assert_type(result, Result)
    assert_type(result.text, str)
    assert_type(result.usage, Usage | None)
    assert_type(result.messages, tuple[Message, ...])
    bridge.invoke("flowise:abc", sesion_id="s")  # type: ignore[call-arg]
    bridge.invoke("flowise:abc", tool_errors="ignore")  # type: ignore[arg-type]
    assert_type(bridge.prepare("x"), Prepared)
    assert_type(bridge.call(op), int | Pending)
    Invocation(target="a:b", messages=[Message("user", "hi")], inputs={"a": [1, {"b": None}]})
    Connection("flowise", base_url="https://x", api_key=None, options={"a": 1})
    try:
        bridge.invoke(Invocation(target="x"))
    except InvocationError as error:
        assert_type(error.status, int | None)
        assert_type(error.partial, Result | None)


def wrapped(bridge: Bridge, text: str, /, **fields: Unpack[CallFields]) -> Result:
    return bridge.invoke("support", text, **fields)


def calls_of_the_wrapper(bridge: Bridge) -> None:
    wrapped(bridge, "hi", session_id="s", timeouts=Timeouts(total=3))
    wrapped(bridge, "hi", sesion_id="s")  # type: ignore[call-arg]


def entered_in_the_wrong_world() -> None:
    with AsyncBridge():  # type: ignore[attr-defined]
        pass


async def awaited(bridge: AsyncBridge) -> None:
    async with AsyncBridge() as other:
        assert_type(await other.invoke("a:b", "hi"), Result)
