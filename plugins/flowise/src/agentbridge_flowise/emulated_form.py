"""What an upload to the emulator holds."""

from __future__ import annotations

import email.policy
from email.message import EmailMessage
from email.parser import BytesParser

import attrs
from starlette.requests import Request


@attrs.frozen
class Part:
    """A field of a form; `filename` is None for one that is no file."""

    field: str
    filename: str | None
    type: str
    content: bytes


async def parts_of(request: Request) -> list[Part]:
    """The fields of a form, in their order; none where the body is no form."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    form = BytesParser(policy=email.policy.HTTP).parsebytes(head + await request.body())
    return [_part(part) for part in form.iter_parts() if isinstance(part, EmailMessage)]


def _part(part: EmailMessage) -> Part:
    field = part.get_param("name", header="content-disposition")
    content = part.get_payload(decode=True)
    return Part(
        str(field), part.get_filename(), part.get_content_type(), content if isinstance(content, bytes) else b""
    )
