"""What each recorded exchange must become: typed by hand from the fact sheet and the recorded bodies.

This file imports nothing of agentbridge, so that the code under test cannot agree with itself.
"""

from __future__ import annotations

from typing import Any

CHAIN = (
    "system:The following is a friendly conversation between a human and an AI. The AI is talkative and provides lots of"
    " specific details from its context. If the AI does not know the answer to a question, it tru"
)
CHAIN_CUT = (
    "system:The following is a friendly conversation between a human and an AI. The AI is talkative and provides lots of"
    " specific details from its context. If the AI does not know the answer to a question,"
)
MODEL = "system:You are a test model."


def answer(text: str, session: str | None, **more: Any) -> dict[str, Any]:
    return {"text": text, "session_id": session, "status": "completed", "warnings": (), **more}


def said(question: str, session: str, chat: str | None = None) -> dict[str, Any]:
    return answer(f"You said: {question} | session={session} | chat={chat or session}", session)


def failure(
    error: str, status: int, message: str, *, may_have_run: bool, retryable: bool = False, **more: Any
) -> dict[str, Any]:
    return {
        "error": error,
        "status": status,
        "message": message,
        "may_have_run": may_have_run,
        "retryable": retryable,
        **more,
    }


def ran(cause: str) -> dict[str, Any]:
    """Any cause inside a run is a 500 with this prefix (fact sheet 7.1)."""
    return failure(
        "ExecutionError", 500, f"Error: predictionsServices.buildChatflow - {cause}", may_have_run=True, code="500"
    )


def blank(text: str, session: str) -> dict[str, Any]:
    return answer(text, session, warnings=("empty answer",))


def paused(question: str, session: str, run: str) -> dict[str, Any]:
    return answer(f"\n\n{question}", session, status="waiting_for_input", question=question, id=run)


REFUSED = failure(
    "AuthenticationError",
    500,
    "Error: predictionsServices.buildChatflow - Unauthorized",
    may_have_run=False,
    code="500",
)
GATE = failure("AuthenticationError", 401, "Unauthorized Access", may_have_run=False)
PAGE = failure("MalformedResponseError", 200, "It looks like a web page: check base_url", may_have_run=True)
MODEL_KEY = failure(
    "ExecutionError", 500, "401 Unauthorized – check your API key and ensure it has access to the requested model.",  # noqa: RUF001
    may_have_run=True, code="500",
)  # fmt: skip
HISTORY = "Invalid history format. Each history item must have: "

EXPECTED: dict[str, dict[str, Any]] = {
    "abort_sleep": ran("Flow execution was cancelled"),
    "af_direct": said("hello", "a263c0ff-59e0-47ae-b694-013b591de267") | {"id": "44d6f676-bee9-4401-a8a0-1cc068630e51"},
    "af_direct_chat_and_session": said("hello", "sess-B", "chat-A"),
    "af_direct_chatid": said("hello", "chat-123"),
    "af_direct_session": said("hello", "sess-1"),
    "af_direct_toplevel_session": said("hello", "fe8f3933-fa2f-4b28-9411-d3fa83022e04"),
    "af_empty": blank("", "7613aee7-0d39-4804-b3f7-58a863c490b1"),
    # the flow's own words, which nothing marks as an error (fact sheet 7.4, no. 11)
    "af_error_as_text": answer(
        '{\n  "error": "upstream said no",\n  "statusCode": 502\n}', "76a420ad-d90a-4c92-ae65-38706c86d68c"
    ),
    "af_failtool": ran("Error in Agent node: NodeVM Execution Error: Error: tool exploded"),
    "af_form": answer(
        'form got: {"name":"Ann","age":"5"} input=name: Ann\nage: 5', "9afab41f-86a1-4d47-af63-1245507e8727"
    ),
    "af_form_and_question": ran("Question and form cannot be provided at the same time"),
    "af_form_empty": answer(
        'form got: {"name":"{{$form.name}}","age":"{{$form.age}}"} input=undefined',
        "d573e7f7-5327-4e83-a0ff-7a11d3b32208",
    ),
    "af_form_missing_fields": answer(
        'form got: {"name":"Ann","age":"{{$form.age}}"} input=name: Ann', "910a73bb-bfce-4291-934d-2bb7216d85d5"
    ),
    "af_form_question_only": answer(
        'form got: {"name":"{{$form.name}}","age":"{{$form.age}}"} input=hello', "fd914c61-53f6-4487-a19a-ff4efc135673"
    ),
    "af_function": answer(
        '{\n  "input": "hello",\n  "sessionId": "49708d8c-221a-41d2-9232-6c76edad5e32",\n'
        '  "chatId": "49708d8c-221a-41d2-9232-6c76edad5e32",\n  "tone": "plain",\n  "extra": "default"\n}',
        "49708d8c-221a-41d2-9232-6c76edad5e32",
    ),
    "af_human_1_pause": paused("Proceed with: launch?", "human-n", "65d102d1-380f-46c8-973f-b1c23555923f"),
    "af_human_2_proceed": answer("approved: ", "human-n", id="65d102d1-380f-46c8-973f-b1c23555923f"),
    "af_human_3_again": ran(
        "Cannot resume execution 65d102d1-380f-46c8-973f-b1c23555923f because it is in 'FINISHED' state"
    ),
    "af_human_badtype_1": paused("Proceed with: launch?", "human-b", "875fcc25-52f4-49ff-b962-b955f21262ea"),
    "af_human_badtype_2": answer("rejected: ", "human-b"),
    "af_human_newquestion_1": paused("Proceed with: launch?", "human-q", "2d95eb9e-337d-4717-961d-f9f691c0b34b"),
    "af_human_newquestion_2": paused(
        "Proceed with: launch?\n\nProceed with: launch again?", "human-q", "15e73dcb-e6c1-4fb5-9eb5-7dbbb4410dcf"
    ),
    "af_human_unknown_chat": ran("No previous execution found for session never-seen"),
    "af_llm": answer(
        "Echo: hello",
        "709c4bcb-b347-421d-997b-31d4358260fe",
        id="7247e51a-9622-47d3-a397-3b675da4a870",
        usage={"input_tokens": 2, "output_tokens": 2, "total_tokens": 4, "duration_ms": 24, "model": "fake-model"},
    ),
    "af_llm_fail400": ran("Error in LLM node: 400 This model's maximum context length is 10 tokens."),
    "af_llm_fail401": MODEL_KEY,
    "af_llm_history": answer(
        f"{MODEL} | user:my name is Ann | assistant:hi Ann | user:HISTORY", "a82f6100-7461-40a4-8bb0-4f38991fb8a8"
    ),
    "af_llm_history_bad": ran(HISTORY),
    "af_llm_history_openai": ran(HISTORY),
    "af_llm_memory_1": answer("Echo: remember 42", "mem-1"),
    "af_llm_memory_2": answer(f"{MODEL} | user:remember 42 | assistant:Echo: remember 42 | user:HISTORY", "mem-1"),
    "af_llm_modelempty": blank("", "7faabb3b-b6fd-4e19-9d2b-d7966e826bf2"),
    "af_llm_think": answer("Echo: THINK hello", "c8aa3d4a-d4bc-4982-b259-9a2815825df0"),
    "af_llm_unicode": answer(
        "line1\n\nline2 data: not-a-frame\r\nsep[\u2028][\x85] caf\u00e9 \u6f22\u5b57 \U0001f642 data:image/png;base64,AAAA end",
        "f4e6fa52-204e-405e-9ca9-3679b988848e",
    ),
    "af_startonly": blank(" ", "48ebde8f-cf55-4ae1-8afe-119944bcddf7"),
    "af_streaming_number_1": said("hello", "37d654b1-6978-44f4-9a85-ea772e47403c"),
    "af_streaming_string_false": said("hello", "f6216d92-07f5-4b39-808a-e89f51aea3ca"),
    "af_throw": ran("Error: NodeVM Execution Error: Error: boom: deliberate failure"),
    "af_tools": answer(
        "The tool said: 42",
        "f036bbd7-05c4-4bab-aae6-d0cd76b9d038",
        tools=[("calculator", {"input": "6*7"}, "42", None)],
        usage={"input_tokens": 4, "output_tokens": 4, "total_tokens": 18, "duration_ms": 57, "model": "fake-model"},
    ),
    # a tool that reports its failure as text has no mark at all (fact sheet 7.4, no. 6)
    "af_tools_toolerror": answer(
        "The tool said: I don't know how to do that.",
        "3513a0bf-5977-46c5-971d-cd7fdf6cb80a",
        tools=[("calculator", {"input": "6*/"}, "I don't know how to do that.", None)],
    ),
    # bodies that are not JSON objects are answered as an empty question (fact sheet 2); we never send such
    "body_array": said("", "ad2fcfd7-ae20-4ce3-8bb2-faf28ad7c84e"),
    "body_malformed": failure(
        "InvalidRequestError", 400, "Unterminated string in JSON at position 17 (line 1 column 18)", may_have_run=False
    ),
    "body_nocontenttype": said("", "9e6edb67-f763-46d0-b948-7536bf4c3de2"),
    "body_none": said("", "cfad03c0-4893-4f7c-8dfa-7a89c2400ad6"),
    "body_string": failure(
        "InvalidRequestError", 400, 'Unexpected token \'"\', ""hello"" is not valid JSON', may_have_run=False
    ),
    "body_textplain": said("", "8a578d45-00ed-4162-8fab-dfd76f6c645d"),
    "body_urlencoded": said("hello", "u1"),
    "cf_conversation": answer(
        "Echo: hello", "f5b437a4-8e8f-40b3-9327-fecd673bcc88", id="2bf5d36b-f724-40f2-9448-d52e3f9e59a9", usage=None
    ),
    "cf_failtool": failure(
        "ToolExecutionError",
        200,
        "tool 'fail_tool' failed: NodeVM Execution Error: Error: tool exploded",
        may_have_run=True,
        partial="The tool said: NodeVM Execution Error: Error: tool exploded",
    ),
    "cf_history": answer(f"{CHAIN} | user: | assistant: | user:HISTORY", "59e9e64c-795a-4ece-a0f3-86c1bb79664f"),
    "cf_history_rolecontent": answer(
        f"{CHAIN} | user:my name is Ann | assistant:hi Ann | user:HISTORY", "9b5d54e0-7903-4bfa-88ba-fdba35fc85ea"
    ),
    "cf_json": answer(
        '{\n  "title": "T",\n  "score": 7\n}',
        "6e1adb61-460a-4e37-a045-feea1ad08e61",
        output={"title": "T", "score": 7},
    ),
    "cf_llmchain": answer("Echo: Answer: hello", "a3bb6db7-6a25-4431-b756-89a52311924f"),
    "cf_llmchain_empty": blank("", "104505cb-85ff-4f25-898b-90269ddcd4b5"),
    "cf_llmchain_fail401": MODEL_KEY,
    "cf_memory_1": answer("Echo: remember 42", "cfm-1"),
    "cf_memory_2": answer(f"{CHAIN} | user:remember 42 | assistant:Echo: remember 42 | user:HISTORY", "cfm-1"),
    "cf_memory_chatid_only": answer(
        f"{CHAIN} | user:remember 42 | assistant:Echo: remember 42 | user:HISTORY | assistant:{CHAIN_CUT} | user:HISTORY",
        "cfm-1",
    ),
    "chatid_empty_1": answer("Echo: remember 7", None),
    "chatid_empty_2": answer(f"{MODEL} | user:remember 7 | assistant:Echo: remember 7 | user:HISTORY", None),
    "chatid_null": said("hello", "002f2734-0db7-496c-93c8-0e86d9ba1b28"),
    "chatid_number": said("hello", "5"),
    "ep_exec_run": said("hello", "ex-1"),
    "ep_leademail": said("hello", "lead-1"),
    "heartbeat_none_json": answer("Echo: WAIT8 hello", "ea62e80b-f11e-41be-a107-0fd374ebef86"),
    "id_none": failure(
        "InvalidRequestError",
        412,
        "Error: predictionsController.createPrediction - id not provided!",
        may_have_run=False,
        code="412",
    ),
    "id_none_noslash": GATE,
    "id_unknown": failure(
        "NotFoundError",
        404,
        "Chatflow 00000000-0000-4000-8000-000000000000 not found in the database!",
        may_have_run=False,
        code="404",
    ),
    "key_bad": REFUSED,
    "key_bad_on_public_flow": said("hello", "b4921802-dfab-46d5-884e-40b61b24570a"),
    "key_good": said("hello", "10307be6-c866-4e17-a7da-29eb4fdbfe98"),
    "key_good_lowercase_bearer": REFUSED,
    "key_good_nobearer": said("hello", "88615c92-59cc-478e-9d31-c04cbd87b76b"),
    "key_none": REFUSED,
    "nostream_post": answer("post:raw hello", "44e9f909-8afb-4be9-9a2f-c5720ef5871e"),
    "nostream_post_error": ran("Error: NodeVM Execution Error: Error: boom in a flow that cannot stream"),
    "origin_good": said("hello", "a13f663f-ec47-4e94-9c4d-1b92b8011294"),
    "override_off": answer(
        '{\n  "input": "hello",\n  "sessionId": "s9",\n  "chatId": "s9",\n  "tone": "plain",\n  "extra": "default"\n}',
        "s9",
    ),
    "override_on": answer('{\n  "tone": "LOUD",\n  "extra": "overridden",\n  "sessionId": "s9"\n}', "s9"),
    "override_session_number": ran("Invalid sessionId: must be a string"),
    "path_get": PAGE,
    "path_noprefix": PAGE,
    "path_trailing": said("hello", "d6e8148a-467d-484c-94c5-f0c747419061"),
    "path_typo": GATE,
    "path_typo_key": PAGE,
    "q_empty": said("", "7bb2effd-4267-4242-aee4-96e0f061b09f"),
    "q_missing": said("", "c1"),
    "q_missing_chatflow": answer("Echo: undefined", "c2"),
    "q_missing_llm": answer("Echo: ", "c1q"),
    "q_number": said("7", "d4e0e56e-dea1-4fa3-a9db-74f28be5096a"),
    "q_object": said("[object Object]", "0bc6c3a4-4026-4c5b-91f6-c120752a2d1d"),
    "rate_1": said("hello", "bce88ea1-23f2-469e-91bf-bbda1d132472"),
    "rate_2": said("hello", "900c0d5d-3199-4883-91fd-ec1d7a33aa6f"),
    "rate_3": failure("RateLimitError", 429, "Slow down please", may_have_run=False, retryable=True, retry_after=381.0),
    "recover_5_failed": ran("Error: NodeVM Execution Error: Error: boom: deliberate failure"),
    "unknown_fields": said("hello", "064ca0e1-3c42-4042-a170-63d04bce8d91"),
    "upload_audio": answer("Echo: ", "8fd1dd6f-60ec-4941-903a-c9ff42bba6b5"),
    "upload_file": answer(f"{MODEL} | user:HISTORY", "up-1"),
    "upload_full": answer(
        f"{MODEL} | user:<doc name='note.txt'>The secret word is plum.</doc>\\n\\n\\n\\nHISTORY",
        "adf200c8-2d64-4578-b0ad-2f891b060733",
    ),
    "upload_multipart": answer(f"{MODEL} | user:HISTORY", "mp-1"),
    # refused by the form parser, before any run: a 500 that no run is behind
    "upload_multipart_wrongfield": failure(
        "ProviderError", 500, "Unexpected file field", may_have_run=True, code="500"
    ),
    "upload_nodatauri": ran("Cannot read properties of undefined (reading 'split')"),
    "upload_rag": answer(f"{MODEL} | user:HISTORY", "up-2"),
    "upload_url": answer(f"{MODEL} | user:HISTORY", "917d046b-94e0-4d5a-aef3-ac8b6760a8aa"),
    "v1_seq": answer(
        "Echo: hello", "f2ae1510-811b-439e-9871-5153db706939", id="7bdc68f1-0b6a-467e-a7da-1dc37fc64c75", tools=[]
    ),
    "v1_seq_fail": ran("Error buildAgentGraph - Error: 400 This model's maximum context length is 10 tokens."),
}
