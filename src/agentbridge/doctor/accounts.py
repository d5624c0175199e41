"""What can be told of a connection by looking at its values: the shape of its key, and where its base URL leads."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from ..body import final_url
from ..connection import Connection, variable
from ..errors import ConfigurationError, UnsupportedFeatureError
from ..model import Invocation
from ..planning.building import built
from ..provider import Call, Provider
from ..wire import HttpRequest
from .finding import Finding, fine, problem, warning

_AGENT = "AGENT-ID"


class _Sign(NamedTuple):
    """Something that keys do not look like, and how it comes about."""

    looks: re.Pattern[str]
    message: str
    remedy: str


_SIGNS = (
    _Sign(
        re.compile(r"[\"'`].*|.*[\"'`]", re.DOTALL),
        "has quotation marks around it",
        "write {variable}=abc123 without them: not every reader of a .env file takes them off",
    ),
    _Sign(
        re.compile(r"(?i)(bearer|basic|token)[ :].*|(x-)?(api-key|authorization)[ :=].*"),
        "begins with the name of a header or a scheme",
        "write {variable}=abc123, the key alone: what the vendor wants before it is added",
    ),
    _Sign(
        re.compile(r".*\$\{?\w+\}?|%\w+%|\{\{.*\}\}|\$\(.*\)"),
        "is a variable that nobody expanded",
        'name it: api_key_env = "MY_KEY", where it now says api_key = "${{MY_KEY}}"',
    ),
    _Sign(
        re.compile(r"(?i)(op|vault|ssm|secret|secrets|keyring|bws)://.*|arn:aws:.*"),
        "is the address of a secret, not the secret",
        'let its tool read it: api_key_command = ["op", "read", "op://vault/item/field"]',
    ),
    _Sign(re.compile(r"(?i)https?://.*"), "is a URL", "put it into base_url, and the key into {variable}"),
    _Sign(
        re.compile(
            r"(?i)<.*>|\[.*\]|[*x.]{3,}|.*(\.\.\.|your[-_ ]|[-_ ]here\b|change-?_?me|placeholder).*"
            r"|(the[-_ ])?(api[-_ ]?)?key|todo|none|null|undefined|secret"
        ),
        "is a placeholder",
        "put {variable}=abc123 in its place, with the key that the vendor's settings show",
    ),
    _Sign(re.compile(r".*\s.*"), "has a blank inside", "copy it anew: it may be two things in one"),
)
_PATH = re.compile(r"(~|\.{1,2})?/([\w-][\w.-]*/)+[\w.-]+")


def about_key(name: str, connection: Connection, provider: Provider, others: Iterable[Provider]) -> Finding:
    """What the key looks like. Nothing of it is in the finding."""
    key = connection.api_key
    if key is None:
        return warning("key", "there is none", f"set ${variable(name, 'API_KEY')}, unless its agents are public")
    for sign in _SIGNS:
        if sign.looks.fullmatch(key):
            return problem("key", f"it {sign.message}", sign.remedy.format(variable=variable(name, "API_KEY")))
    if _PATH.fullmatch(key):
        return warning("key", "it looks like the path of a file", 'let the file be read: api_key_file = "PATH"')
    owner = _owner(key, provider, others)
    if owner is not None:
        return problem(
            "key", f"it looks like a key of {owner}", f"give one of {provider.name}, or provider = {owner!r}"
        )
    return fine("key", f"there is one, of {len(key)} characters")


def _owner(key: str, provider: Provider, others: Iterable[Provider]) -> str | None:
    """The vendor whose mark this key bears, where it is another's and not its own."""
    if _bears(key, provider):
        return None
    return next((other.name for other in others if _bears(key, other)), None)


def _bears(key: str, provider: Provider) -> bool:
    return provider.key_pattern is not None and re.fullmatch(provider.key_pattern, key) is not None


_UNFILLED = re.compile(r"[<>{}$]|%[A-Za-z_]+%|\byour[-_]|\bexample\.(com|org|net)$", re.IGNORECASE)
_TWICE = re.compile(r"((?:/[^/]+)+?)\1(?=/|$)")


def about_url(name: str, connection: Connection, provider: Provider, base_url: str) -> list[Finding]:
    """Where calls would go. The provider says what it makes of a base URL; nothing is sent."""
    parts = urlsplit(base_url)
    if _UNFILLED.search(unquote(parts.hostname or "")) or _UNFILLED.search(parts.path):
        return [problem("base URL", f"{_plain(base_url)} is a placeholder", f"set ${variable(name, 'BASE_URL')}")]
    try:
        request = _would_send(connection, provider, base_url, "" if parts.query else _AGENT)
    except UnsupportedFeatureError as error:
        if error.feature == "base_url":
            return [problem("base URL", str(error), "give the vendor's address without it")]
        request = None
    return [*_where(request, base_url, provider), *_exposed(base_url, connection)]


def _would_send(connection: Connection, provider: Provider, base_url: str, agent: str) -> HttpRequest | None:
    """A request of the smallest call; None where the plugin cannot make one of so little."""
    said = {"text": "hello"} if "text" in provider.accepts else {"inputs": {"input": "hello"}}
    invocation = Invocation(target=f"{provider.name}:{agent}", **said)
    call = Call(base_url=base_url, agent=agent, fresh_id="doctor", options=connection.options)
    try:
        return built(lambda: provider.build_request(invocation, call), provider, connection)
    except ConfigurationError:
        return None


def _where(request: HttpRequest | None, base_url: str, provider: Provider) -> list[Finding]:
    if request is None:
        return [fine("base URL", _plain(base_url))]
    sent, queried = _plain(request.url), {value for _, value in parse_qsl(urlsplit(final_url(request)).query)}
    lost = [key for key, value in parse_qsl(urlsplit(base_url).query) if value not in queried]
    if twice := _TWICE.search(urlsplit(sent).path):
        usual = f" The usual one is {provider.default_base_url}" if provider.default_base_url else ""
        return [problem("base URL", f"a call would go to {sent}, with {twice[1]!r} twice", f"take one out.{usual}")]
    if lost:
        said = f"its query ({', '.join(lost)}) is not sent: a call would go to {sent}"
        return [warning("base URL", said, "leave out what follows the '?', and name the agent in the target")]
    return [fine("base URL", f"a call would go to {sent}")]


def _exposed(base_url: str, connection: Connection) -> list[Finding]:
    """What can be read, or changed, on the way."""
    parts = urlsplit(base_url)
    if parts.scheme == "http" and not _is_near(parts.hostname or ""):
        said = f"http:// to {parts.hostname}: the key can be read on the way"
        return [warning("encryption", said, "write https://")]
    if parts.scheme == "https" and connection.verify is False:
        said = "verify = false: whoever is on the way can take the key"
        return [warning("encryption", said, 'name the CA that signed the certificate: verify = "/path/to/ca.pem"')]
    return []


def _is_near(host: str) -> bool:
    """Whether a host is this machine or in a network of one's own, by its name or address alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test"))
    return address.is_private or address.is_loopback or address.is_link_local


def _plain(url: str) -> str:
    """Without the query, which may hold what is nobody's business."""
    return url.partition("?")[0]
