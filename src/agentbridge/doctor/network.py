"""What can be told by knocking: the name, the port, the certificate, and a HEAD request without a key.

The probes are thin; what their failures mean is decided by pure functions.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from urllib.parse import SplitResult, urljoin, urlsplit

import attrs

from ..body import encode
from ..commands import Send
from ..connection import Connection
from ..errors import ConfigurationError
from ..retry import Timeouts
from ..transport.httpx import HttpxTransport
from ..transport.proxies import Proxies, address
from ..transport.tls import new_ssl_context
from ..wire import HttpRequest, HttpResponse, NoAnswer
from .finding import Finding, fine, problem, warning

_SOON = 14 * 24 * 3600  # seconds: a certificate that ends sooner is worth a word
_PORTS = {"http": 80, "https": 443}


def about_network(connection: Connection, base_url: str, library: str, timeout: float) -> list[Finding]:
    """Knock step by step, until something does not answer. `timeout` is in seconds, for each step."""
    try:
        transport = HttpxTransport(library, proxy=connection.proxy, verify=connection.verify)
    except ConfigurationError as error:
        return [problem("HTTP client", str(error), "mend it, or take it out")]
    with closing(transport):
        return _Prober(connection, transport, library, timeout).probe(base_url.partition("?")[0])


@attrs.frozen
class _Prober:
    """Knocks as a call of this connection would."""

    connection: Connection
    transport: HttpxTransport
    library: str
    timeout: float

    def probe(self, url: str) -> list[Finding]:
        """The way there, and, where nothing is in it, an answer."""
        parts = urlsplit(url)
        proxy = Proxies.of(self.connection.proxy).for_url(parts.scheme, parts.hostname or "", parts.port)
        found = self._direct(parts) if proxy is None else [self._proxy(*address(proxy))]
        return found if any(finding.level == "problem" for finding in found) else [*found, self._knock(url)]

    def _proxy(self, host: str, port: int) -> Finding:
        whose = "the connection's" if self.connection.proxy else "that of the environment (HTTP_PROXY and its like)"
        try:
            socket.create_connection((host, port), self.timeout).close()
        except OSError as error:
            return problem("proxy", f"the proxy {host}:{port}, {whose}, {no_connection(error)}", _PROXY)
        said = f"calls go through {host}:{port}, {whose}; the vendor's name and certificate are not probed past it"
        return fine("proxy", said)

    def _direct(self, url: SplitResult) -> list[Finding]:
        """Name, port and certificate, as far as they get."""
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        try:
            addresses = sorted({str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
        except (OSError, UnicodeError) as error:
            return [problem("DNS", f"there is no host {host!r}: {getattr(error, 'strerror', None) or error}", _DNS)]
        named = "an address already" if addresses == [host] else ", ".join(addresses)
        found = [fine("DNS", f"{host} is {named}")]
        try:
            connected = socket.create_connection((host, port), self.timeout)
        except OSError as error:
            return [*found, problem("port", f"{host}:{port} {no_connection(error)}", _PORT)]
        with connected:
            found.append(fine("port", f"{host}:{port} is open"))
            return found if url.scheme == "http" else [*found, self._certificate(connected, host)]

    def _certificate(self, connected: socket.socket, host: str) -> Finding:
        try:
            context = new_ssl_context(self.library, self.connection.verify)
            with context.wrap_socket(connected, server_hostname=host) as secured:
                until = (secured.getpeercert() or {}).get("notAfter")
                return certified(str(secured.version()), str(until) if until else None, time.time())
        except OSError as error:  # also every error of ssl
            return uncertified(error, host)

    def _knock(self, url: str) -> Finding:
        """A request that carries no key and asks for nothing: any answer will do."""
        request = HttpRequest("HEAD", url)
        limits = Timeouts(connect=self.timeout, answer=self.timeout, idle=self.timeout)
        send = Send(request, url, encode(request), limits, time.monotonic() + self.timeout)
        return answered(self.transport.send(send), url, lambda: self._speaks_tls(urlsplit(url)))

    def _speaks_tls(self, url: SplitResult) -> bool:
        host = url.hostname or ""
        try:
            connected = socket.create_connection((host, url.port or _PORTS[url.scheme]), self.timeout)
            with connected, new_ssl_context(self.library, verify=False).wrap_socket(connected, server_hostname=host):
                return True
        except OSError:
            return False


_PROXY = "start it, or set NO_PROXY to the vendor's host where it can be reached without"
_DNS = "mend base_url, or look whether this machine is online, and its VPN up"
_PORT = "mend the port in base_url, start the server, or let the firewall through"


def no_connection(error: OSError) -> str:
    """What it means that no connection stands, after the name of what was to be reached."""
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections: nothing listens there"
    if isinstance(error, TimeoutError):
        return "does not answer: a firewall, or the wrong port"
    return f"cannot be reached: {error.strerror or error}"


def certified(version: str, until: str | None, now: float) -> Finding:
    """A handshake that succeeded. `until` is the certificate's end, None where it is not verified; `now` in seconds."""
    if until is None:
        return fine("TLS", f"{version}, the certificate is not verified")
    if ssl.cert_time_to_seconds(until) - now < _SOON:
        return warning("TLS", f"the certificate ends soon, {until}", "have it renewed")
    return fine("TLS", f"{version}, the certificate holds until {until}")


_CA = 'if it is your own, name its CA: verify = "/path/to/ca.pem"'
_UNVERIFIED = {
    9: ("is not valid yet", "look at this machine's clock"),
    10: ("has expired", "have it renewed, and look at this machine's clock"),
    18: ("is self-signed", _CA),
    19: ("is signed by a CA that is not known here", _CA),
    20: ("is signed by a CA that is not known here", f"{_CA}; it may also be sent without its intermediate"),
    62: ("is for another host", "write the host that the certificate names into base_url"),
    64: ("is for another host", "write the host that the certificate names into base_url"),
}


def uncertified(error: OSError, host: str) -> Finding:
    """A handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said, remedy = _UNVERIFIED.get(error.verify_code, (f"is refused: {error.verify_message}", _CA))
        return problem("TLS", f"the certificate of {host} {said}", remedy)
    if isinstance(error, TimeoutError):
        return problem("TLS", f"{host} is silent when it is spoken to in TLS", "write http://, or another port")
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    if reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return problem("TLS", f"{host} does not speak TLS at this port", "write http://, or another port")
    return problem("TLS", f"{host} broke the handshake off: {reason}", "look at the server's log, or write http://")


def answered(answer: HttpResponse | NoAnswer, url: str, speaks_tls: Callable[[], bool]) -> Finding:
    """What an answer to a request without a key means."""
    confused = isinstance(answer, NoAnswer) or answer.status == 400
    if confused and url.startswith("http:") and speaks_tls():
        return problem("HTTP", "this port speaks TLS", "write https://")
    if isinstance(answer, NoAnswer):
        said = f"no answer to a HEAD request: {answer.detail or answer.reason}"
        return problem("HTTP", said, "look whether the server is up, and what stands before it")
    if answer.status == 407:
        return problem("HTTP", "the proxy wants a login", 'say it in the URL: proxy = "http://user:password@host:port"')
    if elsewhere := _redirected(answer, url):
        return warning("HTTP", f"it redirects to {elsewhere}, and calls do not follow", f"try base_url = {elsewhere!r}")
    if answer.status >= 500 and answer.status != 501:
        return warning("HTTP", f"it answers with {answer.status}", "the vendor may be down: try again later")
    return fine("HTTP", f"it answers: {answer.status} to a HEAD request without a key, where any status will do")


def _redirected(answer: HttpResponse, url: str) -> str | None:
    """Another host or scheme that the answer points to; a path of its own is a login page or the like."""
    if not 300 <= answer.status <= 399:
        return None
    asked, target = urlsplit(url), urlsplit(urljoin(url, answer.headers.get("location", "")))
    here = (asked.scheme, asked.hostname, asked.port)
    if (target.scheme, target.hostname, target.port) == here or target.hostname is None:
        return None
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}"
