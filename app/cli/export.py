"""``kos export``: an event's ledger as a file."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.audit.export import export_csv
from app.cli.database import opened_store, run


class Format(StrEnum):
    """What can be exported."""

    CSV = "csv"


def export(
    event: Annotated[str, typer.Option(help="The event.")],
    file_format: Annotated[Format, typer.Option("--format", help="csv: one line per posting.")] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; standard output if left out.")
    ] = None,
) -> None:
    """Write an event's ledger to a file."""
    written = run(lambda: _export(event, output))
    typer.echo(f"{written} postings", err=True)


async def _export(event: str, output: Path | None) -> int:
    async with opened_store() as store:
        if output is None:
            return await export_csv(store, event, sys.stdout)
        # Beside the file, which is replaced only once the export is whole.
        part = output.with_name(f"{output.name}.part")
        try:
            with part.open("w", newline="", encoding="utf-8") as out:
                written = await export_csv(store, event, out)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
        return written
