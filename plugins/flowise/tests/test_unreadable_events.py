"""An event that cannot be read may have been a part of the answer."""

from __future__ import annotations

import json

import pytest

from agentbridge import Fault, FaultKind, Result
from agentbridge_flowise.decoder import FlowiseDecoder

NODES = [{"nodeId": "llm_0", "data": {"output": {"content": "the whole answer"}}, "status": "FINISHED"}]
METADATA = ("metadata", {"chatId": "c-1", "chatMessageId": "m-1", "sessionId": "s-1"})


def finished(*events: tuple[str, object] | bytes) -> Result | Fault:
    decoder = FlowiseDecoder()
    for event in (*events, METADATA, ("end", "[DONE]")):
        data = (
            event
            if isinstance(event, bytes)
            else json.dumps({"event": event[0], "data": event[1]}, separators=(",", ":")).encode()
        )
        decoder.feed(b"message:\ndata:" + data + b"\n\n")
    return decoder.finish()


@pytest.mark.parametrize("odd", [b'{"event":"token","data":"not \xff"}', b'{"event":"token","data":NaN}', b"{", b"[]"])
def test_a_text_of_which_a_piece_may_be_missing_is_no_answer(odd):
    found = finished(("token", "Do "), odd, ("token", "delete it"))
    assert isinstance(found, Fault)
    assert found.kind is FaultKind.INTERRUPTED
    assert found.partial.text == "Do delete it"
    assert "unreadable" in found.message


def test_a_piece_whose_very_name_is_unreadable_is_missed_too():
    decoder = FlowiseDecoder()
    decoder.feed(
        b'message:\ndata:{"event":"token","data":"Do "}\n\nmessage:\nd\xffata:{"event":"token","data":"not "}\n\n'
    )
    decoder.feed(b'data:{"event":"metadata","data":{"chatId":"c-1"}}\n\ndata:{"event":"end","data":"[DONE]"}\n\n')
    assert decoder.finish().kind is FaultKind.INTERRUPTED


def test_an_agentflow_says_its_text_again_at_the_end():
    found = finished(("token", "the "), b"{", ("agentFlowExecutedData", NODES))
    assert (found.text, found.warnings) == ("the whole answer", ("1 events were unreadable",))


def test_an_agentflow_whose_last_word_is_unreadable_is_no_answer():
    found = finished(("token", "a draft"), b'{"event":"agentFlowExecutedData","data":[NaN]}')
    assert (found.kind, found.partial.text) == (FaultKind.INTERRUPTED, "a draft")
