"""The other endpoints: what is refused before sending, what is sent, and what the answers mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from agentbridge import Call, ConfigurationError, Fault, FaultKind, HttpResponse, Result, UnsupportedFeatureError
from agentbridge_promptitude import (
    Folder,
    FolderContents,
    Folders,
    GeneratePrompt,
    ListFolderContents,
    ListFolders,
    Promptitude,
    Rate,
    Rating,
    UpsertContent,
    UpsertGitHubContent,
)

BASE = "https://api.promptitude.io/v1"
CALL = Call(base_url=BASE, api_key="secret-key")
URL = "https://example.com/a.pdf"
RESULT = Result(text="x", output="x", id="log-1", provider="promptitude")
EACH = [
    GeneratePrompt("p-1"),
    Rate("log-1", 2),
    UpsertContent(URL, "A", "recipes"),
    UpsertGitHubContent("github_a_1", URL, "a.pdf", "recipes"),
    ListFolders(),
    ListFolderContents("f-1"),
]


def envelope(results=None, code=200, message="OK", *, error=False):
    return {"code": code, "message": message, "error": error, "results": results}


def read(operation, body, status=200):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return operation.read(HttpResponse(status, {"content-type": "application/json"}, content))


def test_the_provider_names_its_operations():
    assert Promptitude.operations == tuple(type(operation) for operation in EACH)
    names = ["generate", "rate", "content", "github-content", "folders", "folder-contents"]
    assert [operation.name for operation in Promptitude.operations] == names


@pytest.mark.parametrize(
    ("operation", "method", "path", "body"),
    [
        (GeneratePrompt("p-1"), "POST", "/generate", {"prompt": {"promptId": "p-1"}}),
        (
            GeneratePrompt(
                "65a6sdf56f7asd6a7ssdasds", {"variable1": "value1", "n": None}, "raeyBqUgKtPXDDt0psFrREVjF902"
            ),
            "POST",
            "/generate",
            {
                "prompt": {"promptId": "65a6sdf56f7asd6a7ssdasds", "inputs": {"variable1": "value1", "n": None}},
                "endUserId": "raeyBqUgKtPXDDt0psFrREVjF902",
            },
        ),
        (Rate("a/b", stars=0), "POST", "/logs/a%2Fb/rate", {"rating": {"rating": 0}}),
        (Rate(RESULT, stars=3), "POST", "/logs/log-1/rate", {"rating": {"rating": 3}}),
        (
            UpsertContent(URL, "A", "recipes"),
            "POST",
            "/content",
            {"fileUrl": URL, "name": "A", "folder": "recipes"},
        ),
        (
            UpsertContent(URL, "A", "recipes", tags=["a", "b"], content_id="github_a/1"),
            "POST",
            "/content/github_a%2F1",
            {"fileUrl": URL, "name": "A", "folder": "recipes", "tags": "a,b"},
        ),
        (
            UpsertGitHubContent("github_a_1", URL, "a.pdf", "recipes", size=7, tags="a"),
            "POST",
            "/content",
            {
                "externalId": "github_a_1",
                "downloadUrl": URL,
                "name": "a.pdf",
                "folder": "recipes",
                "size": 7,
                "tags": "a",
            },
        ),
        (ListFolders(), "GET", "/content/folders", None),
        (ListFolderContents("f/1"), "GET", "/content/folders/f%2F1/contents", None),
    ],
)
def test_what_is_sent(operation, method, path, body):
    request = operation.build_request(CALL)
    assert (request.method, request.url, request.json) == (method, BASE + path, body)
    assert (request.auth, request.headers) == ({"Authorization": "Bearer secret-key"}, {})


@pytest.mark.parametrize("operation", EACH)
def test_a_query_in_the_base_url_is_refused(operation):
    with pytest.raises(UnsupportedFeatureError, match="base_url"):
        operation.build_request(Call(base_url=f"{BASE}?x=1"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GeneratePrompt(" "), "GeneratePrompt: prompt_id=' ' says nothing. Give a text"),
        (lambda: GeneratePrompt("p-1", ["x"]), "inputs=['x'] are none. Give a mapping"),
        (lambda: GeneratePrompt("p-1", user_id=""), "user_id='' says nothing"),
        (lambda: Rate("log-1", 9), "Rate: stars=9 cannot be given. Give 1, 2 or 3, or 0 to remove a rating"),
        (lambda: Rate("log-1", -1), "stars=-1 cannot be given"),
        (lambda: Rate("log-1", "2"), "stars='2' cannot be given"),
        (lambda: Rate("log-1", True), "stars=True cannot be given"),
        (lambda: Rate("log-1", 2.0), "stars=2.0 cannot be given"),
        (lambda: Rate("", 2), "result='' is none. Give a Result, or the id of one"),
        (lambda: Rate(None, 2), "result=None is none"),
        (lambda: Rate(Result(text="x", output="x"), 2), "this result has no id"),
        (lambda: Rate(Result(text="x", output="x", id="1", provider="flowise"), 2), "this result is of flowise"),
        (lambda: UpsertContent("", "A", "recipes"), "file_url='' says nothing"),
        (lambda: UpsertContent(URL, "", "recipes"), "title='' says nothing"),
        (lambda: UpsertContent(URL, "A", None), "folder=None says nothing"),
        (lambda: UpsertContent(URL, "A", "recipes", content_id=" "), "content_id=' ' says nothing"),
        (lambda: UpsertContent(URL, "A", "recipes", tags=["a,b"]), "the tag 'a,b' has a comma"),
        (lambda: UpsertContent(URL, "A", "recipes", tags=["a", ""]), "tags='' says nothing"),
        (lambda: UpsertGitHubContent("x", URL, "A", "recipes", size=-1), "size=-1 is no size"),
        (lambda: UpsertGitHubContent("x", URL, "A", "recipes", size=True), "size=True is no size"),
        (lambda: ListFolderContents(""), "folder_id='' says nothing"),
    ],
)
def test_a_wrong_value_is_refused_when_the_operation_is_made(make, said):
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert said in str(caught.value)


def test_what_only_asks_and_a_rating_may_be_sent_again():
    again = {type(operation).__name__ for operation in EACH if operation.idempotent}
    assert again == {"Rate", "ListFolders", "ListFolderContents"}


def test_a_prompt_answers_as_a_flow_does():
    results = {"result": {"a": 1}, "logId": "log-1"}
    operation = GeneratePrompt("p-1")
    result = read(operation, envelope(results))
    assert (result.output, result.id, result.agent) == ({"a": 1}, "log-1", "p-1")
    fault = read(operation, envelope(results, 500, "It broke", error=True))
    assert (fault.kind, fault.message, fault.partial.id) == (FaultKind.UNKNOWN, "It broke", "log-1")


FOLDER = {"id": "f-1", "name": "recipes", "contentsCount": 1, "type": "manual", "description": "Mine"}


@pytest.mark.parametrize(
    ("operation", "results", "value"),
    [
        (Rate("x", 3), {"promptsLogs": {"id": "sdflkj34dlksjd2423", "rating": 3}}, Rating("sdflkj34dlksjd2423", 3)),
        (Rate("x", 0), {"promptsLogs": {"id": "x", "rating": 0}}, Rating("x", 0)),
        (UpsertContent(URL, "A", "b"), {"id": "c-1"}, {"id": "c-1"}),
        (UpsertContent(URL, "A", "b"), None, None),
        (
            ListFolders(),
            {"foldersCount": 2, "folders": [FOLDER]},
            Folders((Folder("f-1", "recipes", 1, "manual", "Mine"),), 2),
        ),
        (ListFolders(), {"folders": []}, Folders(())),
        (
            ListFolders(),
            {"folders": [{"name": "no id"}, {"id": "f-2"}]},
            Folders((Folder("f-2"),), warnings=("folders of the answer is unreadable and left out",)),
        ),
        (ListFolderContents("f-1"), {"contentsCount": 1, "contents": [{"x": 1}]}, FolderContents(({"x": 1},), 1)),
        (ListFolderContents("f-1"), {"contents": []}, FolderContents(())),
    ],
)
def test_what_an_answer_means(operation, results, value):
    assert read(operation, envelope(results)) == value


NOTHING = [{}, [], None, 7, "x", b"", b"<html>", b'{"code": 200, "results": {"fold', {"results": {}}]


@pytest.mark.parametrize("operation", EACH)
@pytest.mark.parametrize("body", NOTHING)
def test_what_proves_nothing_is_no_answer(operation, body):
    with pytest.raises(ValueError):
        read(operation, body)


@pytest.mark.parametrize(
    "operation", [each for each in EACH if not isinstance(each, (UpsertContent, UpsertGitHubContent))]
)
@pytest.mark.parametrize("results", [None, {}, [], "x", {"promptsLogs": {"id": "x"}}, {"folders": None}])
def test_an_ok_without_the_results_is_no_answer(operation, results):
    with pytest.raises(ValueError):
        read(operation, envelope(results))


@pytest.mark.parametrize("operation", EACH)
@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (envelope(None, 401, "No", error=True), 401, FaultKind.AUTHENTICATION),
        (envelope(None, 401, "No", error=True), 200, FaultKind.AUTHENTICATION),
        (envelope(None, 402, "No"), 200, FaultKind.QUOTA_EXCEEDED),
        (envelope(None, "404", "No"), 200, FaultKind.NOT_FOUND),
        (envelope(None, 200, "No", error=True), 200, FaultKind.EXECUTION),
        (envelope(None, 200, "No", error="true"), 200, FaultKind.EXECUTION),
        (envelope(None, 200, "No"), 503, FaultKind.UNAVAILABLE),
    ],
)
def test_failures_are_those_of_a_flow(operation, body, status, kind):
    fault = read(operation, body, status)
    assert (fault.kind, fault.message, fault.partial) == (kind, "No", None)


SCALARS = st.none() | st.booleans() | st.integers(-10, 700) | st.floats() | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "result": JSON,
        "promptsLogs": JSON | st.fixed_dictionaries({}, optional={"id": JSON, "rating": JSON}),
        "folders": JSON | st.lists(st.fixed_dictionaries({}, optional={"id": JSON, "name": JSON})),
        "contents": JSON,
    },
)
ANSWERS = JSON | st.builds(
    envelope, JSON | RESULTS, st.sampled_from([200, "200", 201, None]), error=st.just(value=False)
)


@pytest.mark.parametrize("operation", EACH)
def test_whatever_comes_is_an_answer_with_its_proof_or_no_answer(operation):
    @given(body=ANSWERS)
    def attack(body):
        try:
            value = read(operation, body)
        except ValueError:
            return  # guarded by the core: a MalformedResponseError
        if not isinstance(value, Fault):
            assert str(body["code"]) in {"200", "201", "None"}
        if isinstance(value, (Rating, Folders, FolderContents, Result)):
            assert body["results"].keys() & {"promptsLogs", "folders", "contents", "result"}

    attack()
