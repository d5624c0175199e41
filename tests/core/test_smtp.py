"""E-mail as a transport: through a real mail server on the loopback interface, in both worlds."""

from __future__ import annotations

import asyncio
import email
import importlib
import pickle
import threading
import time
from typing import Any

import attrs
import mailserver
import pytest
import vendor
from mailserver import PASSWORD, USER, Mailbox

from agentbridge import (
    Bridge,
    Call,
    Connection,
    HttpRequest,
    HttpResponse,
    Operation,
    RetryPolicy,
    Timeouts,
    errors,
    fault_from_status,
)

FAST = RetryPolicy(first_delay=0)
LETTER = b"From: ann@example.com\r\nTo: agent@example.com\r\nSubject: hi\r\n\r\nline\r\n.dot\r\n"


@attrs.frozen(kw_only=True)
class Letter(Operation[str]):
    provider = "tiny"

    url: str
    password: str | None = None
    content: bytes = LETTER

    def build_request(self, call: Call) -> HttpRequest:
        headers = {"from": "ann@example.com", "to": "agent@example.com"}
        auth = {} if self.password is None else {"smtp-password": self.password}
        if self.password is not None:
            headers["smtp-user"] = USER
        return HttpRequest("MAIL", self.url, headers=headers, auth=auth, content=self.content)

    def read(self, response: HttpResponse) -> Any:
        code = response.headers["smtp-code"]
        return response.text if response.ok else fault_from_status(response.status, response.text, code=code)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return mailserver.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def call(open_bridge, certificate):
    """Sends a Letter, trusting the test's certificate."""

    def call(letter: Letter, retry: RetryPolicy = FAST, **connection: Any) -> str:
        account = Connection("tiny", **{"api_key": "canary-key-7f3a", "verify": str(certificate), **connection})
        bridge = open_bridge(config={}, connections={"tiny": account}, registry=vendor.registry(), retry=retry)
        return bridge.call(letter)

    return call


def refused(call, letter: Letter, **options: Any) -> errors.InvocationError:
    with pytest.raises(errors.InvocationError) as caught:
        call(letter, **options)
    shown = f"{caught.value} {caught.value!r} {caught.value.__dict__} {pickle.dumps(caught.value)!r}"
    assert PASSWORD not in shown
    return caught.value


def test_a_message_goes_out_by_starttls_and_login(call, mailbox, certificate):
    with mailserver.serving(mailbox, tls=certificate, require_starttls=True, auth_required=True) as port:
        assert call(Letter(url=f"smtp://localhost:{port}", password=PASSWORD)) == "2.0.0 queued as 17"
    assert mailbox.logins == [(USER.encode(), PASSWORD.encode(), True)]
    message = email.message_from_bytes(mailbox.messages[0])
    assert (message["subject"], message.get_payload()) == ("hi", "line\r\n.dot\r\n")
    assert email.utils.parsedate_to_datetime(message["date"])


def test_a_message_goes_out_by_tls_from_the_start(call, mailbox, certificate):
    with mailserver.serving(mailbox, tls=certificate, implicit=True) as port:
        assert call(Letter(url=f"smtps://localhost:{port}")) == "2.0.0 queued as 17"


def test_a_message_goes_out_in_the_clear_where_that_is_said(call, mailbox):
    with mailserver.serving(mailbox, auth_require_tls=False) as port:
        call(Letter(url=f"smtp+plain://localhost:{port}", password=PASSWORD))
    assert mailbox.logins == [(USER.encode(), PASSWORD.encode(), False)]


def test_a_message_that_has_a_date_keeps_it(call, mailbox):
    dated = b"Date: Thu, 01 Jan 2026 00:00:00 -0000\r\n" + LETTER
    with mailserver.serving(mailbox) as port:
        call(Letter(url=f"smtp+plain://localhost:{port}", content=dated))
    assert mailbox.messages[0].lower().count(b"date:") == 1


def test_a_server_without_starttls_gets_no_password(call, mailbox):
    with mailserver.serving(mailbox, auth_require_tls=False) as port:
        with pytest.raises(errors.ConfigurationError, match="offers no STARTTLS"):
            call(Letter(url=f"smtp://localhost:{port}", password=PASSWORD))
    assert (mailbox.logins, mailbox.messages) == ([], [])


def test_a_server_without_logins_gets_no_password(call, mailbox):
    with mailserver.serving(mailbox) as port, pytest.raises(errors.ConfigurationError, match="offers no login"):
        call(Letter(url=f"smtp+plain://localhost:{port}", password=PASSWORD))


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_is_not_trusted_is_no_connection(call, mailbox, certificate, scheme):
    with mailserver.serving(mailbox, tls=certificate, implicit=scheme == "smtps") as port:
        error = refused(call, Letter(url=f"{scheme}://localhost:{port}", password=PASSWORD), verify=True)
    assert type(error) is errors.ConnectionFailedError
    assert "certificate" in str(error).lower()
    assert (error.may_have_run, mailbox.logins) == (False, [])


def test_a_certificate_of_another_host_is_no_connection(call, mailbox, certificate):
    with mailserver.serving(mailbox, tls=certificate) as port:
        error = refused(call, Letter(url=f"smtp://127.0.0.1:{port}"))
    assert type(error) is errors.ConnectionFailedError


def test_a_certificate_can_be_left_unchecked(call, mailbox, certificate):
    with mailserver.serving(mailbox, tls=certificate) as port:
        assert call(Letter(url=f"smtp://localhost:{port}"), verify=False)


def test_a_refused_login_is_an_authentication_error(call, mailbox, certificate):
    with mailserver.serving(mailbox, tls=certificate) as port:
        error = refused(call, Letter(url=f"smtp://localhost:{port}", password="wrong-password-1"))
    assert (type(error), error.status, error.code) == (errors.AuthenticationError, 401, "535")
    assert (error.attempts, error.may_have_run) == (1, False)


def test_a_login_that_is_missing_is_an_authentication_error_without_a_hint_at_another_key(call, mailbox, certificate):
    with mailserver.serving(mailbox, tls=certificate, auth_required=True) as port:
        error = refused(call, Letter(url=f"smtp://localhost:{port}"), api_key=None)
    assert (type(error), error.code) == (errors.AuthenticationError, "530")
    assert "TINY_API_KEY" not in str(error)


@pytest.mark.parametrize(
    ("command", "reply", "cls", "status", "attempts"),
    [
        ("RCPT", "550 5.1.1 no such user", errors.NotFoundError, 404, 1),
        ("RCPT", "550 5.7.1 relaying denied", errors.PermissionDeniedError, 403, 1),
        ("RCPT", "550 mailbox unavailable", errors.InvalidRequestError, 422, 1),
        ("RCPT", "252 perhaps", errors.UnavailableError, 502, 1),
        ("MAIL", "553 not this sender", errors.InvalidRequestError, 422, 1),
        ("MAIL", "451 4.7.1 greylisted", errors.UnavailableError, 503, 3),
        ("DATA", "552 5.3.4 too large", errors.InvalidRequestError, 413, 1),
        ("DATA", "552 too large", errors.InvalidRequestError, 413, 1),
        ("DATA", "451 try again", errors.UnavailableError, 503, 3),
        ("DATA", "554 rejected", errors.InvalidRequestError, 422, 1),
    ],
)
def test_a_refusal_is_raised_by_its_reply(call, mailbox, command, reply, cls, status, attempts):
    mailbox.replies[command] = reply
    with mailserver.serving(mailbox) as port:
        error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"))
    code, _, text = reply.partition(" ")
    assert (type(error), error.status, error.code, error.attempts) == (cls, status, code, attempts)
    assert (error.message, error.response.text) == (text, text)
    assert error.may_have_run is (status == 502)


def test_a_server_that_is_busy_from_the_start_is_unavailable(call):
    with mailserver.greeting(b"421 too busy\r\n") as port:
        error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"))
    assert (type(error), error.code, error.attempts, error.may_have_run) == (errors.UnavailableError, "421", 3, False)


def test_nobody_listening_is_no_connection(call):
    error = refused(call, Letter(url="smtp://localhost:1"))
    assert (type(error), error.attempts, error.may_have_run) == (errors.ConnectionFailedError, 3, False)
    assert "(at smtp://localhost:1)" in str(error)


def test_a_server_that_says_nothing_is_no_connection(call):
    with mailserver.greeting(b"") as port:
        error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"), timeouts=Timeouts(connect=0.1))
    assert (type(error), error.may_have_run) == (errors.ConnectionFailedError, False)


def test_a_server_that_falls_silent_before_the_message_has_not_run_it(call):
    with mailserver.greeting(b"220 hello\r\n") as port:
        error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"), timeouts=Timeouts(answer=0.1))
    assert (type(error), error.attempts, error.may_have_run) == (errors.ResponseTimeoutError, 3, False)


def test_a_server_that_falls_silent_after_the_message_may_have_run_it(call, mailbox):
    over = threading.Event()
    mailbox.meanwhile = lambda: over.wait(30)
    with mailserver.serving(mailbox) as port:
        try:
            error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"), timeouts=Timeouts(answer=0.3))
        finally:
            over.set()
    assert (type(error), error.attempts, error.may_have_run) == (errors.ResponseTimeoutError, 1, True)
    assert len(mailbox.messages) == 1


def test_the_total_time_ends_a_message(call):
    started = time.monotonic()
    with mailserver.greeting(b"220 hello\r\n") as port:
        error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"), timeouts=Timeouts(total=0.3))
    assert (type(error), error.may_have_run) == (errors.DeadlineExceededError, False)
    assert time.monotonic() - started < 5


def test_what_is_no_mail_server_is_not_believed(call):
    with mailserver.greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"))
    assert (type(error), error.status, error.attempts) == (errors.UnavailableError, 502, 1)


def test_the_connection_s_headers_and_key_are_not_for_mail_servers(call, mailbox):
    mailbox.replies["RCPT"] = "554 no"
    with mailserver.serving(mailbox) as port:
        error = refused(call, Letter(url=f"smtp+plain://localhost:{port}"), headers={"X-Tenant": "t"})
    assert set(error.request.headers) == {"from", "to"}
    assert error.request.auth == {}


def test_a_proxy_is_refused_since_mail_would_go_past_it(call):
    with pytest.raises(errors.ConfigurationError, match="proxy"):
        call(Letter(url="smtp://localhost:1"), proxy="http://127.0.0.1:1")


def test_the_missing_extra_is_named(call, monkeypatch):
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name == "aiosmtplib":
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(errors.ConfigurationError, match=r"agentbridge-core\[email\]"):
        call(Letter(url="smtp://localhost:1"))


def test_the_blocking_bridge_works_below_a_running_loop(mailbox):
    async def main(port: int) -> str:
        with Bridge({}, connections={"tiny": Connection("tiny")}, registry=vendor.registry()) as bridge:
            return bridge.call(Letter(url=f"smtp+plain://localhost:{port}"))

    with mailserver.serving(mailbox) as port:
        assert asyncio.run(main(port)) == "2.0.0 queued as 17"
