"""What is sent: `build_request` and `build_poll`, without a network."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import Any

import pytest

from agentbridge import Bridge, Call, Connection, File, HttpRequest, Invocation, Link, Pending, UnsupportedFeatureError
from agentbridge_fluxprompt import FluxPrompt

BASE = "https://api.fluxprompt.ai"
ENDPOINT = f"{BASE}/flux/api-v2"
PDF = File("invoice.pdf", b"%PDF")
PAGE = Link("https://example.com/product", "Product page")


def build(
    *, base_url: str = BASE, agent: str = "flow-1", api_key: str | None = "key", options: Any = None, **fields: Any
) -> HttpRequest:
    fields.setdefault("inputs", {"a": "hello"})
    call = Call(base_url=base_url, agent=agent, api_key=api_key, options=options or {}, fresh_id="fresh")
    return FluxPrompt().build_request(Invocation(target=f"fluxprompt:{agent}", **fields), call)


def refused(**arguments: Any) -> UnsupportedFeatureError:
    with pytest.raises(UnsupportedFeatureError) as caught:
        build(**arguments)
    return caught.value


def items(**arguments: Any) -> list[dict[str, Any]]:
    return build(**arguments).json["variableInputs"]


def test_a_text_for_one_input():
    request = build()
    assert (request.method, request.url, request.query) == ("POST", ENDPOINT, {"flowId": "flow-1"})
    assert request.auth == {"api-key": "key"}
    assert request.json == {"variableInputs": [{"inputId": "a", "inputText": "hello"}]}
    assert request.idempotent is False


def test_session_version_and_callback_stand_in_the_query():
    request = build(session_id="S 1", callback_url="https://me.example/cb?x=1", options={"versionId": "v-1"})
    assert request.query == {
        "flowId": "flow-1", "sessionId": "S 1", "versionId": "v-1", "callback_url": "https://me.example/cb?x=1",
    }  # fmt: skip
    assert request.url == ENDPOINT


def test_without_a_key_no_header_is_sent():
    assert build(api_key=None).auth == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""), ("ä\n", "ä\n"), (7, "7"), (0.5, "0.5"), (True, "true"), (None, "null"), ([1, "é"], '[1, "é"]'),
        ({"a": {"b": []}}, '{"a": {"b": []}}'), (MappingProxyType({"a": 1}), '{"a": 1}'), ((1, 2), "[1, 2]"),
    ],
)  # fmt: skip
def test_every_value_is_a_string(value, text):
    assert items(inputs={"a": value}) == [{"inputId": "a", "inputText": text}]


@pytest.mark.parametrize("value", [float("nan"), b"bytes", dt.date(2026, 1, 1), [{1, 2}]])
def test_a_value_without_a_json_form_is_refused(value):
    assert refused(inputs={"a": value}).feature == "inputs['a']"


def test_several_inputs_keep_their_order():
    assert [item["inputId"] for item in items(inputs={"b": "1", "a": "2"})] == ["b", "a"]


def test_files_and_links_go_to_their_inputs():
    files = [File("a.pdf", b"1", input="a"), Link("https://x.example/y", input="b"), File("c.pdf", b"2", input="c")]
    assert items(inputs={"a": "x", "b": "y"}, files=files) == [
        {"inputId": "a", "inputText": "x", "files": [{"name": "a.pdf", "base64": files[0]}], "isExtraction": True},
        {"inputId": "b", "inputText": "y", "links": [{"name": "https://x.example/y", "url": "https://x.example/y"}]},
        {"inputId": "c", "inputText": "", "files": [{"name": "c.pdf", "base64": files[2]}], "isExtraction": True},
    ]


def test_a_file_without_an_input_goes_to_the_only_one():
    assert items(files=[PDF])[0]["files"] == [{"name": "invoice.pdf", "base64": PDF}]
    assert items(files=[PAGE])[0]["links"] == [{"name": "Product page", "url": PAGE.url}]


@pytest.mark.parametrize("inputs", [{}, {"a": "1", "b": "2"}])
@pytest.mark.parametrize("file", [PDF, Link("https://example.com/product?signature=abcdef")])
def test_a_file_without_an_input_is_refused_where_it_could_go_anywhere(inputs, file):
    error = refused(inputs=inputs, files=[file])
    assert error.feature == "files"
    assert "input=" in error.why
    assert "abcdef" not in error.why


def test_links_and_files_on_one_input_are_refused():
    error = refused(files=[PDF, PAGE])
    assert error.feature == "files"
    assert "'a'" in error.why


def test_links_and_files_on_two_inputs_are_fine():
    files = [File("a.pdf", b"1", input="a"), Link("https://x.example/y", input="b")]
    assert [item.keys() & {"links", "files"} for item in items(files=files)] == [{"files"}, {"links"}]


def test_no_input_at_all_is_refused():
    assert refused(inputs={}).feature == "inputs"


def test_an_empty_input_id_is_refused():
    assert refused(inputs={" ": "x"}).feature == "inputs"


def test_type_ocr_as_a_string_is_for_every_input_with_files():
    files = [File("a.pdf", b"1", input="a"), File("b.pdf", b"2", input="b"), Link("https://x.example/y", input="c")]
    sent = items(files=files, options={"typeOCR": "google_ocr_form_parse"})
    assert [item.get("typeOCR") for item in sent] == ["google_ocr_form_parse", "google_ocr_form_parse", None]


def test_type_ocr_as_a_mapping_is_for_those_it_names():
    files = [File("a.pdf", b"1", input="a"), File("b.pdf", b"2", input="b")]
    sent = items(files=files, options={"typeOCR": {"b": "whatever the vendor calls it"}})
    assert [item.get("typeOCR") for item in sent] == [None, "whatever the vendor calls it"]


@pytest.mark.parametrize(
    ("option", "files"),
    [(7, [PDF]), (7, []), ({"a": 7}, [PDF]), ([], [PDF])],
)
def test_a_type_ocr_that_is_no_text_is_refused(option, files):
    assert refused(files=files, options={"typeOCR": option}).feature == "options['typeOCR']"


@pytest.mark.parametrize("option", ["x", {"a": "x"}, {"b": "x"}])
def test_a_type_ocr_is_not_sent_where_there_are_no_files(option):
    assert not any("typeOCR" in item for item in items(files=[PAGE], options={"typeOCR": option}))


def test_none_takes_an_option_back():
    assert build(options={"typeOCR": None, "versionId": None}).query == {"flowId": "flow-1"}


@pytest.mark.parametrize("version", [7, "", " ", ["v"]])
def test_a_version_that_is_no_id_is_refused(version):
    assert refused(options={"versionId": version}).feature == "options['versionId']"


def test_the_body_may_be_written_by_hand_but_not_over_inputs():
    raw = [{"inputId": "a", "inputText": "", "links": [], "isExtraction": True}]
    with Bridge(connections={"fluxprompt": Connection("fluxprompt")}) as bridge:
        prepared = bridge.prepare("fluxprompt:f", options={"fluxprompt": {"variableInputs": raw, "x": 1}})
    assert prepared.request.json == {"variableInputs": raw, "x": 1}
    assert refused(options={"variableInputs": raw}).feature == "options['variableInputs']"


@pytest.mark.parametrize("session", ["", " "])
def test_an_empty_session_is_refused_since_it_would_be_shared(session):
    assert refused(session_id=session).feature == "session_id"


@pytest.mark.parametrize("url", ["", "me.example/cb", "ftp://me.example/cb"])
def test_a_callback_url_that_the_vendor_refuses_or_ignores_is_refused(url):
    assert refused(callback_url=url).feature == "callback_url"


@pytest.mark.parametrize(
    ("base_url", "agent", "query"),
    [
        (BASE, f"{ENDPOINT}?flowId=abc", {"flowId": "abc"}),
        (BASE, f"{ENDPOINT}?flowId=abc&versionId=v", {"flowId": "abc", "versionId": "v"}),
        (BASE, f"{ENDPOINT}/?flowId=abc#top", {"flowId": "abc"}),
        (BASE, "https://API.fluxprompt.ai:443/flux/api-v2?flowId=abc", {"flowId": "abc"}),
        (BASE, " 17 ", {"flowId": "17"}),
        (f"{ENDPOINT}?flowId=abc", "", {"flowId": "abc"}),
        (f"{ENDPOINT}/?flowId=abc&versionId=v", "", {"flowId": "abc", "versionId": "v"}),
        (f"{ENDPOINT}?flowId=abc&versionId=v", "other", {"flowId": "other"}),
        (f"{ENDPOINT}?flowId=abc&versionId=v", f"{ENDPOINT}?flowId=other", {"flowId": "other"}),
        (f"{ENDPOINT}?", "abc", {"flowId": "abc"}),
        (ENDPOINT, "abc", {"flowId": "abc"}),
    ],
)
def test_a_copied_url_names_the_flow_once(base_url, agent, query):
    request = build(base_url=base_url, agent=agent)
    assert (request.url, request.query) == (ENDPOINT, query)


def test_the_option_version_wins_over_the_copied_one():
    assert build(agent=f"{ENDPOINT}?flowId=a&versionId=v", options={"versionId": "w"}).query["versionId"] == "w"


def test_a_path_in_front_of_the_vendors_is_kept():
    request = build(base_url="http://gate.example:81/flux-eu/flux/api-v2?flowId=abc", agent="")
    assert request.url == "http://gate.example:81/flux-eu/flux/api-v2"


@pytest.mark.parametrize(
    ("agent", "part"),
    [
        ("https://evil.example/flux/api-v2?flowId=a", "evil.example"),
        ("https://app.fluxprompt.ai/flux/api-v2?flowId=a", "app.fluxprompt.ai"),
        ("https://api.fluxprompt.ai:8443/flux/api-v2?flowId=a", "8443"),
        ("https://api.fluxprompt.ai@evil.example/flux/api-v2?flowId=a", "evil.example"),
        (f"{ENDPOINT}?flowId=a&sessionId=s", "session_id="),
        (f"{ENDPOINT}?flowId=a&callback_url=https://me.example", "callback_url="),
        (f"{ENDPOINT}?flowId=a&flowId=b", "'flowId'"),
        (f"{ENDPOINT}?flowId=a&other=1", "'other'"),
        (f"{ENDPOINT}?flowId=", "flowId=..."),
        (ENDPOINT, "flowId=..."),
        (f"{BASE}/flux/api-v2-webhook?flowId=a", "/flux/api-v2?flowId=..."),
        ("https://[bad/flux/api-v2?flowId=a", "no URL"),
        ("https://api.fluxprompt.ai:port/flux/api-v2?flowId=a", "no URL"),
        ("api.fluxprompt.ai/flux/api-v2?flowId=a", "part of a URL"),
        ("flowId=a", "part of a URL"),
        ("", "no"),
    ],
)
def test_a_target_that_says_too_much_or_too_little_is_refused(agent, part):
    error = refused(agent=agent)
    assert error.feature == "target"
    assert part in error.why


@pytest.mark.parametrize("rest", ["?flowId=a&sessionId=s", "?flowId=a&callback_url=x", "-webhook?flowId=a"])
def test_a_base_url_that_says_too_much_is_refused(rest):
    assert refused(base_url=ENDPOINT + rest).feature == "base_url"


def test_a_poll_goes_to_the_connections_own_address():
    call = Call(base_url=f"{ENDPOINT}?flowId=abc", api_key="key")
    request = FluxPrompt().build_poll(Pending("poll", "a/b?c"), call)
    assert (request.method, request.url) == ("GET", f"{BASE}/flux/executions/a%2Fb%3Fc")
    assert (request.auth, dict(request.query), request.json) == ({"api-key": "key"}, {}, None)


def test_a_poll_needs_an_id():
    with pytest.raises(UnsupportedFeatureError, match="pending"):
        FluxPrompt().build_poll(Pending("poll"), Call(base_url=BASE))


def test_a_portable_agent_names_the_inputs_of_text_and_files():
    agents = {
        "support": {"on": {"fluxprompt": {"agent": "f", "text": "in-1", "inputs": {"vendor": "in-2"}, "files": "in-2"}}}
    }
    with Bridge(connections={"fluxprompt": Connection("fluxprompt")}, agents=agents) as bridge:
        request = bridge.prepare("support", "hi", inputs={"vendor": "Acme"}, files=[PDF]).request
    first, second = request.json["variableInputs"]
    assert {item["inputId"]: item["inputText"] for item in (first, second)} == {"in-1": "hi", "in-2": "Acme"}
    assert [item["inputId"] for item in (first, second) if "files" in item] == ["in-2"]
    assert request.query.keys() == {"flowId", "sessionId"}
