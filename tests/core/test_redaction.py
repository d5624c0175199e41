from __future__ import annotations

import base64
import json
import logging
import time
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from agentbridge import Fault, FaultKind, HttpResponse, Result
from agentbridge.redaction import MASK, Redactor, guard_logs, is_secret_name

KEY = 'sk-"käy"/with+odd?chars'.encode("ascii", "ignore").decode()


@pytest.mark.parametrize(
    "spelling",
    [
        KEY, json.dumps(KEY)[1:-1], quote(KEY), quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
    ],
)  # fmt: skip
def test_a_secret_is_masked_in_every_spelling_it_travels_in(spelling):
    redactor = Redactor([f"Bearer {KEY}"])
    assert redactor.text(f"before {spelling} after").startswith("before ***")
    assert spelling.encode() not in redactor.bytes(b"<" + spelling.encode() + b">")


@given(st.text("abcdefgh+/=", min_size=6, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_whatever_surrounds_a_secret_it_is_gone(secret, before, after):
    assert secret not in Redactor([secret]).text(before + secret + after).replace(MASK, "") or secret in before + after


@given(
    st.text("abcdefgh+/=%\\", min_size=6, max_size=30), st.sampled_from([str, json.dumps, quote]), st.text(max_size=9)
)
def test_nothing_is_masked_that_was_not_suspected(secret, spell, around):
    redactor = Redactor([secret])
    said = Result(text="", output=[{around + spell(secret): None}])
    assert redactor.suspects(said) or redactor.value(said) == said


def test_a_value_without_a_secret_is_not_suspected():
    said = Result(text="hello", output={"a": ["b", 1, None]}, response=HttpResponse(200, {"a": "b"}, b"hello"))
    assert not Redactor(["secret-key"]).suspects(said)


@given(st.text('abyz09-+/= "\\\u00e4', min_size=6, max_size=20), st.data())
def test_each_character_may_travel_in_a_spelling_of_its_own(secret, data):
    def spelled(character: str) -> str:
        escaped = "".join(f"%{byte:02x}" for byte in character.encode())
        ways = [character, json.dumps(character)[1:-1], f"\\u{ord(character):04X}", escaped, escaped.upper()]
        return data.draw(st.sampled_from(ways))

    redactor, travelling = Redactor([secret]), "".join(map(spelled, secret))
    assert redactor.text(f"<{travelling}>").count(MASK) >= 1
    assert travelling.encode() not in redactor.bytes(travelling.encode())


def test_a_large_answer_full_of_escapes_is_masked_in_no_time():
    content = b'{"text": "one line\\nand another", "path": "a\\/b%20c"}' * 400_000
    started = time.process_time()
    assert Redactor(["canary-key-7f3a9c51"]).bytes(content + b"canary\\u002dkey-7f3a9c51").endswith(b"***")
    assert time.process_time() - started < 1.5, "20 MB took 4 s when each byte was tried"


@pytest.mark.parametrize(
    "spell", [str, quote, lambda text: json.dumps(text)[1:-1], lambda text: text.replace("A", "\\u0041")]
)
def test_a_token_of_thousands_of_characters_is_masked_to_its_end(spell):
    token = "".join(chr(ord("A") + number * number % 58) for number in range(3000)).replace("\\", "-").replace("<", "+")
    started = time.process_time()
    redactor = Redactor([token])
    assert redactor.text(f'"{spell(token)}", next') == f'"{MASK}", next'
    assert redactor.bytes(f"<{spell(token)}>".encode()) == b"<***>"
    assert time.process_time() - started < 1


def test_short_words_are_no_secrets():
    assert Redactor(["error"]).text("an error") == "an error"


def test_values_are_masked_all_through():
    redactor = Redactor(["secret-key"])
    result = Result(text="a secret-key", output={"secret-key": ["secret-key"]})
    fault = redactor.value(Fault(FaultKind.UNKNOWN, "secret-key", code="secret-key", partial=result))
    assert "secret-key" not in repr(fault)
    assert fault.partial.output == {MASK: [MASK]}


def test_secret_headers_of_an_answer_are_masked_by_name():
    response = Redactor([]).response(HttpResponse(200, {"Set-Cookie": "a=b", "X-Api-Key": "k", "Server": "s"}))
    assert response.headers == {"set-cookie": MASK, "x-api-key": MASK, "server": "s"}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("Authorization", True),
        ("api-key", True),
        ("X-Auth-Token", True),
        ("cookie", True),
        ("Client-Secret", True),
        ("Accept", False),
    ],
)
def test_headers_that_hold_secrets_are_known_by_name(name, secret):
    assert is_secret_name(name) is secret


@pytest.mark.parametrize("logger", ["httpx", "httpcore.http11", "httpcore2.connection"])
def test_what_http_libraries_log_is_masked(logger, caplog):
    guard_logs(frozenset({"a-logged-secret"}))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger(logger).debug("headers=%r", [(b"api-key", b"a-logged-secret")])
    assert "a-logged-secret" not in caplog.text
    assert MASK in caplog.text


def test_the_log_of_a_program_with_many_keys_is_masked_in_no_time(caplog):
    keys = [f"key-of-tenant-{number:03}-{'x' * 40}" for number in range(250)]
    started = time.perf_counter()
    for key in keys:
        guard_logs(frozenset({key}))
    with caplog.at_level(logging.INFO, "httpx"):
        logging.getLogger("httpx").info("HTTP Request: POST https://vendor.invalid/%s and %s", keys[0], keys[-1])
    assert time.perf_counter() - started < 1
    assert "key-of-tenant" not in caplog.text


def test_only_so_many_keys_are_known_to_the_log_and_those_in_use_stay(caplog):
    guard_logs(frozenset({"a-key-in-use"}))
    for number in range(1000):
        guard_logs(frozenset({f"a-key-that-was-{number}"}))
        guard_logs(frozenset({"a-key-in-use"}))
    with caplog.at_level(logging.INFO, "httpx"):
        logging.getLogger("httpx").info("a-key-in-use a-key-that-was-999 a-key-that-was-0")
    assert caplog.messages == ["*** *** a-key-that-was-0"]
