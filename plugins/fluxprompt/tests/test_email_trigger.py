"""The e-mail trigger: the message that is built, what is refused, and a real mail server."""

from __future__ import annotations

import email
import email.policy
import pickle
from typing import Any

import attrs
import mailserver
import pytest

from agentbridge import Bridge, Call, Connection, File, HttpResponse, RetryPolicy, errors
from agentbridge.testing import MemoryTransport
from agentbridge_fluxprompt import EmailTrigger, Mailed

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
PLAIN = EmailTrigger(
    address="a176fb62@upload.example.com",
    subject="Order 17",
    body="Where is my order?",
    server="smtp://mail.example.com:587",
    sender="ann@example.com",
)
LOGIN = attrs.evolve(PLAIN, username="ann", password=mailserver.PASSWORD)


def built(operation: EmailTrigger) -> Any:
    request = operation.build_request(Call(base_url="https://vendor.invalid", fresh_id=ID))
    assert request == operation.build_request(Call(base_url="https://vendor.invalid", fresh_id=ID))
    return request, email.message_from_bytes(request.content, policy=email.policy.default)


def text(part: Any) -> str:
    return part.get_content().replace("\r\n", "\n")


def called(transport: MemoryTransport, operation: EmailTrigger = LOGIN) -> Any:
    connections = {"fluxprompt": Connection("fluxprompt")}
    with Bridge({}, connections=connections, transport=transport, retry=RetryPolicy(first_delay=0)) as bridge:
        return bridge.call(operation)


def test_the_message_is_plain_and_the_same_at_every_attempt():
    request, message = built(PLAIN)
    assert (request.method, request.url, request.idempotent) == ("MAIL", "smtp://mail.example.com:587", False)
    assert dict(message.items()) == {
        "From": "ann@example.com",
        "To": "a176fb62@upload.example.com",
        "Subject": "Order 17",
        "Message-ID": f"<{ID}@example.com>",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }
    assert text(message) == "Where is my order?\n"
    assert b"\n" not in request.content.replace(b"\r\n", b"")


def test_any_language_goes_out_as_ascii():
    request, message = built(attrs.evolve(PLAIN, subject="Größe 你好 🚚", body="Größe 你好\n.\n" + "x" * 5000))
    assert request.content.isascii()
    assert (message["Subject"], text(message)) == ("Größe 你好 🚚", "Größe 你好\n.\n" + "x" * 5000 + "\n")
    assert max(map(len, request.content.split(b"\r\n"))) <= 998


def test_files_are_attached(tmp_path):
    path = tmp_path / "b.bin"
    path.write_bytes(bytes(range(256)))
    files = [File("größe.txt", b"one"), File("b.bin", path=path), File("c.eml", b"two", media_type="message/rfc822")]
    _, message = built(attrs.evolve(PLAIN, files=files))
    attached = list(message.iter_attachments())
    assert [part.get_filename() for part in attached] == ["größe.txt", "b.bin", "c.eml"]
    assert [part.get_content_type() for part in attached][:2] == ["text/plain", "application/octet-stream"]
    assert attached[1].get_content() == bytes(range(256))
    assert text(message.get_body()) == "Where is my order?\n"


def test_a_file_that_is_gone_is_refused_before_anything_is_sent(tmp_path):
    transport = MemoryTransport([HttpResponse(202)])
    with pytest.raises(errors.ConfigurationError, match="gone' cannot be read"):
        called(transport, attrs.evolve(PLAIN, files=File("a.txt", path=tmp_path / "gone")))
    assert not transport.sent


def test_the_password_stands_in_auth_only():
    request, _ = built(LOGIN)
    assert request.auth == {"smtp-password": mailserver.PASSWORD}
    assert mailserver.PASSWORD not in f"{LOGIN!r} {request!r} {request.headers} {request.content!r}"
    assert mailserver.PASSWORD.encode() not in pickle.dumps(request)


@pytest.mark.parametrize(
    ("server", "starttls", "url"),
    [
        ("smtp://mail.example.com", True, "smtp://mail.example.com"),
        ("SMTP://mail.example.com:25/", False, "smtp+plain://mail.example.com:25"),
        ("smtps://mail.example.com:465", True, "smtps://mail.example.com:465"),
        ("smtps://mail.example.com", False, "smtps://mail.example.com"),
    ],
)
def test_only_what_is_said_goes_in_the_clear(server, starttls, url):
    assert built(attrs.evolve(PLAIN, server=server, starttls=starttls))[0].url == url


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "hi\r\nBcc: eve@example.com"), ("subject", "hi\nX: y"), ("subject", "hi\x00"), ("subject", None),
        ("subject", "\u2028"), ("subject", "\ud800"), ("body", None), ("body", b"bytes"), ("body", "\ud800"),
        ("address", "a@example.com\r\nBcc: eve@example.com"), ("address", "a@example.com, eve@example.com"),
        ("address", "Ann <a@example.com>"), ("address", "a@example.com\n"), ("address", "example.com"), ("address", ""),
        ("address", "ä@example.com"), ("address", None), ("sender", "a@example.com>\r\nRCPT TO:<eve@example.com"),
        ("sender", ""), ("server", "mail.example.com"), ("server", "https://mail.example.com"), ("server", "smtp://"),
        ("server", "smtp://ann:secret@mail.example.com"), ("server", "smtp://mail.example.com:x"), ("server", None),
        ("server", "smtp://mail.example.com/path"), ("server", "smtp://mail.example.com:587?starttls=no"),
        ("server", "smtp://mail example.com"), ("server", "smtp://mail.example.com\r\n"), ("server", "smtp://mail.example.com:65536"),
        ("server", "smtp://mail.example.com:0"), ("username", ""),
        ("username", "ann\n"), ("password", ""), ("password", "päss"), ("starttls", "no"), ("files", "a.txt"),
        ("files", File("a.txt")), ("files", File("a\r\nb.txt", b"")), ("files", File("a", b"", media_type="text")),
        ("files", File("a", b"", media_type="text/plain\r\nX: y")),
    ],
)  # fmt: skip
def test_a_wrong_field_fails_where_it_is_said(field, value):
    with pytest.raises(errors.ConfigurationError, match=f"^EmailTrigger.{field}") as caught:
        attrs.evolve(LOGIN, **{field: value})
    assert field != "password" or str(value or "päss") not in str(caught.value)


@pytest.mark.parametrize("missing", ["username", "password"])
def test_user_and_password_belong_together(missing):
    with pytest.raises(errors.ConfigurationError, match="belong together"):
        attrs.evolve(LOGIN, **{missing: None})


def test_a_reply_is_kept_and_a_refusal_is_raised():
    accepted = HttpResponse(202, {"smtp-code": "250"}, b"2.0.0 queued as 17")
    mailed = called(MemoryTransport([accepted]))
    assert (mailed.reply, mailed.message_id.endswith("@example.com>")) == ("2.0.0 queued as 17", True)
    refusal = HttpResponse(401, {"smtp-code": "535"}, f"5.7.8 {mailserver.PASSWORD} is wrong".encode())
    with pytest.raises(errors.AuthenticationError) as caught:
        called(MemoryTransport([refusal]))
    assert (caught.value.code, caught.value.message) == ("535", "5.7.8 *** is wrong")
    assert mailserver.PASSWORD not in f"{caught.value.__dict__} {pickle.dumps(caught.value)!r}"


def test_a_real_mail_server_gets_it_by_starttls_and_login(open_bridge, tmp_path):
    mailbox, certificate = mailserver.Mailbox(), mailserver.certificate(tmp_path)
    bridge = open_bridge(config={}, connections={"fluxprompt": {"provider": "fluxprompt", "verify": str(certificate)}})
    with mailserver.serving(mailbox, tls=certificate, require_starttls=True, auth_required=True) as port:
        letter = attrs.evolve(LOGIN, server=f"smtp://localhost:{port}", files=File("a.txt", b"content"))
        mailed = bridge.call(letter)
    message = email.message_from_bytes(mailbox.messages[0], policy=email.policy.default)
    assert mailed == Mailed("2.0.0 queued as 17", message["message-id"])
    assert [part.get_content() for part in message.iter_attachments()] == ["content"]
    assert mailbox.logins == [(b"ann", mailserver.PASSWORD.encode(), True)]
