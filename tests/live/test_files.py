"""Files: text, images, and what no model would see."""

from __future__ import annotations

import base64

import pytest

from agentbridge import File, Link, errors

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NOTE = File("note.txt", b"The secret word is plum.")
DOCUMENT = "<doc name='note.txt'>The secret word is plum.</doc>\\n\\n\\n\\nHISTORY"


@pytest.mark.parametrize("how", ["called", "streamed"])
def test_the_model_reads_a_text_file(live, how):
    if how == "called":
        result = live.invoke("agentflow_llm", "HISTORY", files=[NOTE])
    else:
        result = live.stream("agentflow_llm", "HISTORY", files=[NOTE], seen=[])
    assert result.text == f"system:You are a test model. | user:{DOCUMENT}"


def test_the_model_of_a_chatflow_reads_a_text_file(live):
    assert DOCUMENT in live.invoke("chatflow_conversation", "HISTORY", files=[NOTE]).text


def test_the_model_reads_two_text_files(live):
    table = File("data.csv", b"a,b\n1,2\n")
    text = live.invoke("agentflow_llm", "HISTORY", files=[NOTE, table]).text
    assert "plum" in text
    assert "<doc name='data.csv'>a,b\\n1,2\\n</doc>" in text


@pytest.mark.parametrize("flow", ["agentflow_llm_images", "chatflow_images"])
def test_the_model_sees_an_image(live, flow):
    text = live.invoke(flow, "HISTORY", files=[File("pixel.png", PIXEL)]).text
    assert "[image_url]" in text


@pytest.mark.parametrize("flow", ["agentflow_llm_images", "chatflow_images"])
def test_the_model_sees_an_image_by_its_link(live, flow):
    link = Link("https://images.example/pixel.png")
    assert "[image_url]" in live.invoke(flow, "HISTORY", files=[link]).text


def test_an_image_is_dropped_by_a_flow_that_takes_none(live):
    text = live.invoke("agentflow_llm", "HISTORY", files=[File("pixel.png", PIXEL)]).text
    assert text == "system:You are a test model. | user:HISTORY"


def test_a_document_that_no_model_would_see_is_refused(live):
    with pytest.raises(errors.UnsupportedFeatureError) as caught:
        live.invoke("agentflow_llm", "hello", files=[File("paper.pdf", b"%PDF-1.4")])
    assert caught.value.feature == "files"


def test_a_document_goes_where_the_caller_knows_of_a_loader(live):
    options = {"flowise": {"uploadType": "file:rag"}}
    result = live.invoke("agentflow_llm", "hello", files=[File("paper.pdf", b"%PDF-1.4")], options=options)
    assert result.text == "Echo: hello"


def test_a_kind_of_file_that_does_not_match_its_name_fails_the_run(live):
    with pytest.raises(errors.ExecutionError):
        live.invoke("agentflow_llm", "hello", files=[File("pixel.png", PIXEL, media_type="image/jpeg")])
