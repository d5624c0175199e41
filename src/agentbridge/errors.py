"""All that goes wrong, as one tree.

AgentBridgeError
├─ ConfigurationError                     nothing was sent
│  └─ UnknownTargetError (LookupError)    lists what is there, and which plugins failed to load
├─ UnsupportedFeatureError (ValueError)   nothing was sent
├─ PluginError                            a plugin does not do what plugins must do
└─ InvocationError                        a request was built
   ├─ TransportError                      no answer arrived
   │  ├─ ConnectionFailedError            nothing reached the vendor
   │  ├─ ResponseTimeoutError             silence for too long
   │  ├─ StreamInterruptedError           the stream broke off, or ended without its end
   │  └─ DeadlineExceededError            the caller's total time is up
   ├─ MalformedResponseError              an answer arrived that cannot be read
   └─ ProviderError                       the vendor said no, by status or by body
      ├─ AuthenticationError  PermissionDeniedError  NotFoundError  InvalidRequestError
      ├─ RateLimitError  QuotaExceededError  UnavailableError
      └─ ExecutionError                   the flow ran and failed
         └─ ToolExecutionError            a tool inside the run failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .faults import Fault, FaultKind

if TYPE_CHECKING:
    from .model import Pending, Result, Tried
    from .wire import HttpRequest, HttpResponse

__all__ = [
    "AgentBridgeError", "AuthenticationError", "ConfigurationError", "ConnectionFailedError", "DeadlineExceededError",
    "ExecutionError", "InvalidRequestError", "InvocationError", "MalformedResponseError", "NotFoundError",
    "PermissionDeniedError", "PluginError", "ProviderError", "QuotaExceededError", "RateLimitError",
    "ResponseTimeoutError", "StreamInterruptedError", "ToolExecutionError", "TransportError", "UnavailableError",
    "UnknownTargetError", "UnsupportedFeatureError",
]  # fmt: skip


def _rebuild(cls: type[AgentBridgeError], args: tuple[Any, ...], state: dict[str, Any]) -> AgentBridgeError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class AgentBridgeError(Exception):
    """Base of every exception of this library. All of them pickle and copy with all their fields."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class ConfigurationError(AgentBridgeError):
    """The configuration, the environment or an argument is wrong. Nothing was sent."""


class UnknownTargetError(ConfigurationError, LookupError):
    """No such connection, agent or provider. The message lists what there is. Nothing was sent."""


class UnsupportedFeatureError(AgentBridgeError, ValueError):
    """The vendor cannot carry `feature`, and it is not dropped in silence. Nothing was sent.

    `feature` names the field of the Invocation, `why` says why not and what to do instead. A provider raises it
    without `provider`, which the core fills in.
    """

    def __init__(self, feature: str, why: str, *, provider: str = "") -> None:
        super().__init__(feature, why)
        self.feature = feature
        self.why = why
        self.provider = provider

    def __str__(self) -> str:
        return f"{self.provider or 'this provider'} cannot carry {self.feature!r}: {self.why}"


class PluginError(AgentBridgeError):
    """A plugin does not do what plugins must do; `plugin` is its name, `distribution` what brought it."""

    def __init__(self, message: str, *, plugin: str = "", distribution: str = "") -> None:
        super().__init__(message)
        self.plugin = plugin
        self.distribution = distribution


class InvocationError(AgentBridgeError):
    """A request was built, and no Result came of it. All the evidence is here, without secrets.

    Attributes:
        message: what the vendor or the network said, in one line.
        provider, connection, agent: who was asked.
        request: what was asked; None where a caller made the error.
        response: the answer that decided; None where none arrived.
        fault: the failure as data.
        attempts: how often the run was started.
        pending: the run to pick up again, where the vendor had accepted it.
        tried: the vendors that were asked before this one, and why they could not.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        connection: str = "",
        agent: str = "",
        request: HttpRequest | None = None,
        response: HttpResponse | None = None,
        fault: Fault | None = None,
        attempts: int = 0,
        pending: Pending | None = None,
        tried: tuple[Tried, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.connection = connection
        self.agent = agent
        self.request = request
        self.response = response
        self.fault = fault or Fault(FaultKind.UNKNOWN, message)
        self.attempts = attempts
        self.pending = pending
        self.tried = tried

    @property
    def status(self) -> int | None:
        """The true HTTP status: 200 stays 200. None where no answer arrived, or one that came as a callback."""
        return None if self.response is None else self.response.status or None

    @property
    def code(self) -> str | None:
        """The vendor's own code or inner status, as text."""
        return self.fault.code

    @property
    def retry_after(self) -> float | None:
        """How long the vendor asks to wait, in seconds."""
        return self.fault.retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later. A fact about the fault; the retry policy decides."""
        return bool(self.fault.retryable)

    @property
    def may_have_run(self) -> bool:
        """Whether the agent may have acted and been billed."""
        return self.fault.may_have_run is not False

    @property
    def partial(self) -> Result | None:
        """All that did arrive: text so far, tool calls, ids."""
        return self.fault.partial

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def _repr_markdown_(self) -> str:
        """For notebooks: what went wrong, and what did arrive."""
        from .showing import error_as_markdown

        return error_as_markdown(self)

    def __str__(self) -> str:
        where = f"[{self.provider}] " if self.provider else ""
        facts = [f"HTTP {self.status}"] if self.status is not None else []
        facts += [f"code {self.code}"] if self.code is not None and self.code != str(self.status) else []
        facts += [f"{self.attempts} attempts"] if self.attempts > 1 else []
        return f"{where}{one_line(self.message)}" + (f" ({', '.join(facts)})" if facts else "")


class TransportError(InvocationError):
    """No answer arrived. Itself: the connection was lost after something was sent."""


class ConnectionFailedError(TransportError):
    """Nothing reached the vendor."""


class ResponseTimeoutError(TransportError):
    """The vendor was silent for too long. The run may go on there."""


class StreamInterruptedError(TransportError):
    """The stream broke off, or ended without its end. `partial` has what arrived."""


class DeadlineExceededError(TransportError):
    """The caller's total time is up."""


class MalformedResponseError(InvocationError):
    """An answer arrived that cannot be read: an HTML page, an empty body, a success without its proof."""


class ProviderError(InvocationError):
    """The vendor said no, by status or by body."""


class AuthenticationError(ProviderError):
    """The vendor does not accept the key."""


class PermissionDeniedError(ProviderError):
    """The key is known, but not allowed to do this."""


class NotFoundError(ProviderError):
    """No such agent, run or document at the vendor."""


class InvalidRequestError(ProviderError):
    """The vendor refuses what was asked."""


class RateLimitError(ProviderError):
    """Too many calls; see `retry_after`."""


class QuotaExceededError(ProviderError):
    """No credits or quota left."""


class UnavailableError(ProviderError):
    """The vendor is busy or out of order, or a proxy in front of it gave up."""


class ExecutionError(ProviderError):
    """The flow ran and failed: the usual meaning of "HTTP 200, but an error in the body"."""


class ToolExecutionError(ExecutionError):
    """A tool inside the run failed. The answer that came with it is in `partial`."""


_BY_KIND: dict[FaultKind, type[InvocationError]] = {
    FaultKind.AUTHENTICATION: AuthenticationError,
    FaultKind.PERMISSION: PermissionDeniedError,
    FaultKind.NOT_FOUND: NotFoundError,
    FaultKind.INVALID_REQUEST: InvalidRequestError,
    FaultKind.RATE_LIMITED: RateLimitError,
    FaultKind.QUOTA_EXCEEDED: QuotaExceededError,
    FaultKind.UNAVAILABLE: UnavailableError,
    FaultKind.EXECUTION: ExecutionError,
    FaultKind.INTERRUPTED: StreamInterruptedError,
    FaultKind.UNKNOWN: ProviderError,
}


def error_class(kind: FaultKind) -> type[InvocationError]:
    """The class that a fault of this kind is raised as."""
    return _BY_KIND[kind]


def one_line(text: str, limit: int = 500) -> str:
    """The text on one line, cut to `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
