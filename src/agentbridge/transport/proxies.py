"""Which proxy a request goes through: the connection's own, else that of the environment. The same for every transport."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import attrs

from ..environment import of_variables

_SCHEMES = ("http", "https", "all")
_PORTS = {"http": 80, "https": 443}


@attrs.frozen
class Proxies:
    """The proxies by the scheme of what is asked for, as URLs, and who is asked without: the entries of `NO_PROXY`."""

    urls: Mapping[str, str] = attrs.field(factory=dict)
    bypassed: tuple[str, ...] = ()
    is_of_environment: bool = False

    @staticmethod
    def of(own: str | None) -> Proxies:
        """The proxy of a connection, else those of the environment."""
        if own is not None:
            return Proxies({"all": own})
        return _of_variables() if getproxies is getproxies_environment else _of_system()

    @property
    def where(self) -> str:
        """Where they were said, for an error."""
        return "$HTTP_PROXY, $HTTPS_PROXY, $ALL_PROXY and $NO_PROXY" if self.is_of_environment else "proxy"

    def for_url(self, scheme: str, host: str, port: int | None) -> str | None:
        """The proxy for a URL of these parts, if any."""
        if self.is_of_environment and self._is_bypassed(scheme, host.lower(), port or _PORTS.get(scheme)):
            return None
        return self.urls.get(scheme) or self.urls.get("all")

    def _is_bypassed(self, scheme: str, host: str, port: int | None) -> bool:
        of_system = getproxies is not getproxies_environment  # which has a list of its own
        return any(_meets(entry, scheme, host, port) for entry in self.bypassed) or (
            of_system and bool(proxy_bypass(host))
        )


def _meets(entry: str, scheme: str, host: str, port: int | None) -> bool:
    """Whether an entry of `NO_PROXY` means this host: a name and all below it, an address, a network, or `*` for all.

    With a dot or `*.` before it a name is only those below it. A port or a scheme narrows it down.
    """
    wanted, separator, rest = entry.rpartition("://")
    if separator and wanted not in {scheme, "all"}:
        return False
    if "/" in rest or _is_address(rest):
        return _is_within(host, rest)
    name, _, digits = rest.removeprefix("[").replace("]", "").rpartition(":") if _has_port(rest) else (rest, "", "")
    if digits and digits != str(port):
        return False
    below = name.removeprefix("*")
    return below in {"", host} or host.endswith(below if below.startswith(".") else f".{below}")


def _has_port(text: str) -> bool:
    return text.rpartition(":")[2].isdecimal()


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


@of_variables
def _of_variables(variables: Mapping[str, str]) -> Proxies:
    """Those that the variables name. Python looks at each twice, and mostly there is nothing to find."""
    return _of_system() if any(name[-6:].lower() == "_proxy" for name in variables) else Proxies(is_of_environment=True)


def _of_system() -> Proxies:
    """Those that Python finds: in the variables, and where the system has settings of its own there too."""
    said = getproxies()
    urls = {scheme: _url(said[scheme]) for scheme in _SCHEMES if said.get(scheme)}
    entries = (entry.strip().lower() for entry in said.get("no", "").split(","))
    return Proxies(urls, tuple(entry for entry in entries if entry), is_of_environment=True)


def _url(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def address(proxy: str) -> tuple[str, int]:
    """Host and port of a proxy's URL."""
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
