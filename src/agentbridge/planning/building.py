"""What a plugin wants sent: built, checked and fixed, so that nothing odd leaves and a bug in a plugin looks like one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import attrs

from ..body import encode, final_url
from ..commands import MAX_ANSWER, Send
from ..connection import Connection
from ..errors import AgentBridgeError, ConfigurationError, PluginError, UnsupportedFeatureError
from ..provider import Provider
from ..redaction import is_secret_name
from ..retry import Timeouts
from ..verdict import where
from ..wire import HttpRequest

_HALF = "a value of this call has half of a surrogate pair, which is no text"


def built(build: Callable[[], HttpRequest], provider: Provider, connection: Connection) -> HttpRequest:
    """What a plugin wants sent, with the connection's headers; a bug in it looks like one."""
    try:
        request = build()
        if not isinstance(request, HttpRequest):
            raise TypeError
        plain = request.is_mail or not connection.headers  # the headers are of HTTP
        return request if plain else _with_headers(request, connection)
    except UnsupportedFeatureError as error:
        error.provider = error.provider or provider.name
        raise
    except AgentBridgeError:
        raise
    except UnicodeEncodeError:
        raise ConfigurationError(_HALF) from None
    except Exception as error:
        bug = where(error)
    # outside of the except block: what the plugin raised may quote a secret, and must not be found as the context
    message = f"plugin {provider.name!r} could not build its request: {bug}. That is a bug in the plugin"
    raise PluginError(message, plugin=provider.name)


def _with_headers(request: HttpRequest, connection: Connection) -> HttpRequest:
    secret = {name: value for name, value in connection.headers.items() if is_secret_name(name)}
    plain = {name: value for name, value in connection.headers.items() if name not in secret}
    return attrs.evolve(request, headers={**plain, **request.headers}, auth={**secret, **request.auth})


def fixed(request: HttpRequest, provider: Provider, timeouts: Timeouts | None, max_answer: int = MAX_ANSWER) -> Send:
    """The request with its final URL and body, the same at every attempt."""
    try:
        url = final_url(request)
        _check_request(request, url, provider)
        return Send(request, url, encode(request), timeouts, max_answer=max_answer)
    except UnsupportedFeatureError as error:
        error.provider = provider.name
        raise
    except UnicodeEncodeError:
        raise ConfigurationError(_HALF) from None


def _check_request(request: HttpRequest, url: str, provider: Provider) -> None:
    """Raise for a request that would reach another path than was meant, or whose headers cannot be sent."""
    if _leads_out(url):
        raise ConfigurationError(f"the URL {url!r} leads out of its path: check the agent id and base_url")
    for headers in (request.headers, request.auth):
        for name, value in headers.items():
            if not (isinstance(value, str) and value.isascii() and value.isprintable()):
                problem = f"plugin {provider.name!r} puts something into the header {name!r} that no header can carry"
                raise PluginError(problem, plugin=provider.name)


@lru_cache(maxsize=256)
def _leads_out(url: str) -> bool:
    return any(unquote(step) in {".", ".."} for step in urlsplit(url).path.split("/"))
