"""One face on many agent platforms. Names are looked up when they are first used, so that importing costs nothing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._version import __version__ as __version__
    from .bindings import (
        Agent as Agent,
    )
    from .bindings import (
        Binding as Binding,
    )
    from .bindings import (
        bind as bind,
    )
    from .bridge import (
        AsyncBridge as AsyncBridge,
    )
    from .bridge import (
        Bridge as Bridge,
    )
    from .config import Connection as Connection
    from .errors import (
        AgentBridgeError as AgentBridgeError,
    )
    from .errors import (
        AuthenticationError as AuthenticationError,
    )
    from .errors import (
        ConfigurationError as ConfigurationError,
    )
    from .errors import (
        ConnectionFailedError as ConnectionFailedError,
    )
    from .errors import (
        DeadlineExceededError as DeadlineExceededError,
    )
    from .errors import (
        ExecutionError as ExecutionError,
    )
    from .errors import (
        InvalidRequestError as InvalidRequestError,
    )
    from .errors import (
        InvocationError as InvocationError,
    )
    from .errors import (
        MalformedResponseError as MalformedResponseError,
    )
    from .errors import (
        NotFoundError as NotFoundError,
    )
    from .errors import (
        PermissionDeniedError as PermissionDeniedError,
    )
    from .errors import (
        PluginError as PluginError,
    )
    from .errors import (
        ProviderError as ProviderError,
    )
    from .errors import (
        QuotaExceededError as QuotaExceededError,
    )
    from .errors import (
        RateLimitError as RateLimitError,
    )
    from .errors import (
        ResponseTimeoutError as ResponseTimeoutError,
    )
    from .errors import (
        StreamInterruptedError as StreamInterruptedError,
    )
    from .errors import (
        ToolExecutionError as ToolExecutionError,
    )
    from .errors import (
        TransportError as TransportError,
    )
    from .errors import (
        UnavailableError as UnavailableError,
    )
    from .errors import (
        UnknownTargetError as UnknownTargetError,
    )
    from .errors import (
        UnsupportedFeatureError as UnsupportedFeatureError,
    )
    from .events import (
        Completed as Completed,
    )
    from .events import (
        Event as Event,
    )
    from .events import (
        ReasoningDelta as ReasoningDelta,
    )
    from .events import (
        SourcesFound as SourcesFound,
    )
    from .events import (
        Started as Started,
    )
    from .events import (
        StepChanged as StepChanged,
    )
    from .events import (
        TextDelta as TextDelta,
    )
    from .events import (
        ToolCalled as ToolCalled,
    )
    from .events import (
        VendorEvent as VendorEvent,
    )
    from .faults import (
        Fault as Fault,
    )
    from .faults import (
        FaultKind as FaultKind,
    )
    from .faults import (
        fault_from_status as fault_from_status,
    )
    from .hookspecs import hookimpl as hookimpl
    from .model import (
        SHARED as SHARED,
    )
    from .model import (
        Interrupt as Interrupt,
    )
    from .model import (
        Invocation as Invocation,
    )
    from .model import (
        JsonValue as JsonValue,
    )
    from .model import (
        Message as Message,
    )
    from .model import (
        Outcome as Outcome,
    )
    from .model import (
        Pending as Pending,
    )
    from .model import (
        Prepared as Prepared,
    )
    from .model import (
        Result as Result,
    )
    from .model import (
        Source as Source,
    )
    from .model import (
        ToolCall as ToolCall,
    )
    from .model import (
        Usage as Usage,
    )
    from .plugins import Registry as Registry
    from .provider import (
        Call as Call,
    )
    from .provider import (
        Operation as Operation,
    )
    from .provider import (
        Provider as Provider,
    )
    from .provider import (
        StreamDecoder as StreamDecoder,
    )
    from .retry import (
        RetryPolicy as RetryPolicy,
    )
    from .retry import (
        Timeouts as Timeouts,
    )
    from .wire import (
        DataUrl as DataUrl,
    )
    from .wire import (
        File as File,
    )
    from .wire import (
        FileText as FileText,
    )
    from .wire import (
        HttpRequest as HttpRequest,
    )
    from .wire import (
        HttpResponse as HttpResponse,
    )
    from .wire import (
        Link as Link,
    )

_MODULES = {
    "_version": "__version__",
    "bindings": "Agent Binding bind",
    "bridge": "AsyncBridge Bridge",
    "config": "Connection",
    "errors": "AgentBridgeError AuthenticationError ConfigurationError ConnectionFailedError DeadlineExceededError ExecutionError InvalidRequestError InvocationError MalformedResponseError NotFoundError PermissionDeniedError PluginError ProviderError QuotaExceededError RateLimitError ResponseTimeoutError StreamInterruptedError ToolExecutionError TransportError UnavailableError UnknownTargetError UnsupportedFeatureError",
    "events": "Completed Event ReasoningDelta SourcesFound Started StepChanged TextDelta ToolCalled VendorEvent",
    "faults": "Fault FaultKind fault_from_status",
    "hookspecs": "hookimpl",
    "model": "Interrupt Invocation JsonValue Message Outcome Pending Prepared Result SHARED Source ToolCall Usage",
    "plugins": "Registry",
    "provider": "Call Operation Provider StreamDecoder",
    "retry": "RetryPolicy Timeouts",
    "wire": "DataUrl File FileText HttpRequest HttpResponse Link",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'agentbridge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
