"""Start an agent by e-mail. Source: the help page, which says four things.

Each agent has a unique address that never changes, shown in the Flow Global Node; no key is needed; the subject goes into
the first input node; the body is "the input node content". Which node that is where there are several, what becomes of
attachments and who may send are undocumented. Nothing answers: the result goes where the flow sends it.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from agentbridge import (
    Call,
    Fault,
    File,
    HttpRequest,
    HttpResponse,
    Operation,
    UnsupportedFeatureError,
    fault_from_status,
)

if TYPE_CHECKING:
    from email.message import EmailMessage

from .checks import a, each, many, text, wrong

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
_SERVER = re.compile(r"smtps?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?", re.IGNORECASE)
_optional = attrs.validators.optional


def _address(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """One plain address: a name beside it, a second one or a newline would be put into a header."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise wrong(instance, attribute.name, f"must be one address such as name@example.com, not {value!r}")


def _line(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A header: what follows a newline would be another one."""
    text(instance, attribute, value)
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in value):
        raise wrong(instance, attribute.name, f"must be one line without control characters, not {value!r}")


def _body(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    text(instance, attribute, value)
    if any(unicodedata.category(character) == "Cs" for character in value):
        raise wrong(instance, attribute.name, "has half of a surrogate pair, which is no text")


def _server(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Never quotes the value, which may hold a password."""
    found = _SERVER.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        raise wrong(instance, attribute.name, "must look like smtp://host:587 or smtps://host:465, and no more")


def _login(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Never quotes the value, which may be the password."""
    if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
        raise wrong(instance, attribute.name, "must be printable ASCII, and not empty; None is no login")


@attrs.frozen
class Mailed:
    """A mail server took the message. `reply` is what it said, `message_id` the Message-ID that it will be found by."""

    reply: str
    message_id: str


@attrs.frozen(kw_only=True)
class EmailTrigger(Operation[Mailed]):
    """Start an agent by an e-mail through your own mail server.

    Needs the extra `email` of agentbridge-core. `smtp://` servers must offer STARTTLS, unless `starttls` is False: then all goes in the clear, the password too.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "email-trigger"

    address: str = attrs.field(validator=_address, metadata={"help": "the agent's address, from the Flow Global Node"})
    subject: str = attrs.field(validator=_line, metadata={"help": "goes into the first input node"})
    body: str = attrs.field(validator=_body, metadata={"help": "the content of the input node"})
    server: str = attrs.field(
        validator=_server, metadata={"help": "your mail server: smtp://host:587 or smtps://host:465"}
    )
    sender: str = attrs.field(validator=_address, metadata={"help": "your own address"})
    files: tuple[File, ...] = attrs.field(
        default=(), converter=many, validator=each(File), metadata={"help": "attachments"}
    )
    username: str | None = attrs.field(
        default=None, validator=_optional(_login), metadata={"help": "the login at the mail server"}
    )
    password: str | None = attrs.field(
        default=None, repr=False, validator=_optional(_login), metadata={"help": "its password"}
    )
    starttls: bool = attrs.field(default=True, validator=a(bool), metadata={"help": "False sends all in the clear"})

    def __attrs_post_init__(self) -> None:
        if (self.username is None) != (self.password is None):
            raise wrong(self, "username", "and password belong together: give both or neither")
        for file in self.files:
            if (file.content is None) == (file.path is None):
                raise wrong(self, "files", f"has {file.name!r}, which needs a content or a path, and not both")
            if not f"{file.name}{file.type}".isprintable() or file.type.count("/") != 1:
                raise wrong(self, "files", f"has {file.name!r} of the type {file.type!r}, which no header can carry")

    def build_request(self, call: Call) -> HttpRequest:
        """The message, which is the same at every attempt: servers can tell a repetition by its Message-ID."""
        message = self._message(call.fresh_id)
        headers = {"from": self.sender, "to": self.address, "message-id": str(message["Message-ID"])}
        auth = {} if self.password is None else {"smtp-password": self.password}
        if self.username is not None:
            headers["smtp-user"] = self.username
        return HttpRequest("MAIL", self._url(), headers=headers, auth=auth, content=message.as_bytes())

    def read(self, response: HttpResponse) -> Mailed | Fault:
        """What the mail server said; see `agentbridge.transport.smtp` for the statuses that its replies become."""
        if not response.ok:
            return fault_from_status(response.status, response.text, code=response.headers.get("smtp-code"))
        asked = response.request
        return Mailed(response.text, asked.headers.get("message-id", "") if asked is not None else "")

    def _url(self) -> str:
        scheme, _, rest = self.server.rstrip("/").partition("://")
        return f"{scheme.lower() if self.starttls or scheme.lower() == 'smtps' else 'smtp+plain'}://{rest}"

    def _message(self, id_: str) -> EmailMessage:
        from email.message import EmailMessage  # not needed for listing what there is
        from email.policy import SMTP

        message = EmailMessage(SMTP.clone(cte_type="7bit"))  # which every server takes
        message["From"], message["To"], message["Subject"] = self.sender, self.address, self.subject
        message["Message-ID"] = f"<{id_}@{self.sender.rpartition('@')[2]}>"
        message.set_content(self.body)
        for file in self.files:
            main, _, sub = file.type.partition("/")
            message.add_attachment(_content(file), maintype=main, subtype=sub, filename=file.name)
        if self.files:
            message.set_boundary(f"agentbridge-{id_}")  # else it would be random
        return message


def _content(file: File) -> bytes:
    try:
        return Path(file.path).read_bytes() if file.path is not None else file.content or b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
    raise UnsupportedFeatureError("files", f"{file.name!r} cannot be read: {reason}. Nothing was sent")
