"""`agentbridge new-plugin`: the start of a plugin for another vendor."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from ..installing import WITH_CORE
from .failures import verbose_option


@click.command("new-plugin")
@click.argument("name")
@click.option("--dir", "folder", metavar="DIR", help="Where it is written; agentbridge-NAME unless given.")
@verbose_option
def new_plugin_command(name: str, folder: str | None) -> None:
    """Write the start of a plugin for the vendor NAME: a distribution that installs, with a contract test that fails
    until the facts of the vendor's page are filled in. Nothing is overwritten.

    \b
    Examples:
      agentbridge new-plugin my-vendor
      agentbridge new-plugin "Acme Cloud" --dir plugins/acme-cloud
    """  # noqa: D301 (click)
    from .. import scaffold
    from ..plugins import Registry

    names = scaffold.names_of(name, Registry().names)
    texts = scaffold.files(names)
    place = Path(folder or names.distribution)
    write(place, texts)
    missing = sum(text.count(scaffold.MARK) for path, text in texts.items() if path.startswith("src/"))
    click.echo(f"{place} is the start of a plugin for {names.title}. {missing} lines wait for a fact of the vendor's.")
    click.echo("README.md there has the questions to answer. Next:\n")
    for command, why in _next(place, names.provider):
        click.echo(f"  {command:<32} {why}".rstrip())


def write(place: Path, texts: Mapping[str, str]) -> None:
    """Write the files into this folder, which is made where it is not there.

    Raises:
        ConfigurationError: something is there already, or it cannot be written.
    """
    from ..errors import ConfigurationError

    try:
        if place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise ConfigurationError(
                f"{place} is there already, and is not overwritten. Choose another folder with --dir"
            )
        for path, text in texts.items():
            file = place / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or place} cannot be written: {error.strerror}. Choose another folder with --dir"
        ) from None


def _next(place: Path, provider: str) -> list[tuple[str, str]]:
    return [
        (f"cd {shlex.quote(str(place))}", ""),
        (WITH_CORE, " agentbridge-core, from its checkout: no index has it yet"),
        ("pytest tests/test_facts.py", "which facts are missing, and where each goes"),
        ("pytest -x --tb=line", "the contract: what is missing or wrong, one thing at a time"),
        ("agentbridge emulate", f"a stand-in, for: agentbridge invoke {provider}:ok hello"),
    ]
