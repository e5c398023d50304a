"""``kos export``: an event's ledger as a file."""

import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import typer

from app.audit.beancount import export_beancount
from app.audit.export import LISTS, export_csv
from app.cli.database import opened_store, run
from app.journal.store import Store


class Format(StrEnum):
    """What can be exported."""

    CSV = "csv"
    BEANCOUNT = "beancount"


# The names of the lists, as the options of a command want them.
List = StrEnum("List", {name.upper(): name for name in LISTS})  # type: ignore[misc]

# Writes one event into a file; returns how many rows or transactions it wrote.
Export = Callable[[Store, str, TextIO], Awaitable[int]]


def export(
    event: Annotated[str, typer.Option(help="The event.")],
    file_format: Annotated[
        Format, typer.Option("--format", help="csv: one of the lists; beancount: the whole ledger.")
    ] = Format.CSV,
    csv_list: Annotated[List | None, typer.Option("--list", help="Which list of a CSV; postings if left out.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; standard output if left out.")
    ] = None,
) -> None:
    """Write an event's ledger to a file."""
    name = str(csv_list or "postings")
    write: Export = partial(export_csv, name=name)
    if file_format == Format.BEANCOUNT:
        if csv_list is not None:
            raise typer.BadParameter("a list is for --format csv; beancount is the whole ledger", param_hint="--list")
        name, write = "transactions", export_beancount
    written = run(lambda: _export(write, event, output))
    typer.echo(f"{written} {'rows' if name == 'boards' else name}", err=True)


async def _export(write: Export, event: str, output: Path | None) -> int:
    async with opened_store() as store:
        if output is None:
            return await write(store, event, sys.stdout)
        # Beside the file, which is replaced only once the export is whole.
        part = output.with_name(f"{output.name}.part")
        try:
            with part.open("w", newline="", encoding="utf-8") as out:
                written = await write(store, event, out)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
        return written
