"""``kos export``: an event's ledger, or its whole journal as a signed package, as a file."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from app.access import Access
from app.audit.checkpoints import PURPOSE, Checkpoints
from app.audit.export import export_csv
from app.audit.package import package
from app.audit.signing import SigningKey
from app.cli.database import load_settings, opened_store, run
from app.database import create_engine
from app.journal.store import Store


class Format(StrEnum):
    """What can be exported."""

    CSV = "csv"
    PACKAGE = "package"


def export(
    event: Annotated[str, typer.Option(help="The event.")],
    file_format: Annotated[
        Format, typer.Option("--format", help="csv: one line per posting; package: everything, signed, to recount.")
    ] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; standard output if left out.")
    ] = None,
) -> None:
    """Write an event's ledger, or its whole journal as a signed package, to a file."""
    written = run(lambda: _export(event, file_format, output))
    typer.echo(f"{written} {'postings' if file_format is Format.CSV else 'lines'}", err=True)


async def _export(event: str, file_format: Format, output: Path | None) -> int:
    async with opened_store() as store:
        if output is None:
            return await _write(store, event, file_format, sys.stdout)
        # Beside the file, which is replaced only once the export is whole.
        part = output.with_name(f"{output.name}.part")
        try:
            with part.open("w", newline="", encoding="utf-8") as out:
                written = await _write(store, event, file_format, out)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
        return written


async def _write(store: Store, event: str, file_format: Format, out: IO[str]) -> int:
    if file_format is Format.CSV:
        return await export_csv(store, event, out)
    written = 0
    async with _checkpoints() as checkpoints:
        async for piece in package(store, checkpoints, event):
            out.write(piece.decode())
            written += piece.count(b"\n")
    return written


@asynccontextmanager
async def _checkpoints() -> AsyncIterator[Checkpoints]:
    """The installation's, signed with the key that its servers have."""
    settings = load_settings(is_first=False)
    engine = create_engine(settings.database_url)
    try:
        signing_key = settings.signing_key.get_secret_value()
        access = Access(engine, "", signing_key, settings.revocation_seconds_max)
        await access.start()
        yield Checkpoints(engine, SigningKey(access.secret_for(PURPOSE)))
    finally:
        await engine.dispose()
