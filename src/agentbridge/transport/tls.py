"""SSL contexts: those of the libraries, one a process."""

from __future__ import annotations

import ssl
from functools import cache, lru_cache

from ..errors import ConfigurationError
from .libraries import installed


@cache
def no_tls() -> ssl.SSLContext:
    """For connections without TLS, since the libraries ask for a context all the same. It trusts nobody."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(maxsize=32)
def ssl_context(library: str, verify: bool | str) -> ssl.SSLContext:
    """One SSL context a process: making one costs 17 ms and 0.8 MB."""
    return new_ssl_context(library, verify)


def new_ssl_context(library: str, verify: bool | str) -> ssl.SSLContext:
    """An SSL context as this library makes them. Raises ConfigurationError for a bad CA bundle."""
    create = installed(library).create_ssl_context
    if not isinstance(verify, str):
        context: ssl.SSLContext = create(verify=verify)
        return context
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise ConfigurationError(
            f"verify: the CA bundle {verify!r} cannot be read: {error.strerror or error}"
        ) from None
