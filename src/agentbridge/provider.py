"""All that a plugin author reads: a vendor is two pure functions, `build_request` and `read`."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import attrs

from .errors import ConfigurationError
from .faults import Fault
from .model import Interrupt, Invocation, Pending, Result
from .wire import HttpRequest, HttpResponse, as_dict

if TYPE_CHECKING:
    import datetime as dt

    from .events import Event

T = TypeVar("T")

API_VERSION = 1
"""The version of what this module promises to plugins. It changes only where a plugin would have to change."""


@attrs.frozen(kw_only=True, slots=False)
class Call:
    """What the core knows of one call beside the Invocation.

    `agent` is the vendor's id of the agent, empty for an operation. `options` are this vendor's options: the
    connection's, the binding's and the call's, merged. `fresh_id` is a UUID made for this call, so that providers
    need no randomness of their own.
    """

    base_url: str
    agent: str = ""
    api_key: str | None = attrs.field(default=None, repr=False)
    options: Mapping[str, Any] = attrs.field(factory=dict, converter=as_dict)
    streaming: bool = False
    fresh_id: str = ""


@attrs.frozen
class UsageDay:
    """What a vendor says that an agent used on one day (UTC); `calls` where it says how many there were."""

    day: dt.date
    credits: float
    calls: int | None = None


class StreamDecoder(abc.ABC):
    """Reads one streamed answer, fed with bytes. The same bytes in any chunking give the same events."""

    @property
    @abc.abstractmethod
    def done(self) -> bool:
        """True when nothing more is to be read."""

    @abc.abstractmethod
    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""

    @abc.abstractmethod
    def finish(self) -> Result | Fault:
        """What the stream amounts to; before its terminal event a Fault with what arrived in `partial`."""


class Provider(abc.ABC):
    """The translator of one vendor. Stateless: one instance serves all calls, threads and tasks.

    Attributes:
        name: the vendor's name, as in `provider = "..."`; lower case, without blanks.
        accepts: those of the Invocation fields text, messages, inputs, files, session_id, user_id and callback_url
            that the vendor can carry. Every other field that is set is refused before anything is sent.
        default_base_url: None where the vendor is self-hosted.
        shares_default_session: True where calls without a session share one memory; the core then mints an id.
        options: the options that `build_request` puts in their places by itself. The core merges all others deeply
            into the JSON body.
        operations: the vendor's other endpoints, for `agentbridge call` and for lists.
        qualified: what a plain yes or no would hide: a condition in a few words for a field of `accepts`, or for "stream",
            "poll", "recover" or "resume". Tables of what vendors can do show it after "but".
        delivery_id: the header, in lower case, that names one callback, the same each time it is delivered again.
        ping: the name of one of its operations that needs no arguments, only reads and costs nothing: `agentbridge doctor
            --call` tries the key with it.
        key_pattern: a regular expression for keys that are this vendor's beyond doubt, and of no other. A key need not
            fit it; one of another vendor's connection must not.
        emulator: `"package.module:factory"` of a stand-in for the vendor, imported only when asked for.
        api_version: the version of the plugin API that the provider was written for. Where the core has another one, the
            plugin is refused with a message that names both.
    """

    name: ClassVar[str]
    accepts: ClassVar[frozenset[str]]
    default_base_url: ClassVar[str | None] = None
    shares_default_session: ClassVar[bool] = False
    options: ClassVar[frozenset[str]] = frozenset()
    operations: ClassVar[tuple[type[Operation[Any]], ...]] = ()
    qualified: ClassVar[Mapping[str, str]] = {}
    delivery_id: ClassVar[str | None] = None
    ping: ClassVar[str | None] = None
    key_pattern: ClassVar[str | None] = None
    emulator: ClassVar[str | None] = None
    api_version: ClassVar[int] = API_VERSION

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name!r}>"

    @abc.abstractmethod
    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """The request that runs the agent.

        Raises:
            UnsupportedFeatureError: for a value that the vendor cannot carry.
        """

    @abc.abstractmethod
    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """Say which of three things an answer is. Sees every status; what it raises is guarded by the core."""

    def build_poll(self, pending: Pending, call: Call) -> HttpRequest:
        """The request that asks for a run again. Only for vendors whose runs can be asked for.

        Its answer goes to `read`. Where more than one request is needed, `read` returns a Pending with another `step`
        and `after=0`, which is asked for at once.
        """
        raise NotImplementedError(f"{self.name} has no runs that are polled")

    def recover(self, request: HttpRequest) -> Pending | None:
        """How to find the run that this request started, when its answer was lost; None where that cannot be.

        The request is the one that `build_request` made, without its secrets.
        """
        return None

    def resume(self, interrupt: Interrupt, decision: str, feedback: str | None) -> Mapping[str, Any]:
        """The options of the call that continues a paused run. Only for vendors whose runs pause for a human.

        Raises:
            UnsupportedFeatureError: for what the vendor cannot carry.
        """
        raise NotImplementedError(f"{self.name} has no runs that pause")

    def decoder(self, request: HttpRequest) -> StreamDecoder | None:
        """A reader for this request's streamed answer, or None where the vendor does not stream."""
        return None

    def read_callback(self, callback: HttpRequest) -> Result | Fault | None:
        """Read what the vendor posts to a callback URL; None for what is no answer yet, as an empty one.

        Guarded like `read`. `callback.content` holds the body, `callback.headers` have lower-case names.
        """
        return None

    def read_request(self, request: HttpRequest) -> Invocation | None:
        """The call that a recorded request said: the reverse of `build_request`. Only where workloads are to be moved.

        The request is as it was on the wire: its query in `query`, its body decoded in `json`, files as their text there.
        The target of the Invocation is ":agent-id". What has no field of its own goes into `options`; the key does not.
        None for a request that runs no agent.

        Raises:
            ValueError: it runs one, but says what no Invocation can; the message names it, and shows no value.
        """
        return None

    def usage_by_day(
        self, agent: str, first: dt.date, last: dt.date
    ) -> Sequence[Operation[tuple[UsageDay, ...]]] | None:
        """The operations that tell what an agent used on each of these days (UTC), as far as the vendor tells yet.

        None where the vendor does not tell it by day.
        """
        return None


class Operation(abc.ABC, Generic[T]):
    """Any other endpoint of a vendor, run by `bridge.call(operation)`. Subclasses are frozen attrs classes.

    `provider` is the provider's name, `name` what the command line calls it: `agentbridge call PROVIDER NAME`, with the
    fields as options. `idempotent` says that it may be sent again although it may have run.
    """

    provider: ClassVar[str]
    name: ClassVar[str] = ""
    idempotent: ClassVar[bool] = False

    @abc.abstractmethod
    def build_request(self, call: Call) -> HttpRequest:
        """The request. Raises UnsupportedFeatureError for a value that the vendor cannot carry."""

    @abc.abstractmethod
    def read(self, response: HttpResponse) -> T | Pending | Fault:
        """The answer as a value of the operation's own type, or what went wrong."""


def filled(operation: object, field: attrs.Attribute[Any], value: object) -> None:
    """A validator for a field of an operation: a text that is not blank, and that can be sent.

    Raises:
        ConfigurationError: it is none.
    """
    where = f"{type(operation).__name__}: {field.name}={value!r}"
    if not (isinstance(value, str) and value.strip()):
        raise ConfigurationError(f"{where} says nothing. Give a text")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ConfigurationError(f"{where} has half of a surrogate pair. Give a text")


filled_or_none = attrs.validators.optional(filled)
"""The same for a field that may be left out."""


class _Late:
    """What a place holds, imported when it is asked for."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __get__(self, instance: object, owner: type) -> Any:
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(module), name)


def operations_at(place: str) -> tuple[type[Operation[Any]], ...]:
    """`Provider.operations` at `"package.module:NAME"`, imported when they are asked for: who only calls agents need not wait."""
    return cast("tuple[type[Operation[Any]], ...]", _Late(place))


def names_in(package: str, modules: Sequence[str], names: Collection[str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose public names are imported when they are asked for, from these of its modules."""

    def find(name: str) -> Any:
        for home in modules if name in names else ():
            module = importlib.import_module(f".{home}", package)
            if getattr(getattr(module, name, None), "__module__", None) == module.__name__:
                return getattr(module, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
