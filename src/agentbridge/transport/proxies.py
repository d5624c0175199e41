"""Which proxy a request goes through, for transports whose library does not look it up, or not as they need it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import attrs

from ..environment import environment
from ..errors import ConfigurationError

_SCHEMES = ("http", "https", "all")


@attrs.frozen
class Proxies:
    """The proxies by the scheme of what is asked for, as URLs. Those of the environment are read as Python does."""

    urls: Mapping[str, str]
    is_of_environment: bool

    @classmethod
    def of(cls, own: str | None) -> Self:
        """The proxy of a connection, else those of the environment. Raises ConfigurationError."""
        said = _found() if own is None else {"all": own}
        urls = {scheme: _url(said[scheme]) for scheme in _SCHEMES if said.get(scheme)}
        if not all(url.startswith(("http://", "https://")) and urlsplit(url).hostname for url in urls.values()):
            where = "proxy" if own is not None else "$HTTP_PROXY, $HTTPS_PROXY and $ALL_PROXY"
            raise ConfigurationError(f"a proxy is named as http://host:port. Check {where}")
        return cls(urls, own is None)

    def for_url(self, url: str) -> str | None:
        """The proxy for a URL, if any."""
        if not self.urls:
            return None
        parts = urlsplit(url)
        if self.is_of_environment and proxy_bypass(parts.hostname or ""):
            return None
        return self.urls.get(parts.scheme) or self.urls.get("all")


def environment_proxies() -> dict[str, str | None]:
    """A proxy's URL for each pattern of URLs, as httpx and httpx2 read them; None where there is to be none.

    They do so only for clients whose transports they made themselves, and call this mounts.
    """
    said = _found()
    bypassed = [host.strip() for host in said.get("no", "").split(",") if host.strip()]
    if "*" in bypassed:
        return {}
    proxies: dict[str, str | None] = {f"{scheme}://": _url(said[scheme]) for scheme in _SCHEMES if said.get(scheme)}
    return proxies | {_pattern(host): None for host in bypassed}


def _found() -> dict[str, str]:
    """What Python finds. It looks at each variable twice, and mostly there is nothing to find."""
    only_variables = getproxies is getproxies_environment  # elsewhere the system has settings of its own
    if only_variables and not any(name[-6:].lower() == "_proxy" for name in environment()):
        return {}
    return getproxies()


def _url(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _pattern(host: str) -> str:
    """An entry of `NO_PROXY`: a name is also all names below it, and with a dot before it those alone."""
    if "://" in host:
        return host
    address, slash, network = host.partition("/")
    if _is(ipaddress.IPv6Address, address):
        return f"all://[{address}]{slash}{network}"
    is_one = host.lower() == "localhost" or host.startswith(("[", "*.")) or _is(ipaddress.IPv4Address, address)
    return f"all://{host}" if is_one else f"all://*{host}"


def _is(kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
