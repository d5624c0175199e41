"""The other endpoints against the emulator, through both bridges."""

from __future__ import annotations

import json

import pytest

from agentbridge import RetryPolicy, Timeouts, errors
from agentbridge_promptitude import (
    Folder,
    GeneratePrompt,
    ListFolderContents,
    ListFolders,
    Rate,
    Rating,
    UpsertContent,
    UpsertGitHubContent,
)

URL = "https://example.com/a.pdf"
FAILURES = {
    "no-result": (errors.MalformedResponseError, 200, None),
    "error-in-200": (errors.ProviderError, 200, "500"),
    "code-in-200": (errors.QuotaExceededError, 200, "402"),
    "error-flag-only": (errors.ExecutionError, 200, "200"),
    "unauthorized": (errors.AuthenticationError, 401, "401"),
    "not-found": (errors.NotFoundError, 404, "404"),
    "busy": (errors.RateLimitError, 429, "429"),
    "server-error": (errors.ProviderError, 500, "500"),
    "html": (errors.MalformedResponseError, 200, None),
    "empty": (errors.MalformedResponseError, 200, None),
    "truncated": (errors.MalformedResponseError, 200, None),
    "bad-gateway": (errors.UnavailableError, 502, None),
    "redirect": (errors.ProviderError, 302, None),
    "slow": (errors.ResponseTimeoutError, None, None),
}


def content(content_id="content-1"):
    return UpsertContent(URL, "A", "recipes", content_id=content_id)


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=1), timeouts=Timeouts(answer=0.5))


def test_a_prompt_gives_a_whole_result(bridge, emulators):
    result = bridge.call(GeneratePrompt("ok", {"name": "Andres"}, user_id="u-1"))
    assert result.text == 'Echo: {"name": "Andres"} | user u-1'
    assert (result.provider, result.connection, result.agent) == ("promptitude", "promptitude", "ok")
    assert (result.attempts, result.response.status, result.raw["results"]["logId"]) == (1, 200, result.id)
    assert "endUserId" in json.loads(emulators.emulators["promptitude"].seen[-1].body)


def test_a_blank_answer_of_a_prompt_is_one_with_a_warning(bridge):
    assert bridge.call(GeneratePrompt("blank")).warnings == ("empty answer",)


def test_what_came_with_an_error_is_partial(bridge):
    with pytest.raises(errors.ProviderError) as caught:
        bridge.call(GeneratePrompt("error-with-result"))
    assert caught.value.partial.text == "Half of an answer"
    assert caught.value.partial.response.status == 200


@pytest.mark.parametrize("run", ["flow", "prompt"])
def test_a_result_is_rated_as_it_is(bridge, run):
    result = bridge.invoke("promptitude:ok") if run == "flow" else bridge.call(GeneratePrompt("ok"))
    assert bridge.call(Rate(result, stars=2)) == Rating(result.id, 2)
    assert bridge.call(Rate(result.id, stars=0)) == Rating(result.id, 0)


def test_an_unknown_log_cannot_be_rated(bridge):
    with pytest.raises(errors.NotFoundError):
        bridge.call(Rate("unheard-of", stars=2))


def test_content_is_added_and_replaced(bridge, emulators):
    seen = emulators.emulators["promptitude"].seen
    assert bridge.call(UpsertContent(URL, "A", "recipes", tags=["a", "b"])) == {"id": "content-1"}
    assert (seen[-1].path, json.loads(seen[-1].body)["tags"]) == ("/promptitude/v1/content", "a,b")
    bridge.call(content("content-1"))
    assert seen[-1].path == "/promptitude/v1/content/content-1"
    assert bridge.call(UpsertGitHubContent("github_a_1", URL, "a.pdf", "recipes", size=7)) == {"id": "content-1"}


def test_folders_and_what_is_in_them(bridge):
    found = bridge.call(ListFolders())
    [folder] = found.folders
    assert (found.count, folder) == (2, Folder("NtTJc7Hiv0SQQlkPxvak", "recipes", 1, "manual", "My recipes folder"))
    inside = bridge.call(ListFolderContents(folder.id))
    assert (inside.count, len(inside.contents)) == (1, 1)


@pytest.mark.parametrize(
    "make", [GeneratePrompt, lambda log: Rate(log, stars=1), ListFolderContents], ids=["generate", "rate", "contents"]
)
@pytest.mark.parametrize("scenario", sorted(FAILURES))
def test_a_failing_scenario_is_raised_as_its_class(bridge, make, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.call(make(scenario))
    assert (type(caught.value), caught.value.status, caught.value.code) == FAILURES[scenario]


@pytest.mark.parametrize("scenario", sorted(FAILURES.keys() - {"no-result"}))
def test_a_document_that_is_not_stored_is_an_error(bridge, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.call(content(scenario))
    assert (type(caught.value), caught.value.status, caught.value.code) == FAILURES[scenario]


def test_what_may_have_generated_or_stored_is_not_sent_again_and_what_only_asks_is(open_bridge, emulators):
    bridge = open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=3, first_delay=0))
    each = (
        [GeneratePrompt("bad-gateway"), content("bad-gateway")],
        [Rate("bad-gateway", 1), ListFolderContents("bad-gateway")],
    )
    for operations, attempts in zip(each, (1, 3), strict=True):
        for operation in operations:
            with pytest.raises(errors.UnavailableError) as caught:
                bridge.call(operation)
            assert caught.value.attempts == attempts


@pytest.mark.parametrize("operation", [GeneratePrompt("ok"), Rate("log-1", 1), content(), ListFolders()])
def test_a_wrong_key_is_refused(open_bridge, emulators, operation):
    wrong = {"promptitude": {"provider": "promptitude", "api_key": "wrong-key"}}
    wrong["promptitude"]["base_url"] = emulators.connections["promptitude"].base_url
    with pytest.raises(errors.AuthenticationError):
        open_bridge(connections=wrong).call(operation)


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        (GeneratePrompt("ok"), {"userId": "u-1"}),
        (GeneratePrompt("ok"), {"prompt": {}}),
        (Rate("log-1", 1), {"rating": 1}),
        (Rate("log-1", 1), {"rating": {"rating": 9}}),
        (content(), {"folder": ""}),
        (content(), {"tags": ["a"]}),
        (content(), {"color": "red"}),
        (UpsertGitHubContent("x", URL, "a.pdf", "recipes"), {"externalId": ""}),
    ],
)
def test_the_emulator_refuses_what_is_not_documented(bridge, monkeypatch, operation, change):
    kind = type(operation)
    build = kind.build_request

    def bent(operation, call):
        request = build(operation, call)
        request.json.update(change)
        return request

    monkeypatch.setattr(kind, "build_request", bent)
    with pytest.raises(errors.InvalidRequestError):
        bridge.call(operation)
