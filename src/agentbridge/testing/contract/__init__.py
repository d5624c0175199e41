"""The suite that every provider passes: subclass it, give a few examples of what the vendor sends, run pytest."""

from __future__ import annotations

from .answers import ReadAnswers
from .callbacks import Callbacks
from .emulated import Emulated
from .examples import Answer
from .failures import ReadFailures
from .fields import Fields
from .flags import Flags
from .lost import Lost
from .operations import Operations
from .overridden import Overridden
from .overriding import check_overrides, own
from .polls import Polls
from .reading_back import ReadingBack
from .requests import Requests
from .resuming import Resuming
from .secrets import Secrets
from .streams import Streams

__all__ = ["Answer", "ProviderContract"]


class ProviderContract(  # pytest runs them from the last to the first: in the order in which a plugin is written
    Emulated,
    ReadingBack,
    Operations,
    Lost,
    Resuming,
    Overridden,
    Callbacks,
    Polls,
    Streams,
    Flags,
    ReadFailures,
    ReadAnswers,
    Secrets,
    Fields,
    Requests,
):
    """Subclass it as `class TestMine(ProviderContract)` and set what is marked "required".

    A test of the kit cannot be overridden, unless the override is marked `@pytest.mark.xfail(reason="...")`.

    Attributes:
        provider: required; an instance of your provider.
        answers: required; by name, a vendor's answer and the text that a caller reads from it, or more fields of its
            Result: `{"text": "hi", "id": "r-1", "session_id": "s-1"}`. For a run that is polled, a tuple of answers in
            their order: `((Answer(..., 202), Answer(...)), "text")`. A run that pauses too.
        errors_in_200: by name, an answer that is HTTP 200 and yet a failure, and its FaultKind (or None where only a
            MalformedResponseError is due). Required, unless `no_errors_in_200` cites where the vendor rules it out.
            For a run that fails once it was polled, a tuple of answers, of which the last is the failure.
        errors: by name, a documented failure of any other status, and its FaultKind. Tuples too.
        sentences: fixed sentences that are the vendor's only sign of a failure, and where each is written.
        codes: names of fields that hold the vendor's documented codes of failures, in words as `"quota"`. A code is
            compared whole, and may be the failure's message too.
        overrides: names of failures whose `retryable` or `may_have_run` the vendor itself states otherwise than the
            table in docs/errors.md, and where it does.
        decisive: names of fields whose value decides whether there is an answer, as a status does. All other optional
            fields may have values that nobody knows. What differs in your errors is found without it.
        not_decisive: names of fields that are true or false at the top of an answer, or one level below, and decide
            nothing. Any other such field is taken for a sign of success: with its other value there is no answer.
            One that you show with both values, in two answers, needs no name here.
        open_maps: names of fields in which the agent's author, not the vendor, says what the fields are: an object of
            named outputs. What stands below is the agent's own.
        streams: by name, the bytes of a stream and its text, or its FaultKind. Required with `decoder`.
        proofs_in_text: names of fields that are the vendor's sign of success in a stream's last piece of text, as a
            reason why it stops; whatever follows it, `[DONE]` or usage, proves no more.
        callbacks: by name, the body of a callback and its text, its FaultKind, or None where it is no answer yet.
            Required with `read_callback`.
        operations: by name, an operation and an answer to it.
        examples: by Invocation field, an example that the vendor can carry, where the default one does not fit.
        base_url, agent, options: what the calls are made with.
    """

    def __init_subclass__(cls) -> None:
        check_overrides(cls, _KIT)


_KIT = own(ProviderContract)
