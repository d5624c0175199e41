from __future__ import annotations

import base64
import datetime
import email.parser
import email.policy
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from agentbridge import ConfigurationError, DataUrl, File, FileText, HttpRequest, UnsupportedFeatureError
from agentbridge.body import encode, final_url
from agentbridge.planning.prepared import curl


def sent(request: HttpRequest) -> bytes:
    body = encode(request)
    content = b"".join(body.pieces())
    assert len(content) == body.length
    return content


def post(value) -> HttpRequest:
    return HttpRequest("POST", "https://x", json=value)


@given(st.binary(max_size=700_000))
def test_a_file_leaf_is_sent_as_base64_with_the_right_length(content):
    data = json.loads(sent(post({"files": [{"name": "a", "base64": File("a", content)}], "after": 1})))
    assert base64.b64decode(data["files"][0]["base64"]) == content
    assert data["after"] == 1


def test_a_file_is_read_from_its_path_again_for_each_attempt(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 500_000)
    body = encode(post({"f": File("a.bin", path=path)}))
    assert (
        b"".join(body.pieces())
        == b"".join(body.pieces())
        == json.dumps({"f": base64.b64encode(b"x" * 500_000).decode()}, separators=(",", ":")).encode()
    )


def test_a_data_url_names_the_media_type():
    assert json.loads(sent(post([DataUrl(File("a.png", b"abc"))]))) == ["data:image/png;base64,YWJj"]


def test_file_text_is_the_text_itself():
    assert json.loads(sent(post([FileText(File("a.txt", b'\xef\xbb\xbfcaf\xc3\xa9 "q"'))]))) == ['café "q"']


def test_file_text_must_be_utf8():
    with pytest.raises(ConfigurationError, match=r"'a.txt' is sent as text, but is not UTF-8"):
        encode(post([FileText(File("a.txt", b"\xff\xfe"))]))


def test_a_missing_file_is_named_before_anything_is_sent(tmp_path):
    with pytest.raises(ConfigurationError, match=r"gone\.pdf' cannot be read: .* Nothing was sent"):
        encode(post([File("gone.pdf", path=tmp_path / "gone.pdf")]))


class Unknown:
    pass


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"inputs": {"when": datetime.date(2026, 1, 1)}}, r"'inputs\.when': a value of type date has no JSON form"),
        ({"a": [1, float("nan")]}, r"'a\[1\]': nan is no JSON number"),
        ({"a": {"b": float("inf")}}, "inf is no JSON number"),
        ({"a": {(1, 2): "x"}}, r"its key \(1, 2\) is no string"),
        ({"a": "half \ud800"}, "half of a surrogate pair"),
        ({"a": Unknown()}, "a value of type Unknown has no JSON form"),
    ],
)
def test_what_json_cannot_carry_is_named_by_its_path(value, where):
    with pytest.raises(UnsupportedFeatureError, match=where):
        encode(post(value))


def test_a_value_that_contains_itself_is_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(UnsupportedFeatureError, match="contains itself"):
        encode(post({"a": loop}))


def test_a_form_is_multipart_with_its_files():
    form = {"name": "ünï", "files": [File('a "b".txt', b"one"), File("c.bin", b"\r\n--two")]}
    body = encode(HttpRequest("POST", "https://x", form=form))
    raw = f"Content-Type: {body.content_type}\r\n\r\n".encode() + b"".join(body.pieces())
    parts = list(email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(raw).iter_parts())
    assert [part.get_param("name", header="content-disposition") for part in parts] == ["name", "files", "files"]
    assert [part.get_payload(decode=True) for part in parts] == ["ünï".encode(), b"one", b"\r\n--two"]
    assert parts[1].get_filename() == "a %22b%22.txt"


@pytest.mark.parametrize(
    ("url", "query", "final"),
    [
        ("https://x/a", {}, "https://x/a"),
        ("https://x/a", {"b": "c d&e=f"}, "https://x/a?b=c%20d%26e%3Df"),
        ("https://x/a?flowId=1", {"s": "2"}, "https://x/a?flowId=1&s=2"),
        ("https://x/a?", {"s": "2"}, "https://x/a?s=2"),
        ("https://x/a?flowId=1#top", {"s": "ü"}, "https://x/a?flowId=1&s=%C3%BC#top"),
        ("https://x/a?flowId=1", {}, "https://x/a?flowId=1"),
    ],
)
def test_a_query_in_the_url_is_kept_and_added_to(url, query, final):
    assert final_url(HttpRequest("GET", url, query=query)) == final


def test_curl_masks_secrets_and_names_files():
    request = HttpRequest(
        "POST",
        "https://x/a",
        {"X-Token": "hidden-too"},
        {"api-key": "secret-key"},
        json={"it's": File("a.pdf", b"abc")},
    )
    command = curl(request)
    assert "secret-key" not in command
    assert "hidden-too" not in command
    assert "<base64 of a.pdf>" in command
    assert command.startswith("curl -X POST https://x/a \\\n  -H 'api-key: ***'")


def test_path_objects_are_paths(tmp_path: Path):
    (tmp_path / "a.txt").write_text("hi")
    assert json.loads(sent(post([File("a.txt", path=tmp_path / "a.txt")]))) == [base64.b64encode(b"hi").decode()]
