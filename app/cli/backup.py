"""``kos backup``: what the service stores, as one file. Exit 3, and no file, if it could not be done."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from app.backup.make import make_backup
from app.cli.database import CANNOT_RUN, load_settings, progress_of, run


def backup(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file; one of this name is replaced.")],
    event: Annotated[str, typer.Option(help="One event, without keys and without what signs tokens.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every event, and all keys, tokens and secrets.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is in it as JSON.")] = False,
) -> None:
    """Write an event or everything into a file, proven and whole; it is as secret as the database."""
    if bool(event) == everything:
        typer.echo("Say either --event EVENT or --all.", err=True)
        raise typer.Exit(CANNOT_RUN)
    url = load_settings().database_url
    with progress_of("backup", as_json) as told:
        made = run(lambda: make_backup(url, output, event, told))
    size = output.stat().st_size
    if as_json:
        typer.echo(orjson.dumps({"file": str(output), "bytes": size, **made}).decode())
        return
    typer.echo(listed(made))
    typer.echo(f"{output} holds that, proven, in {size} bytes. Guard it as the database itself.")


def listed(content: dict[str, Any]) -> str:
    """What is in a backup, for a person."""
    events = [f"{each['event']}: {each['position']} entries, head {each['hash']}" for each in content["events"]]
    rows = [f"{count} rows of {table}" for table, count in content["rows"].items() if count]
    return "\n".join([*events, ", ".join(rows) or "no other rows"])
