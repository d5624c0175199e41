"""`agentbridge migrate import`: what was recorded, as samples."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .failures import verbose_option
from .options import config_option, json_option
from .output import note, say_json

if TYPE_CHECKING:
    from ..base import BridgeBase
    from ..migrate import Imported, Sample

_KINDS = {".har": "har", ".csv": "csv", ".yaml": "cassettes", ".yml": "cassettes"}
_SHOWN = 20  # reasons why something was skipped


def _columns(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    columns = {}
    for one in given:
        column, equals, field = one.rpartition("=")
        if not equals or not column or not field:
            raise click.BadParameter(f"{one!r} is not COLUMN=FIELD.")
        columns[column] = field
    return columns


@click.command("import")
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(dir_okay=False), metavar="FILE", help="Takes the samples.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["curl", "har", "cassettes", "csv"]),
    help="Of the sources [default: by name].",
)
@click.option("--target", metavar="TARGET", help="Who was called: for CSV, and JSON bodies without an address.")
@click.option(
    "--column", "columns", multiple=True, metavar="COLUMN=FIELD", callback=_columns,
    help="For CSV: what a column holds, text, session_id, answer, inputs.NAME ...",
)  # fmt: skip
@config_option
@json_option
@verbose_option
@click.pass_context
def import_command(
    ctx: click.Context, /, sources: tuple[str, ...], out: str, config: str | None, *, as_json: bool, **given: Any
) -> None:
    """Read the calls in SOURCES and write them as samples. "-" is stdin, a folder is one of cassettes.

    A recorded URL belongs to the connection whose base URL is at its host. What cannot be read is named, with the
    reason. Nothing is sent, and no key is kept.

    \b
    Examples:
      agentbridge migrate import calls.sh --out samples.jsonl
      agentbridge migrate import browser.har cassettes/ --out samples.jsonl
      agentbridge migrate import body.json --target fluxprompt:a176fb62 --out samples.jsonl
      agentbridge migrate import log.csv --target support@fluxprompt --column Question=text --column Ticket=session_id --out s.jsonl

    Exits with 1 where nothing could be imported; FILE is as it was then.
    """  # noqa: D301 (click)
    from ..bridge import Bridge
    from ..migrate.outputs import check_outputs

    check_outputs([out], sources)
    with Bridge(config) as bridge:
        imports = [_imported(source, bridge, **given) for source in sources]
        count = _written(out, _each(imports))
    skipped = [one for imported in imports for one in imported.skipped]
    if as_json:
        said = [{"place": one.place, "reason": one.reason} for one in skipped]
        say_json({"samples": count, "skipped": said})
    else:
        note(f"samples in {out}: {count:,}, skipped: {len(skipped):,}" if count else f"no sample; {out} is not written")
        for line in _reasons([(one.place, one.reason) for one in skipped]):
            note(line)
    ctx.exit(0 if count else 1)


def _written(out: str, samples: Iterator[Sample]) -> int:
    """Write the samples, if there are any: nothing is no reason to empty a file."""
    from ..migrate import write_samples

    first = next(samples, None)
    return 0 if first is None else write_samples(out, itertools.chain([first], samples))


def _each(imports: list[Imported]) -> Iterator[Sample]:
    for imported in imports:
        yield from imported


def _imported(
    source: str, bridge: BridgeBase, kind: str | None, target: str | None, columns: dict[str, str]
) -> Imported:
    from ..migrate import from_cassettes, from_csv, from_curl, from_har

    kind = kind or ("cassettes" if Path(source).is_dir() else _KINDS.get(Path(source).suffix.lower(), "curl"))
    if kind == "har":
        return from_har(source, bridge)
    if kind == "cassettes":
        return from_cassettes(source, bridge)
    if kind == "csv":
        return from_csv(source, columns, target=target)
    return from_curl(_stdin() if source == "-" else Path(source), bridge, target=target)


def _stdin() -> str:
    from ..errors import ConfigurationError

    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except ValueError as error:
        raise ConfigurationError(f"stdin cannot be read as text: {error}") from None


def _reasons(skipped: list[tuple[str, str]]) -> Iterator[str]:
    """Each reason once, with the first place."""
    places: dict[str, list[str]] = {}
    for place, reason in skipped:
        places.setdefault(reason, []).append(place)
    for reason, found in list(places.items())[:_SHOWN]:
        more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        yield f"skipped {found[0]}{more}: {reason}"
    if len(places) > _SHOWN:
        yield f"... and {len(places) - _SHOWN:,} more reasons; --json has all"
