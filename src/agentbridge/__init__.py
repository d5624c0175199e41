"""One face on many agent platforms. Names are looked up when they are first used, so that importing costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._version import __version__ as __version__
    from .async_bridge import AsyncBridge as AsyncBridge
    from .bindings import (
        Agent as Agent,
        Binding as Binding,
        bind as bind,
    )
    from .bridge import Bridge as Bridge
    from .connection import Connection as Connection
    from .drift import Drift as Drift
    from .errors import (
        AgentBridgeError as AgentBridgeError,
        AuthenticationError as AuthenticationError,
        ConfigurationError as ConfigurationError,
        ConnectionFailedError as ConnectionFailedError,
        DeadlineExceededError as DeadlineExceededError,
        ExecutionError as ExecutionError,
        InvalidRequestError as InvalidRequestError,
        InvocationError as InvocationError,
        MalformedResponseError as MalformedResponseError,
        NotFoundError as NotFoundError,
        PermissionDeniedError as PermissionDeniedError,
        PluginError as PluginError,
        ProviderError as ProviderError,
        QuotaExceededError as QuotaExceededError,
        RateLimitError as RateLimitError,
        ResponseTimeoutError as ResponseTimeoutError,
        StreamInterruptedError as StreamInterruptedError,
        ToolExecutionError as ToolExecutionError,
        TransportError as TransportError,
        UnavailableError as UnavailableError,
        UnknownTargetError as UnknownTargetError,
        UnsupportedFeatureError as UnsupportedFeatureError,
    )
    from .events import (
        Completed as Completed,
        Event as Event,
        ReasoningDelta as ReasoningDelta,
        SourcesFound as SourcesFound,
        Started as Started,
        StepChanged as StepChanged,
        TextDelta as TextDelta,
        ToolCalled as ToolCalled,
        VendorEvent as VendorEvent,
    )
    from .faults import (
        Fault as Fault,
        FaultKind as FaultKind,
        fault_from_status as fault_from_status,
    )
    from .hookspecs import hookimpl as hookimpl
    from .model import (
        SHARED as SHARED,
        Interrupt as Interrupt,
        Invocation as Invocation,
        JsonValue as JsonValue,
        Message as Message,
        Outcome as Outcome,
        Pending as Pending,
        Result as Result,
        Source as Source,
        ToolCall as ToolCall,
        Tried as Tried,
        Usage as Usage,
    )
    from .observing.observations import (
        AnswerReceived as AnswerReceived,
        InvocationFinished as InvocationFinished,
        InvocationStarted as InvocationStarted,
        Observation as Observation,
        Observer as Observer,
        RequestSent as RequestSent,
        RetryScheduled as RetryScheduled,
    )
    from .pacing import Limits as Limits
    from .planning.prepared import Prepared as Prepared
    from .planning.settings import CallFields as CallFields, WaitFields as WaitFields
    from .plugins import Registry as Registry
    from .provider import (
        Call as Call,
        Operation as Operation,
        Provider as Provider,
        StreamDecoder as StreamDecoder,
        UsageDay as UsageDay,
    )
    from .retry import (
        RetryPolicy as RetryPolicy,
        Timeouts as Timeouts,
    )
    from .rules import FaultRule as FaultRule
    from .transport.stream import AsyncStream as AsyncStream, Stream as Stream
    from .wire import (
        DataUrl as DataUrl,
        File as File,
        FileText as FileText,
        HttpRequest as HttpRequest,
        HttpResponse as HttpResponse,
        Link as Link,
    )
else:
    from ._lazy import exported

    _MODULES = {
        "_version": "__version__",
        "async_bridge": "AsyncBridge",
        "bindings": "Agent Binding bind",
        "bridge": "Bridge",
        "connection": "Connection",
        "drift": "Drift",
        "errors": "AgentBridgeError AuthenticationError ConfigurationError ConnectionFailedError DeadlineExceededError ExecutionError InvalidRequestError InvocationError MalformedResponseError NotFoundError PermissionDeniedError PluginError ProviderError QuotaExceededError RateLimitError ResponseTimeoutError StreamInterruptedError ToolExecutionError TransportError UnavailableError UnknownTargetError UnsupportedFeatureError",
        "events": "Completed Event ReasoningDelta SourcesFound Started StepChanged TextDelta ToolCalled VendorEvent",
        "faults": "Fault FaultKind fault_from_status",
        "hookspecs": "hookimpl",
        "model": "Interrupt Invocation JsonValue Message Outcome Pending Result SHARED Source ToolCall Tried Usage",
        "observing.observations": "AnswerReceived InvocationFinished InvocationStarted Observation Observer RequestSent RetryScheduled",
        "pacing": "Limits",
        "plugins": "Registry",
        "planning.prepared": "Prepared",
        "provider": "Call Operation Provider StreamDecoder UsageDay",
        "retry": "RetryPolicy Timeouts",
        "rules": "FaultRule",
        "planning.settings": "CallFields WaitFields",
        "transport.stream": "AsyncStream Stream",
        "wire": "DataUrl File FileText HttpRequest HttpResponse Link",
    }
    __all__, __getattr__, __dir__ = exported(__name__, _MODULES)
