"""The proxies of the environment, as httpx and httpx2 read them for clients whose transports are their own."""

from __future__ import annotations

import ipaddress
from urllib.request import getproxies


def environment_proxies() -> dict[str, str | None]:
    """A proxy's URL for each pattern of URLs; None where there is to be none. The libraries call these mounts."""
    said = getproxies()
    bypassed = [host.strip() for host in said.get("no", "").split(",") if host.strip()]
    if "*" in bypassed:
        return {}
    proxies: dict[str, str | None] = {
        f"{scheme}://": _url(said[scheme]) for scheme in ("http", "https", "all") if said.get(scheme)
    }
    return proxies | {_pattern(host): None for host in bypassed}


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
