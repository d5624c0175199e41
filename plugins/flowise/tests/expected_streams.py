"""What each recorded stream must become: typed by hand from the fact sheet and the recorded events.

Imports nothing of agentbridge. `tokens` is the joined text of the TextDelta events where it differs from the final text.
"""

from __future__ import annotations

from typing import Any

MODEL = "system:You are a test model."
WRAPPED = "Error: predictionsServices.buildChatflow - "


def answer(text: str, session: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "session_id": session, "status": "completed", "warnings": (), "synthetic": False, **more}


def said(question: str, session: str, chat: str | None = None) -> dict[str, Any]:
    return answer(f"You said: {question} | session={session} | chat={chat or session}", session)


def failed(message: str, error: str = "ExecutionError", *, may_have_run: bool = True, **more: Any) -> dict[str, Any]:
    """An `error` event inside of an HTTP 200 (fact sheet 7.4, no. 1)."""
    return {"error": error, "status": 200, "message": message, "may_have_run": may_have_run, "partial": "", **more}


REFUSED = failed(WRAPPED + "Unauthorized", "AuthenticationError", may_have_run=False)
MODEL_REFUSED = failed("401 Unauthorized \u2013 check your API key and ensure it has access to the requested model.")
HISTORY = "Invalid history format. Each history item must have: "
SILENCE = {"error": "ResponseTimeoutError", "status": None, "message": "no answer in time", "may_have_run": True}

EXPECTED: dict[str, dict[str, Any]] = {
    "abort_sleep_stream": failed(WRAPPED + "Flow execution was cancelled"),
    "af_direct_chat_and_session_stream": said("hello", "sess-B", "chat-A"),
    "af_direct_stream": said("hello", "d9310b32-f2ed-41d7-a843-f4380e5f56c3"),
    "af_empty_stream": answer("", "62caf356-2439-46a0-990d-81cfafdf9f74", warnings=("empty answer",)),
    # the token is compact, the final text is what the JSON answer has (fact sheet 3)
    "af_error_as_text_stream": answer(
        '{\n  "error": "upstream said no",\n  "statusCode": 502\n}',
        "664cb904-3e61-4394-a72b-e50f49360642",
        tokens='{"error":"upstream said no","statusCode":502}',
    ),
    "af_failtool_stream": failed(WRAPPED + "Error in Agent node: NodeVM Execution Error: Error: tool exploded"),
    "af_form_and_question_stream": failed(WRAPPED + "Question and form cannot be provided at the same time"),
    "af_form_stream": answer(
        'form got: {"name":"Ann","age":"5"} input=name: Ann\nage: 5', "56619af1-deef-4fff-b88b-16c7cb83e25c"
    ),
    "af_function_stream": answer(
        '{\n  "input": "hello",\n  "sessionId": "304aaf89-392f-4733-ba0c-7b7867c6b587",\n'
        '  "chatId": "304aaf89-392f-4733-ba0c-7b7867c6b587",\n  "tone": "plain",\n  "extra": "default"\n}',
        "304aaf89-392f-4733-ba0c-7b7867c6b587",
        tokens='{"input":"hello","sessionId":"304aaf89-392f-4733-ba0c-7b7867c6b587",'
        '"chatId":"304aaf89-392f-4733-ba0c-7b7867c6b587","tone":"plain","extra":"default"}',
    ),
    "af_human_1_pause_stream": answer(
        "\n\nProceed with: launch?", "human-s", status="waiting_for_input", question="Proceed with: launch?"
    ),
    "af_human_2_proceed_stream": answer("approved: ", "human-s"),
    "af_human_3_again_stream": failed(
        WRAPPED + "Cannot resume execution 883dc6bf-2ab9-43e5-b73d-8c4f55f38f4e because it is in 'FINISHED' state."
    ),
    "af_llm_fail400_stream": failed(
        WRAPPED + "Error in LLM node: 400 This model's maximum context length is 10 tokens."
    ),
    "af_llm_fail401_stream": MODEL_REFUSED,
    "af_llm_history_bad_stream": failed(WRAPPED + HISTORY),
    "af_llm_history_stream": answer(
        f"{MODEL} | user:my name is Ann | assistant:hi Ann | user:HISTORY", "f05d1b37-3ae9-4707-84d8-2740f578c60e"
    ),
    "af_llm_modelempty_stream": answer("", "6d90a6e2-d3f9-47b0-84cb-d495e5da799e", warnings=("empty answer",)),
    "af_llm_stream": answer("Echo: hello", "b95df4ed-989d-494d-ab89-f1b2b07e4d55", tokens_used=4),
    "af_llm_think_stream": answer("Echo: THINK hello", "7aa7bace-de22-457e-8815-15ee431fa53e"),
    "af_llm_unicode_stream": answer(
        "line1\n\nline2 data: not-a-frame\r\nsep[\u2028][\x85] caf\u00e9 \u6f22\u5b57 \U0001f642"
        " data:image/png;base64,AAAA end",
        "b7643aff-5800-4ec0-9aa8-49168333f590",
    ),
    "af_startonly_stream": answer(" ", "9af123b9-6fd6-427e-9b1e-41a2cabefd81", warnings=("empty answer",), tokens=""),
    "af_streaming_string_true": said("hello", "9e496d38-d800-4897-bbfa-aa794f36a522"),
    "af_throw_stream": failed(WRAPPED + "Error: NodeVM Execution Error: Error: boom: deliberate failure"),
    "af_tools_stream": answer(
        "The tool said: 42",
        "ac718890-98f3-4d40-8876-b90a1f46b973",
        tools=[("calculator", {"input": "6*7"}, "42", None)],
    ),
    "af_tools_toolerror_stream": answer(
        "The tool said: I don't know how to do that.",
        "0e1c97a8-708e-486c-b639-672456617073",
        tools=[("calculator", {"input": "6*/"}, "I don't know how to do that.", None)],
    ),
    # answered before any stream, in plain JSON
    "body_malformed_stream": failed(
        "Unterminated string in JSON at position 36", "InvalidRequestError", may_have_run=False, partial=None
    )
    | {"status": 400},
    "cf_conversation_stream": answer("Echo: hello", "87b253a1-8b96-4c8a-ad8b-6fd0042b5882"),
    # not streamable: streaming was asked for, JSON was answered (fact sheet 6)
    "cf_json_stream": answer(
        '{\n  "title": "T",\n  "score": 7\n}', "06aa954c-449c-4153-a023-d134856abb4d", synthetic=True
    ),
    "cf_llmchain_empty_stream": answer("", "14a79247-636a-4382-87fd-a6276bbb5178", warnings=("empty answer",)),
    "cf_llmchain_fail401_stream": MODEL_REFUSED,
    "cf_llmchain_stream": answer("Echo: Answer: hello", "723e88e0-87e4-4ddf-96e3-d11276126be2"),
    "chatid_number_stream": said("hello", "5"),
    # the recorder hung up in the middle: what a broken connection leaves
    "disconnect_stream": failed(
        "the stream stopped before its end", "StreamInterruptedError", partial="Echo: SLOW6 a "
    ),
    "heartbeat_stream": answer("Echo: WAIT65 hello", "82304b69-d4e2-4eec-bac9-3201662f5108"),
    # the server never answers (fact sheet 7.3)
    "id_unknown_stream": SILENCE,
    "nostream_post_error_stream": SILENCE,
    "key_bad_stream": REFUSED,
    "key_none_stream": REFUSED,
    "nostream_post_stream": answer("post:raw hello", "05a47c7c-7f59-4763-9b13-7b9819b8523a", synthetic=True),
    "q_missing_chatflow_stream": answer("Echo: undefined", "c2"),
    "q_missing_llm_stream": answer("Echo:  ", "c1q"),
    "q_missing_stream": said("", "c1"),
    # two streams on one chatId: the tokens of both are mixed, the final text is right (fact sheet 12)
    "samechat_b_stream": answer("Echo: SLOW2 BBB b2 b3", "same-1", tokens="Echo: AAA SLOW2 BBB a2 b2 a3 b3"),
    "slow_stream": answer("Echo: SLOW3 one two three four", "36b76015-cc69-438c-9c83-0df48928a3b8"),
    "upload_full_stream": answer(
        f"{MODEL} | user:<doc name='note.txt'>The secret word is plum.</doc>\\n\\n\\n\\nHISTORY",
        "0aa99ab3-8754-40c2-b309-2164570c4ca5",
    ),
    "upload_multipart_stream": answer("Echo: hello", "0bfe1745-7a5e-489d-950f-53425a57e3d1"),
    "v1_seq_fail_stream": failed(
        WRAPPED + "Error buildAgentGraph - Error: 400 This model's maximum context length is 10 tokens."
    ),
    "v1_seq_stream": answer("Echo: hello", "98ba4a1b-8519-4658-b4e6-c3a7d014a648"),
}
