"""``kos restore``: a backup into a database that has nothing of it. Exit 3, and nothing done, if that cannot be."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.backup.restore import restore as restore_file
from app.cli.backup import listed
from app.cli.database import load_settings, progress_of, run


def restore(
    file: Annotated[Path, typer.Argument(help="What kos backup has written.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was restored as JSON.")] = False,
) -> None:
    """Bring a backup into a database that has nothing of it, and prove it before it is there."""
    url = load_settings().database_url
    with progress_of("restore", as_json) as told:
        restored = run(lambda: restore_file(url, file, told))
    if as_json:
        typer.echo(orjson.dumps({"file": str(file), **restored}).decode())
        return
    typer.echo(listed(restored))
    typer.echo(f"That was restored from {file}, made at {restored['made_at']}, and is proven.")
