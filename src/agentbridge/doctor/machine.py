"""What can be told of this machine: versions, plugins, the configuration, and the variables that are taken."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
from collections.abc import Mapping

from .._version import __version__
from ..config import CONFIG_VARIABLE, NO_FILE
from ..connection import Connection, variable
from ..directory import Directory
from ..entry_points import GROUP
from ..errors import ConfigurationError
from ..installing import how_to_install
from ..plugins import Registry
from ..transport import VARIABLE, transport_name
from .finding import Finding, fine, problem, warning

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def about_machine(registry: Registry) -> list[Finding]:
    """Python, the HTTP library, and each plugin."""
    return [_runtime(), *_plugins(registry)]


def _runtime() -> Finding:
    try:
        library = transport_name(None, None)
        version = importlib.import_module(library).__version__
    except (ConfigurationError, ImportError) as error:
        return problem("versions", str(error), f"set ${VARIABLE} anew, or unset it")
    return fine("versions", f"Python {platform.python_version()}, agentbridge-core {__version__}, {library} {version}")


def _plugins(registry: Registry) -> list[Finding]:
    failed = [problem("plugin", str(error), _mended(error.distribution)) for error in registry.failures.values()]
    if not registry and not failed:
        return [problem("plugin", "none is installed", f"{how_to_install('flowise')}, for example")]
    return [*failed, *(fine("plugin", f"{name}{_origin(name)}") for name in registry)]


def _mended(distribution: str) -> str:
    return f"install a version of {distribution} that fits agentbridge-core {__version__}, or uninstall it"


def _origin(name: str) -> str:
    """The distribution that brings a provider of this name, as far as its entry point says so."""
    points = importlib.metadata.entry_points(group=GROUP, name=name)
    found = [point.dist for point in points if point.dist is not None]
    return f" from {found[0].name} {found[0].version}" if found else ""


def about_configuration(directory: Directory, environ: Mapping[str, str]) -> list[Finding]:
    """Which file is read, which proxies the environment names, and that there is a connection at all."""
    because = f" (named by ${CONFIG_VARIABLE})" if environ.get(CONFIG_VARIABLE) == directory.where else ""
    read = "no file is read" if directory.where == NO_FILE else f"read from {directory.where}{because}"
    found = [fine("configuration", read)]
    if not any(True for _ in directory.connections):
        remedy = "set $FLOWISE_BASE_URL or $FLUXPROMPT_API_KEY, for example, or write [connections.NAME]"
        found.append(warning("configuration", "there is no connection", remedy))
    proxies = sorted({name.upper() for name in environ if name.upper() in _PROXIES and environ[name]})
    return [*found, *([fine("proxy", f"the environment says {', '.join(proxies)}")] if proxies else [])]


def about_variables(name: str, connection: Connection, environ: Mapping[str, str]) -> list[Finding]:
    """Which of a connection's two variables are taken, and which are overridden by the configuration."""
    values = {variable(name, "BASE_URL"): connection.base_url, variable(name, "API_KEY"): connection.api_key}
    there = {asked: environ[asked] == value for asked, value in values.items() if environ.get(asked)}
    taken = [f"${asked}" for asked, is_taken in there.items() if is_taken]
    ignored = [f"${asked}" for asked, is_taken in there.items() if not is_taken]
    found = [fine("variables", f"taken: {', '.join(taken)}")] if taken else []
    if ignored:
        said = f"{', '.join(ignored)} is set, and not taken: the configuration says something else"
        found.append(warning("variables", said, "unset it, or take it out of the configuration"))
    return found
