"""Callbacks over a socket: whatever is sent is answered rightly, written down, and gives the answer once."""

from __future__ import annotations

import http.client
import json
import stat
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from agentbridge import Pending, Provider, Registry, Result, errors, fault_from_status
from agentbridge.callbacks import CallbackReceiver, serve, store


class Calling(Provider):
    """Posts {"text"}, {"error"} or nothing; names its deliveries."""

    name = "calling"
    accepts = frozenset({"text", "callback_url"})
    delivery_id = "x-delivery"

    def build_request(self, invocation, call):
        raise NotImplementedError

    def read(self, response):
        raise NotImplementedError

    def read_callback(self, callback):
        body = json.loads(callback.content or b"{}")
        if "error" in body:
            return fault_from_status(402, body["error"])
        return Result(text=body["text"], output=body["text"], id=body.get("id")) if body.get("text") else None


class Nameless(Calling):
    """The same, without ids on its deliveries."""

    name = "nameless"
    delivery_id = None


def registry() -> Registry:
    made = Registry(())
    made.register(Calling())
    made.register(Nameless())
    return made


@pytest.fixture
def receiver(tmp_path) -> Iterator[CallbackReceiver]:
    with serve(tmp_path / "callbacks.sqlite", registry=registry(), largest=1000) as served:
        yield served


def expected(receiver: CallbackReceiver, provider: str = "calling", answers: int = 1) -> tuple[Pending, str]:
    """A run that was submitted, and the address that its vendor got."""
    address = receiver.address(answers)
    pending = Pending("callback", connection="c", agent="a", callback_id=address.id, provider=provider, session_id="s")
    receiver.expect(address, pending)
    return pending, address.url


def post(url: str, body: Any = b"", headers: dict[str, str] | None = None, method: str = "POST") -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, parts.path, content, headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def verdicts(receiver: CallbackReceiver) -> list[str]:
    return [delivery.verdict for delivery in receiver.deliveries()]


# the answer


def test_an_answer_is_given_to_whoever_waits(receiver):
    pending, url = expected(receiver)
    assert post(url, {"text": "hi", "id": "m-1"}, {"X-Delivery": "1", "X-Api-Key": "their-secret"}) == 200
    result = receiver.wait(pending, 5)
    assert (result.text, result.id, result.provider, result.connection, result.agent, result.session_id) == (
        "hi", "m-1", "calling", "c", "a", "s",
    )  # fmt: skip
    assert result.response.content == b'{"text": "hi", "id": "m-1"}'
    assert result.response.headers["x-api-key"] == "***"


def test_one_who_waits_already_gets_it_as_soon_as_it_comes(receiver):
    pending, url = expected(receiver)
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(receiver.wait(pending, 10)))
    thread.start()
    post(url, {"text": "hi"})
    thread.join(10)
    assert [result.text for result in results] == ["hi"]


@pytest.mark.parametrize("async_", [False, True])
def test_waiting_has_an_end_and_can_be_taken_up_again(receiver, async_):
    import asyncio

    pending, url = expected(receiver)
    with pytest.raises(errors.ResponseTimeoutError, match=r"no callback came within 0\.01 s") as caught:
        asyncio.run(receiver.wait_async(pending, 0.01)) if async_ else receiver.wait(pending, 0.01)
    assert (caught.value.pending, caught.value.may_have_run) == (pending, True)
    post(url, {"text": "hi"})
    assert asyncio.run(receiver.wait_async(caught.value.pending, 5)).text == "hi"


def test_a_poll_does_not_wait(receiver):
    pending, url = expected(receiver)
    assert receiver.poll(pending) == pending
    post(url, {"text": "hi"})
    assert receiver.poll(pending).text == "hi"


def test_a_failure_is_raised_with_the_callback_as_its_evidence(receiver):
    pending, url = expected(receiver)
    assert post(url, {"error": "no credits"}) == 200
    with pytest.raises(errors.QuotaExceededError, match="no credits") as caught:
        receiver.wait(pending, 5)
    assert caught.value.response.content == b'{"error": "no credits"}'
    assert caught.value.status is None  # the vendor asked, it did not answer


def test_an_answer_that_cannot_be_read_is_kept_and_said_to_be_so(receiver):
    pending, url = expected(receiver)
    assert post(url, b"<html>") == 200
    with pytest.raises(errors.MalformedResponseError, match="<html>") as caught:
        receiver.wait(pending, 5)
    assert caught.value.response.content == b"<html>"


def test_several_answers_are_one_result_in_the_order_in_which_they_came(receiver):
    pending, url = expected(receiver, answers=2)
    post(url, {"text": "one"}, {"X-Delivery": "1"})
    assert receiver.poll(pending) == pending
    post(url, {"text": "two"}, {"X-Delivery": "2"})
    result = receiver.wait(pending, 5)
    assert (result.text, result.output) == ("one\n\ntwo", ["one", "two"])


def test_what_came_before_a_failure_is_its_partial(receiver):
    pending, url = expected(receiver, answers=2)
    post(url, {"text": "one"}, {"X-Delivery": "1"})
    post(url, {"error": "no credits"}, {"X-Delivery": "2"})
    with pytest.raises(errors.QuotaExceededError) as caught:
        receiver.wait(pending, 5)
    assert caught.value.partial.text == "one"


# the hostile table: what is sent, what its sender gets, and what is written down

TAKEN = {"text": "hi"}


def forged(url: str) -> str:
    return url[:-1] + ("A" if url[-1] != "A" else "B")


HOSTILE: dict[str, tuple[Any, int, list[str]]] = {
    "forged": (lambda url, _: post(forged(url), TAKEN), 403, ["forged"]),
    "no address at all": (lambda url, _: post(url.rpartition("/")[0] + "/", TAKEN), 403, ["forged"]),
    "another path": (lambda url, _: post(url + "/more", TAKEN), 403, ["forged"]),
    "a path that a proxy kept": (
        lambda url, _: post("/hooks/".join(url.rpartition("/")[::2]).replace("/hooks/", "/hooks/x/") + "/", TAKEN), 200, ["answer"],
    ),
    "an id that was empty first": (
        lambda url, _: [post(url, {"text": text}, {"X-Delivery": "1"}) for text in ("", "hi")][-1], 200, ["empty", "answer"],
    ),
    "not posted": (lambda url, _: post(url, method="GET"), 405, ["method"]),
    "empty body": (lambda url, _: post(url), 200, ["empty"]),
    "empty text": (lambda url, _: post(url, {"text": ""}), 200, ["empty"]),
    "oversized": (lambda url, _: post(url, b"x" * 1001), 413, ["oversized"]),
    "as large as can be": (lambda url, _: post(url, {"text": "x" * 988}), 200, ["answer"]),
    "delivered twice": (
        lambda url, _: [post(url, TAKEN, {"X-Delivery": "1"}) for _ in range(2)][-1], 200, ["answer", "duplicate"],
    ),
    "empty, delivered twice, then the answer": (
        lambda url, _: [post(url, body, {"X-Delivery": id_}) for body, id_ in ((b"", "1"), (b"", "1"), (TAKEN, "2"))][-1],
        200, ["empty", "duplicate", "answer"],
    ),
    "another answer when it has one": (
        lambda url, _: [post(url, {"text": text}, {"X-Delivery": text}) for text in "ab"][-1], 409, ["answer", "used"],
    ),
    "the same words under another id": (
        lambda url, _: [post(url, TAKEN, {"X-Delivery": id_}) for id_ in "12"][-1], 409, ["answer", "used"],
    ),
    "of a run that is not known": (
        lambda _, receiver: post(receiver.address().url, TAKEN), 404, ["unknown"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("send", "status", "written"), HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_sent_is_answered_rightly_and_written_down(receiver, send, status, written):
    pending, url = expected(receiver)
    assert send(url, receiver) == status
    assert verdicts(receiver) == written
    answered = "answer" in written
    assert isinstance(receiver.poll(pending), Result) is answered


def test_a_body_that_lies_about_its_length_is_not_read_on(receiver):
    """Chunked, so no length is told; the connection is closed after the limit."""
    _, url = expected(receiver)
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("POST", parts.path, iter([b"x" * 600] * 3), {}, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert verdicts(receiver) == ["oversized"]


def test_the_same_body_is_a_repetition_where_a_vendor_does_not_name_its_deliveries(receiver):
    _, url = expected(receiver, "nameless")
    assert [post(url, TAKEN), post(url, TAKEN), post(url, {"text": "other"})] == [200, 200, 409]
    assert verdicts(receiver) == ["answer", "duplicate", "used"]


def test_of_many_at_the_same_moment_one_is_the_answer(receiver):
    pending, url = expected(receiver)
    statuses: list[int] = []
    start = threading.Barrier(8)

    def send(number: int) -> None:
        start.wait(10)
        statuses.append(post(url, {"text": f"{number}"}, {"X-Delivery": f"{number}"}))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(statuses) == [200] + [409] * 7
    assert verdicts(receiver).count("answer") == 1
    assert receiver.wait(pending, 5).text in "01234567"


def test_one_that_comes_too_late_is_refused_and_kept(tmp_path):
    with serve(tmp_path / "c.sqlite", registry=registry(), lifetime=1e-9) as receiver:
        pending, url = expected(receiver)
        assert post(url, TAKEN) == 410
        assert [(each.verdict, each.body) for each in receiver.deliveries(pending)] == [("late", b'{"text": "hi"}')]
        with pytest.raises(errors.ResponseTimeoutError, match="before its address ended"):
            receiver.wait(pending)


def test_a_run_that_never_began_takes_no_callback(receiver):
    address = receiver.address()
    receiver.expect(address, Pending("callback", connection="c", provider="calling", callback_id=address.id))
    receiver.forget(address)
    assert post(address.url, TAKEN) == 404


NOBODYS = {
    "forged": lambda receiver: receiver.refuse("forged", {}),
    "unknown": lambda receiver: receiver.take("a-run-that-never-began", {}, b"x"),
    "oversized": lambda receiver: receiver.refuse("oversized", {}, "a-run-that-never-began"),
}


@pytest.mark.parametrize("verdict", NOBODYS)
def test_what_is_nobodys_does_not_fill_the_disk(receiver, monkeypatch, verdict):
    assert store._MOST_STRANGERS == 1000
    monkeypatch.setattr(store, "_MOST_STRANGERS", 20)
    for _ in range(30):
        NOBODYS[verdict](receiver)
    assert verdicts(receiver) == [verdict] * 20


def test_what_is_nobodys_pushes_out_no_answer(receiver, monkeypatch):
    monkeypatch.setattr(store, "_MOST_STRANGERS", 1)
    pending, url = expected(receiver)
    post(url, TAKEN)
    for _ in range(3):
        receiver.take("a-run-that-never-began", {}, b"x")
    assert receiver.wait(pending, 5).text == TAKEN["text"]


def test_nothing_of_a_forged_body_is_kept(receiver):
    _, url = expected(receiver)
    post(forged(url), b"x" * 500)
    assert receiver.deliveries()[0].body == b""


def test_a_store_that_cannot_be_written_makes_the_vendor_try_again(receiver, tmp_path, caplog):
    _, url = expected(receiver)
    (tmp_path / "callbacks.sqlite").write_bytes(b"this is no database any more, and long enough to be noticed" * 100)
    for name in ("callbacks.sqlite-wal", "callbacks.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    assert post(url, TAKEN) == 503
    assert "could not be taken" in caplog.text


# the store


def test_the_store_is_the_owners_alone(receiver, tmp_path):
    assert stat.S_IMODE((tmp_path / "callbacks.sqlite").stat().st_mode) == 0o600


def test_receivers_on_one_store_know_each_others_addresses_and_others_do_not(receiver, tmp_path):
    pending, url = expected(receiver)
    beside = CallbackReceiver("http://localhost", store=tmp_path / "callbacks.sqlite", registry=registry())
    other = CallbackReceiver("http://localhost", store=tmp_path / "other.sqlite", registry=registry())
    token = url.rpartition("/")[2]
    assert beside.claim(token) is not None
    assert other.claim(token) is None
    post(url, TAKEN)
    assert beside.wait(pending, 5).text == "hi"
    with pytest.raises(errors.ConfigurationError, match="other.sqlite knows no run"):
        other.wait(pending, 5)


def test_it_mounts_into_an_app_of_the_users_own(tmp_path):
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from agentbridge.serving import listening, running

    with listening(0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/hooks"
        receiver = CallbackReceiver(url, store=tmp_path / "c.sqlite", registry=registry())
        with running(Starlette(routes=[Mount("/hooks", receiver)]), listener, "app"):
            pending, address = expected(receiver)
            assert "/hooks/" in address
            assert post(address, TAKEN) == 200
            assert receiver.wait(pending, 5).text == "hi"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"public_url": "localhost"}, "must look like https://host"),
        ({"public_url": "http://localhost", "secret": "short"}, "has 5 characters"),
        ({"public_url": "http://localhost", "store": "/nowhere/c.sqlite"}, "/nowhere/c.sqlite cannot be used"),
    ],
)
def test_what_is_wrong_is_said_at_once(options, message, tmp_path):
    with pytest.raises(errors.ConfigurationError, match=message):
        CallbackReceiver(**{"store": tmp_path / "c.sqlite", **options})


def test_a_run_without_callbacks_is_not_waited_for(receiver):
    with pytest.raises(errors.ConfigurationError, match="was not submitted with callbacks="):
        receiver.wait(Pending("poll", "r-1", connection="c"))


def test_what_is_no_run_is_said_to_be_none(receiver):
    for ask in (receiver.wait, receiver.poll, receiver.deliveries):
        with pytest.raises(errors.ConfigurationError, match="expected a Pending, not str"):
            ask("run-1")


def test_an_address_does_not_show_its_signature(receiver):
    assert "agcb_" not in repr(receiver.address())


def test_a_failure_is_raised_before_the_other_answers_come(receiver):
    pending, url = expected(receiver, answers=3)
    post(url, {"error": "no credits"}, {"X-Delivery": "1"})
    with pytest.raises(errors.QuotaExceededError):
        receiver.wait(pending, 5)
    assert [each.verdict for each in receiver.deliveries(pending)] == ["failure"]


def test_two_nodes_that_say_the_same_without_ids_are_two_answers(receiver):
    pending, url = expected(receiver, "nameless", answers=2)
    post(url, {"text": "yes"})
    post(url, {"text": "yes"})
    assert receiver.wait(pending, 5).output == ["yes", "yes"]


def test_what_came_too_early_is_not_lost_and_what_else_came_is_named(receiver):
    pending, url = expected(receiver, answers=2)
    post(url, {"text": "one"}, {"X-Delivery": "1"})
    post(url, b"x" * 1001)
    with pytest.raises(errors.ResponseTimeoutError, match=r"1 of more answers came.*what came was oversized") as caught:
        receiver.wait(pending, 0.01)
    assert caught.value.partial.text == "one"


def test_a_blank_answer_is_said_to_be_empty(tmp_path):
    class Blank(Calling):
        name = "blank"

        def read_callback(self, callback):
            return Result(text=" ", output=" ")

    made = Registry(())
    made.register(Blank())
    with serve(tmp_path / "b.sqlite", registry=made) as receiver:
        pending, url = expected(receiver, "blank")
        post(url, b"x")
        assert receiver.wait(pending, 5).warnings == ("empty answer",)


def test_runs_that_are_long_over_are_forgotten(receiver):
    pending, url = expected(receiver)
    post(url, TAKEN)
    receiver._store.purge(before=4e9)
    assert receiver.deliveries() == ()
    with pytest.raises(errors.ConfigurationError, match="knows no run"):
        receiver.poll(pending)


@pytest.mark.parametrize("damage", ["DROP TABLE runs", "UPDATE runs SET pending = '{}'"])
def test_a_store_that_is_damaged_is_said_to_be(receiver, tmp_path, damage):
    import sqlite3

    pending, url = expected(receiver)
    with sqlite3.connect(tmp_path / "callbacks.sqlite") as database:
        database.execute(damage)
    database.close()
    with pytest.raises(errors.ConfigurationError, match=r"callbacks\.sqlite cannot be used"):
        receiver.wait(pending, 1)
    assert post(url, TAKEN) == 503


WRONG = {
    "lifetime": [0, -1, float("inf"), float("nan"), "a day"],
    "largest": [0, -1, "many"],
    "secret": [b"x" * 20, ""],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_an_option_that_makes_no_sense_is_refused(tmp_path, name, value):
    with pytest.raises(errors.ConfigurationError):
        CallbackReceiver("http://localhost", store=tmp_path / "c.sqlite", **{name: value})


def test_an_address_for_no_answer_and_a_wait_for_no_time_are_refused(receiver):
    with pytest.raises(errors.ConfigurationError, match="1 answer or more"):
        receiver.address(0)
    pending, _ = expected(receiver)
    with pytest.raises(errors.ConfigurationError, match="takes seconds or None"):
        receiver.wait(pending, float("nan"))
